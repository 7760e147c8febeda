//! One test for each trap of YAML and of texts from outside.

use std::fmt::Write as _;

use autoscaler::{
    policy::Policy,
    policy_file::{LONGEST_TEXT, MOST_POLICIES, parse},
    text::{Kind, TextError},
};

const RULES: &str = "replicas: { min: 1, max: 3 }\nrules: [target: { signal: cpu, per_replica: 70% }]\n";

#[test]
fn a_service_called_no_is_no_boolean() {
    for name in ["no", "on", "null", "1.0", "010", "0x1f", "1e3"] {
        let [policy] = policies(&format!("service: {name}/{name}\n{RULES}"));
        assert_eq!((policy.services.project.as_str(), policy.services.service.as_str()), (name, name));
    }
}

#[test]
fn a_file_without_a_policy_is_an_error_so_that_a_half_saved_one_drops_nothing() {
    for text in ["", "\n", "# service: shop/web\n", "---\n---\n", "null", "policies: []", "policies:"] {
        assert!(parse("web.yaml", text).is_err(), "{text:?}");
    }
}

#[test]
fn several_documents_are_several_policies() {
    let policies = policies::<2>(&format!("---\nservice: shop/web\n{RULES}---\nservice: shop/api\n{RULES}---\n"));
    assert_eq!(policies.map(|policy| policy.services.to_string()), ["shop/web", "shop/api"]);
}

#[test]
fn a_list_of_services_is_a_policy_for_each() {
    let policies = policies::<2>(&format!("service: [shop/web, host-1/shop/*]\n{RULES}"));
    assert_eq!(policies.clone().map(|policy| policy.services.to_string()), ["shop/web", "host-1/shop/*"]);
    assert_eq!(policies[0].rules, policies[1].rules);
}

#[test]
fn an_alias_repeats_a_value() {
    let text = "
policies:
  - service: shop/web
    replicas: &few { min: 1, max: 3 }
    rules: &rules [target: { signal: cpu, per_replica: 70% }]
  - { service: shop/api, replicas: *few, rules: *rules }
";
    let [web, api] = policies(text);
    assert_eq!((web.limits, web.rules), (api.limits, api.rules));
}

#[test]
fn an_alias_of_itself_ends() {
    assert_eq!(kinds(&errors("service: &a [*a]\n")), [Kind::Syntax]);
}

#[test]
fn a_thousand_million_laughs_are_not_counted_out() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let uses = vec![format!("*{one}"); 10].join(", ");
        writeln!(text, "{next}: &{next} [{uses}]").expect("a text takes more text");
    }
    assert!(kinds(&errors(&text)).contains(&Kind::TooMuch));
}

#[test]
fn deep_nesting_ends_with_an_error() {
    for (open, times) in [("[", 100_000), ("{a: ", 100_000), ("- ", 100_000), ("? ", 100_000)] {
        assert_eq!(kinds(&errors(&open.repeat(times))), [Kind::TooMuch], "{open}");
    }
    let mut text = "a0: &a0 [x]\n".to_owned();
    for depth in 1..40 {
        writeln!(text, "a{depth}: &a{depth} [*a{}]", depth - 1).expect("a text takes more text");
    }
    assert!(kinds(&errors(&text)).contains(&Kind::TooMuch), "through aliases");
}

#[test]
fn a_large_file_is_refused_and_the_largest_is_read_quickly() {
    let policy = format!("service: shop/web\n{RULES}");
    let comment = "#".repeat(LONGEST_TEXT - policy.len());
    assert!(parse("web.yaml", &format!("{policy}{comment}")).is_ok());
    assert_eq!(kinds(&errors(&format!("{policy}{comment}#"))), [Kind::TooMuch]);
}

