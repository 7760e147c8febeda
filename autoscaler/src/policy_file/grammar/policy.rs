//! A document: a policy, or several.

use super::{Absent, Key, Map, Shape, forms, guards, may, needed, optional, rules, signals};

/// The most replicas that a policy can ask for.
pub(in crate::policy_file) const MOST_REPLICAS: u32 = 1000;

static ANY: Shape = Shape::Map(&POLICY);

pub(in crate::policy_file) static SEVERAL: Map = Map {
    what: "a file of several policies",
    doc: "Several policies in one document.",
    example: "policies: [ … ]",
    keys: &[needed("policies", Shape::List(&ANY), "The policies.")],
    groups: &[],
    block: true,
    layered: false,
};

const REPLICAS_KEY: Key = needed("replicas", Shape::Map(&REPLICAS), "How few and how many replicas.");
const MODE: Key = optional(
    "mode",
    Shape::Words(&[("act", "decide and scale"), ("observe", "decide and record, touch nothing")]),
    "act",
    "Whether to act.",
);
const SIGNALS: Key = may(
    "signals",
    Shape::Named(&forms::SIGNAL_NAME, &signals::SOURCE),
    "none",
    "Where signals beyond the built-in ones come from.",
);
const RULES: Key =
    needed("rules", Shape::List(&rules::ANY), "What wants how many replicas. The one that wants the most wins.");
const GUARDS: Key = optional("guards", Shape::Map(&guards::GUARDS), "{}", "What holds or bends what the rules want.");

pub(in crate::policy_file) static DEFAULTS: Map = Map {
    what: "the block of defaults",
    doc: "What holds for every policy of these services that does not say otherwise.",
    example: "{ defaults: shop/*, guards: { down: { cooldown: 10m } } }",
    keys: &[
        needed(
            "defaults",
            Shape::OneOrList(&Shape::Text(&forms::SELECTOR)),
            "Which services: one, or a list of such. `*` stands for any run of characters.",
        ),
        left_out(REPLICAS_KEY),
        left_out(MODE),
        left_out(SIGNALS),
        left_out(RULES),
        left_out(GUARDS),
    ],
    groups: &[],
    block: true,
    layered: true,
};

/// The same key where it may be left out for another layer to say.
const fn left_out(key: Key) -> Key {
    Key { absent: Absent::Means("what the policy says"), name: key.name, shape: key.shape, doc: key.doc }
}

pub(in crate::policy_file) static POLICY: Map = Map {
    what: "the policy",
    doc: "What shall be done for a service.",
    example: "{ service: shop/web, replicas: { min: 1, max: 10 }, rules: [ … ] }",
    keys: &[
        needed(
            "service",
            Shape::OneOrList(&Shape::Text(&forms::SELECTOR)),
            "Which services: one, or a list of such. `*` stands for any run of characters.",
        ),
        REPLICAS_KEY,
        MODE,
        SIGNALS,
        RULES,
        GUARDS,
    ],
    groups: &[],
    block: true,
    layered: true,
};

pub(in crate::policy_file) static REPLICAS: Map = Map {
    what: "`replicas`",
    doc: "How few and how many replicas.",
    example: "{ min: 1, max: 10 }",
    keys: &[
        needed("min", Shape::Whole(1, MOST_REPLICAS), "No fewer."),
        needed("max", Shape::Whole(1, MOST_REPLICAS), "No more."),
    ],
    groups: &[],
    block: false,
    layered: true,
};
