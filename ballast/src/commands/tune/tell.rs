//! What a search found, for people and for programs.

use std::fmt::Write as _;

use replay::tune::{Found, Score, Search, Trial};
use serde_json::{Value, json};

use super::Knob;
use crate::render::count;

pub(super) struct Told<'a> {
    pub(super) knobs: &'a [Knob],
    pub(super) found: &'a Found,
    pub(super) search: &'a Search,
    /// What is to be said of the policy as it is.
    pub(super) warning: Option<&'a str>,
    pub(super) split: f64,
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
        let (first, rest) = (self.split * 100.0, 100.0 - self.split * 100.0);
        let _ = writeln!(
            text,
            "chosen by the first {first:.0} % of the time: {}",
            compared(before.chosen_by, best.chosen_by)
        );
        let _ =
            writeln!(text, "judged by the other {rest:.0} %, held out: {}", compared(before.judged_by, best.judged_by));
        let _ = writeln!(text, "the Pareto front, by the part held out:");
        for place in found.front() {
            let trial = &found.trials[place];
            let mark = if place == found.best { "*" } else { " " };
            let Score { cost, late, .. } = trial.judged_by;
            let _ =
                writeln!(text, "{mark} {cost:9.2} replica-hours {:7.2} % late  {}", late * 100.0, self.settings(trial));
        }
        text
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
                json!({ "settings": settings, "chosen_by": score(trial.chosen_by), "judged_by": score(trial.judged_by) })
            })
            .collect();
        let Found { best, kept, .. } = self.found;
        let all = json!({ "v": 1, "warning": self.warning, "best": best, "kept": kept, "front": self.found.front(), "trials": trials });
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

fn score(score: Score) -> Value {
    json!({ "replica_hours": score.cost, "late": score.late, "reversals": score.reversals })
}

fn compared(before: Score, after: Score) -> String {
    format!(
        "{:.2} → {:.2} replica-hours ({:+.1} %), {:.2} → {:.2} % late",
        before.cost,
        after.cost,
        (after.cost / before.cost - 1.0) * 100.0,
        before.late * 100.0,
        after.late * 100.0
    )
}
