//! Expectations of an open loop: signals are played back, and what the policy asks for is taken as done at once.

use anyhow::{anyhow, bail};
use autoscaler::{Evaluation, Event, Policy, Timestamp, explain, journal};
use replay::{
    Scaler, Scenario,
    expectations::{Judge, Verdict},
    scaler::Seen,
    scenario::{Play, Signals},
    simulation::{
        Change, Segment, Watch as _,
        open::{play, play_values},
    },
};

use crate::commands::replay::open::why_nothing;

/// What came of each expectation under a policy; without one, under that which was recorded.
pub(super) fn judge(scenario: &Scenario, policy: Option<&Policy>) -> anyhow::Result<Vec<Verdict>> {
    let mut told = Told { judge: Judge::new(scenario, None), held: None };
    let mut why = "";
    let played = match (&scenario.play, policy) {
        (Play::Signals(Signals::Journal { file, text }), _) => {
            let entries = journal::read(text).map_err(|errors| anyhow!("{file}: {errors}"))?;
            why = why_nothing(&entries);
            play(&entries, policy, |evaluation| told.hear(evaluation))
        }
        (Play::Signals(Signals::Values(_)), Some(policy)) => {
            play_values(scenario, policy, |evaluation| told.hear(evaluation))
        }
        _ => bail!("there is no policy to tell the signals to"),
    };
    if played.looks == 0 {
        bail!("nothing can be played: {why}");
    }
    if played.to < scenario.begins || played.from >= scenario.ends() {
        bail!(
            "what was recorded is from {} to {}, and the scenario from {} to {}; set `begins` and `lasts`",
            played.from,
            played.to,
            scenario.begins,
            scenario.ends()
        );
    }
    told.hold_until(played.to);
    Ok(told.judge.verdicts())
}

/// Tells a judge of the spans between evaluations.
struct Told {
    judge: Judge,
    /// The count that is asked for, and since when.
    held: Option<(Timestamp, u32)>,
}

impl Told {
    fn hear(&mut self, evaluation: &Evaluation) {
        self.hold_until(evaluation.at);
        let Some(to) = evaluation.verdict.replicas() else { return };
        let before = self.held.map(|(_, count)| count).or(evaluation.current).unwrap_or(to);
        if before != to {
            let heard = Heard(evaluation);
            self.judge.change(&Change { at: evaluation.at, from: before, to, why: heard.why() }, &heard);
        }
        self.held = Some((evaluation.at, to));
    }

    /// Until then nothing changed: what was asked for is there.
    fn hold_until(&mut self, to: Timestamp) {
        let Some((from, target)) = self.held.filter(|(from, _)| *from < to) else { return };
        self.judge.segment(&Segment { from, to, target, ready: target, ..Segment::default() });
        self.held = Some((to, target));
    }
}

/// An evaluation as one who decided.
struct Heard<'e>(&'e Evaluation);

impl Scaler for Heard<'_> {
    fn name(&self) -> String {
        "played back".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        self.0.verdict.replicas()
    }

    fn why(&self) -> String {
        explain::sentence(self.0)
    }

    fn evaluation(&self) -> Option<&Evaluation> {
        Some(self.0)
    }
}
