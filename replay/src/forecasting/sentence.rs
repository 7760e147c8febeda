//! What a forecaster expects, in one sentence.

use autoscaler::{explain, policy::Knob, quantity::Unit};
use forecast::Forecaster;

/// What a forecaster expects, where no rule of a policy says it.
pub fn sentence(forecaster: &Forecaster, unit: Unit, knob: Knob) -> Option<String> {
    let now = unit.print(forecaster.history().last());
    forecaster.outlook().map(|by| format!("{now} now; {}", explain::outlook(by, knob, unit)))
}
