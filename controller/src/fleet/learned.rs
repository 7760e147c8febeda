//! When what forecasts learned is written: it is up to 32 KB for each service, and of most of them nothing is new for long.

use std::{ops::Bound, time::Duration};

use autoscaler::{Memory, Timestamp};
use bus::payload;

use super::{Effect, Fleet, ServiceKey, memory::SavedForecasts, service::Governed};

/// Of one service it is written at least so far apart.
pub(super) const EVERY: Duration = Duration::from_mins(1);
/// Of so many services at once; the next time, of the next ones.
pub(super) const MOST_AT_ONCE: usize = 8;

/// What is stored of what the forecasts of one service learned.
#[derive(Debug)]
pub(crate) struct StoredForecasts {
    /// When it was written last, or was read.
    at: Timestamp,
    /// How far each forecast of the policy had come then; absent: what is stored is of another policy, or nobody knows.
    marks: Option<Vec<Mark>>,
    /// Whether anything is.
    is_there: bool,
}

/// How far a forecast has come: the length of its steps, the newest one and how many there were. It learns at the end of each.
type Mark = (u64, Option<i64>, u64);

impl StoredForecasts {
    /// What was found, if there was anything.
    pub(super) fn new(is_there: bool, now: Timestamp) -> Self {
        Self { at: now, marks: None, is_there }
    }

    /// Another policy is in force.
    pub(super) fn outdated(&mut self) {
        self.marks = None;
    }
}

impl Fleet {
    /// Writes what forecasts learned, of each service whose last writing is so long ago and where a step has ended since,
    /// but of so many at `most`: the others come the next time. Where nothing is learned, nothing is to be stored.
    pub(super) fn save_forecasts(&mut self, now: Timestamp, every: Duration, most: usize) {
        let from = self.forecasts_from.take();
        let from = from.as_ref().map_or(Bound::Unbounded, Bound::Included);
        let until = match from {
            Bound::Included(key) => Some((Bound::Unbounded, Bound::Excluded(key))),
            _ => None,
        };
        let mut left = most;
        for range in [(from, Bound::Unbounded)].into_iter().chain(until) {
            for (key, service) in self.services.range_mut::<ServiceKey, _>(range) {
                let Some(governed) = service.governed.as_deref_mut() else { continue };
                if !is_due(governed, now, every) {
                    continue;
                }
                let worth = marks(governed.autoscaler.memory()).any(|(_, newest, _)| newest.is_some());
                if worth && left == 0 {
                    self.forecasts_from = Some(key.clone());
                    return;
                }
                left -= usize::from(worth);
                self.effects.extend(write(key, governed, worth, now));
            }
        }
    }
}

fn is_due(governed: &Governed, now: Timestamp, every: Duration) -> bool {
    let Governed { learned, autoscaler, .. } = governed;
    let changed =
        || learned.marks.as_ref().is_none_or(|written| !marks(autoscaler.memory()).eq(written.iter().copied()));
    let removed = learned.marks.is_none() && autoscaler.memory().forecasts().next().is_none();
    removed || (now.since(learned.at) >= every && changed())
}

fn write(key: &ServiceKey, governed: &mut Governed, worth: bool, now: Timestamp) -> Option<Effect> {
    let memory = governed.autoscaler.memory();
    let learned = if worth { memory.forecasts_to_keep() } else { None };
    let learned = learned.map(|learned| payload::encode(&SavedForecasts::new(now, learned)));
    let (was_there, is_there) = (governed.learned.is_there, learned.is_some());
    governed.learned = StoredForecasts { at: now, marks: Some(marks(memory).collect()), is_there };
    (was_there || is_there).then(|| Effect::Forecasts(key.clone(), learned))
}

fn marks(memory: &Memory) -> impl Iterator<Item = Mark> {
    memory.forecasts().map(|(_, state)| {
        let forecaster = state.forecaster();
        (forecaster.step(), forecaster.history().newest(), forecaster.history().measured())
    })
}
