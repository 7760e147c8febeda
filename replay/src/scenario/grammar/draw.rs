//! Values over time.

use std::time::Duration;

use autoscaler::text::grammar::{Group, Map, Shape, may, needed, optional};

use super::{SOME_SPAN, SPAN, forms};

/// Since midnight.
const TIME_OF_DAY: Shape = Shape::Duration(Duration::ZERO, Duration::from_hours(24));
const AMOUNT: Shape = Shape::Text(&forms::AMOUNT);

static SOURCES: [Shape; 2] = [Shape::Text(&forms::AMOUNT), Shape::Map(&SOURCE_MAP)];
/// One value, what is drawn, or a column of a file.
pub(super) const SOURCE: Shape = Shape::AnyOf(&SOURCES);
pub(super) static SOURCE_SHAPE: Shape = SOURCE;

pub(in crate::scenario) static SOURCE_MAP: Map = Map {
    what: "a source",
    doc: "Where a quantity over time comes from.",
    example: "{ draw: [{ level: 40/s }] }",
    keys: &[
        may("draw", Shape::List(&Shape::Map(&PART)), "", "Parts laid over each other in their order; at most 100."),
        may("csv", Shape::Map(&CSV), "", "A column of a file beside the scenario."),
    ],
    groups: &[Group { what: "where the values come from", keys: &["draw", "csv"], needed: true }],
    block: false,
    layered: false,
};

