//! What wants how many replicas.

use std::time::Duration;

use super::{Group, Key, Map, Shape, forms, may, needed, optional};
use crate::policy::Rule;

pub(in crate::policy_file) static ANY: Shape = Shape::Map(&RULE);

pub(in crate::policy_file) static RULE: Map = Map {
    what: "a rule",
    doc: "One line of reasoning.",
    example: "- target: { signal: cpu, per_replica: 70% }",
    keys: &[
        may("target", Shape::Map(&TARGET), "", "As many replicas as carry the demand, each carrying `per_replica`."),
        may("threshold", Shape::Map(&THRESHOLD), "", "A step while the signal is past a bound."),
    ],
    groups: &[Group { what: "the kind", keys: &["target", "threshold"], needed: true }],
    block: true,
    layered: false,
};

const SIGNAL: Key = needed("signal", Shape::Text(&forms::SIGNAL_NAME), "What it reads.");
const WINDOW: Key = optional(
    "window",
    Shape::Duration(Duration::from_secs(1), Rule::LONGEST_WINDOW),
    "15s",
    "The value is the mean over this.",
);

pub(in crate::policy_file) static TARGET: Map = Map {
    what: "`target`",
    doc: "As many replicas as carry the demand, each carrying `per_replica`.",
    example: "{ signal: cpu, per_replica: 70% }",
    keys: &[
        SIGNAL,
        needed("per_replica", Shape::Text(&forms::QUANTITY), "What one replica shall carry; above 0."),
        WINDOW,
        optional(
            "tolerance",
            Shape::Text(&forms::PERCENTAGE),
            "10%",
            "No change while the demand is this near; 0% to below 100%.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static THRESHOLD: Map = Map {
    what: "`threshold`",
    doc: "A step while the signal is past a bound.",
    example: "{ signal: cpu, above: 80%, for: 1m, add: 1 }",
    keys: &[
        SIGNAL,
        may("above", Shape::Text(&forms::QUANTITY), "", "Past it is greater than it."),
        may("below", Shape::Text(&forms::QUANTITY), "", "Past it is less than it."),
        optional("for", Shape::Duration(Duration::ZERO, Duration::from_hours(24)), "0s", "How long without a break."),
        may("add", Shape::Text(&forms::STEP), "", "So many more; with `above`. Up to 1000 or 1000%."),
        may("remove", Shape::Text(&forms::STEP), "", "So many fewer; with `below`. Up to 1000 or 100%."),
        WINDOW,
    ],
    groups: &[
        Group { what: "the bound", keys: &["above", "below"], needed: true },
        Group { what: "the step", keys: &["add", "remove"], needed: true },
    ],
    block: false,
    layered: false,
};
