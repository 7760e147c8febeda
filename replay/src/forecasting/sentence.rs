//! What a forecaster expects, in one sentence.

use autoscaler::{policy::Knob, quantity::Unit};
use forecast::{Forecaster, Gate};

use super::millis;
use crate::report::forecast::words_of;

/// What a forecaster expects, where no rule of a policy says it.
pub fn sentence(forecaster: &Forecaster, unit: Unit, knob: Knob) -> Option<String> {
    let by = forecaster.outlook()?;
    let lead = millis(by.step * u64::try_from(by.lead).unwrap_or(1));
    let mixed =
        by.weights.iter().take(4).map(|(member, weight)| format!("{:.0} % {}", weight * 100.0, words_of(*member)));
    let gate = match by.gate {
        Gate::Learning => "its skill is not known yet",
        Gate::Raises => "its skill is not proven",
        Gate::Proven => "its skill is proven",
        Gate::Refuted => "it is worse than `as now`, which would count in its place",
    };
    let skill =
        by.skill.map(|skill| format!(": its bound cost {:.0} % less than that of `as now`", skill.skill * 100.0));
    Some(format!(
        "{} now; in {lead} {} are expected: {}; {:.1} % of the time it is at most {} ({} idle for one missing); {gate}{}, {} of \
         the last {} were missed",
        unit.print(forecaster.history().last()),
        unit.print(by.middle),
        mixed.collect::<Vec<_>>().join(", "),
        knob.quantile() * 100.0,
        unit.print(by.ahead),
        knob.idle_per_missing(),
        skill.unwrap_or_default(),
        by.misses.0,
        by.misses.1,
    ))
}
