//! What a search found, for people and for programs.

use std::fmt::Write as _;

use replay::tune::{Fold, Found, Score, Search, Trial};
use serde_json::{Value, json};

use super::Knob;
use crate::render::count;

pub(super) struct Told<'a> {
    pub(super) knobs: &'a [Knob],
    pub(super) found: &'a Found,
    pub(super) search: &'a Search,
    /// What is to be said of the policy as it is.
    pub(super) warning: Option<&'a str>,
}

impl Told<'_> {
    pub(super) fn text(&self) -> String {
        let Self { found, search, .. } = self;
        let (best, before) = (&found.trials[found.best], &found.trials[0]);
        let mut text = String::new();
        if let Some(warning) = self.warning {
            let _ = writeln!(text, "warning: with this load {warning}");
        }
        let tried = count(found.trials.len(), "combination", "combinations");
        if found.kept {
            let _ = writeln!(text, "{tried} tried; the cheapest with at most {:.2} % late:", search.most_late * 100.0);
        } else {
            let _ = writeln!(
                text,
                "{tried} tried; none has at most {:.2} % late. The least late:",
                search.most_late * 100.0
            );
        }
        for (knob, value) in self.knobs.iter().zip(&best.choice) {
            let (before, after) = (&knob.values[knob.present], &knob.values[*value]);
            if before == after {
                let _ = writeln!(text, "  {}: {before}, as it is", knob.path);
            } else {
                let _ = writeln!(text, "  {}: {before} → {after}", knob.path);
            }
        }
        let _ = writeln!(text, "over all of the time: {}", compared(before.score(), best.score()));
        self.held_out(&mut text);
        let _ = writeln!(text, "the Pareto front:");
        for place in found.front() {
            let trial = &found.trials[place];
            let mark = if place == found.best { "*" } else { " " };
            let Score { cost, late, .. } = trial.score();
            let _ =
                writeln!(text, "{mark} {cost:9.2} replica-hours {:7.2} % late  {}", late * 100.0, self.settings(trial));
        }
        text
    }

    /// How well the search does on time that it has not seen.
    fn held_out(&self, text: &mut String) {
        let folds = &self.found.folds;
        let _ = writeln!(text, "each part of the time held out, and judged by the settings that the others choose:");
        for (part, fold) in folds.iter().enumerate() {
            let others = self.settings(&self.found.trials[fold.best]);
            let _ = writeln!(text, "  {}: {}  {others}", part + 1, compared(fold.before, fold.judged));
        }
        let Some(held_out) = HeldOut::of(folds) else { return };
        let HeldOut { mean_cost, mean_late, worst_cost, worst_late } = held_out;
        let _ = writeln!(
            text,
            "  mean: {:+.1} % replica-hours, {:.2} % late; worst: {:+.1} % replica-hours, {:.2} % late",
            mean_cost * 100.0,
            mean_late * 100.0,
            worst_cost * 100.0,
            worst_late * 100.0
        );
        if self.found.kept && worst_late > self.search.most_late {
            let _ = writeln!(
                text,
                "  what is chosen does not keep the promise on time that it has not seen: leave room, or give more scenarios"
            );
        }
    }

    pub(super) fn json(&self) -> anyhow::Result<String> {
        let trials: Vec<Value> = self
            .found
            .trials
            .iter()
            .map(|trial| {
                let settings = self.knobs.iter().zip(&trial.choice);
                let settings: serde_json::Map<String, Value> =
                    settings.map(|(knob, value)| (knob.path.clone(), json!(knob.values[*value]))).collect();
                let parts: Vec<Value> = (0..trial.parts.len()).map(|part| score(trial.on(part))).collect();
                json!({ "settings": settings, "score": score(trial.score()), "parts": parts })
            })
            .collect();
        let Found { best, kept, folds, .. } = self.found;
        let held_out = HeldOut::of(folds).map(|held_out| {
            json!({
                "mean": { "replica_hours_ratio": held_out.mean_cost, "late": held_out.mean_late },
                "worst": { "replica_hours_ratio": held_out.worst_cost, "late": held_out.worst_late },
            })
        });
        let of_fold =
            |fold: &Fold| json!({ "best": fold.best, "judged": score(fold.judged), "before": score(fold.before) });
        let folds: Vec<Value> = folds.iter().map(of_fold).collect();
        let all = json!({
            "v": 2,
            "warning": self.warning,
            "best": best,
            "kept": kept,
            "held_out": held_out,
            "folds": folds,
            "front": self.found.front(),
            "trials": trials,
        });
        Ok(serde_json::to_string_pretty(&all)? + "\n")
    }

    fn settings(&self, trial: &Trial) -> String {
        let each = self.knobs.iter().zip(&trial.choice).map(|(knob, value)| {
            let short = knob.path.rsplit('.').next().unwrap_or(&knob.path);
            format!("{short} {}", knob.values[*value])
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// All parts that were held out together: replica-hours as a share of what they were before, less one.
struct HeldOut {
    mean_cost: f64,
    mean_late: f64,
    worst_cost: f64,
    worst_late: f64,
}

impl HeldOut {
    fn of(folds: &[Fold]) -> Option<Self> {
        let count = folds.len() as f64;
        let saved = || folds.iter().map(|fold| ratio(fold.before, fold.judged));
        let late = || folds.iter().map(|fold| fold.judged.late);
        (!folds.is_empty()).then(|| Self {
            mean_cost: saved().sum::<f64>() / count,
            mean_late: late().sum::<f64>() / count,
            worst_cost: saved().fold(f64::NEG_INFINITY, f64::max),
            worst_late: late().fold(0.0, f64::max),
        })
    }
}

/// Replica-hours as a share of what they were before, less one; of nothing there is no share.
fn ratio(before: Score, after: Score) -> f64 {
    if before.cost > 0.0 { after.cost / before.cost - 1.0 } else { 0.0 }
}

fn score(score: Score) -> Value {
    json!({ "replica_hours": score.cost, "late": score.late, "reversals": score.reversals })
}

fn compared(before: Score, after: Score) -> String {
    format!(
        "{:.2} → {:.2} replica-hours ({:+.1} %), {:.2} → {:.2} % late",
        before.cost,
        after.cost,
        ratio(before, after) * 100.0,
        before.late * 100.0,
        after.late * 100.0
    )
}
