//! Values over time.

use std::time::Duration;

use autoscaler::text::{
    Entry, Fields, Findings, Kind, Node, Value,
    grammar::Map,
    values::{share, word},
};

use super::{
    super::{
        Gaps, Part, Source,
        grammar::draw::{BURSTS, CSV, DAILY, FLASH, NOISE, ON_OFF, PART, RAMP, SAWTOOTH, SINE, SOURCE_MAP, STEP},
    },
    Context, columns, place_of,
    units::{Unit, amount, may_span, must, must_span, number_of},
};

/// The most parts that can be laid over each other.
const MOST_PARTS: usize = 100;

pub(in crate::scenario) const GAPS: [(&str, Gaps); 5] = [
    ("refuse", Gaps::Refuse),
    ("hold", Gaps::Hold),
    ("zero", Gaps::Zero),
    ("linear", Gaps::Linear),
    ("keep", Gaps::Keep),
];

/// One value, what is drawn, or a column of a file.
pub(super) fn source(entry: &Entry, unit: Unit, context: &mut Context<'_>, findings: &mut Findings) -> Option<Source> {
    let node = &entry.value;
    if let Value::Text(_) = &node.value {
        let level = amount(node, &format!("`{}`", entry.key), unit, false, findings)?;
        return Some(Source::Drawn(vec![Part::Level(level)]));
    }
    let fields = node.fields(&SOURCE_MAP, findings)?;
    let given = fields.one_of("draw", findings)?;
    if given.key == "csv" {
        return csv(&given.value, unit, context, findings);
    }
    let items = given.value.items("`draw`", "[{ level: 40/s }]", findings)?;
    if items.is_empty() || items.len() > MOST_PARTS {
        let message = format!("`draw` has {} parts; allowed: 1 to {MOST_PARTS}", items.len());
        findings.add(Kind::BadValue, given.value.place, message, "such as `draw: [{ level: 40/s }]`");
        return None;
    }
    let parts: Vec<_> = items.iter().map(|item| part(item, unit, context, findings)).collect();
    parts.into_iter().collect::<Option<Vec<_>>>().map(Source::Drawn)
}

fn csv(node: &Node, unit: Unit, context: &mut Context<'_>, findings: &mut Findings) -> Option<Source> {
    let fields = node.fields(&CSV, findings)?;
    let scale = number_of(&fields, "scale", 0.0..=1e12, findings);
    let per = fields.duration("per", findings);
    let gaps = must(&fields, "gaps", findings, |node, what, findings| word(node, what, &GAPS, findings));
    if let (false, Some(entry)) = (
        matches!(unit, Unit::PerSecond(_) | Unit::Signal),
        fields.entry("per").filter(|entry| !entry.key_place.is_built_in()),
    ) {
        let message = "`per` is for what comes per second";
        findings.add(Kind::Conflict, entry.key_place, message, "leave it out");
    }
    if gaps == Some(Gaps::Keep) && unit != Unit::Signal {
        let message = "`gaps: keep` is for signals; a load that is not known cannot be played";
        findings.add(Kind::Conflict, place_of(&fields, "gaps"), message, "write `hold`, `zero` or `linear`");
        return None;
    }
    let wanted = columns::Wanted {
        file: fields.required("file", findings)?,
        time: fields.get("time")?,
        value: fields.get("value")?,
        gaps: gaps?,
        scale: scale? / per?.as_secs_f64(),
        may_be_negative: unit == Unit::Signal,
    };
    columns::read(&wanted, context, findings).map(Source::File)
}

fn part(node: &Node, unit: Unit, context: &Context<'_>, findings: &mut Findings) -> Option<Part> {
    let fields = node.fields(&PART, findings)?;
    let Entry { key, value: node, .. } = fields.one_of("level", findings)?;
    let reader = Reader { node, unit };
    match key.as_str() {
        "level" => amount(node, "`level`", unit, false, findings).map(Part::Level),
        "sine" => reader.sine(findings),
        "step" => reader.step(context, findings),
        "ramp" => reader.ramp(context, findings),
        "flash" => reader.flash(context, findings),
        "daily" => reader.daily(findings),
        "bursts" => reader.bursts(findings),
        "sawtooth" => reader.sawtooth(findings),
        "on_off" => reader.on_off(findings),
        _ => reader.noise(findings),
    }
}

