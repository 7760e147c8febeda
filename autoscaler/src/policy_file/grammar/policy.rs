//! A document: a policy, what holds for several, or several policies.

use std::time::Duration;

use super::{forms, guards, rules, signals};
use crate::text::grammar::{Absent, Group, Key, Map, Shape, may, needed, optional};

/// The largest share of the present replicas that one step can add: 10,000 %.
pub(in crate::policy_file) const LARGEST_SHARE: f64 = 100.0;
/// The most replicas that a policy can ask for: as in Kubernetes, so that any policy from there can be written here.
pub(in crate::policy_file) const MOST_REPLICAS: u32 = i32::MAX.cast_unsigned();

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

const SERVICES: Shape = Shape::OneOrList(&Shape::Text(&forms::SELECTOR));
const WHICH: &str = "Which services: one, or a list of such. `*` stands for any run of characters.";

static COMPAT_SHAPES: [Shape; 2] =
    [Shape::Words(&[("kubernetes-hpa", "as Kubernetes' horizontal pod autoscaler")]), Shape::Map(&COMPAT_WITH)];
const COMPAT: Key = may(
    "compat",
    Shape::AnyOf(&COMPAT_SHAPES),
    "Ballast's own",
    "Whose arithmetic `target` rules have, and whose guards are taken where none are given.",
);
const REPLICAS_KEY: Key = needed("replicas", Shape::Map(&REPLICAS), "How few and how many replicas.");
static MODE_SHAPES: [Shape; 2] = [
    Shape::Words(&[
        ("act", "decide and scale"),
        ("observe", "decide and record, touch nothing, limits included"),
        ("paused", "decide and record, add and remove nothing"),
        ("paused up", "add nothing"),
        ("paused down", "remove nothing"),
    ]),
    Shape::Map(&PAUSE),
];
const MODE: Key = optional("mode", Shape::AnyOf(&MODE_SHAPES), "act", "Whether to act.");
static COMBINE_SHAPES: [Shape; 2] = [
    Shape::Words(&[
        ("largest", "the rule that wants the most wins"),
        ("all", "a change only if all rules want one; then the smallest"),
        ("first", "the first rule with an opinion decides"),
    ]),
    Shape::Map(&AGREE),
];
const COMBINE: Key =
    optional("combine", Shape::AnyOf(&COMBINE_SHAPES), "largest", "How what the rules want becomes one wish.");
const SIGNALS: Key = may(
    "signals",
    Shape::Named(&forms::SIGNAL_NAME, &signals::SOURCE),
    "none",
    "Where signals beyond the built-in ones come from; at most 50.",
);
const RULES: Key = needed("rules", Shape::List(&rules::ANY), "What wants how many replicas; at most 100.");
static GUARDS_SHAPES: [Shape; 2] = [
    Shape::Words(&[
        ("none", "every guard off: `{ base: none }`"),
        ("default", "as if left out"),
        ("kubernetes-hpa", "`{ base: kubernetes-hpa }`"),
    ]),
    Shape::Map(&guards::GUARDS),
];
const GUARDS: Key = optional("guards", Shape::AnyOf(&GUARDS_SHAPES), "{}", "What holds or bends what the rules want.");

pub(in crate::policy_file) static DEFAULTS: Map = Map {
    what: "the block of defaults",
    doc: "What holds for every policy of these services that does not say otherwise.",
    example: "{ defaults: shop/*, guards: { down: { cooldown: 10m } } }",
    keys: &[
        needed("defaults", SERVICES, WHICH),
        COMPAT,
        left_out(REPLICAS_KEY),
        left_out(MODE),
        left_out(COMBINE),
        SIGNALS,
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
    keys: &[needed("service", SERVICES, WHICH), COMPAT, REPLICAS_KEY, MODE, COMBINE, SIGNALS, RULES, GUARDS],
    groups: &[],
    block: true,
    layered: true,
};

pub(in crate::policy_file) static REPLICAS: Map = Map {
    what: "`replicas`",
    doc: "How few and how many replicas.",
    example: "{ min: 1, max: 10 }",
    keys: &[
        needed("min", Shape::Whole(0, MOST_REPLICAS), "No fewer while the service is active."),
        needed("max", Shape::Whole(1, MOST_REPLICAS), "No more."),
        may("idle", Shape::Whole(0, MOST_REPLICAS), "`min`", "As many while no rule is active; below `min`."),
    ],
    groups: &[],
    block: false,
    layered: true,
};

pub(in crate::policy_file) static COMPAT_WITH: Map = Map {
    what: "`compat`",
    doc: "Whose arithmetic `target` rules have, with what a cluster's operator sets.",
    example: "{ kubernetes-hpa: { cpu_initialization_period: 2m } }",
    keys: &[needed("kubernetes-hpa", Shape::Map(&HPA), "As Kubernetes' horizontal pod autoscaler.")],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static HPA: Map = Map {
    what: "`kubernetes-hpa`",
    doc: "What a cluster's operator sets for all of its horizontal pod autoscalers.",
    example: "{ cpu_initialization_period: 2m }",
    keys: &[
        optional(
            "cpu_initialization_period",
            UP_TO_AN_HOUR,
            "5m",
            "`--horizontal-pod-autoscaler-cpu-initialization-period`.",
        ),
        optional(
            "initial_readiness_delay",
            UP_TO_AN_HOUR,
            "30s",
            "`--horizontal-pod-autoscaler-initial-readiness-delay`.",
        ),
        optional("sample_window", UP_TO_AN_HOUR, "1m", "What each sample of the resource metrics covers."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

const UP_TO_AN_HOUR: Shape = Shape::Duration(Duration::ZERO, Duration::from_hours(1));

pub(in crate::policy_file) static PAUSE: Map = Map {
    what: "`mode`",
    doc: "A pause with an end.",
    example: "{ paused: both, until: 2026-12-24T18:00:00+01:00 }",
    keys: &[
        needed(
            "paused",
            Shape::Words(&[("both", "add and remove nothing"), ("up", "add nothing"), ("down", "remove nothing")]),
            "Which way is closed.",
        ),
        may("until", Shape::Text(&forms::MOMENT), "until the policy is edited", "Until then."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

const QUORUM: Shape = Shape::Words(&[("any", "one is enough"), ("all", "all that can ever want it")]);

pub(in crate::policy_file) static AGREE: Map = Map {
    what: "`combine`",
    doc: "How many rules have to agree, each way.",
    example: "{ up: any, down: all }",
    keys: &[
        optional("up", QUORUM, "any", "How many rules have to want more."),
        optional("down", QUORUM, "any", "How many rules have to want fewer."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

/// So that a list of keys that exclude each other stands once.
pub(super) const fn one_of(what: &'static str, keys: &'static [&'static str], needed: bool) -> Group {
    Group { what, keys, needed }
}
