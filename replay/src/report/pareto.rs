//! What each contender costs against what users miss, with its knob turned: the fair picture, for one setting alone is one
//! point of an unknown curve.

use super::{
    Contender, Curve, Judged, Kind, Point,
    axis::Axis,
    draw::{Drawing, Path},
    style::CONTENDER_COLOURS,
    timeline::width_of,
    words,
};

/// Size of the picture.
pub(super) const WIDTH: f64 = 720.0;
/// Its height.
pub(super) const HEIGHT: f64 = 340.0;

const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = HEIGHT - 44.0;

/// Draws it; nothing where nobody has both a cost and violations.
pub(super) fn draw(into: &mut Drawing, judged: &Judged) -> bool {
    let curves = curves(judged);
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (Some(dearest), Some(cheapest)) =
        (points().map(|point| point.cost).reduce(f64::max), points().map(|point| point.cost).reduce(f64::min))
    else {
        return false;
    };
    let worst = points().map(|point| point.violations).fold(0.0, f64::max);
    let reach = (dearest - cheapest).max(dearest * 0.05).max(1e-6);
    let x = Axis::linear(((cheapest - reach * 0.12).max(0.0), dearest + reach * 0.12), (LEFT, RIGHT));
    let y = Axis::linear((0.0, if worst > 0.0 { worst * 1.12 } else { 0.01 }), (BOTTOM, TOP));
    ground(into, x, y);
    front(into, &curves, x, y);
    let mut taken = Taken::default();
    for curve in &curves {
        for point in &curve.points {
            let at = (x.at(point.cost), y.at(point.violations));
            taken.0.push((at.0 - 5.0, at.1 - 5.0, at.0 + 5.0, at.1 + 5.0));
        }
    }
    for (index, curve) in curves.iter().enumerate() {
        draw_curve(into, curve, colour_of(curve.contender.unwrap_or(index)), x, y);
    }
    // Names first: where there is no room for all, settings go without.
    for given in [true, false] {
        for curve in &curves {
            for point in curve.points.iter().filter(|point| point.given == given) {
                let word = if given { &curve.name } else { &point.setting };
                let at = (x.at(point.cost), y.at(point.violations));
                if let Some((place, align)) = taken.room(at, width_of(word), given) {
                    let class = if given { "ink" } else { "tiny" };
                    into.text(place.0, place.1, &format!("{class} {align}"), word);
                }
            }
        }
    }
    true
}

/// The colour of a contender, by its place.
pub(super) fn colour_of(contender: usize) -> usize {
    contender % CONTENDER_COLOURS
}

/// Those that were swept, and each contender that was not as one point.
fn curves(judged: &Judged) -> Vec<Curve> {
    let mut curves = judged.pareto.clone();
    for (index, contender) in judged.contenders.iter().enumerate() {
        if !curves.iter().any(|curve| curve.contender == Some(index)) {
            curves.extend(alone(index, contender));
        }
    }
    curves
}

fn alone(index: usize, contender: &Contender) -> Option<Curve> {
    let point = Point {
        setting: String::new(),
        given: true,
        cost: contender.figures.get("replica_hours")?,
        violations: contender.figures.get("late").or_else(|| contender.figures.get("tau_u"))?,
    };
    let name = if contender.kind == Kind::Plan { "clairvoyant plan".to_owned() } else { contender.name.clone() };
    Some(Curve { name, contender: Some(index), knob: String::new(), points: vec![point] })
}

fn ground(into: &mut Drawing, x: Axis, y: Axis) {
    into.rect(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, "panel");
    for mark in x.marks(7.0) {
        into.line((x.at(mark), TOP), (x.at(mark), BOTTOM), "grid");
        into.text(x.at(mark), BOTTOM + 16.0, "middle", &words::number(mark));
    }
    for mark in y.marks(5.0) {
        into.line((LEFT, y.at(mark)), (RIGHT, y.at(mark)), "grid");
        into.text(LEFT - 6.0, y.at(mark) + 4.0, "end", &words::percent(mark));
    }
    into.text(LEFT, TOP - 10.0, "head", "Requests late or lost");
    into.text(
        RIGHT,
        TOP - 10.0,
        "end",
        "nearer to the lower left corner is better; rings: as given, dots: knob turned",
    );
    into.text(f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0, "middle head", "Replica-hours paid for");
}