/// What the map of one part says.
struct Reader<'n> {
    node: &'n Node,
    unit: Unit,
}

impl<'n> Reader<'n> {
    fn fields(&self, map: &'static Map, findings: &mut Findings) -> Option<Fields<'n>> {
        self.node.fields(map, findings)
    }

    fn sine(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&SINE, findings)?;
        let amplitude = must(&fields, "amplitude", findings, self.amount());
        let (period, phase) = (must_span(&fields, "period", findings), fields.duration("phase", findings));
        Some(Part::Sine { amplitude: amplitude?, period: period?, phase: phase? })
    }

    fn step(&self, context: &Context<'_>, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&STEP, findings)?;
        let at = within(&fields, "at", context, findings);
        let by = must(&fields, "by", findings, self.change());
        let lasts = may_span(&fields, "for", findings);
        Some(Part::Step { at: at?, by: by?, lasts: lasts? })
    }

    fn ramp(&self, context: &Context<'_>, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&RAMP, findings)?;
        let from = within(&fields, "from", context, findings);
        let over = must_span(&fields, "over", findings);
        let by = must(&fields, "by", findings, self.change());
        Some(Part::Ramp { from: from?, over: over?, by: by? })
    }

    fn flash(&self, context: &Context<'_>, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&FLASH, findings)?;
        let at = within(&fields, "at", context, findings);
        let rise = must_span(&fields, "rise", findings);
        let by = must(&fields, "by", findings, self.amount());
        let fade = must_span(&fields, "fade", findings);
        Some(Part::Flash { at: at?, rise: rise?, by: by?, fade: fade? })
    }

    fn daily(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&DAILY, findings)?;
        let peak = must(&fields, "peak", findings, self.amount());
        let night = must(&fields, "night", findings, |node, what, findings| share(node, what, 0.0..=1.0, findings));
        let at = fields.duration("at", findings);
        let weekend =
            must(&fields, "weekend", findings, |node, what, findings| share(node, what, 0.0..=10.0, findings));
        Some(Part::Daily { peak: peak?, night: night?, at: at?, weekend: weekend? })
    }

    fn bursts(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&BURSTS, findings)?;
        let low = must(&fields, "low", findings, self.amount());
        let high = must(&fields, "high", findings, self.amount());
        let (every, lasts) = (must_span(&fields, "every", findings), must_span(&fields, "for", findings));
        Some(Part::Bursts { low: low?, high: high?, every: every?, lasts: lasts? })
    }

    fn sawtooth(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&SAWTOOTH, findings)?;
        let amplitude = must(&fields, "amplitude", findings, self.amount());
        let period = must_span(&fields, "period", findings);
        Some(Part::Sawtooth { amplitude: amplitude?, period: period? })
    }

    fn on_off(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&ON_OFF, findings)?;
        let level = must(&fields, "level", findings, self.amount());
        let (on, off) = (must_span(&fields, "on", findings), must_span(&fields, "off", findings));
        Some(Part::OnOff { level: level?, on: on?, off: off? })
    }

    fn noise(&self, findings: &mut Findings) -> Option<Part> {
        let fields = self.fields(&NOISE, findings)?;
        let spread = must(&fields, "spread", findings, |node, what, findings| share(node, what, 0.0..=10.0, findings));
        let every = fields.duration("every", findings);
        Some(Part::Noise { spread: spread?, every: every? })
    }

    fn amount(&self) -> impl FnOnce(&Node, &str, &mut Findings) -> Option<f64> {
        let unit = self.unit;
        move |node, what, findings| amount(node, what, unit, false, findings)
    }

    fn change(&self) -> impl FnOnce(&Node, &str, &mut Findings) -> Option<f64> {
        let unit = self.unit;
        move |node, what, findings| amount(node, what, unit, true, findings)
    }
}

/// A moment of the scenario.
fn within(fields: &Fields<'_>, key: &str, context: &Context<'_>, findings: &mut Findings) -> Option<Duration> {
    let at = must_span(fields, key, findings)?;
    super::events::before_the_end(fields, key, at, context.lasts, findings).then_some(at)
}
