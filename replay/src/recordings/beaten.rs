//! How the policy does against each baseline, over all recordings.

use serde::Serialize;

use super::table::Judged;
use crate::{
    baseline,
    ranking::{self, Difference},
    report::Finding,
};

/// The bootstrap's random numbers are the same every time.
const SEED: u64 = 1;

/// The policy against one baseline, by the cost of second halves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beaten {
    /// What the baseline is asked for by.
    pub key: String,
    /// Recordings under a start-up on which the policy costs less.
    pub won: usize,
    /// Of so many.
    pub of: usize,
    /// How much more the policy costs, as a share of the baseline's cost: below zero is less.
    #[serde(flatten)]
    pub difference: Difference,
    /// What can be said of that.
    pub finding: Finding,
}

/// The policy against each of them; a recording's start-ups count together.
pub(super) fn beaten(judged: &[Judged]) -> Vec<Beaten> {
    baseline::ALL.iter().filter_map(|baseline| against(baseline.name, judged)).collect()
}

fn against(key: &str, judged: &[Judged]) -> Option<Beaten> {
    let by = |start: &super::Start| {
        let (own, other) = (start.of("policy")?.cost, start.of(key)?.cost);
        Some(own / other - 1.0)
    };
    let by: Vec<Vec<f64>> = judged.iter().map(|judged| judged.starts.iter().filter_map(by).collect()).collect();
    let nothing: Vec<Vec<f64>> = by.iter().map(|starts| vec![0.0; starts.len()]).collect();
    let difference = ranking::difference(&by, &nothing, SEED)?;
    let all = by.concat();
    Some(Beaten {
        key: key.to_owned(),
        won: all.iter().filter(|by| **by < -1e-9).count(),
        of: all.len(),
        finding: Finding::of(&difference),
        difference,
    })
}