fn draw_curve(into: &mut Drawing, curve: &Curve, colour: usize, x: Axis, y: Axis) {
    let places: Vec<_> = curve.points.iter().map(|point| (x.at(point.cost), y.at(point.violations))).collect();
    if places.len() > 1 {
        into.path(&Path::polyline(&places), &format!("curve l{colour}"));
    }
    for (point, at) in curve.points.iter().zip(places) {
        let setting = if curve.knob.is_empty() { String::new() } else { format!(", {} {}", curve.knob, point.setting) };
        let hint = format!(
            "{}{setting}: {} replica-hours, {} late or lost",
            curve.name,
            words::digits(point.cost),
            words::percent(point.violations)
        );
        into.hinted(&hint, |into| match point.given {
            true => into.disc(at, 6.0, &format!("ring l{colour}")),
            false => into.disc(at, 3.2, &format!("c{colour}")),
        });
    }
}

/// The line below which nobody is.
fn front(into: &mut Drawing, curves: &[Curve], x: Axis, y: Axis) {
    let mut points: Vec<_> =
        curves.iter().flat_map(|curve| &curve.points).map(|point| (point.cost, point.violations)).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut best = f64::INFINITY;
    points.retain(|(_, violations)| {
        let better = *violations < best;
        best = best.min(*violations);
        better
    });
    let mut corners = Vec::new();
    for (cost, violations) in points {
        if let Some((_, before)) = corners.last() {
            corners.push((x.at(cost), *before));
        }
        corners.push((x.at(cost), y.at(violations)));
    }
    if corners.len() > 1 {
        into.path(&Path::polyline(&corners), "front");
    }
}

/// Where something is drawn already: left, top, right, bottom.
#[derive(Default)]
struct Taken(Vec<(f64, f64, f64, f64)>);

impl Taken {
    /// Room for a word beside a point, and how it is aligned there. Where there is none: none, or to the right if it must
    /// be written.
    fn room(&mut self, at: (f64, f64), width: f64, must: bool) -> Option<((f64, f64), &'static str)> {
        let around = [
            ((at.0 + 10.0, at.1 + 4.0), "start"),
            ((at.0 - 10.0, at.1 + 4.0), "end"),
            ((at.0, at.1 - 11.0), "middle"),
            ((at.0, at.1 + 19.0), "middle"),
            ((at.0 + 10.0, at.1 - 9.0), "start"),
            ((at.0 + 10.0, at.1 + 16.0), "start"),
            ((at.0 - 10.0, at.1 - 9.0), "end"),
            ((at.0 - 10.0, at.1 + 16.0), "end"),
            ((at.0 + 10.0, at.1 - 22.0), "start"),
            ((at.0 - 10.0, at.1 - 22.0), "end"),
        ];
        let found = around.into_iter().find(|(place, align)| self.is_free(boxed(*place, align, width)));
        let found = found.or(must.then_some(around[0]))?;
        self.0.push(boxed(found.0, found.1, width));
        Some(found)
    }

    fn is_free(&self, (left, top, right, bottom): (f64, f64, f64, f64)) -> bool {
        let inside = left >= LEFT && right <= RIGHT + 8.0 && top >= TOP && bottom <= BOTTOM;
        inside && self.0.iter().all(|other| other.2 <= left || other.0 >= right || other.3 <= top || other.1 >= bottom)
    }
}

fn boxed((x, y): (f64, f64), align: &str, width: f64) -> (f64, f64, f64, f64) {
    let left = match align {
        "end" => x - width,
        "middle" => x - width / 2.0,
        _ => x,
    };
    (left, y - 10.0, left + width, y + 3.0)
}
