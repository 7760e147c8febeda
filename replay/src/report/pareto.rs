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
pub(super) const WIDTH: f64 = 900.0;
/// Its height.
pub(super) const HEIGHT: f64 = 380.0;

const LEFT: f64 = 62.0;
/// To the right of it are the names.
const RIGHT: f64 = 640.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = HEIGHT - 44.0;

/// Settings that miss more than so many times as much as the worst as given are out of the picture: a knob turned all the
/// way up misses nearly everything, and next to that nothing else could be told apart.
const REACH: f64 = 2.5;

/// Draws it; nothing where nobody has both a cost and violations.
pub(super) fn draw(into: &mut Drawing, judged: &Judged) -> bool {
    let curves = curves(judged);
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let most = |points: &mut dyn Iterator<Item = &Point>| points.map(|point| point.violations).fold(0.0, f64::max);
    let limit = most(&mut all()).min((most(&mut all().filter(|point| point.given)) * REACH).max(0.005));
    let costs = || all().filter(|point| point.violations <= limit).map(|point| point.cost);
    let (Some(dearest), Some(cheapest)) = (costs().reduce(f64::max), costs().reduce(f64::min)) else { return false };
    let reach = (dearest - cheapest).max(dearest * 0.05).max(1e-6);
    let sheet = Sheet {
        x: Axis::linear(((cheapest - reach * 0.12).max(0.0), dearest + reach * 0.12), (LEFT, RIGHT)),
        y: Axis::linear((0.0, if limit > 0.0 { limit * 1.12 } else { 0.01 }), (BOTTOM, TOP)),
        limit,
    };
    sheet.ground(into);
    let outside = all().filter(|point| point.violations > limit).count();
    if outside > 0 {
        let word = words::count(u64::try_from(outside).unwrap_or(u64::MAX), "setting misses", "settings miss");
        into.text(RIGHT - 6.0, TOP + 14.0, "end tiny", &format!("{word} more than is shown"));
    }
    sheet.front(into, judged, &curves);
    for (index, curve) in curves.iter().enumerate() {
        sheet.curve(into, curve, colour_of(curve.contender.unwrap_or(index)));
    }
    sheet.settings(into, &curves);
    legend(into, &curves);
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

/// Where what is.
struct Sheet {
    x: Axis,
    y: Axis,
    /// What misses more is not shown.
    limit: f64,
}

impl Sheet {
    fn at(&self, point: &Point) -> (f64, f64) {
        (self.x.at(point.cost), self.y.at(point.violations))
    }

    fn shows(&self, point: &Point) -> bool {
        point.violations <= self.limit
    }

    fn ground(&self, into: &mut Drawing) {
        into.rect(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, "panel");
        for mark in self.x.marks(7.0) {
            let x = self.x.at(mark);
            into.line((x, TOP), (x, BOTTOM), "grid");
            into.text(x, BOTTOM + 16.0, "middle", &words::number(mark));
        }
        for mark in self.y.marks(5.0) {
            let y = self.y.at(mark);
            into.line((LEFT, y), (RIGHT, y), "grid");
            into.text(LEFT - 6.0, y + 4.0, "end", &words::percent(mark));
        }
        into.text(LEFT, TOP - 10.0, "head", "Requests late or lost");
        let word = "lower left is better; rings: as given, dots: knob turned";
        into.text(RIGHT, TOP - 10.0, "end", word);
        into.text(f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0, "middle head", "Replica-hours paid for");
    }

    fn curve(&self, into: &mut Drawing, curve: &Curve, colour: usize) {
        for pair in curve.points.windows(2) {
            let [one, other] = pair else { continue };
            if let Some((from, to)) = self.clipped(one, other) {
                into.line(from, to, &format!("curve l{colour}"));
            }
        }
        for point in curve.points.iter().filter(|point| self.shows(point)) {
            let setting =
                if curve.knob.is_empty() { String::new() } else { format!(", {} {}", curve.knob, point.setting) };
            let hint = format!(
                "{}{setting}: {} replica-hours, {} late or lost",
                curve.name,
                words::digits(point.cost),
                words::percent(point.violations)
            );
            let at = self.at(point);
            into.hinted(&hint, |into| {
                let (radius, class) = if point.given { (6.0, "ring l") } else { (3.2, "c") };
                into.disc(at, radius, &format!("{class}{colour}"));
            });
        }
    }

    /// The part of the line between two points that is shown.
    fn clipped(&self, one: &Point, other: &Point) -> Option<((f64, f64), (f64, f64))> {
        match (self.shows(one), self.shows(other)) {
            (true, true) => Some((self.at(one), self.at(other))),
            (false, false) => None,
            (true, false) => Some((self.at(one), self.edge(one, other))),
            (false, true) => Some((self.edge(other, one), self.at(other))),
        }
    }

    /// Where the line from a point that is shown to one that is not leaves the picture.
    fn edge(&self, shown: &Point, hidden: &Point) -> (f64, f64) {
        let highest = self.limit * 1.12;
        let share = ((highest - shown.violations) / (hidden.violations - shown.violations)).clamp(0.0, 1.0);
        (self.x.at(shown.cost + (hidden.cost - shown.cost) * share), TOP)
    }

    /// The line below which nobody is who does not know the future.
    fn front(&self, into: &mut Drawing, judged: &Judged, curves: &[Curve]) {
        let is_plan = |curve: &&Curve| {
            let contender = curve.contender.and_then(|index| judged.contenders.get(index));
            contender.is_some_and(|contender| contender.kind == Kind::Plan)
        };
        let mut points: Vec<&Point> = curves
            .iter()
            .filter(|curve| !is_plan(curve))
            .flat_map(|curve| &curve.points)
            .filter(|point| self.shows(point))
            .collect();
        points.sort_by(|one, other| one.cost.total_cmp(&other.cost).then(one.violations.total_cmp(&other.violations)));
        let mut best = f64::INFINITY;
        points.retain(|point| {
            let better = point.violations < best;
            best = best.min(point.violations);
            better
        });
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for point in points {
            let (x, y) = self.at(point);
            corners.extend(corners.last().map(|before| (x, before.1)));
            corners.push((x, y));
        }
        if corners.len() > 1 {
            into.path(&Path::polyline(&corners), "front");
        }
    }

    /// Where there is room, the ends of each curve; the rest is in the hints.
    fn settings(&self, into: &mut Drawing, curves: &[Curve]) {
        let mut taken = Taken::default();
        for point in curves.iter().flat_map(|curve| &curve.points) {
            let (x, y) = self.at(point);
            taken.0.push((x - 5.0, y - 5.0, x + 5.0, y + 5.0));
        }
        for curve in curves {
            let mut shown = curve.points.iter().filter(|point| self.shows(point));
            for point in [shown.next(), shown.next_back()].into_iter().flatten().filter(|point| !point.given) {
                if let Some((place, align)) = taken.room(self.at(point), width_of(&point.setting)) {
                    into.text(place.0, place.1, &format!("tiny {align}"), &point.setting);
                }
            }
        }
    }
}

/// Who is who: beside the picture, for in it names would lie on each other.
fn legend(into: &mut Drawing, curves: &[Curve]) {
    let rows = u32::try_from(curves.len()).unwrap_or(u32::MAX);
    let step = ((BOTTOM - TOP) / f64::from(rows.max(1))).min(20.0);
    for ((row, curve), index) in (0_u32..).zip(curves).zip(0_usize..) {
        let (x, y) = (RIGHT + 20.0, TOP + 10.0 + f64::from(row) * step);
        into.disc((x, y - 4.0), 4.5, &format!("ring l{}", colour_of(curve.contender.unwrap_or(index))));
        into.text(x + 12.0, y, "ink", &curve.name);
    }
}

/// Where something is drawn already: left, top, right, bottom.
#[derive(Default)]
struct Taken(Vec<(f64, f64, f64, f64)>);

impl Taken {
    /// Room for a word beside a point, and how it is aligned there.
    fn room(&mut self, at: (f64, f64), width: f64) -> Option<((f64, f64), &'static str)> {
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
        let found = around.into_iter().find(|(place, align)| self.is_free(boxed(*place, align, width)))?;
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
