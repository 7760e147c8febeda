//! `ballast decide`: what it reads, what it prints, how it ends.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::{Value, json};

const POLICIES: &str = "policies:
  - { service: shop/web, replicas: { min: 1, max: 20 }, signals: { jobs: published }, rules: [{ queue: { signal: jobs, per_replica: 10 } }], guards: none }
  - { service: shop/api-*, replicas: { min: 1, max: 5 }, signals: { jobs: published }, rules: [{ queue: { signal: jobs, per_replica: 10 }, name: backlog }], guards: none }
";

#[test]
fn one_state_is_one_decision_and_a_list_is_a_list() {
    let dir = Folder::new(POLICIES);
    let one = dir.answer(r#"{ "service": "shop/web", "replicas": 3, "signals": { "jobs": 80 } }"#, &[]);
    let parts = |answer: &Value| {
        json!([answer["service"], answer["verdict"], answer["from"], answer["to"], answer["replicas"]])
    };
    assert_eq!(parts(&one), json!(["shop/web", "up", 3, 8, 8]));
    assert_eq!(one["rules"][0]["wants"], 8);
    let list = dir.answer(
        r#"[{ "replicas": 3, "signals": { "jobs": 80 } }, { "signals": { "jobs": 20 } }, { "signals": { "jobs": 20 } }]"#,
        &["--service", "web"],
    );
    let list: Vec<_> = list.as_array().expect("a list").iter().map(parts).collect();
    let expected = [json!(["web", "up", 3, 8, 8]), json!(["web", "down", 8, 2, 2]), json!(["web", "hold", 2, 2, 2])];
    assert_eq!(list, expected);
}

#[test]
fn a_rule_says_what_it_wants_whatever_guards_make_of_it() {
    let dir = Folder::new(POLICIES);
    let answer = dir.answer(r#"{ "replicas": 3, "signals": { "jobs": 80 } }"#, &["--service", "shop/api-2"]);
    assert_eq!((&answer["rules"][0]["wants"], &answer["replicas"]), (&json!(8), &json!(5)));
    assert_eq!(answer["rules"][0]["name"], "backlog");
    assert_eq!(answer["guards"][0]["guard"], "max");
    assert_eq!((&answer["guards"][0]["from"], &answer["guards"][0]["to"]), (&json!(8), &json!(5)));
    assert_eq!(answer["evaluation"]["verdict"], json!({ "scale": { "from": 3, "to": 5 } }));
    let blind = dir.answer(r#"{ "replicas": 3 }"#, &["--service", "web"]);
    assert_eq!((&blind["rules"][0]["opinion"], &blind["verdict"]), (&json!("unknown"), &json!("hold")));
}

#[test]
fn what_is_wrong_with_either_file_comes_at_once_and_nothing_is_decided() {
    let dir = Folder::new(&POLICIES.replace("per_replica", "per_replca"));
    let output = dir.decide(r#"{ "replicas": 3, "signal": { "jobs": 80 } }"#, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("policy.yaml:2:") && said.contains("did you mean `per_replica`?"), "{said}");
    assert!(said.contains("standard input:1:18") && said.contains("did you mean `signals`?"), "{said}");
}

#[test]
fn a_policy_that_nobody_can_choose_and_a_wrong_command_line_say_so() {
    let dir = Folder::new(POLICIES);
    for (name, args, code, expected) in [
        ("which of two", &[][..], 1, "name the service with --service"),
        ("none of them", &["--service", "shop/db"], 1, "no policy names shop/db; there are: shop/web, shop/api-*"),
        ("both from standard input", &["--policy", "-"], 2, "only one of policy and state can be `-`"),
        ("a file that is not there", &["--policy", "absent.yaml"], 1, "absent.yaml"),
    ] {
        let output = dir.decide(r#"{ "replicas": 3 }"#, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        assert!(said.contains(expected) && output.stdout.is_empty(), "{name}: {said}");
    }
}

#[test]
fn the_same_question_has_the_same_answer() {
    let dir = Folder::new(POLICIES);
    let state = r#"{ "service": "shop/web", "replicas": [{ "count": 3, "samples": { "jobs": 9 } }] }"#;
    assert_eq!(dir.decide(state, &[]).stdout, dir.decide(state, &[]).stdout);
    let text = String::from_utf8(dir.decide(state, &["--format", "text"]).stdout).expect("it is UTF-8");
    assert!(text.starts_with("2026-01-01T00:00:00Z shop/web: hold at 3: "), "{text}");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(policy: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("policy.yaml"), policy).expect("write the policy");
        Self(dir)
    }

    fn decide(&self, state: &str, args: &[&str]) -> Output {
        let mut command = Command::cargo_bin("ballast").expect("ballast is built");
        command.arg("decide");
        if !args.contains(&"--policy") {
            command.args(["--policy", "policy.yaml"]);
        }
        command.args(["--state", "-"]).args(args).current_dir(self.0.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run ballast");
        // One that refuses its command line reads nothing.
        let _ = child.stdin.take().expect("standard input").write_all(state.as_bytes());
        child.wait_with_output().expect("it ends")
    }

    fn answer(&self, state: &str, args: &[&str]) -> Value {
        let output = self.decide(state, args);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("the answer is JSON")
    }
}
