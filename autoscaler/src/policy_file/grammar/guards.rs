//! What holds or bends what the rules want.

use std::time::Duration;

use super::{
    forms, guard,
    policy::{MOST_REPLICAS, one_of},
    rules::BOOLEAN,
    signals::PORT,
};
use crate::text::grammar::{Key, Map, Shape, may, needed, optional};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);
/// The core keeps every recommendation of so long.
const LONGEST_STABILIZATION: Duration = HOUR;
const OFF: Shape = Shape::Words(&[("off", "no such guard")]);

pub(in crate::policy_file) static GUARDS: Map = Map {
    what: "`guards`",
    doc: "What holds or bends what the rules want.",
    example: "{ down: { cooldown: 5m } }",
    keys: &[
        may(
            "base",
            Shape::Words(&[
                ("default", "Ballast's own choice"),
                ("none", "every guard off"),
                ("kubernetes-hpa", "those of Kubernetes' horizontal pod autoscaler"),
            ]),
            "`kubernetes-hpa` with `compat: kubernetes-hpa`, otherwise `default`",
            "Where guards that are left out come from.",
        ),
        optional("up", Shape::Map(&UP), "{}", "Of steps up."),
        optional("down", Shape::Map(&DOWN), "{}", "Of steps down."),
        guard(
            "undone",
            Shape::Words(&[("hold", "it is not made"), ("allow", "it is made")]),
            ["hold", "allow", "allow"],
            "A scale-down that would at once be undone.",
        ),
        optional(
            "missing",
            Shape::AnyOf(&[MISSING_WORDS, Shape::Map(&MISSING), Shape::Named(&forms::SIGNAL_NAME, &MISSING_ONE)]),
            "hold",
            "What a missing signal does; of each signal by its name, and `default` for all others.",
        ),
        guard(
            "warm_up",
            Shape::Duration(Duration::ZERO, HOUR),
            ["10s", "0s", "0s"],
            "A replica that serves for less than this says nothing about load yet.",
        ),
        optional(
            "stale_after",
            Shape::Duration(SECOND, Duration::from_mins(10)),
            "10s",
            "A signal without a sample for this long is missing.",
        ),
        guard(
            "implausible",
            Shape::AnyOf(&[OFF, Shape::Text(&forms::PERCENTAGE)]),
            ["33%", "off", "off"],
            "Nothing is changed while so large a share of the replicas' samples vanished at once.",
        ),
        guard(
            "crash_loop",
            Shape::AnyOf(&[OFF, Shape::Map(&CRASH_LOOP)]),
            ["{}", "off", "off"],
            "Nothing is added while replicas die again and again.",
        ),
        guard(
            "kill_budget",
            Shape::AnyOf(&[OFF, Shape::Text(&forms::RATE)]),
            ["50% per 1m", "off", "off"],
            "So many removals of any cause, limits included; at least 1.",
        ),
        guard(
            "headroom",
            Shape::AnyOf(&[OFF, Shape::Map(&HEADROOM)]),
            ["{}", "off", "off"],
            "What is kept free on the host when adding.",
        ),
        may(
            "budgets",
            Shape::List(&Shape::Map(&BUDGET)),
            "none",
            "What each replica takes of something shared; caps `max`.",
        ),
        optional(
            "worse",
            Shape::AnyOf(&[OFF, Shape::Map(&WORSE)]),
            "off",
            "After a scale-up that made a signal worse, no other one for a while.",
        ),
        guard(
            "manual",
            Shape::Duration(Duration::ZERO, DAY),
            ["10m", "0s", "0s"],
            "A count set by hand (`docker compose up --scale`) is left alone for so long.",
        ),
    ],
    groups: &[],
    block: true,
    layered: true,
};

