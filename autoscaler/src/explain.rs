//! Turns an evaluation into sentences: the one place that does.

use crate::Evaluation;

/// The verdict and what decided it, in one sentence.
pub fn sentence(_evaluation: &Evaluation) -> String {
    String::new()
}

/// What each rule wanted, one sentence each.
pub fn rules(_evaluation: &Evaluation) -> Vec<String> {
    Vec::new()
}

/// What each guard did, one sentence each.
pub fn guards(_evaluation: &Evaluation) -> Vec<String> {
    Vec::new()
}

/// What would change it next, in one sentence.
pub fn next(_evaluation: &Evaluation) -> Option<String> {
    None
}

/// A signal's value as a rule reads it, with unit, and its age; `None` while it is missing.
pub fn signal(_reading: &crate::evaluation::SignalReading) -> Option<String> {
    None
}

/// Why a signal is missing or does not cover all replicas.
pub fn gap(_reading: &crate::evaluation::SignalReading) -> Option<String> {
    None
}
