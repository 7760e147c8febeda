//! What differs, in words.

use autoscaler::{
    policy_file::{Catalog, Resolved, Source, diff},
    text::render_all,
};

const OLD: &str = "
service: shop/web
replicas: { min: 2, max: 10 }
signals:
  requests: { prometheus: http_requests_total, read: rate }
rules:
  - target: { signal: cpu, per_replica: 70% }
  - threshold: { signal: cpu, above: 80%, for: 1m, add: 1 }
  - threshold: { signal: memory, above: 80%, add: 1 }
  - name: peak
    schedule: { daily: \"08:00-18:00\", replicas: { min: 6 } }
  - target: { signal: requests, per_replica: 100/s }
guards: { down: { cooldown: 5m } }
";

#[test]
fn changes_read_so() {
    let new = "
service: shop/web
replicas: { min: 2, max: 20 }
mode: observe
signals:
  requests: { prometheus: http_requests_total, read: rate, port: 8080 }
rules:
  - threshold: { signal: cpu, above: 75%, for: 60s, add: 50% }
  - target: { signal: cpu, per_replica: 70%, window: 30s }
  - name: peak
    schedule: { daily: \"07:00-18:00\", replicas: { min: 6, max: 9 } }
  - queue: { signal: depth, per_replica: 20 }
  - all:
      - target: { signal: requests, per_replica: 100/s }
guards: { down: { cooldown: 300s }, up: { at_most: [4 per 15s] }, crash_loop: off }
";
    let new = new.replace("  requests:", "  depth: published\n  requests:");
    let lines: Vec<String> = diff(&resolve(OLD), &resolve(&new)).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_same_policy_has_no_changes_however_it_is_written() {
    let other =
        OLD.replace("5m", "300s").replace("{ min: 2, max: 10 }", "{ max: 10, min: 2 }").replace("for: 1m", "for: 60s");
    assert_eq!(diff(&resolve(OLD), &resolve(&other)), []);
}

#[test]
fn the_order_of_rules_is_told_where_it_decides() {
    let [cpu, memory, night, evening] = [
        "threshold: { signal: cpu, above: 80%, for: 1m, add: 1 }",
        "threshold: { signal: memory, above: 80%, for: 1m, add: 1 }",
        "schedule: { daily: \"22:00-06:00\", replicas: 2 }",
        "schedule: { daily: \"20:00-24:00\", replicas: 4 }",
    ];
    let swapped = "rule order: 1 threshold cpu, 2 threshold memory → 2 threshold memory, 1 threshold cpu";
    for (name, combine, before, after, expected) in [
        ("first", "first", [cpu, memory], [memory, cpu], Some(swapped)),
        ("largest", "largest", [cpu, memory], [memory, cpu], None),
        ("all", "all", [cpu, memory], [memory, cpu], None),
        ("a schedule has no turn", "first", [cpu, night], [night, cpu], None),
        (
            "the last schedule wins",
            "largest",
            [night, evening],
            [evening, night],
            Some(
                "rule order: 1 schedule 22:00-06:00, 2 schedule 20:00-24:00 → 2 schedule 20:00-24:00, 1 schedule 22:00-06:00",
            ),
        ),
    ] {
        let policy = |rules: [&str; 2]| {
            resolve(&format!(
                "service: shop/web\nreplicas: {{ min: 1, max: 9 }}\ncombine: {combine}\nrules:\n  - {}\n  - {}\n",
                rules[0], rules[1]
            ))
        };
        let told: Vec<String> = diff(&policy(before), &policy(after)).iter().map(ToString::to_string).collect();
        assert_eq!(told, Vec::from_iter(expected.map(str::to_owned)), "{name}");
    }
}

#[test]
fn the_order_within_a_group_of_which_the_first_decides_is_told() {
    let group = |how: &str, rules: [&str; 2]| {
        let [one, other] =
            rules.map(|signal| format!("threshold: {{ signal: {signal}, above: 80%, for: 1m, add: 1 }}"));
        resolve(&format!(
            "service: shop/web\nreplicas: {{ min: 1, max: 9 }}\nrules:\n  - {how}:\n      - {one}\n      - {other}\n"
        ))
    };
    let told = |how| {
        let changes = diff(&group(how, ["cpu", "memory"]), &group(how, ["memory", "cpu"]));
        changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let expected =
        "1.first.1 threshold cpu, 1.first.2 threshold memory → 1.first.2 threshold memory, 1.first.1 threshold cpu";
    assert_eq!(told("first"), format!("rule order: {expected}"));
    assert_eq!(told("any"), "");
}

fn resolve(text: &str) -> Resolved {
    let (catalog, found) = Catalog::read(vec![Source::file("web.yaml", text)]);
    assert_eq!(render_all(&found), "");
    let (_, resolved) = catalog.resolve_each().into_iter().next().expect("a policy");
    resolved.unwrap_or_else(|errors| panic!("{errors}"))
}
