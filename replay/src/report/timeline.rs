//! What happened under one contender: demand, replicas, what waited and how long it took, above each other on one axis of
//! time.

use std::time::Duration;

use super::{
    axis::{self, Axis},
    draw::{Drawing, Path},
    picture::{Bucket, Decision, FaultSpan, Picture, Spread},
    words,
};
use crate::scenario::LatencyObjective;

/// Size of one contender's pictures.
pub(super) const WIDTH: f64 = 540.0;

const LEFT: f64 = 48.0;
const RIGHT: f64 = WIDTH - 10.0;
/// Above a panel: its title and legend.
const TITLE: f64 = 24.0;
/// Below a panel.
const GAP: f64 = 12.0;
/// Above all panels: names of faults.
const FAULT_WORDS: f64 = 14.0;
/// At the bottom of the replicas: decisions.
const STRIP: f64 = 18.0;
/// Below all panels: moments.
const MOMENTS: f64 = 34.0;

/// What all contenders of one scenario share, so that their pictures can be compared by eye.
#[derive(Clone, Debug)]
pub(super) struct Common<'a> {
    lasts: Duration,
    begins: autoscaler::Timestamp,
    faults: &'a [FaultSpan],
    objective: Option<LatencyObjective>,
    quantile: f64,
    panels: Vec<(Panel, Axis, (f64, f64))>,
    height: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    Demand,
    Replicas,
    Waiting,
    Latency,
}

impl Panel {
    fn height(self) -> f64 {
        match self {
            Self::Replicas => 150.0,
            Self::Demand | Self::Waiting => 70.0,
            Self::Latency => 84.0,
        }
    }
}

impl<'a> Common<'a> {
    /// For these pictures. Where nothing is known of demand, as of recorded signals, replicas are all that is shown.
    pub(super) fn new(
        pictures: &[&Picture],
        lasts: Duration,
        begins: autoscaler::Timestamp,
        faults: &'a [FaultSpan],
        objective: Option<LatencyObjective>,
    ) -> Self {
        let buckets = || pictures.iter().flat_map(|picture| &picture.buckets);
        let most = |of: fn(&Bucket) -> f64| buckets().map(of).fold(0.0, f64::max);
        let (offered, waiting) = (most(|bucket| bucket.offered.most), most(|bucket| bucket.in_flight.most));
        let replicas = most(|bucket| bucket.target.most.max(bucket.needed.most).max(bucket.ready.most));
        let latencies = || buckets().filter_map(|bucket| bucket.latency);
        let bound = objective.map(|objective| objective.below);
        let slowest = latencies().map(|spread| spread.most).chain(bound).fold(0.0, f64::max);
        let fastest =
            latencies().map(|spread| spread.least).filter(|least| *least > 0.0).chain(bound).fold(f64::MAX, f64::min);
        let mut top = if faults.is_empty() { 0.0 } else { FAULT_WORDS };
        let mut panels = Vec::new();
        for (panel, there) in [
            (Panel::Demand, offered > 0.0),
            (Panel::Replicas, true),
            (Panel::Waiting, offered > 0.0),
            (Panel::Latency, latencies().next().is_some()),
        ] {
            if !there {
                continue;
            }
            let place = (top + TITLE, top + TITLE + panel.height());
            let (low, high) = (place.1, place.0 + 4.0);
            let axis = match panel {
                Panel::Demand => Axis::counting(offered, 3.0, (low, high)),
                Panel::Replicas => Axis::counting(replicas.max(1.0), 4.0, (low - STRIP, high)),
                Panel::Waiting => Axis::counting(waiting.max(1.0), 3.0, (low, high)),
                // Overload takes a hundred times as long as normal work, and both matter.
                Panel::Latency if slowest > fastest * 20.0 => {
                    Axis::logarithmic((fastest * 0.8, slowest * 1.2), (low, high))
                }
                Panel::Latency => Axis::linear((0.0, slowest * 1.05), (low, high)),
            };
            panels.push((panel, axis, place));
            top = place.1 + GAP;
        }
        let quantile = pictures.first().map_or(super::picture::USUAL_QUANTILE, |picture| picture.quantile);
        Self { lasts, begins, faults, objective, quantile, panels, height: top - GAP + MOMENTS }
    }

    /// How high one contender's pictures are.
    pub(super) fn height(&self) -> f64 {
        self.height
    }

    fn time(&self) -> Axis {
        Axis::linear((0.0, self.lasts.as_secs_f64()), (LEFT, RIGHT))
    }

    /// Where a moment is.
    fn x(&self, at: Duration) -> f64 {
        self.time().at(at.as_secs_f64())
    }

    /// Where the axis of time begins and ends.
    pub(super) fn across() -> (f64, f64) {
        (LEFT, RIGHT)
    }

    fn top(&self) -> f64 {
        self.panels.first().map_or(0.0, |(_, _, (top, _))| *top)
    }

    fn bottom(&self) -> f64 {
        self.panels.last().map_or(0.0, |(_, _, (_, bottom))| *bottom)
    }
}