const COOLDOWN: Shape = Shape::Duration(Duration::ZERO, DAY);
const STABILIZE: Shape = Shape::Duration(Duration::ZERO, LONGEST_STABILIZATION);
const AT_MOST: Shape = Shape::OneOrList(&Shape::Text(&forms::RATE));
const LIMITS: &str = "Only so many within such a time; one limit, or a list of such.";
const SELECT: Key = optional(
    "select",
    Shape::Words(&[("widest", "the one that allows the most"), ("narrowest", "the one that allows the least")]),
    "widest",
    "Which of several limits counts.",
);
const STEP: Key = may("step", Shape::Text(&forms::STEP), "no limit", "Only so many at once.");
const TOLERANCE: Key =
    optional("tolerance", Shape::Text(&forms::PERCENTAGE), "10%", "Of `target` rules that do not say.");

pub(in crate::policy_file) static UP: Map = Map {
    what: "`guards.up`",
    doc: "Guards of steps up.",
    example: "{ cooldown: 30s, at_most: 4 per 15s }",
    keys: &[
        guard("cooldown", COOLDOWN, ["0s", "0s", "0s"], "No step up until so long after the last step up."),
        guard(
            "stabilize",
            STABILIZE,
            ["0s", "0s", "0s"],
            "Up only as far as every recommendation of so long agrees to.",
        ),
        guard("at_most", AT_MOST, ["[]", "[]", "[4 per 15s, 100% per 15s]"], LIMITS),
        SELECT,
        STEP,
        TOLERANCE,
    ],
    groups: &[],
    block: false,
    layered: true,
};

pub(in crate::policy_file) static DOWN: Map = Map {
    what: "`guards.down`",
    doc: "Guards of steps down.",
    example: "{ cooldown: 5m, stabilize: 5m }",
    keys: &[
        guard("cooldown", COOLDOWN, ["1m", "0s", "0s"], "No step down until so long after the last step either way."),
        guard(
            "stabilize",
            STABILIZE,
            ["5m", "0s", "5m"],
            "Down only as far as every recommendation of so long agrees to.",
        ),
        guard("at_most", AT_MOST, ["[]", "[]", "[100% per 15s]"], LIMITS),
        SELECT,
        STEP,
        TOLERANCE,
        may(
            "drain",
            Shape::Duration(Duration::ZERO, HOUR),
            "the container's own `stop_grace_period`",
            "How long a replica may take to end.",
        ),
        optional(
            "victims",
            Shape::OneOrList(&Shape::Words(&[
                ("obsolete", "made from an older configuration"),
                ("unhealthy", "those that do not serve"),
                ("idle", "those that use the least CPU"),
                ("newest", "those with the highest number"),
            ])),
            "[obsolete, unhealthy, idle, newest]",
            "Which replicas go first.",
        ),
        may(
            "unless",
            Shape::OneOrList(&Shape::Map(&STRAIN)),
            "none",
            "Nothing is removed while one of these says that the service is strained.",
        ),
        may("busy", Shape::Map(&BUSY), "nowhere", "Where a replica says that it is busy and must not be removed."),
    ],
    groups: &[],
    block: false,
    layered: true,
};

const MISSING_WORDS: Shape =
    Shape::Words(&[("hold", "nothing; it never lowers the count"), ("max", "as many replicas as are allowed")]);
static MISSING_ONE: Shape = Shape::AnyOf(&[MISSING_WORDS, Shape::Map(&MISSING)]);

