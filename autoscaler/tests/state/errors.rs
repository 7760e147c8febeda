//! Everything that is wrong comes at once, with its place.

use autoscaler::{state::read, text::render};

#[test]
fn all_errors_come_at_once_with_their_place_what_is_allowed_and_the_nearest_spelling() {
    let text = r#"{
  "v": 2, "now": "yesterday", "fresh": "yes", "target": -1,
  "replicas": [{ "id": "a", "state": "runing", "ready_ago": "soon" }, { "id": "a", "ready": true, "unready_ago": 5 }],
  "sampels": { "cpu": 0.5 },
  "signals": { "a b": 1, "jobs": { "value": "many" }, "depth": { "value": 1, "idle": true }, "x": [{ "agp": 1 }] },
  "host": { "cores": -1 }, "phase": "chnging", "outcome": {},
  "recommendations": [{ "ago": "1m" }], "scale_events": [{ "ago": 1, "from": 2 }, { "ago": 1, "change": 0.5 }],
  "rules": [{ "breach_ago": 1, "panic_ago": 1 }], "peers": { "api": "ten" }, "budgets": []
}
"#;
    insta::assert_snapshot!(render(&read("state.json", text).expect_err("it is wrong")));
}

#[test]
fn each_text_that_is_no_state_says_what_helps() {
    for (name, text, place, expected) in [
        ("nothing", "", "1:1", "there is no state"),
        ("an empty list", "[]", "1:1", "the list has no state"),
        ("a number", "3", "1:1", "the state must be a map"),
        ("nothing to start from", "{}", "1:1", "`replicas` is missing"),
        ("no JSON", "{ \"replicas\": 3", "1:1", "this is not YAML"),
        ("a line that is wrong", "{\"replicas\": 1}\n{\"sampels\": 1}", "2:2", "unknown key `sampels`"),
        ("a line that is no JSON", "{\"replicas\": 1}\n{\"samples\": [}", "2:13", "this is not YAML"),
        ("time goes back", "[{ now: 5, replicas: 1 }, { now: 4 }]", "1:34", "is before that of the state before"),
        ("after nothing", "{ replicas: 1, after: 5 }", "1:23", "there is none before"),
        ("too many", "{ replicas: 10001 }", "1:13", "allowed: a whole number from 0 to 10000"),
    ] {
        let errors = read("s.json", text).expect_err(name);
        let said = errors.to_string();
        assert!(said.contains(&format!("s.json:{place}: ")) && said.contains(expected), "{name}: {said}");
    }
}