/// Draws the pictures of one contender.
pub(super) fn draw(into: &mut Drawing, picture: &Picture, common: &Common<'_>) {
    let moments = axis::moments(common.begins, common.lasts, 7);
    for (panel, axis, (top, bottom)) in &common.panels {
        into.rect(LEFT, *top, RIGHT - LEFT, bottom - top, "panel");
        for (at, _) in &moments {
            let x = common.x(*at);
            into.line((x, *top), (x, *bottom), "grid");
        }
        let marks = axis.marks(if *panel == Panel::Replicas { 5.0 } else { 3.0 });
        for mark in marks.into_iter().filter(|mark| *panel != Panel::Replicas || mark.fract() == 0.0) {
            let y = axis.at(mark);
            into.line((LEFT, y), (RIGHT, y), "grid");
            into.text(LEFT - 5.0, y + 4.0, "end", &written(*panel, mark));
        }
        title(into, *panel, *top, common);
    }
    fault_bands(into, common);
    for (panel, axis, _) in &common.panels {
        let lines = Lines { picture, common, axis };
        match panel {
            Panel::Demand => lines.demand(into),
            Panel::Replicas => lines.replicas(into),
            Panel::Waiting => lines.waiting(into),
            Panel::Latency => lines.latency(into),
        }
    }
    for (index, (at, word)) in moments.iter().enumerate() {
        let x = common.x(*at);
        into.line((x, common.bottom()), (x, common.bottom() + 4.0), "frame");
        // The last one would reach beyond the picture.
        let last = index + 1 == moments.len() && x > RIGHT - 12.0;
        into.text(
            if last { RIGHT + 8.0 } else { x },
            common.bottom() + 16.0,
            if last { "end" } else { "middle" },
            word,
        );
    }
    into.text(
        f64::midpoint(LEFT, RIGHT),
        common.bottom() + 30.0,
        "middle tiny",
        if common.lasts >= axis::BY_DAY { "day (UTC)" } else { "time since the beginning" },
    );
}

fn written(panel: Panel, mark: f64) -> String {
    if panel == Panel::Latency { words::response_time(mark) } else { words::number(mark) }
}

/// What a panel shows: title to the left, what its lines are to the right.
fn title(into: &mut Drawing, panel: Panel, top: f64, common: &Common<'_>) {
    let y = top - 7.0;
    let plain = |entries: &[(&'static str, &'static str)]| -> Vec<(&'static str, String)> {
        entries.iter().map(|(class, word)| (*class, (*word).to_owned())).collect()
    };
    let (title, entries) = match panel {
        Panel::Demand => ("Requests per second".to_owned(), plain(&[("offered", "offered"), ("lost", "lost")])),
        Panel::Replicas => {
            let areas = [("needed", "needed"), ("missing", "missing"), ("ready", "serving")];
            let others = [("starting", "starting"), ("target", "target")];
            ("Replicas".to_owned(), [plain(&areas), plain(&others)].concat())
        }
        Panel::Waiting => ("Requests waiting or in work".to_owned(), Vec::new()),
        Panel::Latency => {
            let word = |objective: LatencyObjective| format!("objective: {}", words::response_time(objective.below));
            let entry = common.objective.map(|objective| ("objective", word(objective)));
            (format!("Response time, {}", words::quantile(common.quantile)), entry.into_iter().collect())
        }
    };
    into.text(LEFT, y, "head", &title);
    let mut x = RIGHT;
    for (class, word) in entries.into_iter().rev() {
        x -= width_of(&word);
        into.text(x, y, "", &word);
        x -= 18.0;
        match class {
            "offered" | "ready" | "target" | "objective" => into.line((x, y - 4.0), (x + 14.0, y - 4.0), class),
            area => into.rect(x, y - 8.0, 14.0, 8.0, area),
        }
        x -= 12.0;
    }
}

/// About how wide a word is drawn.
pub(super) fn width_of(word: &str) -> f64 {
    let signs = u32::try_from(word.chars().count()).unwrap_or(u32::MAX);
    f64::from(signs) * 6.5
}

fn fault_bands(into: &mut Drawing, common: &Common<'_>) {
    // Names that would lie on each other are left to the hint.
    let mut free = LEFT;
    for fault in common.faults {
        let (from, to) = (common.x(fault.at), common.x(fault.at + fault.lasts));
        let hint = if fault.lasts.is_zero() {
            format!("{} at {}", fault.what, axis::moment(fault.at))
        } else {
            format!("{} from {} to {}", fault.what, axis::moment(fault.at), axis::moment(fault.at + fault.lasts))
        };
        into.hinted(&hint, |into| {
            for (_, _, (top, bottom)) in &common.panels {
                into.rect(from, *top, (to - from).max(1.0), bottom - top, "fault");
                into.line((from, *top), (from, *bottom), "fault-edge");
            }
            let width = width_of(&fault.what) * 0.92;
            let at = (from + 2.0).min(RIGHT - width);
            if at >= free {
                into.text(at, common.top() - TITLE + 2.0, "fault-word", &fault.what);
                free = at + width + 8.0;
            }
        });
    }
}

