//! What is in force for a service, and where each part of it is from.

use std::collections::BTreeMap;

use autoscaler::{
    policy_file::{Catalog, Resolved, Source},
    text::{Kind, TextErrors, render_all},
};

const WEB: &str =
    "service: shop/web\nreplicas: { min: 2, max: 10 }\nrules: [target: { signal: cpu, per_replica: 70% }]\n";
const DEFAULTS: &str = "defaults: shop/*\nreplicas: { max: 30 }\nguards: { down: { cooldown: 10m, stabilize: 20m } }\n";

#[test]
fn the_higher_layer_wins_key_by_key() {
    let policy = format!("{WEB}guards: {{ down: {{ cooldown: 2m }} }}\n");
    let catalog = catalog(&[("a.yaml", DEFAULTS), ("b.yaml", &policy)], &[("BALLAST_POLICY__REPLICAS__MAX", "15")]);
    let resolved = resolve(&catalog, "shop", "web", &[("ballast.min", "1"), ("ballast.mode", "observe")]);
    for (path, value, origin) in [
        ("replicas.min", "2", "b.yaml:2:18"),
        ("replicas.max", "15", "BALLAST_POLICY__REPLICAS__MAX"),
        ("mode", "observe", "label ballast.mode"),
        ("rules.1.target.signal", "cpu", "b.yaml:3:27"),
        ("rules.1.target.window", "15s", "default"),
        ("guards.down.cooldown", "2m", "b.yaml:4:29"),
        ("guards.down.stabilize", "20m", "a.yaml:3:45"),
        ("guards.up.stabilize", "0s", "default"),
    ] {
        let setting = resolved.settings.iter().find(|setting| setting.path == path);
        let setting = setting.unwrap_or_else(|| panic!("{path} is in {:#?}", resolved.settings));
        assert_eq!((setting.value.as_str(), setting.origin.to_string().as_str()), (value, origin), "{path}");
    }
    assert_eq!(resolved.policy.limits.max, 15);
}

#[test]
fn later_defaults_win_and_others_do_not_count() {
    let other = "defaults: \"*/web\"\nguards: { down: { cooldown: 7m } }\n---\ndefaults: bank/*\nguards: { down: { cooldown: 8m } }\n";
    let catalog = catalog(&[("a.yaml", DEFAULTS), ("b.yaml", other), ("c.yaml", WEB)], &[]);
    let resolved = resolve(&catalog, "shop", "web", &[]);
    assert_eq!(resolved.policy.guards.down.cooldown.as_secs(), 420);
    assert_eq!(resolved.policy.guards.down.stabilize.as_secs(), 1200);
}

#[test]
fn a_variable_for_one_service_wins_over_one_for_all() {
    let variables = [("BALLAST_POLICY__MY_SHOP__WEB_1__REPLICAS__MAX", "12"), ("ballast_policy__replicas__max", "11")];
    let policy = WEB.replace("shop/web", "\"*/*\"");
    let catalog = catalog(&[("a.yaml", &policy)], &variables);
    for (project, service, max) in [("my-shop", "web.1", 12), ("shop", "web", 11)] {
        assert_eq!(resolve(&catalog, project, service, &[]).policy.limits.max, max, "{project}/{service}");
    }
}

#[test]
fn labels_alone_are_a_policy_if_they_say_max() {
    let catalog = catalog(&[], &[]);
    let labels = [("ballast.max", "8"), ("ballast.min", "2"), ("ballast.cpu", "70%"), ("ballast.memory", "80%")];
    let resolved = resolve(&catalog, "shop", "web", &labels);
    assert_eq!(resolved.policy.rules.len(), 3);
    assert_eq!(resolved.policy.services.to_string(), "shop/web");
    assert!(catalog.resolve("host-1", "shop", "web", &map(&labels[1..])).is_none());
}

