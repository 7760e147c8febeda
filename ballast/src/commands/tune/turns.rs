//! How often the policy as it is turns back, and which of its rules is behind that.

use std::{collections::BTreeMap, time::Duration};

use autoscaler::{Evaluation, policy_file::Setting};
use replay::{
    Scaler,
    measures::Turns as Turning,
    simulation::{Change, Watch},
};
use serde_json::Value;

use crate::render::count;

/// Fewer than so many may be chance.
const WORTH_TELLING: usize = 5;
/// And so may fewer than so many a day: one every two hours or so.
const A_DAY: f64 = 10.0;

/// Counts changes that turn back by what is behind them.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turning: Turning,
    by: BTreeMap<Behind, usize>,
}

/// What is behind a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Behind {
    /// A rule, by its place from 1.
    Rule(usize),
    /// A guard, or why no rule decided, in words.
    Other(String),
}

impl Turns {
    /// Of another run.
    pub(super) fn begin(&mut self) {
        self.turning = Turning::default();
    }

    /// A warning where it turns back so often that this is no chance, with what most of it comes from.
    pub(super) fn warning(&self, lasts: Duration, settings: &[Setting]) -> Option<String> {
        let all: usize = self.by.values().sum();
        let days = lasts.as_secs_f64() / 86_400.0;
        if all < WORTH_TELLING || (all as f64) < A_DAY * days {
            return None;
        }
        let (behind, most) = self.by.iter().max_by_key(|(_, times)| **times)?;
        let behind = match behind {
            Behind::Rule(place) => bounds(*place, settings),
            Behind::Other(words) => words.clone(),
        };
        Some(format!(
            "the policy as it is turns back {} in {}; behind {most} of them is {behind}",
            count(all, "time", "times"),
            autoscaler::time::spoken(lasts)
        ))
    }
}

impl Watch for Turns {
    fn change(&mut self, change: &Change, scaler: &dyn Scaler) {
        if self.turning.turns_back(change) {
            *self.by.entry(behind(scaler.evaluation())).or_default() += 1;
        }
    }
}

fn behind(evaluation: Option<&Evaluation>) -> Behind {
    let Some(evaluation) = evaluation else { return Behind::Other("no rule".to_owned()) };
    if let Some(rule) = evaluation.combined.winner {
        return Behind::Rule(rule + 1);
    }
    let guard = evaluation.effects.iter().rev().find(|effect| effect.from != effect.to);
    let words = guard.and_then(|effect| match serde_json::to_value(&effect.guard).ok()? {
        Value::String(name) => Some(name),
        Value::Object(guard) => guard.keys().next().cloned(),
        _ => None,
    });
    let words = words.map(|name| format!("the guard {name}"));
    Behind::Other(words.unwrap_or_else(|| "that no rule had anything to do".to_owned()))
}

/// `rules.2 (threshold.above 300ms, …)`: what the policy says of a rule that can be moved.
fn bounds(place: usize, settings: &[Setting]) -> String {
    const OF_BOUNDS: [&str; 5] = [".signal", ".per_replica", ".above", ".below", ".drain_in"];
    let path = format!("rules.{place}");
    let own = settings.iter().filter_map(|setting| {
        let end = setting.path.strip_prefix(&path)?.strip_prefix('.')?;
        OF_BOUNDS.iter().any(|bound| setting.path.ends_with(bound)).then(|| format!("{end} {}", setting.value))
    });
    let own: Vec<String> = own.collect();
    if own.is_empty() { path } else { format!("{path} ({})", own.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_turns_are_no_warning_and_many_name_what_is_behind_most() {
        let hours = Duration::from_hours;
        for (name, rule, none, lasts, warns) in [
            ("one in two hours", 1, 0, hours(2), None),
            ("four in an hour", 2, 2, hours(1), None),
            ("five in an hour", 3, 2, hours(1), Some("turns back 5 times in 1h; behind 3 of them is rules.2")),
            ("five in a day", 3, 2, hours(24), None),
            ("mostly something else", 2, 9, hours(24), Some("turns back 11 times in 1day; behind 9 of them is nobody")),
        ] {
            let by = [(Behind::Rule(2), rule), (Behind::Other("nobody".to_owned()), none)];
            let turns = Turns { by: by.into_iter().collect(), ..Turns::default() };
            let warning = turns.warning(lasts, &[]);
            match warns {
                None => assert_eq!(warning, None, "{name}"),
                Some(words) => {
                    assert!(warning.as_deref().is_some_and(|told| told.ends_with(words)), "{name}: {warning:?}");
                }
            }
        }
    }
}
