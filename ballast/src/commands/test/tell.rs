//! What came of the tests, for people: one line for each that passed, and of those that failed everything that helps.

use std::{fmt::Write as _, time::Duration};

use autoscaler::{Timestamp, time::spoken};
use replay::expectations::{Decision, Verdict};

use super::Tested;
use crate::render::{Look, Tone, count};

pub(super) fn all(tested: &[Tested], look: Look) -> String {
    let mut text = String::new();
    let longest = tested.iter().map(|one| one.scenario.chars().count()).max().unwrap_or_default();
    for one in tested {
        let word = if one.passed() { look.paint(Tone::Good, "ok  ") } else { look.paint(Tone::Bad, "FAIL") };
        let count = one.verdicts.len();
        let what = match (&one.error, count) {
            (Some(error), _) => format!("could not be run: {error}"),
            (None, 0) => "expects nothing: it cannot fail".to_owned(),
            (None, 1) => "1 expectation".to_owned(),
            (None, count) => format!("{count} expectations"),
        };
        let _ = writeln!(text, "{word}  {:longest$}  {what}", one.scenario);
        for verdict in one.verdicts.iter().filter(|verdict| !verdict.met) {
            failed(&mut text, verdict, one.begins);
        }
    }
    let failed = tested.iter().filter(|one| !one.passed()).count();
    let _ = writeln!(
        text,
        "{}: {} passed, {failed} failed",
        count(tested.len(), "scenario", "scenarios"),
        tested.len() - failed
    );
    text
}

/// One that was not met, with the decision that broke it and its reasons.
fn failed(text: &mut String, verdict: &Verdict, begins: Timestamp) {
    let _ = writeln!(text, "      expected {}; {}", verdict.expected, verdict.found);
    if let Some(after) = &verdict.broken_after {
        let _ = writeln!(text, "      first broken after {after}");
    }
    if let Some(decision) = &verdict.decision {
        decided(text, decision, begins);
    }
}

fn decided(text: &mut String, decision: &Decision, begins: Timestamp) {
    let after: Duration = decision.at.since(begins);
    let _ = writeln!(text, "      after {}: {}", spoken(after), decision.why);
    for line in decision.rules.iter().chain(&decision.guards) {
        let _ = writeln!(text, "        {line}");
    }
}