pub(in crate::policy_file) static MISSING: Map = Map {
    what: "`missing`",
    doc: "What a missing signal does, by how long it is missing.",
    example: "{ last_good: 2m, after: 5m, then: max }",
    keys: &[
        optional("last_good", Shape::Duration(Duration::ZERO, HOUR), "0s", "Its last good value goes on for so long."),
        may(
            "after",
            Shape::Duration(Duration::ZERO, DAY),
            "`last_good`",
            "From when on `then` holds, counted from the last value.",
        ),
        optional("then", Shape::AnyOf(&[MISSING_WORDS, Shape::Map(&AT_LEAST)]), "hold", "What it asks for then."),
        may("at_least", Shape::Whole(0, MOST_REPLICAS), "", "The same as `then: { at_least: … }`."),
    ],
    groups: &[one_of("what it asks for", &["then", "at_least"], false)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static AT_LEAST: Map = Map {
    what: "`then`",
    doc: "What a missing signal asks for.",
    example: "{ at_least: 4 }",
    keys: &[needed("at_least", Shape::Whole(0, MOST_REPLICAS), "So many replicas at least.")],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static STRAIN: Map = Map {
    what: "`unless`",
    doc: "A sign that a service is strained even if its CPU is idle.",
    example: "{ signal: latency.p95, above: 250ms }",
    keys: &[
        needed("signal", Shape::Text(&forms::SIGNAL_NAME), "What it reads."),
        may("above", Shape::Text(&forms::QUANTITY), "", "Strained is greater than this."),
        may("above_normal", Shape::Text(&forms::PERCENTAGE), "", "Strained is greater than usual by more than this."),
    ],
    groups: &[one_of("the level", &["above", "above_normal"], true)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static BUSY: Map = Map {
    what: "`busy`",
    doc: "Where a replica says that it is busy.",
    example: "{ port: 8080, path: /busy }",
    keys: &[
        may("port", PORT, "the only exposed TCP port", "The port inside the container."),
        optional(
            "path",
            Shape::Text(&forms::PATH),
            "/busy",
            "The path; busy is a text that begins with `busy`, or status 409, 423 or 503.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static CRASH_LOOP: Map = Map {
    what: "`crash_loop`",
    doc: "Replicas that die again and again.",
    example: "{ restarts: 3, within: 5m, roll_back: true }",
    keys: &[
        optional("restarts", Shape::Whole(1, 1000), "3", "So many restarts of the service's replicas together."),
        optional("within", Shape::Duration(SECOND, HOUR), "5m", "Within this."),
        optional("roll_back", BOOLEAN, "true", "Go back to the last count at which all served."),
    ],
    groups: &[],
    block: false,
    layered: true,
};

pub(in crate::policy_file) static HEADROOM: Map = Map {
    what: "`headroom`",
    doc: "What is kept free on the host when adding.",
    example: "{ cpu: 10%, memory: 512MiB }",
    keys: &[
        guard("cpu", Shape::AnyOf(&[OFF, Shape::Text(&forms::RESERVE)]), ["off", "off", "off"], "Of its cores."),
        guard("memory", Shape::AnyOf(&[OFF, Shape::Text(&forms::RESERVE)]), ["5%", "off", "off"], "Of its memory."),
    ],
    groups: &[],
    block: false,
    layered: true,
};

pub(in crate::policy_file) static BUDGET: Map = Map {
    what: "a budget",
    doc: "What each replica takes of something that is shared, for example a database's connections.",
    example: "{ name: db connections, total: 200, reserve: 20, per_replica: 20 }",
    keys: &[
        needed("name", Shape::Text(&forms::NAME), "Policies that give the same name share it."),
        needed("total", Shape::Text(&forms::COUNT), "All of it."),
        optional("reserve", Shape::Text(&forms::COUNT), "0", "What is left to others."),
        needed("per_replica", Shape::Text(&forms::COUNT), "What each replica takes; above 0."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static WORSE: Map = Map {
    what: "`worse`",
    doc: "A circuit breaker for scale-ups.",
    example: "{ signal: errors, by: 50%, within: 2m }",
    keys: &[
        needed("signal", Shape::Text(&forms::SIGNAL_NAME), "What must not get worse, that is, greater."),
        optional("by", Shape::Text(&forms::PERCENTAGE), "50%", "By more than this."),
        optional(
            "within",
            Shape::Duration(SECOND, HOUR),
            "2m",
            "For so long after a scale-up it is watched, and for so long nothing more is added.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};
