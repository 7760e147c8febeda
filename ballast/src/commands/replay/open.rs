//! Recorded signals, played back: whether a replay decides as was decided, or what another policy would have said.

use std::fmt::Write as _;

use anyhow::{anyhow, bail};
use autoscaler::{
    Policy, Timestamp,
    journal::{self, Entry, What},
};
use replay::{
    comparison::Case,
    scenario::{Play, Signals},
    simulation::open::{Played, play, play_values},
};
use serde::Serialize;

use crate::render::count;

/// What came of one scenario under one policy.
#[derive(Debug, Serialize)]
pub(super) struct Opened {
    scenario: String,
    /// Absent: the one that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Whether all that was recorded came out the same; absent: there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    same: Option<bool>,
    #[serde(flatten)]
    played: Played,
}

/// Differences that are told in full.
const TOLD: usize = 20;

/// Plays a scenario's signals to each of its policies; without one, to the one that was recorded.
pub(super) fn all(case: &Case) -> anyhow::Result<Vec<Opened>> {
    let scenario = &case.scenario;
    let Play::Signals(signals) = &scenario.play else { return Ok(Vec::new()) };
    let opened = |policy: Option<&str>, same, played| Opened {
        scenario: scenario.name.clone(),
        policy: policy.map(str::to_owned),
        same,
        played,
    };
    let given = || case.policies.iter().map(|(name, policy)| (name.as_str(), policy.as_ref()));
    match signals {
        Signals::Journal { file, text } => {
            let entries = journal::read(text).map_err(|errors| anyhow!("{file}: {errors}"))?;
            let run = |policy: Option<&Policy>| {
                let played = play(&entries, policy, |_| {});
                if played.looks == 0 {
                    bail!("{file}: nothing can be played: {}", why_nothing(&entries));
                }
                Ok(played)
            };
            if case.policies.is_empty() {
                let played = run(None)?;
                return Ok(vec![opened(None, Some(played.is_the_same()), played)]);
            }
            given().map(|(name, policy)| Ok(opened(Some(name), None, run(Some(policy))?))).collect()
        }
        Signals::Values(_) => {
            if case.policies.is_empty() {
                bail!("{} names no policy to be told its signals; give one with --policy", scenario.name);
            }
            let run = |policy: &Policy| play_values(scenario, policy, |_| {});
            Ok(given().map(|(name, policy)| opened(Some(name), None, run(policy))).collect())
        }
    }
}

/// Why of a journal no evaluation can be played.
pub(in crate::commands) fn why_nothing(entries: &[Entry]) -> &'static str {
    if entries.iter().any(|entry| matches!(entry.what, What::Began(_))) {
        "the journal has no `@look` after its `@began`"
    } else {
        "the journal has no `@began`, from which it could be played; record it again, from a moment further back"
    }
}

impl Opened {
    /// Whether what was recorded came out otherwise.
    pub(super) fn differs(&self) -> bool {
        self.same == Some(false)
    }

    pub(super) fn text(&self) -> String {
        let Played { looks, compared, steps, differences, more_differences, lost, skipped, .. } = &self.played;
        let mut text = format!("{}, signals played back", self.scenario);
        let _ = match &self.policy {
            Some(policy) => writeln!(text, " to {policy}"),
            None => writeln!(text, " to the recorded policy"),
        };
        for step in steps {
            let _ = writeln!(text, "  {}  {}", clock(step.at), step.decided.sentence);
        }
        let _ = writeln!(
            text,
            "{}, {} that changed the count",
            count(usize::try_from(*looks).unwrap_or(usize::MAX), "evaluation", "evaluations"),
            steps.len()
        );
        if *lost + *skipped > 0 {
            let _ = writeln!(
                text,
                "{lost} entries were not kept, and {skipped} could not be played for want of what was before"
            );
        }
        match self.same {
            Some(true) => {
                let _ = writeln!(
                    text,
                    "the same as recorded: {compared} decisions, one by one, with the same reasons; in {looks} \
                     evaluations no other one changed the count"
                );
            }
            Some(false) => {
                let all = differences.len() + usize::try_from(*more_differences).unwrap_or(usize::MAX);
                let _ = writeln!(
                    text,
                    "NOT as recorded: {} in {looks} evaluations",
                    count(all, "difference", "differences")
                );
                for difference in differences.iter().take(TOLD) {
                    let recorded = difference.recorded.as_ref().map_or("nothing new", |one| one.sentence.as_str());
                    let _ = writeln!(text, "  {}  recorded  {recorded}", clock(difference.at));
                    let _ = writeln!(text, "            replayed  {}", difference.replayed.sentence);
                }
            }
            None => {}
        }
        text
    }
}

/// A moment of the day in UTC.
fn clock(at: Timestamp) -> String {
    at.to_string()
}
