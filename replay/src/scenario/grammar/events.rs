//! What goes wrong, and what is expected.

use autoscaler::text::grammar::{Group, Map, Shape, may, needed, optional};

use super::{MOST_REPLICAS, SPAN, forms};

static NAMES: Shape = Shape::Text(&forms::SIGNAL_NAME);

pub(in crate::scenario) static FAULT: Map = Map {
    what: "a fault",
    doc: "What goes wrong, or what somebody else does.",
    example: "{ at: 10m, for: 2m, host: lost }",
    keys: &[
        needed("at", SPAN, "When, since the scenario begins."),
        may(
            "for",
            SPAN,
            "it is over at once",
            "For how long; needed with `host`, `agent`, `samples`, `starts` and `neighbour`.",
        ),
        may(
            "host",
            Shape::Words(&[("lost", "gone with all replicas; they start again when it is back")]),
            "",
            "The host.",
        ),
        may("agent", Shape::Words(&[("silent", "not heard of; the service goes on")]), "", "The agent."),
        may(
            "samples",
            Shape::Words(&[("late", "they arrive `by` later"), ("missing", "there are none")]),
            "",
            "Samples.",
        ),
        may("by", SPAN, "", "How late samples are."),
        may("signals", Shape::List(&NAMES), "all", "Of which signals samples are missing."),
        may(
            "controller",
            Shape::Words(&[(
                "restarted",
                "what it remembers it has, its samples are gone; `for` is how long it is away",
            )]),
            "",
            "The controller.",
        ),
        may("starts", Shape::Words(&[("fail", "no start succeeds: the image is broken")]), "", "Starts of replicas."),
        may(
            "compose_up",
            Shape::Whole(0, MOST_REPLICAS),
            "",
            "Somebody runs `docker compose up` with so many replicas in the file.",
        ),
        may(
            "deploy",
            Shape::Words(&[("rolling", "all replicas are replaced, one after the other")]),
            "",
            "A deployment.",
        ),
        may(
            "takes",
            Shape::Text(&forms::SECONDS),
            "as before",
            "After a deployment: how long a replica works on one request.",
        ),
        may("cpu", Shape::Text(&forms::SECONDS), "as before", "After a deployment: core-seconds that a request costs."),
        may(
            "neighbour",
            Shape::Text(&forms::PERCENTAGE),
            "",
            "Something else takes such a share of what replicas could use; below 100%.",
        ),
        may("replicas", Shape::Words(&[("die", "Docker starts them again")]), "", "Replicas."),
        may("count", Shape::Whole(1, MOST_REPLICAS), "1", "How many replicas die."),
    ],
    groups: &[Group {
        what: "what goes wrong",
        keys: &["host", "agent", "samples", "controller", "starts", "compose_up", "deploy", "neighbour", "replicas"],
        needed: true,
    }],
    block: false,
    layered: false,
};

pub(in crate::scenario) static EXPECT: Map = Map {
    what: "an expectation",
    doc: "An assertion on a run.",
    example: "{ changes: { most: 12 } }",
    keys: &[
        may("replicas", Shape::Map(&COUNT), "", "Replicas that there shall be, at every moment."),
        may("ready", Shape::Map(&COUNT), "", "Replicas that serve, at every moment."),
        may("changes", Shape::Map(&COUNT), "", "Decisions that changed the count."),
        may("reversals", Shape::Map(&COUNT), "", "Decisions that turned back within ten minutes of one the other way."),
        may("late", Shape::Map(&PART_OF), "", "Share of requests that were slower than the objective, or lost."),
        may(
            "lost",
            Shape::Map(&PART_OF),
            "",
            "Share of requests that were turned away, gave up, or were on a replica that died.",
        ),
        may("short", Shape::Map(&PART_OF), "", "Share of the time in which fewer replicas served than were needed."),
        may("waiting", Shape::Map(&COUNT), "", "Requests that wait, at every moment."),
        may("replica_hours", Shape::Map(&COUNT), "", "Hours of replicas, those that start included."),
        may("cost", Shape::Map(&COST), "", "The cost, as a share of that of the clairvoyant plan."),
    ],
    groups: &[Group {
        what: "what is looked at",
        keys: &[
            "replicas",
            "ready",
            "changes",
            "reversals",
            "late",
            "lost",
            "short",
            "waiting",
            "replica_hours",
            "cost",
        ],
        needed: true,
    }],
    block: false,
    layered: false,
};

pub(in crate::scenario) static COUNT: Map = Map {
    what: "a bound on a number",
    doc: "How many there may be.",
    example: "{ most: 12 }",
    keys: &[
        may("least", Shape::Text(&forms::NUMBER), "no bound", "No fewer."),
        may("most", Shape::Text(&forms::NUMBER), "no bound", "No more."),
        optional("after", SPAN, "0s", "Looked at from then on."),
        may("until", SPAN, "the end", "Looked at until then."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::scenario) static PART_OF: Map = Map {
    what: "a bound on a share",
    doc: "How large a share it may be.",
    example: "{ most: 2% }",
    keys: &[
        may("least", Shape::Text(&forms::PERCENTAGE), "no bound", "No less."),
        may("most", Shape::Text(&forms::PERCENTAGE), "no bound", "No more."),
        optional("after", SPAN, "0s", "Looked at from then on."),
        may("until", SPAN, "the end", "Looked at until then."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::scenario) static COST: Map = Map {
    what: "a bound on the cost",
    doc: "How much it may cost, of all the time.",
    example: "{ most: 130% }",
    keys: &[
        may("least", Shape::Text(&forms::PERCENTAGE), "no bound", "No less."),
        may("most", Shape::Text(&forms::PERCENTAGE), "no bound", "No more."),
    ],
    groups: &[],
    block: false,
    layered: false,
};
