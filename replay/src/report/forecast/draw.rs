//! The pictures: demand with what had been said of it, replicas, and the members' weights, above each other on one axis of time.

use std::time::Duration;

use autoscaler::time::{Timestamp, spoken};

use super::{
    super::{
        Theme,
        axis::Axis,
        draw::{Drawing, Path},
        poster::{self, wrapped},
        timeline::width_of,
        words,
    },
    Prospect,
};

/// Size of the pictures.
pub(super) const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 14.0;
/// Above a panel: its title and legend.
const TITLE: f64 = 26.0;
/// Below a panel.
const GAP: f64 = 10.0;
/// Below all panels: moments.
const MOMENTS: f64 = 38.0;
const MARGIN: f64 = 16.0;
const DEMAND: f64 = 210.0;
const REPLICAS: f64 = 110.0;
const WEIGHTS: f64 = 110.0;
/// Members with an area of their own.
const LANES: usize = 5;

/// A sheet of its own, in one theme: headline, the rule's sentence, and the pictures.
pub(super) fn svg(prospect: &Prospect, theme: Theme) -> String {
    let mut sheet = Drawing::default();
    sheet.text(MARGIN, 34.0, "big", &prospect.headline());
    let mut top = 44.0;
    for line in wrapped(&summary(prospect), WIDTH) {
        top += 16.0;
        sheet.text(MARGIN, top, "ink", &line);
    }
    let end = poster::placed(&mut sheet, (MARGIN, top + 12.0), height(prospect), |into| {
        draw(into, prospect);
        true
    });
    poster::sheet((WIDTH + 2.0 * MARGIN, end), &sheet.finish(), theme)
}

/// What the pictures show, in words.
pub(super) fn summary(prospect: &Prospect) -> String {
    let (above, of) = prospect.above();
    let share = if of > 0 { words::percent(above as f64 / of as f64) } else { "none".to_owned() };
    let (lead, allowed) = (spoken(prospect.shown_lead), words::percent(1.0 - prospect.quantile));
    format!(
        "In steps of {}, forecast {lead} before. {above} of {of} came above the bound, {share}; {allowed} may.",
        spoken(prospect.shown_step)
    )
}

/// How high the pictures are.
pub(super) fn height(prospect: &Prospect) -> f64 {
    let replicas = if has_replicas(prospect) { TITLE + REPLICAS + GAP } else { 0.0 };
    TITLE + DEMAND + GAP + replicas + TITLE + WEIGHTS + MOMENTS
}

fn has_replicas(prospect: &Prospect) -> bool {
    !prospect.plan.is_empty()
}

/// All panels.
pub(super) fn draw(into: &mut Drawing, prospect: &Prospect) {
    let (first, last) = reach(prospect);
    let time = Axis::linear((0.0, last.since(first).as_secs_f64()), (LEFT, RIGHT));
    let frame = Frame { prospect, first, last, time };
    let mut top = TITLE;
    frame.panel(into, top, DEMAND);
    frame.demand(into, top);
    top += DEMAND + GAP;
    if has_replicas(prospect) {
        top += TITLE;
        frame.panel(into, top, REPLICAS);
        frame.replicas(into, top);
        top += REPLICAS + GAP;
    }
    top += TITLE;
    frame.panel(into, top, WEIGHTS);
    frame.weights(into, top);
    frame.moments(into, top + WEIGHTS);
}

/// The first moment that is shown, and the last.
fn reach(prospect: &Prospect) -> (Timestamp, Timestamp) {
    let step = prospect.shown_step;
    let first = prospect.past.first().map_or(prospect.at, |moment| before(moment.at, step));
    (first, prospect.ahead.last().map_or(prospect.at, |span| span.to))
}

fn before(at: Timestamp, span: Duration) -> Timestamp {
    at.minus(span)
}

struct Frame<'a> {
    prospect: &'a Prospect,
    first: Timestamp,
    last: Timestamp,
    time: Axis,
}

