//! `ballast test`, `ballast tune`, and `ballast replay` of a journal, as a user runs them.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;
use autoscaler::{
    Autoscaler, Event, Timestamp, Verdict,
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    explain,
    journal::{self, Decided, Entry, What},
    policy_file,
    quantity::SignalName,
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const POLICY: &str = "\
service: shop/web
replicas: { min: 1, max: 9 }
signals: { requests: published }
rules:
  - target: { signal: requests, per_replica: 10/s }
";
const CLOSED: &str = "\
scenario: 1
service: shop/web
lasts: 20m
seed: 3
replicas: { start: 2, min: 1, max: 9 }
policy: web.yaml
objective: { latency: { p95: 250ms } }
load:
  requests: { draw: [{ level: 15/s }, { step: { at: 5m, by: 45/s, for: 5m } }] }
  service: { takes: 50ms, cpu_limit: 1, start: { boot: 5s } }
expect:
  - changes: { most: 20 }
";
const OPEN: &str = "\
scenario: 1
service: shop/web
lasts: 10m
replicas: { start: 1, min: 1, max: 9 }
policy: web.yaml
signals:
  values:
    requests: { draw: [{ level: 8 }, { step: { at: 1m, by: 47, for: 2m } }] }
expect:
  - replicas: { most: 6 }
  - changes: { most: 9 }
  - replica_hours: { most: 1 }
";
const JOURNAL: &str = "\
scenario: 1
service: shop/web
begins: 2027-01-15T08:00:00Z
lasts: 3m
replicas: { start: 1, max: 9 }
signals: { journal: web.journal.csv }
expect:
  - replicas: { most: 6 }
";

fn folder(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, text) in [("web.yaml", POLICY)].iter().chain(files) {
        fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").args(args).output()?)
}

/// Exit code, and everything that it says.
fn shown(folder: &Path, args: &[&str]) -> Result<String> {
    let output = ballast(folder, args)?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(format!("exit code {:?}\n{out}----- stderr\n{err}", output.status.code()))
}

/// What a controller writes of three minutes in which load comes and goes.
fn recorded() -> Result<Vec<Entry>> {
    let policy = policy_file::parse("policy", POLICY).map_err(|errors| format!("{errors:?}"))?.policies.remove(0);
    let second = |second: u64| Timestamp::from_millis(1_800_000_000_000 + 1000 * second);
    let mut autoscaler = Autoscaler::new(policy);
    let mut entries = vec![Entry { at: second(0), what: What::Began(Box::new(autoscaler.snapshot())) }];
    for now in 0..180 {
        let count = autoscaler.memory().target().unwrap_or(1);
        let replicas = (0..count).map(|number| Replica {
            id: ReplicaId::new(format!("{number:064}")),
            ready_since: Some(second(0)),
            ..Replica::default()
        });
        let requests = if (30..90).contains(&now) { 55.0 } else { 8.0 };
        let sample = Sample {
            signal: SignalName::new("requests"),
            of: Subject::Service,
            at: second(now),
            reading: Reading::Value(requests),
        };
        let observation = Observation { replicas: replicas.collect(), ..Observation::default() };
        for event in [Event::Observed(observation), Event::Samples(vec![sample])] {
            autoscaler.handle_event(event.clone(), second(now));
            entries.push(Entry { at: second(now), what: What::Event(event) });
        }
        let evaluation = autoscaler.evaluate(second(now));
        autoscaler.record(&evaluation);
        let (number, verdict) = (evaluation.number, evaluation.verdict);
        entries.push(Entry { at: second(now), what: What::Looked { number } });
        if let Verdict::Scale { .. } = verdict {
            let decided = Decided { number, verdict, sentence: explain::sentence(&evaluation) };
            entries.push(Entry { at: second(now), what: What::Decided(decided) });
        }
    }
    Ok(entries)
}

#[test]
fn a_test_that_passes_says_so_and_one_that_fails_names_the_decision_and_its_reasons() -> Result {
    let tight = CLOSED.replace("most: 20", "most: 1");
    let folder = folder(&[("closed.yaml", CLOSED), ("tight.yaml", &tight)])?;
    insta::assert_snapshot!("test_passes", shown(folder.path(), &["test", "closed.yaml"])?);
    let both = ["test", "closed.yaml", "tight.yaml", "--junit", "junit.xml"];
    insta::assert_snapshot!("test_fails", shown(folder.path(), &both)?);
    insta::assert_snapshot!("test_junit", without_times(&fs::read_to_string(folder.path().join("junit.xml"))?));
    Ok(())
}

/// How long something took differs from run to run.
fn without_times(text: &str) -> String {
    let mut pieces = text.split(" time=\"");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once('"').map_or("", |(_, rest)| rest))
}

