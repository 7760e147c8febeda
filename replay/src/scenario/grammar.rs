//! The format as data: one table for each of its maps. From these come the allowed keys, the defaults, the JSON Schema
//! and the tables of docs/scenario.md; what the values mean is up to the reading functions.

pub(super) mod draw;
pub(super) mod events;
pub(super) mod forms;
pub(super) mod load;
pub(super) mod service;

use std::time::Duration;

use autoscaler::text::grammar::{Group, Map, Shape, may, needed, optional};

/// The longest span of a scenario: ten years.
pub(super) const LONGEST: Duration = Duration::from_hours(24 * 3653);
/// Any span within a scenario.
pub(super) const SPAN: Shape = Shape::Duration(Duration::ZERO, LONGEST);
/// Any span within a scenario but none.
pub(super) const SOME_SPAN: Shape = Shape::Duration(Duration::from_millis(1), LONGEST);
/// The most replicas that a scenario can have.
pub(super) const MOST_REPLICAS: u32 = 10_000;

pub(super) static SCENARIO: Map = Map {
    what: "the scenario",
    doc: "What happens to a service, and what is expected of whoever scales it.",
    example: "scenario: 1",
    keys: &[
        needed("scenario", Shape::Whole(1, 1), "The version of the format."),
        may("about", Shape::Text(&forms::WORDS), "", "What should happen and why, for people."),
        may("from", Shape::Text(&forms::WORDS), "", "Where it comes from: drawn, or recorded by what, where and when."),
        needed("service", Shape::Text(&forms::SERVICE), "The service; what a policy has to name."),
        optional("begins", Shape::Text(&forms::MOMENT), "2026-01-05T00:00:00Z", "The wall clock at its first moment."),
        needed("lasts", SOME_SPAN, "How long it lasts."),
        optional("every", Shape::Duration(Duration::from_millis(100), HOUR), "1s", "How often samples are taken."),
        optional("seed", Shape::Text(&forms::SEED), "1", "What everything drawn at random comes from."),
        needed(
            "replicas",
            Shape::Map(&REPLICAS),
            "How many there are at the start, and how few and many there can be.",
        ),
        may(
            "policy",
            Shape::Text(&forms::FILE),
            "none",
            "The file of the policy that it is judged with, relative to this one.",
        ),
        optional("objective", Shape::Map(&OBJECTIVE), "{}", "What users should feel, and what it costs."),
        may("load", Shape::Map(&load::LOAD), "", "The closed loop: demand, and a model of the service that meets it."),
        may("signals", Shape::Map(&load::SIGNALS), "", "The open loop: what is measured, whatever is decided."),
        may("faults", Shape::List(&Shape::Map(&events::FAULT)), "none", "What goes wrong; at most 1000."),
        may("expect", Shape::List(&Shape::Map(&events::EXPECT)), "nothing", "What is expected of a run; at most 1000."),
    ],
    groups: &[Group { what: "what is played", keys: &["load", "signals"], needed: true }],
    block: true,
    layered: false,
};

const HOUR: Duration = Duration::from_hours(1);

pub(super) static REPLICAS: Map = Map {
    what: "`replicas`",
    doc: "How many there are at the start. A policy brings its own limits; those here are for who has none.",
    example: "{ start: 2, min: 1, max: 20 }",
    keys: &[
        may("start", Shape::Whole(0, MOST_REPLICAS), "as `min`", "So many serve at the start."),
        optional("min", Shape::Whole(0, MOST_REPLICAS), "1", "No fewer."),
        needed("max", Shape::Whole(1, MOST_REPLICAS), "No more."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(super) static OBJECTIVE: Map = Map {
    what: "`objective`",
    doc: "What users should feel, and what it costs when they do not.",
    example: "{ latency: { p95: 250ms }, idle_per_missing: 10 }",
    keys: &[
        may(
            "latency",
            Shape::Named(&forms::QUANTILE, &Shape::Text(&forms::SECONDS)),
            "it is enough to be served",
            "What the quantile of the response time should stay below: one of them.",
        ),
        optional(
            "idle_per_missing",
            Shape::Text(&forms::NUMBER),
            "10",
            "So many idle replicas cost as much as one that is missing; above 0.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};
