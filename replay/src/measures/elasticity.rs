//! How well supply followed demand: the elasticity measures of SPEC's research group on clouds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::minutes::Sums;
use crate::simulation::Segment;

/// How well supply followed demand. `U` is under-provisioning, `O` over-provisioning. Three normalisations are in use, which
/// is why papers disagree; each field says its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Elasticity {
    /// `100/T ∫ max(D - S, 0) / max(D, 1) dt`: percent of demand that was missing (Imdoukh 12).
    pub theta_u: f64,
    /// `100/T ∫ max(S - D, 0) / max(D, 1) dt`: percent of demand that was too much (Imdoukh 13).
    pub theta_o: f64,
    /// `100/T ∫ max(S - D, 0) / max(S, 1) dt`: percent of supply that was too much, as the studies after Ilyushkin have it.
    pub a_o: f64,
    /// `1/T ∫ max(D - S, 0) dt`: replicas missing on average (Herbst).
    pub accuracy_u: f64,
    /// `1/T ∫ max(S - D, 0) dt`: replicas too many on average (Herbst).
    pub accuracy_o: f64,
    /// `100/T ∫ 1[D > S] dt`: percent of the time (Herbst; Imdoukh 14).
    pub tau_u: f64,
    /// `100/T ∫ 1[S > D] dt`: percent of the time (Herbst; Imdoukh 15).
    pub tau_o: f64,
    /// `(E_S - E_D) / T`, where `E` sums the replicas of all changes both ways: per minute. Below zero supply is sluggish,
    /// above it is nervous (Herbst).
    pub jitter: f64,
    /// `100/N Σ min(1, |sgn ΔS - sgn ΔD|)`: percent of the `N` whole minutes over which supply did not move the way demand
    /// did. Δ is the difference between a minute's beginning and the next one's (Ilyushkin; by differences as published, and
    /// not by levels as in the `AtLarge` simulator).
    pub instability: f64,
    /// `100/N Σ min(1, max(sgn ΔS - sgn ΔD, 0))`: of these, supply rose more than demand (Ilyushkin's k).
    pub k: f64,
    /// `100/N Σ min(1, max(sgn ΔD - sgn ΔS, 0))`: of these, supply fell more than demand (Ilyushkin's k').
    pub k_prime: f64,
    /// `(θ_U^5 + θ_O^5 + τ_U^5 + τ_O^5 + υ^5)^(1/5)`: the autoscaling deviation, which is the Minkowski distance from an
    /// ideal in which all five are zero; υ is the instability. In percent.
    pub deviation: f64,
}

impl Elasticity {
    /// Measures below this many percent count as so many, so that a ratio of them is defined.
    pub const CLIP: f64 = 0.01;

    /// The elastic speedup η against a run in which nothing scaled: the geometric mean of how many times smaller `θ_U`,
    /// `θ_O`, `τ_U` and `τ_O` are (Imdoukh 16). Above 1 is better than not to scale.
    pub fn speedup(&self, unscaled: &Self) -> f64 {
        let four = |of: &Self| [of.theta_u, of.theta_o, of.tau_u, of.tau_o].map(|measure| measure.max(Self::CLIP).ln());
        let logs = four(unscaled).into_iter().zip(four(self)).map(|(unscaled, scaled)| unscaled - scaled);
        (logs.sum::<f64>() / 4.0).exp()
    }
}

/// Sums over segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Integrals {
    /// Milliseconds.
    under_by_demand: f64,
    over_by_demand: f64,
    over_by_supply: f64,
    /// Replica-milliseconds.
    under: u64,
    over: u64,
    /// Milliseconds.
    short: u64,
    excess: u64,
    /// Replicas that came or went.
    supply_moved: u64,
    demand_moved: u64,
    newest: Option<(u32, u32)>,
}

impl Integrals {
    pub(super) fn add(&mut self, segment: &Segment) {
        let (supply, demand) = (segment.ready, segment.needed);
        let millis = segment.to.as_millis() - segment.from.as_millis();
        let (missing, idle) = (demand.saturating_sub(supply), supply.saturating_sub(demand));
        let part = |of: u32, all: u32| f64::from(of) / f64::from(all.max(1)) * millis as f64;
        self.under_by_demand += part(missing, demand);
        self.over_by_demand += part(idle, demand);
        self.over_by_supply += part(idle, supply);
        self.under += u64::from(missing) * millis;
        self.over += u64::from(idle) * millis;
        self.short += if missing > 0 { millis } else { 0 };
        self.excess += if idle > 0 { millis } else { 0 };
        if let Some((supply_before, demand_before)) = self.newest.replace((supply, demand)) {
            self.supply_moved += u64::from(supply.abs_diff(supply_before));
            self.demand_moved += u64::from(demand.abs_diff(demand_before));
        }
    }

    pub(super) fn elasticity(&self, length: Duration, minutes: &Sums) -> Elasticity {
        let millis = length.as_secs_f64() * 1e3;
        if millis <= 0.0 {
            return Elasticity::default();
        }
        let percent_of_minutes =
            |count: u64| if minutes.moves == 0 { 0.0 } else { 100.0 * count as f64 / minutes.moves as f64 };
        let moved = self.supply_moved as f64 - self.demand_moved as f64;
        let mut elasticity = Elasticity {
            theta_u: 100.0 * self.under_by_demand / millis,
            theta_o: 100.0 * self.over_by_demand / millis,
            a_o: 100.0 * self.over_by_supply / millis,
            accuracy_u: self.under as f64 / millis,
            accuracy_o: self.over as f64 / millis,
            tau_u: 100.0 * self.short as f64 / millis,
            tau_o: 100.0 * self.excess as f64 / millis,
            jitter: moved / (millis / 60e3),
            instability: percent_of_minutes(minutes.rose_more + minutes.fell_more),
            k: percent_of_minutes(minutes.rose_more),
            k_prime: percent_of_minutes(minutes.fell_more),
            deviation: 0.0,
        };
        let five = [elasticity.theta_u, elasticity.theta_o, elasticity.tau_u, elasticity.tau_o, elasticity.instability];
        elasticity.deviation = five.map(|measure| measure.powi(5)).iter().sum::<f64>().powf(0.2);
        elasticity
    }
}