#[test]
fn a_label_can_say_a_queue_and_any_other_setting() {
    let labels = [
        ("ballast.max", "8"),
        ("ballast.min", "1"),
        ("ballast.idle", "0"),
        ("ballast.queue", "JOBS/workers 20"),
        ("ballast.guards.down.at_most", "[1 per 1m, 10% per 1m]"),
    ];
    let resolved = resolve(&catalog(&[], &[]), "shop", "web", &labels);
    let said: Vec<String> = resolved
        .settings
        .iter()
        .filter(|setting| setting.origin.to_string().starts_with("label"))
        .map(|setting| format!("{}: {} ({})", setting.path, setting.value, setting.origin))
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn containers_without_a_limit_can_be_warned_of() {
    let catalog = catalog(&[("a.yaml", WEB)], &[]);
    let resolved = resolve(&catalog, "shop", "web", &[]);
    assert_eq!(render_all(&resolved.warnings), "");
    let without_limits: Vec<_> = resolved.without_limits.into_iter().map(|(_, warning)| warning).collect();
    insta::assert_snapshot!(render_all(&without_limits));
}

#[test]
fn a_base_of_a_lower_layer_stays_under_the_guards_of_a_higher_one() {
    let policy = format!("{WEB}guards: {{ down: {{ cooldown: 2m }} }}\n");
    let catalog = catalog(&[("a.yaml", "defaults: shop/*\nguards: none\n"), ("b.yaml", &policy)], &[]);
    let resolved = resolve(&catalog, "shop", "web", &[]);
    assert_eq!(resolved.policy.guards.down.cooldown.as_secs(), 120);
    assert!(resolved.policy.guards.kill_budget.is_none() && resolved.policy.guards.warm_up.is_zero());
    let origin =
        resolved.settings.iter().find(|setting| setting.path == "guards.warm_up").map(|s| s.origin.to_string());
    assert_eq!(origin.as_deref(), Some("guards.base: none"));
}

#[test]
fn what_is_one_value_is_replaced_and_what_has_names_is_merged() {
    let defaults = "defaults: shop/*\nsignals: { a: published, b: published }\n";
    for (below, above, expected) in [
        ("{ default: max, a: hold }", "{ last_good: 2m }", "guards.missing.last_good: 2m, guards.missing.then: hold"),
        ("{ after: 1m, then: max }", "{ a: max }", "guards.missing.a: max"),
        (
            "{ default: max, a: hold }",
            "{ a: max, b: max }",
            "guards.missing.default: max, guards.missing.a: max, guards.missing.b: max",
        ),
        (
            "max",
            "{ after: 1m, then: { at_least: 2 } }",
            "guards.missing.last_good: 0s, guards.missing.after: 1m, guards.missing.then.at_least: 2",
        ),
    ] {
        let policy = format!("{WEB}guards: {{ missing: {above} }}\n");
        let defaults = format!("{defaults}guards: {{ missing: {below} }}\n");
        let resolved = resolve(&catalog(&[("a.yaml", &defaults), ("b.yaml", &policy)], &[]), "shop", "web", &[]);
        let said = resolved.settings.iter().filter(|setting| setting.path.starts_with("guards.missing"));
        let said: Vec<String> = said.map(|setting| format!("{}: {}", setting.path, setting.value)).collect();
        assert_eq!(said.join(", "), expected, "{above} over {below}");
    }
}

#[test]
fn an_error_in_a_layer_names_it() {
    let catalog = catalog(&[], &[]);
    let labels =
        [("ballast.max", "8x"), ("ballast.min", "2"), ("ballast.cpu", "170%"), ("ballast.guards.warm_up", "5")];
    let errors = errors(&catalog, &labels);
    insta::assert_snapshot!(errors);
}

#[test]
fn a_label_that_nobody_knows_is_a_warning() {
    let catalog = catalog(&[("a.yaml", WEB)], &[]);
    let resolved =
        resolve(&catalog, "shop", "web", &[("ballast.mx", "8"), ("ballast.managed", "true"), ("other", "x")]);
    insta::assert_snapshot!(render_all(&resolved.warnings));
}

#[test]
fn what_a_variable_says_wrong_is_told_once_and_left_out() {
    let sources = vec![
        Source::file("a.yaml", WEB),
        Source::environment(
            [
                ("BALLAST_POLICY__REPLICAS__MAX", "many"),
                ("BALLAST_POLICY__REPLICS__MAX", "3"),
                ("BALLAST_POLICY__GUARDS__UP__COOLDWN", "30s"),
                ("BALLAST_POLICY__SHOP__WEB__GUARDS__DOWN__STABILISE", "30s"),
                ("PATH", "/bin"),
            ]
            .map(|(name, text)| (name.to_owned(), text.to_owned())),
        ),
    ];
    let (catalog, found) = Catalog::read(sources);
    insta::assert_snapshot!(render_all(&found));
    assert_eq!(resolve(&catalog, "shop", "web", &[]).policy.limits.max, 10);
}

#[test]
fn a_file_with_an_error_is_left_out_and_the_others_stay() {
    let sources = vec![Source::file("a.yaml", WEB), Source::file("b.yaml", WEB.replace("min: 2", "min: two"))];
    let (catalog, found) = Catalog::read(sources);
    assert_eq!(
        found.iter().map(|error| (error.origin.as_str(), error.kind)).collect::<Vec<_>>(),
        [("b.yaml", Kind::BadValue)]
    );
    assert_eq!(catalog.selectors().count(), 1);
}

#[test]
fn of_two_policies_the_first_is_in_force_and_the_other_is_named() {
    let (catalog, found) = Catalog::read(vec![
        Source::file("a.yaml", WEB),
        Source::file("b.yaml", WEB.replace("max: 10", "max: 11")),
        Source::file("c.yaml", WEB.replace("shop/web", "\"shop/*\"")),
        Source::file("d.yaml", WEB.replace("shop/web", "shop/api")),
    ]);
    let told: Vec<_> = found.iter().map(|finding| (finding.kind, finding.to_string())).collect();
    let expected = [
        "b.yaml:1:10: `shop/web` has a policy before this one, at a.yaml:1:10",
        "d.yaml:1:10: every service that `shop/api` names is named by `shop/*` before it, at c.yaml:1:10",
    ];
    assert_eq!(told, expected.map(|text| (Kind::Overruled, text.to_owned())));
    let each = catalog.resolve_each().into_iter().map(|(_, resolved)| resolved.map(|resolved| resolved.warnings));
    let told: Vec<String> = each.flat_map(Result::unwrap_or_default).map(|finding| finding.to_string()).collect();
    assert_eq!(told, expected);
    let resolved = resolve(&catalog, "shop", "web", &[]);
    assert_eq!(resolved.policy.limits.max, 10);
    assert_eq!(resolved.overruled.iter().map(ToString::to_string).collect::<Vec<_>>(), ["b.yaml:1:10", "c.yaml:1:10"]);
}

#[test]
fn a_budget_has_one_total_in_all_files() {
    let budget = |service: &str, total: u32| {
        let policy = WEB.replace("shop/web", service);
        format!("{policy}guards: {{ budgets: [{{ name: db, total: {total}, per_replica: 1 }}] }}\n")
    };
    let sources = [("a.yaml", "shop/web", 100), ("b.yaml", "shop/api", 100), ("c.yaml", "shop/jobs", 200)];
    let sources = sources.map(|(file, service, total)| Source::file(file, budget(service, total)));
    let (_, found) = Catalog::read(sources.into());
    let told: Vec<_> = found.iter().map(|finding| (finding.kind, finding.to_string())).collect();
    let expected = "c.yaml:4:40: the budget `db` has a total of 200 here, and of 100 at a.yaml:4:40";
    assert_eq!(told, [(Kind::BudgetsDiffer, expected.to_owned())]);
}

#[test]
fn what_no_layer_gives_is_an_error_of_the_service_only() {
    let catalog =
        catalog(&[("a.yaml", "service: shop/web\nrules: [target: { signal: cpu, per_replica: 70% }]\n")], &[]);
    assert!(errors(&catalog, &[]).contains("`replicas` is missing"));
    assert_eq!(resolve(&catalog, "shop", "web", &[("ballast.min", "1"), ("ballast.max", "3")]).policy.limits.max, 3);
}

fn catalog(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Catalog {
    let mut sources: Vec<Source> = files.iter().map(|(origin, text)| Source::file(*origin, *text)).collect();
    sources.push(Source::environment(map(variables)));
    let (catalog, found) = Catalog::read(sources);
    assert_eq!(render_all(&found), "");
    catalog
}

fn resolve(catalog: &Catalog, project: &str, service: &str, labels: &[(&str, &str)]) -> Resolved {
    let resolved = catalog.resolve("host-1", project, service, &map(labels)).expect("a policy names it");
    resolved.unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(catalog: &Catalog, labels: &[(&str, &str)]) -> String {
    let resolved = catalog.resolve("host-1", "shop", "web", &map(labels)).expect("a policy names it");
    let TextErrors(errors) = resolved.expect_err("it has errors");
    render_all(&errors)
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
