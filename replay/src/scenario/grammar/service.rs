//! The model of a service.

use std::time::Duration;

use autoscaler::text::grammar::{Map, Shape, may, needed, optional};

use super::{SOME_SPAN, SPAN, forms};

const SECONDS: Shape = Shape::Text(&forms::SECONDS);
const CORES: Shape = Shape::Text(&forms::CORES);
const SIZE: Shape = Shape::Text(&forms::SIZE);
const PERCENTAGE: Shape = Shape::Text(&forms::PERCENTAGE);
static SPAN_TEXT: Shape = Shape::Text(&forms::SPAN_FORM);
const SPANS: Shape = Shape::OneOrList(&SPAN_TEXT);

pub(in crate::scenario) static SERVICE: Map = Map {
    what: "`service`",
    doc: "What one replica carries, how it starts and stops, how requests find it.",
    example: "{ takes: 20ms }",
    keys: &[
        needed("takes", SECONDS, "How long a warm replica with nothing else to do works on one request."),
        optional(
            "spread",
            Shape::Text(&forms::NUMBER),
            "1",
            "Squared coefficient of variation of that; 0: always the same, 1: exponential.",
        ),
        optional("at_once", Shape::Whole(1, 100_000), "1", "Requests that one replica works on at the same time."),
        may("cpu", SECONDS, "as `takes`", "Core-seconds that a request costs."),
        optional("idle_cpu", CORES, "0", "Cores that a replica keeps busy while it has nothing to do."),
        may("cpu_limit", CORES, "those of the host", "Cores that a replica may use."),
        may("memory", Shape::Map(&MEMORY), "it is not measured", "Memory of a replica."),
        optional("start", Shape::Map(&START), "{}", "From the decision until a replica serves."),
        optional(
            "stop",
            SPAN,
            "0s",
            "A replica that stops finishes what it has and takes at most so long; it costs meanwhile.",
        ),
        may(
            "balance",
            Shape::Words(&[
                ("round_robin", "each in its turn"),
                ("least_connections", "to the one with the fewest requests"),
                ("two_choices", "to the better of two picked at random"),
                ("random", "to any"),
                ("central", "they wait in one queue, from which replicas take"),
            ]),
            "`round_robin`; of jobs `central`",
            "How requests are shared out among replicas.",
        ),
        optional("queue", Shape::Map(&QUEUE), "{}", "How many may wait and for how long."),
        optional(
            "shared",
            Shape::Map(&SHARED),
            "{}",
            "Something that all replicas share and that saturates, such as a database.",
        ),
    ],
    groups: &[],
    block: true,
    layered: false,
};

macro_rules! maps {
    ($($name:ident: $what:literal, $doc:literal, $example:literal, [$($key:expr),+ $(,)?];)+) => {
        $(pub(in crate::scenario) static $name: Map = Map {
            what: $what, doc: $doc, example: $example, keys: &[$($key),+], groups: &[], block: false, layered: false,
        };)+
    };
}

maps! {
    MEMORY: "`memory`", "Memory of a replica.", "{ idle: 50MiB, per_request: 1MiB, limit: 256MiB }", [
        needed("idle", SIZE, "With nothing to do."),
        optional("per_request", SIZE, "0B", "More for each request that waits or is worked on."),
        may("limit", SIZE, "what the host has", "What it may use."),
    ];
    START: "`start`", "From the decision until a replica serves. Where several spans are given, one of them is drawn, evenly.",
        "{ boot: [400ms, 600ms], ready: 2s }", [
        optional("image", SPANS, "0s", "Fetching the image, where it is not there."),
        optional("boot", SPANS, "0s", "From creating the container until its process listens."),
        optional("ready", SPANS, "0s", "From then until a health check finds that."),
        optional("cpu", CORES, "0", "Cores busy while it boots."),
        may("warm_up", Shape::Map(&WARM_UP), "at once", "How it becomes as fast as it can be."),
        optional("fails", PERCENTAGE, "0%", "Such a share of starts never gets ready."),
        optional("gives_up", SPAN, "1m", "When that is found out and the replica removed."),
    ];
    WARM_UP: "`warm_up`", "Capacity is `1 - (1 - from) * exp(-t / over)` at `t` after it began to serve.", "{ from: 30%, over: 20s }", [
        needed("from", PERCENTAGE, "The share that it carries at first; above 0%."),
        needed("over", SOME_SPAN, "Time constant: after three times as long it carries nearly all of it."),
    ];
    QUEUE: "`queue`", "How many requests may wait and for how long.", "{ most: 1000, patience: 30s }", [
        may("most", Shape::Whole(0, u32::MAX), "no bound", "So many per replica, or, in a central queue, in all; more are turned away."),
        may("patience", Shape::Duration(Duration::from_millis(1), super::LONGEST), "nobody gives up", "Who has waited so long gives up."),
    ];
    SHARED: "`shared`", "Gunther's universal scalability law, for what all replicas share.",
        "{ contention: 2%, crosstalk: 0.05%, most: 800/s }", [
        optional("contention", PERCENTAGE, "0%", "Alpha: such a share of the work waits for its turn."),
        optional("crosstalk", PERCENTAGE, "0%", "Beta: each pair of replicas costs such a share."),
        may("most", Shape::Text(&forms::RATE), "no bound", "No more than this, of all replicas together."),
    ];
}
