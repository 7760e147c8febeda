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
    /// What is behind the last change.
    last: Option<Behind>,
    /// By what is behind a change and the one that it turns back, in order.
    by: BTreeMap<[Behind; 2], usize>,
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
        (self.turning, self.last) = (Turning::default(), None);
    }

    /// A warning where it turns back so often that this is no chance, with what most of it comes from.
    pub(super) fn warning(&self, lasts: Duration, settings: &[Setting]) -> Option<String> {
        let all: usize = self.by.values().sum();
        let days = lasts.as_secs_f64() / 86_400.0;
        if all < WORTH_TELLING || (all as f64) < A_DAY * days {
            return None;
        }
        let (behind, most) = self.by.iter().max_by_key(|(_, times)| **times)?;
        let span = autoscaler::time::spoken(lasts);
        if let Some(gap) = gap(behind, settings) {
            let a_day = (*most as f64 / days).round();
            return Some(format!("{gap} flaps {a_day} times a day ({most} of {all} turns in {span})"));
        }
        let words = |behind: &Behind| match behind {
            Behind::Rule(place) => bounds(*place, settings),
            Behind::Other(words) => words.clone(),
        };
        let [one, other] = behind;
        let behind = if one == other { words(one) } else { format!("{} and {}", words(one), words(other)) };
        Some(format!(
            "the policy as it is turns back {} in {span}; behind {most} of them is {behind}",
            count(all, "time", "times"),
        ))
    }
}

impl Watch for Turns {
    fn change(&mut self, change: &Change, scaler: &dyn Scaler) {
        if change.from == change.to {
            return;
        }
        let now = behind(scaler.evaluation());
        let before = self.last.replace(now.clone());
        if self.turning.turns_back(change) {
            let mut both = [before.unwrap_or_else(|| now.clone()), now];
            both.sort();
            *self.by.entry(both).or_default() += 1;
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

/// `the gap between above 70% and below 60% of cpu (rules.1 and rules.2)`: what two thresholds of one signal leave between
/// them.
fn gap(behind: &[Behind; 2], settings: &[Setting]) -> Option<String> {
    let [Behind::Rule(one), Behind::Rule(other)] = behind else { return None };
    let value = |place: &usize, key: &str| {
        let path = format!("rules.{place}.threshold.{key}");
        settings.iter().find(|setting| setting.path == path).map(|setting| setting.value.as_str())
    };
    let bound = |place: &usize, keys: [(&'static str, &str); 2]| {
        keys.into_iter().find_map(|(key, words)| Some(format!("{words} {}", value(place, key)?)))
    };
    let upper = |place| bound(place, [("above", "above"), ("at_least", "at least")]);
    let lower = |place| bound(place, [("below", "below"), ("at_most", "at most")]);
    let (above, below, from, to) = match (upper(one).zip(lower(other)), upper(other).zip(lower(one))) {
        (Some((above, below)), _) => (above, below, one, other),
        (None, Some((above, below))) => (above, below, other, one),
        (None, None) => return None,
    };
    let signal = value(one, "signal").filter(|signal| value(other, "signal") == Some(signal))?;
    Some(format!("the gap between {above} and {below} of {signal} (rules.{from} and rules.{to})"))
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
    use autoscaler::policy_file::{Catalog, Source};

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
            let by = by.into_iter().map(|(behind, times)| ([behind.clone(), behind], times));
            let turns = Turns { by: by.collect(), ..Turns::default() };
            let warning = turns.warning(lasts, &[]);
            match warns {
                None => assert_eq!(warning, None, "{name}"),
                Some(words) => {
                    assert!(warning.as_deref().is_some_and(|told| told.ends_with(words)), "{name}: {warning:?}");
                }
            }
        }
    }

    #[test]
    fn what_two_thresholds_of_one_signal_leave_between_them_is_named_with_how_often_it_flaps() {
        let text = "service: shop/web\nreplicas: { min: 1, max: 9 }\nrules:\n  \
                    - threshold: { signal: cpu, above: 70%, add: 1 }\n  \
                    - threshold: { signal: cpu, below: 60%, remove: 1 }\n  \
                    - target: { signal: cpu, per_replica: 50% }\n";
        let (catalog, _) = Catalog::read(vec![Source::file("web.yaml", text)]);
        let (_, resolved) = catalog.resolve_each().into_iter().next().expect("a policy");
        let settings = resolved.expect("a policy").settings;
        let warning = |behind: [Behind; 2]| {
            let turns = Turns { by: [(behind, 80)].into_iter().collect(), ..Turns::default() };
            turns.warning(Duration::from_hours(48), &settings).expect("often")
        };
        assert_eq!(
            warning([Behind::Rule(1), Behind::Rule(2)]),
            "the gap between above 70% and below 60% of cpu (rules.1 and rules.2) flaps 40 times a day (80 of 80 turns in \
             2days)"
        );
        let of_target = warning([Behind::Rule(1), Behind::Rule(3)]);
        assert!(of_target.contains("rules.1 (") && of_target.contains("target.per_replica 50%"), "{of_target}");
    }
}
