//! Where signals come from.

use super::forms;
use crate::text::grammar::{Map, Shape, may, needed, optional};

pub(in crate::policy_file) static SOURCE: Shape = Shape::AnyOf(&[
    Shape::Words(&[("published", "the application publishes it on the bus itself")]),
    Shape::Map(&PROMETHEUS),
    Shape::Map(&JETSTREAM),
    Shape::Map(&FORMULA),
]);

pub(in crate::policy_file) static PROMETHEUS: Map = Map {
    what: "a `prometheus` signal",
    doc: "A metric of each replica's Prometheus text endpoint.",
    example: "{ prometheus: http_requests_total, read: rate }",
    keys: &[
        needed("prometheus", Shape::Text(&forms::METRIC), "The metric's name; of a histogram without `_bucket`."),
        needed("read", Shape::Text(&forms::READ), "What to make of its series."),
        may("port", PORT, "the only exposed TCP port", "The port inside the container."),
        optional("path", Shape::Text(&forms::PATH), "/metrics", "The path."),
        may(
            "labels",
            Shape::Named(&forms::LABEL_NAME, &Shape::Text(&forms::LABEL_VALUE)),
            "every series",
            "Only series that carry all of these; at most 20.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(super) const PORT: Shape = Shape::Whole(1, 65_535);

pub(in crate::policy_file) static JETSTREAM: Map = Map {
    what: "a `jetstream` signal",
    doc: "Messages of a NATS JetStream consumer that wait or are not acknowledged yet.",
    example: "{ jetstream: { stream: JOBS, consumer: workers } }",
    keys: &[needed("jetstream", Shape::Map(&CONSUMER), "Which consumer.")],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static CONSUMER: Map = Map {
    what: "`jetstream`",
    doc: "A consumer of NATS JetStream.",
    example: "{ stream: JOBS, consumer: workers }",
    keys: &[
        needed("stream", Shape::Text(&forms::NATS_NAME), "The stream."),
        needed("consumer", Shape::Text(&forms::NATS_NAME), "The consumer."),
        may(
            "server",
            Shape::Text(&forms::NATS_SERVER),
            "the server that Ballast itself uses",
            "The server; never with credentials.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static FORMULA: Map = Map {
    what: "a `formula` signal",
    doc: "A signal made of others.",
    example: "{ formula: \"max(cpu / 0.7, (queue.jobs ?? 0) / 20)\" }",
    keys: &[needed(
        "formula",
        Shape::Text(&forms::FORMULA),
        "An expression over signals that are measured, not over other formulas.",
    )],
    groups: &[],
    block: false,
    layered: false,
};