#[test]
fn too_many_policies_signals_and_rules_are_refused() {
    let services = |count| (0..count).map(|n| format!("shop/s{n}")).collect::<Vec<_>>().join(", ");
    assert!(parse("web.yaml", &format!("service: [{}]\n{RULES}", services(MOST_POLICIES))).is_ok());
    assert_eq!(kinds(&errors(&format!("service: [{}]\n{RULES}", services(MOST_POLICIES + 1)))), [Kind::TooMuch]);

    let rules = "  - target: { signal: cpu, per_replica: 70% }\n".repeat(101);
    let text = format!("service: shop/web\nreplicas: {{ min: 1, max: 3 }}\nrules:\n{rules}");
    assert_eq!(kinds(&errors(&text)), [Kind::TooMuch]);

    let signals = (0..51).map(|n| format!("s{n}: published")).collect::<Vec<_>>().join(", ");
    assert_eq!(kinds(&errors(&format!("service: shop/web\n{RULES}signals: {{ {signals} }}"))), [Kind::TooMuch]);
}

#[test]
fn only_a_hundred_errors_are_kept_and_the_rest_is_counted() {
    let rules = "  - target: { signal: cpu, per_replica: 700% }\n".repeat(60);
    let policy = format!("---\nservice: shop/web\nreplicas: {{ min: 1, max: 3 }}\nrules:\n{rules}");
    let found = errors(&policy.repeat(3));
    assert_eq!(found.len(), 100);
    let last = found.last().and_then(|error| error.help.as_deref()).unwrap_or_default();
    assert!(last.contains("82 more"), "{last}");
}

#[test]
fn a_password_shows_in_no_error() {
    let text = "service: shop/web
replicas: { min: 1, max: 3, mx: 3 }
signals: { q: { jetstream: { stream: A B, consumer: c, server: 'nats://ballast:hun/t@er2@queue' } } }
rules: [target: { signal: q, per_replica: 20, windw: nats://ballast:hun/t@er2@queue }]
";
    let found = errors(text);
    assert!(found.len() >= 4);
    for error in found {
        assert!(!error.render().contains("hun") && !error.render().contains("er2"), "{}", error.render());
    }
}

#[test]
fn what_steers_a_terminal_shows_in_no_error() {
    let found = errors("service: \"shop/\\e[31mweb\\u202e\"\nmode: \"a\\nb\"\n");
    assert!(found.len() >= 2);
    for error in found {
        let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!error.render().contains(odd) && !error.message.contains('\n'), "{:?}", error.render());
    }
}

#[test]
fn columns_count_characters_and_lines_end_in_any_way() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("# ä{end}service: shop/web # ä{end}{{ ä{end}").replace('{', "ö: ");
        let text = format!("{text}mode: \"ä\"{end}");
        let found = errors(&text);
        let mode = found.iter().find(|error| error.message.starts_with("`mode`")).expect("`mode` is wrong");
        assert_eq!((mode.line, mode.column), (4, 7), "{end:?}");
        assert_eq!(mode.excerpt, "4 | mode: \"ä\"\n  |       ^^^", "{end:?}");
    }
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!("service: shop/web\nreplicas: {{ min: 1, max: 3 }}\nmode: {}x, rules: []\n", " ".repeat(5000));
    let found = errors(&text);
    for error in found {
        assert!(error.excerpt.lines().all(|line| line.chars().count() < 200), "{}", error.excerpt);
    }
}

#[test]
fn quotes_make_no_difference() {
    let plain = policies::<1>(&format!("service: shop/web\n{RULES}"));
    let quoted = "\"service\": 'shop/web'\n\"replicas\": { min: \"1\", \"max\": '3' }\n\
                  rules: [\"target\": { signal: \"cpu\", per_replica: \"70%\" }]\n";
    assert_eq!(policies(quoted), plain);
}

#[test]
fn json_is_read_too() {
    let text = r#"{"service": "shop/web", "replicas": {"min": 1, "max": 3},
                   "rules": [{"target": {"signal": "cpu", "per_replica": "70%"}}]}"#;
    assert_eq!(policies(text), policies::<1>(&format!("service: shop/web\n{RULES}")));
}

fn policies<const COUNT: usize>(text: &str) -> [Policy; COUNT] {
    let file = parse("web.yaml", text).unwrap_or_else(|errors| panic!("{errors}"));
    file.policies.try_into().expect("so many policies")
}

fn errors(text: &str) -> Vec<TextError> {
    parse("web.yaml", text).expect_err("the text has errors").0
}

fn kinds(errors: &[TextError]) -> Vec<Kind> {
    errors.iter().map(|error| error.kind).collect()
}
