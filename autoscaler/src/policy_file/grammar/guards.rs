//! What holds or bends what the rules want.

use std::time::Duration;

use super::{Map, Shape, guard, optional};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
/// The core keeps every recommendation of so long.
const LONGEST_STABILIZATION: Duration = HOUR;

pub(in crate::policy_file) static GUARDS: Map = Map {
    what: "`guards`",
    doc: "What holds or bends what the rules want.",
    example: "{ down: { cooldown: 5m } }",
    keys: &[
        optional("up", Shape::Map(&UP), "{}", "Of steps up."),
        optional("down", Shape::Map(&DOWN), "{}", "Of steps down."),
        optional(
            "missing",
            Shape::Words(&[("hold", "it never lowers the count")]),
            "hold",
            "What a missing signal does.",
        ),
        guard(
            "warm_up",
            Shape::Duration(Duration::ZERO, HOUR),
            ["10s", "0s", "0s"],
            "A replica that serves for less than this says nothing about load yet.",
        ),
        optional(
            "stale_after",
            Shape::Duration(Duration::from_secs(1), Duration::from_mins(10)),
            "10s",
            "A signal without a sample for this long is missing.",
        ),
    ],
    groups: &[],
    block: true,
    layered: true,
};

pub(in crate::policy_file) static UP: Map = Map {
    what: "`guards.up`",
    doc: "Guards of steps up.",
    example: "{ cooldown: 30s, stabilize: 0s }",
    keys: &[
        guard(
            "cooldown",
            Shape::Duration(Duration::ZERO, DAY),
            ["0s", "0s", "0s"],
            "No step up until so long after the last step up.",
        ),
        guard(
            "stabilize",
            Shape::Duration(Duration::ZERO, LONGEST_STABILIZATION),
            ["0s", "0s", "0s"],
            "Up only as far as every recommendation of so long agrees to.",
        ),
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
        guard(
            "cooldown",
            Shape::Duration(Duration::ZERO, DAY),
            ["1m", "0s", "0s"],
            "No step down until so long after the last step either way.",
        ),
        guard(
            "stabilize",
            Shape::Duration(Duration::ZERO, LONGEST_STABILIZATION),
            ["5m", "0s", "5m"],
            "Down only as far as every recommendation of so long agrees to.",
        ),
    ],
    groups: &[],
    block: false,
    layered: true,
};
