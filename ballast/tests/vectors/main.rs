//! Other autoscalers' own decision tables, row by row: each row is translated into a policy and a state, as docs/state.md
//! says, `ballast decide` is asked, and what it answers is held against the row.
//!
//! Rows on which Ballast differs on purpose are in docs/differences.md. One that agrees after all must not be listed.
//! Where the tables are not at hand, nothing is compared.

mod hpa;
mod keda;
mod nomad;

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use assert_cmd::cargo::CommandCargoExt;
use autoscaler::{Evaluation, evaluation::Opinion, policy_file::parse, state, text::render};
use serde_json::Value;

/// A row as Ballast is asked.
pub(crate) struct Row {
    /// The file of the table, without its ending, and the row's name.
    pub(crate) name: String,
    /// The policy, as a file.
    pub(crate) policy: String,
    /// The state, or several that follow each other.
    pub(crate) state: Value,
    /// What the table expects.
    pub(crate) expected: Expected,
}

/// What a table expects, in Ballast's words.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    /// So many replicas, whatever limits there are.
    Wants(u32),
    /// So many replicas after everything, once for each state.
    Replicas(Vec<u32>),
    /// As many as there are.
    Hold,
    /// The peer cannot tell: Ballast says so, and holds.
    CannotTell,
    /// The peer refuses its configuration: Ballast refuses the policy.
    Refused,
}

#[test]
fn every_row_is_decided_as_its_table_says_or_is_a_listed_difference() {
    let Some(rows) = rows() else { return };
    let listed = differences();
    let mut wrong = Vec::new();
    for row in &rows {
        let compared = compare(row);
        match (compared, listed.get(&row.name)) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{}: listed in docs/differences.md, and agrees", row.name)),
            (Err(why), None) => {
                wrong.push(format!(
                    "{}: {why}\n{}{}",
                    row.name,
                    row.policy,
                    serde_json::to_string(&row.state).unwrap_or_default()
                ));
            }
        }
    }
    for name in listed.keys().filter(|name| !rows.iter().any(|row| row.name == **name)) {
        wrong.push(format!("{name}: listed in docs/differences.md, and no row of any table"));
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n\n{}", wrong.len(), rows.len(), wrong.join("\n\n"));
    assert!(rows.len() >= 150, "every table is read: {} rows", rows.len());
}

#[test]
fn the_command_answers_as_the_library() {
    let Some(rows) = rows() else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    for row in rows.iter().step_by(10) {
        let (policy, state) = (dir.path().join("policy.yaml"), dir.path().join("state.json"));
        fs::write(&policy, &row.policy).expect("write the policy");
        fs::write(&state, row.state.to_string()).expect("write the state");
        let mut command = Command::cargo_bin("ballast").expect("ballast is built");
        let output =
            command.arg("decide").arg("--policy").arg(policy).arg("--state").arg(state).output().expect("run it");
        let Ok(evaluations) = evaluations(row) else {
            assert_eq!(output.status.code(), Some(1), "{}: {output:?}", row.name);
            assert!(output.stdout.is_empty(), "{}", row.name);
            continue;
        };
        assert!(output.status.success(), "{}: {output:?}", row.name);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("the answer is JSON");
        let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        let expected: Vec<_> = evaluations.iter().map(|evaluation| evaluation.verdict.replicas()).collect();
        let given: Vec<_> =
            answers.iter().map(|answer| answer["replicas"].as_u64().map(|_| count(&answer["replicas"]))).collect();
        assert_eq!(given, expected, "{}", row.name);
    }
}

fn rows() -> Option<Vec<Row>> {
    let rows: Vec<Row> = [hpa::rows(), keda::rows(), nomad::rows()].into_iter().flatten().flatten().collect();
    (!rows.is_empty()).then_some(rows)
}

fn compare(row: &Row) -> Result<(), String> {
    let evaluations = match (evaluations(row), &row.expected) {
        (Err(_), Expected::Refused) => return Ok(()),
        (Err(errors), _) => return Err(format!("the policy or the state is refused:\n{errors}")),
        (Ok(_), Expected::Refused) => return Err("the policy is not refused".to_owned()),
        (Ok(evaluations), _) => evaluations,
    };
    let last = evaluations.last().ok_or("nothing was decided")?;
    let replicas: Vec<u32> = evaluations.iter().filter_map(|each| each.verdict.replicas()).collect();
    let wants = last.recommendations.first().map(|first| first.opinion);
    let found = match &row.expected {
        Expected::Wants(_) => match wants {
            Some(Opinion::Wants(wants)) => Expected::Wants(wants),
            _ => Expected::CannotTell,
        },
        Expected::Replicas(_) => Expected::Replicas(replicas),
        Expected::CannotTell if wants != Some(Opinion::Unknown) => Expected::Replicas(replicas),
        Expected::Hold | Expected::CannotTell if replicas.last() != last.current.as_ref() => {
            Expected::Replicas(replicas)
        }
        Expected::Hold => Expected::Hold,
        Expected::CannotTell => Expected::CannotTell,
        Expected::Refused => Expected::Refused,
    };
    if found == row.expected {
        return Ok(());
    }
    let why = autoscaler::explain::sentence(last);
    Err(format!("{found:?} instead of {:?}: {why}", row.expected))
}

fn evaluations(row: &Row) -> Result<Vec<Evaluation>, String> {
    let states = state::read("state.json", &row.state.to_string()).map_err(|errors| render(&errors))?;
    let policies = parse("policy.yaml", &row.policy).map_err(|errors| render(&errors))?.policies;
    Ok(state::evaluate_all(&policies[0], &states))
}

/// The rows of docs/differences.md, by name, with the reason.
fn differences() -> BTreeMap<String, String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
    let page = fs::read_to_string(path).expect("docs/differences.md is there");
    let mut listed = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "row, peer, Ballast and why: {line}");
        listed.insert(cells[0].trim_matches('`').to_owned(), cells[3].to_owned());
    }
    listed
}

/// A table, where it is at hand.
pub(crate) fn table(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(format!("{name}.json"));
    Some(serde_json::from_str(&fs::read_to_string(path).ok()?).expect("the table is JSON"))
}

/// Every case of a table, as `translate` says it; `None` for a case that says nothing about replicas.
pub(crate) fn cases(name: &str, translate: fn(&Value) -> (String, Value, Expected)) -> Option<Vec<Row>> {
    let table = table(name)?;
    let cases = table["cases"].as_array()?;
    let mut rows: Vec<Row> = Vec::new();
    for case in cases {
        let (policy, state, expected) = translate(case);
        let mut row =
            Row { name: format!("{name}: {}", case["name"].as_str().unwrap_or_default()), policy, state, expected };
        if rows.iter().any(|other| other.name == row.name) {
            row.name += " (again)";
        }
        rows.push(row);
    }
    Some(rows)
}

/// A whole number of a table.
pub(crate) fn count(value: &Value) -> u32 {
    value.as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}

/// Whole replicas for so many.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
pub(crate) fn whole(replicas: f64) -> u32 {
    replicas.ceil() as u32
}