pub(in crate::scenario) static CSV: Map = Map {
    what: "`csv`",
    doc: "A column of a CSV file, whose first line names its columns. Lines that begin with `#` are comments.",
    example: "{ file: web.csv, time: timestamp_s, value: requests }",
    keys: &[
        needed("file", Shape::Text(&forms::FILE), "The file, relative to the scenario."),
        optional(
            "time",
            Shape::Text(&forms::COLUMN),
            "time",
            "The column of moments, ascending: RFC 3339; seconds, or milliseconds if its name ends in `_ms` or they are above 10^11; \
             since 1970 if they are above 10^8 (seconds), otherwise since the scenario begins.",
        ),
        optional(
            "value",
            Shape::Text(&forms::COLUMN),
            "value",
            "The column of values: plain numbers. An empty cell is a gap.",
        ),
        optional(
            "gaps",
            Shape::Words(&[
                ("refuse", "having one is an error"),
                ("hold", "the value before it goes on"),
                ("zero", "nothing came"),
                ("linear", "a straight line from the value before to the one after"),
                ("keep", "there is no value; for signals only"),
            ]),
            "refuse",
            "What a gap means: an empty cell, or a missing line where lines are evenly spaced.",
        ),
        optional(
            "per",
            SOME_SPAN,
            "1s",
            "For rates: values count what came within such a span; `1m` for requests per minute.",
        ),
        optional("scale", Shape::Text(&forms::NUMBER), "1", "Values are multiplied by this; at least 0."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::scenario) static PART: Map = Map {
    what: "a part",
    doc: "One part of what is drawn; it adds to those before it, and what comes out of all is never below 0.",
    example: "{ level: 40/s }",
    keys: &[
        may("level", AMOUNT, "", "Always so much."),
        may("sine", Shape::Map(&SINE), "", "A sine wave."),
        may("step", Shape::Map(&STEP), "", "So much more from a moment on."),
        may("ramp", Shape::Map(&RAMP), "", "Evenly more from a moment on."),
        may("flash", Shape::Map(&FLASH), "", "Many come at once and go slowly."),
        may("daily", Shape::Map(&DAILY), "", "A day with its night and a week with its weekend."),
        may("bursts", Shape::Map(&BURSTS), "", "Bursts at random: a Markov-modulated rate."),
        may("sawtooth", Shape::Map(&SAWTOOTH), "", "Rises evenly, falls back at once, and again."),
        may("on_off", Shape::Map(&ON_OFF), "", "There for a while, away for a while."),
        may("noise", Shape::Map(&NOISE), "", "Multiplies all parts before it by about 1."),
    ],
    groups: &[Group {
        what: "what is drawn",
        keys: &["level", "sine", "step", "ramp", "flash", "daily", "bursts", "sawtooth", "on_off", "noise"],
        needed: true,
    }],
    block: false,
    layered: false,
};

macro_rules! parts {
    ($($name:ident: $what:literal, $doc:literal, $example:literal, [$($key:expr),+ $(,)?];)+) => {
        $(pub(in crate::scenario) static $name: Map = Map {
            what: $what, doc: $doc, example: $example, keys: &[$($key),+], groups: &[], block: false, layered: false,
        };)+
    };
}

parts! {
    SINE: "`sine`", "`amplitude * sin(2π (t + phase) / period)`.", "{ amplitude: 10/s, period: 1h }", [
        needed("amplitude", AMOUNT, "Half the difference between highest and lowest."),
        needed("period", SOME_SPAN, "From one peak to the next."),
        optional("phase", SPAN, "0s", "How far into the period it begins."),
    ];
    STEP: "`step`", "A step up, or down if it is negative.", "{ at: 10m, by: 60/s }", [
        needed("at", SPAN, "From then on."),
        needed("by", AMOUNT, "So much more."),
        may("for", SOME_SPAN, "to the end", "For so long."),
    ];
    RAMP: "`ramp`", "A slope up, or down if it is negative.", "{ from: 10m, over: 5m, by: 200/s }", [
        needed("from", SPAN, "From then on."),
        needed("over", SOME_SPAN, "It takes so long."),
        needed("by", AMOUNT, "So much more in the end, and from then on."),
    ];
    FLASH: "`flash`", "A flash crowd: an even rise and an exponential fading.", "{ at: 20m, rise: 30s, by: 360/s, fade: 20m }", [
        needed("at", SPAN, "When it begins."),
        needed("rise", SPAN, "How long it rises."),
        needed("by", AMOUNT, "So much more at its height."),
        needed("fade", SOME_SPAN, "Time constant of its fading: after so long a bit over a third is left."),
    ];
    DAILY: "`daily`", "The time of day and of week, in UTC: a raised cosine around the peak.",
        "{ peak: 100/s, night: 20%, at: 15h, weekend: 40% }", [
        needed("peak", AMOUNT, "At the busiest time."),
        optional("night", Shape::Text(&forms::PERCENTAGE), "20%", "Share of the peak at the quietest time."),
        optional("at", TIME_OF_DAY, "15h", "When the peak is, since midnight."),
        optional("weekend", Shape::Text(&forms::PERCENTAGE), "100%", "Saturdays and Sundays have such a share of it."),
    ];
    BURSTS: "`bursts`", "A Markov-modulated rate of two states, with exponential stays.",
        "{ low: 0/s, high: 200/s, every: 5m, for: 20s }", [
        needed("low", AMOUNT, "Between bursts."),
        needed("high", AMOUNT, "In a burst."),
        needed("every", SOME_SPAN, "Mean time from the end of one to the beginning of the next."),
        needed("for", SOME_SPAN, "Mean length of one."),
    ];
    SAWTOOTH: "`sawtooth`", "Rises evenly from nothing, falls back at once, and again.", "{ amplitude: 50/s, period: 10m }", [
        needed("amplitude", AMOUNT, "The height."),
        needed("period", SOME_SPAN, "From one fall to the next."),
    ];
    ON_OFF: "`on_off`", "There for a while, away for a while; it begins with being there.", "{ on: 5m, off: 10m, level: 100/s }", [
        needed("on", SOME_SPAN, "How long it is there."),
        needed("off", SPAN, "How long it is away."),
        needed("level", AMOUNT, "So much while it is there."),
    ];
    NOISE: "`noise`", "Multiplies by `1 + N(0, spread²)`.", "{ spread: 10%, every: 10s }", [
        needed("spread", Shape::Text(&forms::PERCENTAGE), "Standard deviation."),
        optional("every", SOME_SPAN, "10s", "How long one value holds."),
    ];
}
