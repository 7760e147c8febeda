//! What a fleet wants done.

use bus::payload::{Assignment, Target};
use bytes::Bytes;

use super::{
    key::ServiceKey,
    memory::{Saved, SavedDecisions},
};

/// Something to be written about one service. `None` removes what is there. Each is a level: only the newest counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// How many replicas there shall be.
    Target(ServiceKey, Option<Target>),
    /// What the policy asks of the agent.
    Assignment(ServiceKey, Option<Assignment>),
    /// What guards remember.
    Memory(ServiceKey, Option<Box<Saved>>),
    /// What forecasts learned, encoded: it is large, and not copied for that.
    Forecasts(ServiceKey, Option<Bytes>),
    /// What was decided.
    Decisions(ServiceKey, Option<SavedDecisions>),
}

impl Effect {
    /// Everything there may be about a service, removed.
    pub(crate) fn forget(key: &ServiceKey) -> [Self; 5] {
        [
            Self::Target(key.clone(), None),
            Self::Assignment(key.clone(), None),
            Self::Memory(key.clone(), None),
            Self::Forecasts(key.clone(), None),
            Self::Decisions(key.clone(), None),
        ]
    }
}
