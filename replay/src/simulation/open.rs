//! The open loop: what was recorded is told again, as it was, and what is decided changes nothing of it.
//!
//! With the recorded policy this shows that a replay decides as the live controller did. With another one it shows what
//! that would have said to the same signals; what the service would have done under it, only the closed loop can tell.

mod values;

use std::time::Duration;

use autoscaler::{
    Autoscaler, Evaluation, Event, Policy, Timestamp, Verdict, explain,
    journal::{Decided, Entry, What},
};
use serde::Serialize;

pub use values::play_values;

/// A moment that an autoscaler names itself is met by the recorded look that follows so soon: live, nobody wakes up on the
/// millisecond.
const WAKES_WITHIN: Duration = Duration::from_secs(1);

/// What came of playing a journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Played {
    /// When the first entry was.
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// When the last one was.
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
    /// Evaluations. Beside one that the recording says was no news, only that the count is not changed can be checked; it is.
    pub looks: u64,
    /// Evaluations compared in full with a recorded decision: number, verdict and sentence.
    pub compared: u64,
    /// What was decided where the count changed, in order.
    pub steps: Vec<Step>,
    /// Where the recording says something else, in order.
    pub differences: Vec<Difference>,
    /// Differences beyond those kept.
    pub more_differences: u64,
    /// Entries that could not be kept when it was recorded, and so were not played.
    pub lost: u64,
    /// Entries before the first moment from which one can play, or after some were lost.
    pub skipped: u64,
}

/// A decision that changed the count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// What, and why.
    #[serde(flatten)]
    pub decided: Decided,
}

/// A recorded decision beside that of the replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// When.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// As recorded; absent: nothing new was decided.
    pub recorded: Option<Decided>,
    /// As replayed.
    pub replayed: Decided,
}

/// Differences kept.
const MOST_DIFFERENCES: usize = 1000;

impl Played {
    /// Whether every recorded decision came out the same, with the same reason, and no other one.
    pub fn is_the_same(&self) -> bool {
        self.differences.is_empty() && self.looks > 0
    }

    /// Whether all of the recording was played: nothing of it was lost when it was recorded, and nothing was left out for
    /// want of what was before. Else what is [the same](Self::is_the_same) is only a part of what happened.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.skipped == 0
    }
}

/// Tells an autoscaler what was recorded, and compares what it decides. `policy` takes the place of the recorded one;
/// `each` hears every evaluation.
pub fn play(entries: &[Entry], policy: Option<&Policy>, mut each: impl FnMut(&Evaluation)) -> Played {
    let (first, last) = (entries.first(), entries.last());
    let at = |entry: Option<&Entry>| entry.map(|entry| entry.at).unwrap_or_default();
    let played = Played { from: at(first), to: at(last), ..Played::default() };
    let mut driver = Driver { policy, autoscaler: None, newest: None, played };
    for (place, entry) in entries.iter().enumerate() {
        driver.wake(entry, &mut each);
        driver.tell(entry, entries.get(place + 1), &mut each);
    }
    driver.played
}

/// What the recording has beside an evaluation.
#[derive(Clone, Copy)]
enum Recorded<'a> {
    /// No evaluation.
    NoLook,
    /// One that was no news.
    NoNews,
    /// One that was.
    News(&'a Decided),
}

struct Driver<'a> {
    policy: Option<&'a Policy>,
    autoscaler: Option<Autoscaler>,
    newest: Option<Evaluation>,
    played: Played,
}

impl Driver<'_> {
    /// With another policy than the recorded one, moments of its own come before what happened next.
    fn wake(&mut self, next: &Entry, each: &mut impl FnMut(&Evaluation)) {
        if self.policy.is_none() {
            return;
        }
        loop {
            let moment = self.newest.as_ref().and_then(|evaluation| evaluation.next.as_ref()).map(|wakeup| wakeup.at);
            let Some(moment) = moment.filter(|moment| moment.plus(WAKES_WITHIN) < next.at) else { return };
            if self.newest.as_ref().is_none_or(|newest| moment <= newest.at) {
                return;
            }
            self.look(moment, Recorded::NoLook, each);
        }
    }

    fn tell(&mut self, entry: &Entry, next: Option<&Entry>, each: &mut impl FnMut(&Evaluation)) {
        match &entry.what {
            What::Began(snapshot) => {
                // Where there is none, or entries were lost, this is where to go on; else it is known already.
                if self.autoscaler.is_none() {
                    let mut autoscaler = Autoscaler::resume((**snapshot).clone());
                    if let Some(policy) = self.policy {
                        let now = entry.at.max(snapshot.now());
                        autoscaler.handle_event(Event::PolicyReplaced(Box::new(policy.clone())), now);
                    }
                    self.autoscaler = Some(autoscaler);
                }
            }
            What::Lost { entries } => {
                self.played.lost += entries;
                (self.autoscaler, self.newest) = (None, None);
            }
            // What it knows from here on is in the `Began` below.
            What::Restarted => (self.autoscaler, self.newest) = (None, None),
            What::Event(Event::PolicyReplaced(_)) if self.policy.is_some() => {}
            What::Event(event) => match &mut self.autoscaler {
                Some(autoscaler) => autoscaler.handle_event(event.clone(), entry.at),
                None => self.played.skipped += 1,
            },
            What::Looked { .. } => {
                let recorded = match next.map(|next| &next.what) {
                    Some(What::Decided(decided)) => Recorded::News(decided),
                    _ => Recorded::NoNews,
                };
                self.look(entry.at, recorded, each);
            }
            What::Decided(_) => {}
        }
    }

    fn look(&mut self, now: Timestamp, recorded: Recorded<'_>, each: &mut impl FnMut(&Evaluation)) {
        let Some(autoscaler) = &mut self.autoscaler else {
            self.played.skipped += 1;
            return;
        };
        let evaluation = autoscaler.evaluate(now);
        autoscaler.record(&evaluation);
        self.played.looks += 1;
        each(&evaluation);
        let scales = matches!(evaluation.verdict, Verdict::Scale { .. });
        if scales || matches!(recorded, Recorded::News(_)) {
            let replayed = Decided {
                number: evaluation.number,
                verdict: evaluation.verdict,
                sentence: explain::sentence(&evaluation),
            };
            self.compare(now, recorded, &replayed);
            if scales {
                self.played.steps.push(Step { at: now, decided: replayed });
            }
        }
        self.played.compared += u64::from(matches!(recorded, Recorded::News(_)));
        self.newest = Some(evaluation);
    }

    fn compare(&mut self, at: Timestamp, recorded: Recorded<'_>, replayed: &Decided) {
        let recorded = match recorded {
            Recorded::News(decided) => Some(decided),
            Recorded::NoNews | Recorded::NoLook => None,
        };
        if recorded == Some(replayed) {
            return;
        }
        if self.played.differences.len() < MOST_DIFFERENCES {
            let difference = Difference { at, recorded: recorded.cloned(), replayed: replayed.clone() };
            self.played.differences.push(difference);
        } else {
            self.played.more_differences += 1;
        }
    }
}

#[cfg(test)]
mod tests;
