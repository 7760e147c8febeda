//! What the distance of a policy to the clairvoyant plan is made of, as a staircase of bars.

use super::{ReactiveFloor, Rung, axis::Axis, draw::Drawing, words};

/// Width of the picture.
pub(super) const WIDTH: f64 = 860.0;

const ROW: f64 = 30.0;
const LEFT: f64 = 400.0;
const RIGHT: f64 = WIDTH - 130.0;

/// How high it is.
pub(super) fn height(rungs: &[Rung]) -> f64 {
    let rows = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
    f64::from(rows) * ROW + 26.0
}

impl ReactiveFloor {
    /// In words.
    pub fn sentence(&self) -> String {
        let Self { lag, missing_hours, cost } = self;
        format!(
            "Reactive floor: whoever always has what was needed {} before, one sample and the quickest start, misses {} \
         replica-hours, which cost {}. Below that one has to foresee, or to pay for headroom.",
            words::response_time(*lag),
            words::digits(*missing_hours),
            words::digits(*cost),
        )
    }
}

/// Draws it: the plan's cost as a bar, and each further rung as the step from the one before.
pub(super) fn draw(into: &mut Drawing, rungs: &[Rung]) {
    let most = rungs.iter().map(|rung| rung.cost).fold(0.0, f64::max);
    let x = Axis::linear((0.0, most.max(1e-9)), (LEFT, RIGHT));
    let Some(first) = rungs.first() else { return };
    let mut before: f64 = 0.0;
    for (row, rung) in (0_u32..).zip(rungs) {
        let top = f64::from(row) * ROW + 4.0;
        let (from, to) = (x.at(before.min(rung.cost)), x.at(before.max(rung.cost)));
        let class = match row {
            0 => "needed",
            _ if rung.cost < before => "good",
            _ => "missing",
        };
        let hint = format!("{}: {} replica-hours", rung.name, words::digits(rung.cost));
        into.hinted(&hint, |into| {
            into.rect(LEFT, top, RIGHT - LEFT, ROW - 8.0, "panel");
            into.rect(from, top, (to - from).max(1.0), ROW - 8.0, class);
        });
        into.text(LEFT - 10.0, top + 9.0, "end ink", &rung.name);
        if !rung.price_of.is_empty() {
            into.text(LEFT - 10.0, top + 21.0, "end tiny", &format!("price of {}", rung.price_of));
        }
        let share =
            if first.cost > 0.0 { format!(" (× {})", words::digits(rung.cost / first.cost)) } else { String::new() };
        into.text(RIGHT + 8.0, top + 14.0, "ink", &format!("{}{share}", words::digits(rung.cost)));
        before = rung.cost;
    }
    let rows = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
    let word = "cost in replica-hours, missing replicas priced in; × the clairvoyant plan's";
    into.text(f64::midpoint(LEFT, RIGHT), f64::from(rows) * ROW + 18.0, "middle tiny", word);
}