/// The lines of one panel.
struct Lines<'a> {
    picture: &'a Picture,
    common: &'a Common<'a>,
    axis: &'a Axis,
}

impl Lines<'_> {
    fn demand(&self, into: &mut Drawing) {
        into.path(&self.band(|bucket| Some(bucket.offered)), "offered-band");
        into.path(&self.area(|bucket| (bucket.lost.mean > 0.0).then_some((bucket.lost.mean, 0.0))), "lost");
        into.path(&self.line(|bucket| Some(bucket.offered.mean)), "offered");
    }

    fn replicas(&self, into: &mut Drawing) {
        if self.picture.buckets.iter().any(|bucket| bucket.needed.most > 0.0) {
            into.path(&self.area(|bucket| Some((bucket.needed.mean, 0.0))), "needed");
            let missing = |bucket: &Bucket| {
                let (needed, ready) = (bucket.needed.mean, bucket.ready.mean);
                (needed > ready).then_some((needed, ready))
            };
            into.path(&self.area(missing), "missing");
        }
        let starting = |bucket: &Bucket| {
            let (ready, starting) = (bucket.ready.mean, bucket.starting.mean);
            (starting > 0.0).then_some((ready + starting, ready))
        };
        into.path(&self.area(starting), "starting");
        into.path(
            &self.line(|bucket| (bucket.starting.mean > 0.0).then_some(bucket.ready.mean + bucket.starting.mean)),
            "starting-line",
        );
        into.path(&self.line(|bucket| Some(bucket.target.mean)), "target");
        into.path(&self.line(|bucket| Some(bucket.ready.mean)), "ready");
        let low = self.axis.at(0.0);
        into.line((LEFT, low), (RIGHT, low), "frame");
        into.text(LEFT - 5.0, low + 13.0, "end tiny", "changes");
        for (index, decision) in self.picture.decisions.iter().enumerate() {
            self.decision(into, index, decision);
        }
    }

    /// A triangle that points up or down, at the bottom: on the lines, many would hide these.
    fn decision(&self, into: &mut Drawing, index: usize, decision: &Decision) {
        let (x, low) = (self.common.x(decision.at.since(self.common.begins)), self.axis.at(0.0));
        let (class, tip, base) =
            if decision.to > decision.from { ("up", low + 2.5, low + 8.5) } else { ("down", low + 15.5, low + 9.5) };
        let triangle = Path::polygon(&[(x, tip), (x - 3.5, base), (x + 3.5, base)]);
        // The page finds the decision's reason by its place in the list below.
        into.raw(&format!(r#"<g data-d="{index}">"#));
        into.path(&triangle, class);
        into.raw("</g>");
    }

    fn waiting(&self, into: &mut Drawing) {
        into.path(&self.area(|bucket| Some((bucket.in_flight.most, 0.0))), "waiting");
        into.path(&self.line(|bucket| Some(bucket.in_flight.mean)), "waiting-line");
    }

    fn latency(&self, into: &mut Drawing) {
        if let Some(objective) = self.common.objective {
            let y = self.axis.at(objective.below);
            into.line((LEFT, y), (RIGHT, y), "objective");
        }
        into.path(&self.band(|bucket| bucket.latency), "latency-band");
        into.path(&self.line(|bucket| bucket.latency.map(|spread| spread.mean)), "latency");
    }

    fn line(&self, of: impl Fn(&Bucket) -> Option<f64>) -> Path {
        let points = self.buckets().map(|(x, bucket)| (x, of(bucket).map(|value| self.axis.at(value))));
        Path::steps(points, self.end())
    }

    /// From the least to the most, where these differ.
    fn band(&self, of: impl Fn(&Bucket) -> Option<Spread>) -> Path {
        let wide = |spread: Spread| (self.axis.at(spread.least) - self.axis.at(spread.most)).abs() > 0.3;
        self.area(|bucket| of(bucket).filter(|spread| wide(*spread)).map(|spread| (spread.most, spread.least)))
    }

    fn area(&self, of: impl Fn(&Bucket) -> Option<(f64, f64)>) -> Path {
        let points: Vec<_> = self
            .buckets()
            .map(|(x, bucket)| (x, of(bucket).map(|(one, other)| (self.axis.at(one), self.axis.at(other)))))
            .collect();
        Path::between(&points, self.end())
    }

    fn buckets(&self) -> impl Iterator<Item = (f64, &Bucket)> {
        let of_bucket = |(index, bucket)| (self.common.x(self.picture.span_of(index).0), bucket);
        self.picture.buckets.iter().enumerate().map(of_bucket)
    }

    fn end(&self) -> f64 {
        let count = self.picture.buckets.len();
        self.common.x(self.picture.span_of(count).0.min(self.common.lasts))
    }
}