impl Frame<'_> {
    fn x(&self, at: Timestamp) -> f64 {
        self.time.at(at.since(self.first).as_secs_f64())
    }

    fn now(&self) -> f64 {
        self.x(self.prospect.at)
    }

    /// The ground of a panel: paper, moments and now.
    fn panel(&self, into: &mut Drawing, top: f64, height: f64) {
        into.rect(LEFT, top, RIGHT - LEFT, height, "panel");
        for (at, _) in self.marks() {
            let x = self.x(at);
            into.line((x, top), (x, top + height), "grid");
        }
        into.line((self.now(), top), (self.now(), top + height), "frame");
    }

    fn demand(&self, into: &mut Drawing, top: f64) {
        let prospect = self.prospect;
        let values = prospect.past.iter().flat_map(|moment| [moment.actual, moment.bound]);
        let ahead = prospect.ahead.iter().flat_map(|span| [Some(span.bound), span.actual]);
        let most = values.chain(ahead).flatten().fold(0.0, f64::max);
        let axis = Axis::counting(most, 4.0, (top + DEMAND, top + 6.0));
        scale(into, &axis, words::number);
        let legend = [
            ("offered", "what came"),
            ("middle-line", "expected"),
            ("bound-band", "up to the bound"),
            ("missed", "above it"),
        ];
        title(into, top, &format!("{} ({})", prospect.signal, unit_words(prospect)), &legend);
        let step = prospect.shown_step;
        let past: Vec<_> = prospect.past.iter().map(|moment| (self.x(before(moment.at, step)), moment)).collect();
        let ahead: Vec<_> = prospect.ahead.iter().map(|span| (self.x(span.from), span)).collect();
        let band = |pair: Option<(f64, f64)>| pair.map(|(bound, middle)| (axis.at(bound.max(middle)), axis.at(middle)));
        let (now, end) = (self.now(), self.x(self.last));
        let bands: Vec<_> = past.iter().map(|(x, moment)| (*x, band(moment.bound.zip(moment.middle)))).collect();
        into.path(&Path::between(&bands, now), "bound-band");
        let bands: Vec<_> = ahead.iter().map(|(x, span)| (*x, band(Some((span.bound, span.middle))))).collect();
        into.path(&Path::between(&bands, end), "bound-band");
        let middle = past.iter().map(|(x, moment)| (*x, moment.middle.map(|value| axis.at(value))));
        into.path(&Path::steps(middle, now), "middle-line");
        into.path(&Path::steps(ahead.iter().map(|(x, span)| (*x, Some(axis.at(span.middle)))), end), "middle-line");
        into.path(
            &Path::steps(past.iter().map(|(x, moment)| (*x, moment.actual.map(|value| axis.at(value)))), now),
            "offered",
        );
        let came = ahead.iter().map(|(x, span)| (*x, span.actual.map(|value| axis.at(value))));
        into.path(&Path::steps(came, end), "offered");
        for (x, moment) in &past {
            if let Some((actual, bound)) = moment.actual.zip(moment.bound).filter(|(actual, bound)| actual > bound) {
                let hint =
                    format!("{}: {} above a bound of {}", moment.at, words::number(actual), words::number(bound));
                let half = (self.x(moment.at) - x) / 2.0;
                into.hinted(&hint, |into| into.disc((x + half, axis.at(actual)), 2.4, "missed"));
            }
        }
    }

    fn replicas(&self, into: &mut Drawing, top: f64) {
        let prospect = self.prospect;
        let past = || prospect.past.iter().flat_map(|moment| [moment.needed, moment.replicas]);
        let most = past().chain(prospect.ahead.iter().map(|span| span.replicas)).flatten().max().unwrap_or(1);
        let axis = Axis::counting(f64::from(most), 4.0, (top + REPLICAS, top + 6.0));
        scale(into, &axis, |mark| if mark.fract() == 0.0 { words::number(mark) } else { String::new() });
        title(into, top, "Replicas", &[("needed", "for what came"), ("ready", "for the bound")]);
        let step = prospect.shown_step;
        let low = top + REPLICAS;
        let y = |count: Option<u32>| count.map(|count| axis.at(f64::from(count)));
        let places: Vec<_> = prospect.past.iter().map(|moment| (self.x(before(moment.at, step)), moment)).collect();
        let needed: Vec<_> = places.iter().map(|(x, moment)| (*x, y(moment.needed).map(|y| (y, low)))).collect();
        into.path(&Path::between(&needed, self.now()), "needed");
        into.path(&Path::steps(places.iter().map(|(x, moment)| (*x, y(moment.replicas))), self.now()), "ready");
        let ahead = prospect.ahead.iter().map(|span| (self.x(span.from), y(span.replicas)));
        into.path(&Path::steps(ahead, self.x(self.last)), "ready");
    }

    fn weights(&self, into: &mut Drawing, top: f64) {
        let prospect = self.prospect;
        let (lanes, at) = prospect.heaviest(LANES);
        let axis = Axis::linear((0.0, 1.0), (top + WEIGHTS, top));
        scale(into, &Axis::linear((0.0, 100.0), (top + WEIGHTS, top)), |mark| format!("{mark} %"));
        let classes: Vec<String> = (0..lanes.len()).map(|lane| format!("c{lane}")).collect();
        let legend: Vec<(&str, &str)> =
            classes.iter().zip(&lanes).map(|(class, (name, _))| (class.as_str(), name.as_str())).collect();
        title(into, top, "What is mixed, as rehearsed", &legend);
        let mut floor = vec![0.0; at.len()];
        for ((name, weights), class) in lanes.iter().zip(&classes) {
            let points: Vec<_> = at
                .iter()
                .zip(floor.iter().zip(weights))
                .map(|(at, (floor, weight))| {
                    let (low, high) = (axis.at(*floor), axis.at(floor + weight));
                    (self.x(before(*at, prospect.shown_step)), (weight > &0.0).then_some((high, low)))
                })
                .collect();
            let now = weights.last().copied().unwrap_or(0.0);
            into.hinted(&format!("{name}: {} now", words::percent(now)), |into| {
                into.path(&Path::between(&points, self.now()), class);
            });
            for (floor, weight) in floor.iter_mut().zip(weights) {
                *floor += weight;
            }
        }
    }

    /// Words below the panels: spans from now.
    fn moments(&self, into: &mut Drawing, bottom: f64) {
        for (at, word) in self.marks() {
            let x = self.x(at);
            into.line((x, bottom), (x, bottom + 4.0), "frame");
            let last = x > RIGHT - 14.0;
            into.text(if last { RIGHT + 8.0 } else { x }, bottom + 16.0, if last { "end" } else { "middle" }, &word);
        }
        let Prospect { at, zone, .. } = self.prospect;
        let words = format!("time from now, {} {zone}", self.prospect.clock(*at));
        into.text(f64::midpoint(LEFT, RIGHT), bottom + 32.0, "middle tiny", &words);
    }

    /// About ten moments, at round spans from now.
    fn marks(&self) -> Vec<(Timestamp, String)> {
        const STEPS: [u64; 18] = [
            5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800,
            604_800,
        ];
        let all = self.last.since(self.first);
        let step = STEPS.into_iter().find(|step| *step * 10 >= all.as_secs()).unwrap_or(2_419_200);
        let step = Duration::from_secs(step);
        let (back, on) = (self.prospect.at.since(self.first), self.last.since(self.prospect.at));
        let count = |span: Duration| u32::try_from(span.as_secs() / step.as_secs()).unwrap_or(0);
        let word = |span: Duration| spoken(span).replace("days", "d").replace("day", "d");
        let past = (1..=count(back))
            .rev()
            .map(|place| (self.prospect.at.minus(step * place), format!("−{}", word(step * place))));
        let ahead =
            (1..=count(on)).map(|place| (self.prospect.at.plus(step * place), format!("+{}", word(step * place))));
        past.chain([(self.prospect.at, "now".to_owned())]).chain(ahead).collect()
    }
}

