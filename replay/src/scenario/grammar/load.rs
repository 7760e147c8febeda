//! What is played: the closed loop and the open loop.

use autoscaler::text::grammar::{Group, Map, Shape, may, needed, optional};

use super::{
    SPAN,
    draw::{SOURCE, SOURCE_SHAPE},
    forms,
    service::SERVICE,
};

pub(in crate::scenario) static LOAD: Map = Map {
    what: "`load`",
    doc: "Demand, and the service that meets it.",
    example: "{ requests: 40/s, service: { takes: 20ms } }",
    keys: &[
        may("requests", SOURCE, "", "Open: so many requests per second come whatever happens to those before."),
        may("jobs", SOURCE, "", "Open: so many jobs per second, which wait in one queue that all replicas take from."),
        may("cores", SOURCE, "", "Open: work in busy cores."),
        may("users", SOURCE, "", "Closed: so many users, each of whom waits for the answer, thinks, and asks again."),
        may("sessions", SOURCE, "", "Partly open: so many per second, each of which is a user for some requests."),
        may("think", SPAN, "", "Mean time between an answer and the next request; needed with `users` and `sessions`."),
        may(
            "per_session",
            Shape::Text(&forms::NUMBER),
            "",
            "Mean requests of a session, at least 1; needed with `sessions`.",
        ),
        optional(
            "arrivals",
            Shape::Words(&[("even", "as many as the rate says"), ("poisson", "a Poisson number of them")]),
            "even",
            "How requests come within a step.",
        ),
        optional(
            "retries",
            Shape::Text(&forms::PERCENTAGE),
            "0%",
            "Of the requests that were lost, such a share comes again a moment later; below 100%.",
        ),
        needed("service", Shape::Map(&SERVICE), "What meets the demand."),
        optional("host", Shape::Map(&HOST), "{}", "Where it runs."),
        may(
            "emits",
            Shape::Named(&forms::SIGNAL_NAME, &Shape::Text(&forms::MEASURE)),
            "`requests`, `errors`, `queue.jobs`, `in_flight`, `latency.mean`, `.p50`, `.p90`, `.p95`, `.p99`",
            "The signals that it emits beside `cpu`, `memory` and those of the host, each with what it measures.",
        ),
    ],
    groups: &[Group {
        what: "what is demanded",
        keys: &["requests", "jobs", "cores", "users", "sessions"],
        needed: true,
    }],
    block: true,
    layered: false,
};

pub(in crate::scenario) static HOST: Map = Map {
    what: "`host`",
    doc: "What all replicas share.",
    example: "{ cores: 8, memory: 16GiB }",
    keys: &[
        may("cores", Shape::Text(&forms::CORES), "as many as needed", "Its cores."),
        may("memory", Shape::Text(&forms::SIZE), "as much as needed", "Its memory."),
        optional(
            "others",
            Shape::Text(&forms::CORES),
            "0",
            "Cores that everything else on it keeps busy all the time.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::scenario) static SIGNALS: Map = Map {
    what: "`signals`",
    doc: "What is measured, whatever is decided.",
    example: "{ values: { cpu: 0.7 } }",
    keys: &[
        may(
            "journal",
            Shape::Text(&forms::FILE),
            "",
            "The journal of a controller: everything that it was told, and when it decided.",
        ),
        may(
            "values",
            Shape::Named(&forms::SIGNAL_NAME, &SOURCE_SHAPE),
            "",
            "Values of single signals, of the service as a whole; at most 50.",
        ),
    ],
    groups: &[Group { what: "what is played back", keys: &["journal", "values"], needed: true }],
    block: false,
    layered: false,
};