#[test]
fn every_scenario_that_ships_is_met_by_its_policy() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the repository")?;
    let output = ballast(root, &["test", "scenarios"])?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.ends_with("15 scenarios: 15 passed, 0 failed\n"), "{told}");
    Ok(())
}

#[test]
fn signals_that_are_played_back_are_held_to_what_is_expected() -> Result {
    let strict = OPEN.replace("replicas: { most: 6 }", "replicas: { most: 3 }");
    let folder = folder(&[("open.yaml", OPEN), ("strict.yaml", &strict), ("recorded.yaml", JOURNAL)])?;
    fs::write(folder.path().join("web.journal.csv"), journal::write(&recorded()?))?;
    insta::assert_snapshot!("test_open", shown(folder.path(), &["test", "open.yaml", "strict.yaml", "recorded.yaml"])?);
    Ok(())
}

#[test]
fn a_journal_is_replayed_to_the_same_decisions() -> Result {
    let folder = folder(&[("recorded.yaml", JOURNAL)])?;
    fs::write(folder.path().join("web.journal.csv"), journal::write(&recorded()?))?;
    insta::assert_snapshot!("replay_journal", shown(folder.path(), &["replay", "recorded.yaml"])?);
    for option in [&["--all"][..], &["--no-plan"], &["--dark"], &["--seeds", "1"]] {
        let refused = shown(folder.path(), &[&["replay", "recorded.yaml"], option].concat())?;
        assert!(refused.contains("needs a closed loop"), "{option:?}: {refused}");
    }
    Ok(())
}

#[test]
fn a_journal_that_cannot_be_played_is_told_by_check_replay_and_test() -> Result {
    let folder = folder(&[("recorded.yaml", JOURNAL)])?;
    let without: Vec<Entry> =
        recorded()?.into_iter().filter(|entry| !matches!(entry.what, What::Began(_))).take(20).collect();
    fs::write(folder.path().join("web.journal.csv"), journal::write(&without))?;
    for command in [&["scenario", "check"][..], &["replay"], &["test"]] {
        let told = shown(folder.path(), &[command, &["recorded.yaml"]].concat())?;
        assert!(told.starts_with("exit code Some(1)"), "{command:?}: {told}");
        assert!(told.contains("nothing can be played: the journal has no `@began`"), "{command:?}: {told}");
    }
    fs::write(folder.path().join("web.journal.csv"), "# ballast journal 1\nat_ms,what,of,value\nsoon,cpu,,0.5\n")?;
    let told = shown(folder.path(), &["scenario", "check", "recorded.yaml"])?;
    assert!(told.contains("web.journal.csv:3:1") && told.starts_with("exit code Some(1)"), "{told}");
    Ok(())
}

#[test]
fn a_search_says_what_it_chose_and_what_came_of_it_on_parts_held_out() -> Result {
    let folder = folder(&[("closed.yaml", CLOSED)])?;
    let vary = "rules.1.target.per_replica=10/s,12/s,15/s";
    let tune = ["tune", "closed.yaml", "--policy", "web.yaml", "--most-late", "10%", "--vary", vary];
    insta::assert_snapshot!("tune", shown(folder.path(), &[&tune[..], &["-o", "tuned.yaml"]].concat())?);
    insta::assert_snapshot!("tune_written", fs::read_to_string(folder.path().join("tuned.yaml"))?);
    for taken in ["tuned.yaml", "web.yaml"] {
        let refused = shown(folder.path(), &[&tune[..], &["-o", taken]].concat())?;
        assert!(refused.contains("is there already; --force writes over it"), "{refused}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("web.yaml"))?, POLICY);
    Ok(())
}

#[test]
fn a_value_that_is_no_policy_and_too_few_parts_are_refused() -> Result {
    let folder = folder(&[("closed.yaml", CLOSED)])?;
    let tune = ["tune", "closed.yaml", "--policy", "web.yaml"];
    let vary = ["--vary", "rules.1.target.per_replica=12/s,abc"];
    insta::assert_snapshot!("tune_no_policy", shown(folder.path(), &[&tune[..], &vary].concat())?);
    for folds in ["0", "1", "21", "three"] {
        let refused = ballast(folder.path(), &[&tune[..], &["--folds", folds]].concat())?;
        assert_eq!(refused.status.code(), Some(2), "{folds}");
    }
    for (every, code) in [("99ms", 2), ("2h", 2), ("21m", 1)] {
        let refused = ballast(folder.path(), &["replay", "closed.yaml", "--every", every])?;
        assert_eq!(refused.status.code(), Some(code), "{every}");
    }
    Ok(())
}