/// Marks of an axis with their lines; what has no words has no line.
fn scale(into: &mut Drawing, axis: &Axis, written: impl Fn(f64) -> String) {
    for mark in axis.marks(4.0) {
        let (y, words) = (axis.at(mark), written(mark));
        if !words.is_empty() {
            into.line((LEFT, y), (RIGHT, y), "grid");
            into.text(LEFT - 5.0, y + 4.0, "end", &words);
        }
    }
}

/// What a panel shows: title to the left, what its lines are to the right.
fn title(into: &mut Drawing, top: f64, title: &str, legend: &[(&str, &str)]) {
    let y = top - 8.0;
    into.text(LEFT, y, "head", title);
    let mut x = RIGHT;
    for (class, word) in legend.iter().rev() {
        x -= width_of(word);
        into.text(x, y, "", word);
        x -= 18.0;
        match *class {
            "missed" => into.disc((x + 7.0, y - 4.0), 3.0, class),
            "offered" | "ready" | "middle-line" => into.line((x, y - 4.0), (x + 14.0, y - 4.0), class),
            area => into.rect(x, y - 8.0, 14.0, 8.0, area),
        }
        x -= 12.0;
    }
}

/// What the numbers are.
fn unit_words(prospect: &Prospect) -> &'static str {
    use autoscaler::quantity::Unit;
    match prospect.unit {
        Unit::Number => "number",
        Unit::Cores => "busy cores",
        Unit::Bytes => "bytes",
        Unit::Seconds => "seconds",
        Unit::PerSecond => "per second",
        Unit::Share => "1 is all of it",
    }
}
