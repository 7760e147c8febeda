//! What wants how many replicas.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    forms,
    policy::{MOST_REPLICAS, one_of},
};
use crate::{
    policy::Rule,
    text::grammar::{Key, Map, Shape, may, needed, optional},
};

pub(in crate::policy_file) static ANY: Shape = Shape::Map(&RULE);

/// The kinds of rules and groups of rules, in the order of the documentation.
const KINDS: &[&str] =
    &["target", "threshold", "queue", "schedule", "ratio", "burst", "formula", "forecast", "all", "any", "first"];

pub(in crate::policy_file) static RULE: Map = Map {
    what: "a rule",
    doc: "One line of reasoning: one kind with its settings, or a group of rules.",
    example: "- target: { signal: cpu, per_replica: 70% }",
    keys: &[
        may("name", Shape::Text(&forms::NAME), "its kind and signal", "What reasons and `diff` call it."),
        may("target", Shape::Map(&TARGET), "", "As many replicas as carry the demand."),
        may("threshold", Shape::Map(&THRESHOLD), "", "A step while a signal is past a bound."),
        may("queue", Shape::Map(&QUEUE), "", "As many replicas as work a backlog off."),
        may("schedule", Shape::Map(&SCHEDULE), "", "Limits, or a count, at certain times."),
        may("ratio", Shape::Map(&RATIO), "", "So many replicas for each so many of another service."),
        may("burst", Shape::Map(&BURST), "", "A long window for the steady state and a short one for bursts."),
        may("formula", Shape::Map(&FORMULA), "", "A count by an expression."),
        may("forecast", Shape::Map(&FORECAST), "", "As many replicas as carry the demand that is to come."),
        may("all", Shape::List(&ANY), "", "A group that wants a change only if all its members do; then the smallest."),
        may("any", Shape::List(&ANY), "", "A group of which the largest wins."),
        may("first", Shape::List(&ANY), "", "A group of which the first member with an opinion decides."),
        optional("observe", BOOLEAN, "false", "Recorded, and never acts."),
    ],
    groups: &[
        one_of("the kind", KINDS, true),
        one_of("a group", &["observe", "all"], false),
        one_of("a group", &["observe", "any"], false),
        one_of("a group", &["observe", "first"], false),
    ],
    block: true,
    layered: false,
};

pub(in crate::policy_file) const BOOLEAN: Shape = Shape::Words(&[("true", ""), ("false", "")]);

const SIGNAL: Key = needed("signal", Shape::Text(&forms::SIGNAL_NAME), "What it reads.");
const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Key =
    optional("window", Shape::Duration(SECOND, Rule::LONGEST_WINDOW), "15s", "The value is the mean over this.");
const ACTIVATE: Key = optional(
    "activate",
    Shape::Text(&forms::QUANTITY),
    "0",
    "With `idle` or `min: 0`: the service is active while the signal is above this.",
);
const TIMEZONE: Key =
    optional("timezone", Shape::Text(&forms::ZONE), "UTC", "Whose clock; daylight saving time included.");
const PER_REPLICA: &str = "What one replica shall carry; above 0.";

static DAYS: Shape = Shape::Text(&forms::DATES);

/// How long a season is that is expected.
pub(in crate::policy_file) const SEASON_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_hours(28 * 24);
static SEASON: Shape = Shape::Duration(*SEASON_RANGE.start(), *SEASON_RANGE.end());

const fn except(doc: &'static str) -> Key {
    may("except", Shape::OneOrList(&DAYS), "none", doc)
}

pub(in crate::policy_file) static TARGET: Map = Map {
    what: "`target`",
    doc: "As many replicas as carry the demand.",
    example: "{ signal: cpu, per_replica: 70% }",
    keys: &[
        SIGNAL,
        may("per_replica", Shape::Text(&forms::QUANTITY), "", PER_REPLICA),
        may("total", Shape::Text(&forms::QUANTITY), "", "Where the service's own value shall be; above 0."),
        WINDOW,
        may(
            "tolerance",
            Shape::AnyOf(&[Shape::Text(&forms::PERCENTAGE), Shape::Map(&TOLERANCE)]),
            "`tolerance` of the guards",
            "No change while the demand is this near.",
        ),
        ACTIVATE,
    ],
    groups: &[one_of("the goal", &["per_replica", "total"], true)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static TOLERANCE: Map = Map {
    what: "`tolerance`",
    doc: "No change while the demand is this near.",
    example: "{ up: 10%, down: 30% }",
    keys: &[
        may("up", Shape::Text(&forms::PERCENTAGE), "`guards.up.tolerance`", "Above the goal."),
        may("down", Shape::Text(&forms::PERCENTAGE), "`guards.down.tolerance`", "Below the goal."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static THRESHOLD: Map = Map {
    what: "`threshold`",
    doc: "A step while a signal is past a bound, or within a band of two.",
    example: "{ signal: cpu, above: 80%, for: 1m, add: 1 }",
    keys: &[
        SIGNAL,
        may("above", Shape::Text(&forms::QUANTITY), "", "Past it is greater than it."),
        may("at_least", Shape::Text(&forms::QUANTITY), "", "Past it is it, or greater."),
        may("below", Shape::Text(&forms::QUANTITY), "", "Past it is less than it."),
        may("at_most", Shape::Text(&forms::QUANTITY), "", "Past it is it, or less."),
        optional("for", Shape::Duration(Duration::ZERO, Duration::from_hours(24)), "0s", "How long without a break."),
        may("samples", Shape::Text(&forms::SAMPLES), "", "So many of the newest samples; of at most 64."),
        may("add", Shape::Text(&forms::STEP), "", "So many more."),
        may("remove", Shape::Text(&forms::STEP), "", "So many fewer; up to 100%."),
        may("to", Shape::Whole(0, MOST_REPLICAS), "", "So many."),
        may("steps", Shape::List(&GRADE_SHAPE), "", "The further past the bound, the larger the step."),
        may("warn", Shape::Text(&forms::SENTENCE), "", "Nothing is changed; `status` says so."),
        optional(
            "round",
            Shape::Words(&[
                ("away", "away from the present count, at least 1"),
                ("toward", "towards it, at least 1 (AWS)"),
                ("up", "the new count up (Nomad)"),
                ("down", "the new count down"),
            ]),
            "away",
            "How a percentage becomes whole replicas.",
        ),
        optional("at_least_step", Shape::Whole(1, MOST_REPLICAS), "1", "A step is at least so large."),
        may("limit", Shape::Whole(0, MOST_REPLICAS), "none", "This rule never goes beyond this count."),
        WINDOW,
        ACTIVATE,
    ],
    groups: &[
        one_of("the lower bound", &["above", "at_least"], false),
        one_of("the upper bound", &["below", "at_most"], false),
        one_of("how long", &["for", "samples"], false),
        one_of("the step", &["add", "remove", "to", "steps", "warn"], true),
    ],
    block: false,
    layered: false,
};

static GRADE_SHAPE: Shape = Shape::Map(&GRADE);

pub(in crate::policy_file) static GRADE: Map = Map {
    what: "a step of `steps`",
    doc: "A step for values at least so far past the bound.",
    example: "{ past: 10%, add: 20% }",
    keys: &[
        needed(
            "past",
            Shape::Text(&forms::QUANTITY),
            "How far past the bound, in its unit; the largest that is reached counts.",
        ),
        may("add", Shape::Text(&forms::STEP), "", "So many more; 0 is none."),
        may("remove", Shape::Text(&forms::STEP), "", "So many fewer; 0 is none."),
    ],
    groups: &[one_of("the step", &["add", "remove"], true)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static QUEUE: Map = Map {
    what: "`queue`",
    doc: "As many replicas as work a backlog off: so many jobs for each, or all of them within a time.",
    example: "{ signal: queue.jobs, drain_in: 5m, job_takes: 2s }",
    keys: &[
        SIGNAL,
        may("per_replica", Shape::Text(&forms::COUNT), "", "How many jobs one replica may have before it; above 0."),
        may(
            "drain_in",
            Shape::Duration(SECOND, Duration::from_hours(24)),
            "",
            "Within this the backlog shall be gone.",
        ),
        may(
            "job_takes",
            Shape::Text(&forms::DURATION_OR_SIGNAL),
            "",
            "With `drain_in`: what one job takes; a duration, or a signal that measures it.",
        ),
        may("arrivals", Shape::Text(&forms::SIGNAL_NAME), "none", "With `drain_in`: the rate at which jobs come."),
        optional(
            "at_once",
            Shape::Whole(1, 10_000),
            "1",
            "With `drain_in`: how many jobs one replica works on at once.",
        ),
        WINDOW,
        ACTIVATE,
    ],
    groups: &[one_of("the goal", &["per_replica", "drain_in"], true)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static SCHEDULE: Map = Map {
    what: "`schedule`",
    doc: "Limits, or a count, at certain times. Of several at once, for each of min and max the one further down wins.",
    example: "{ daily: \"08:00-18:00\", days: mon-fri, timezone: Europe/Oslo, replicas: { min: 6 } }",
    keys: &[
        may("cron", Shape::Text(&forms::CRON), "", "When it begins: minute, hour, day, month, day of the week."),
        may(
            "for",
            Shape::Duration(Duration::from_mins(1), Duration::from_hours(366 * 24)),
            "",
            "With `cron`: how long it lasts.",
        ),
        may("daily", Shape::Text(&forms::HOURS), "", "From when to when, each day."),
        may("days", Shape::Text(&forms::WEEKDAYS), "every day", "With `daily`: on which days it begins."),
        may("on", Shape::Text(&forms::DATE), "", "On one date."),
        may("between", Shape::Text(&forms::HOURS), "the whole day", "With `on`: from when to when."),
        TIMEZONE,
        except("Dates on which it does not begin."),
        needed(
            "replicas",
            Shape::AnyOf(&[Shape::Whole(0, MOST_REPLICAS), Shape::Map(&SCHEDULED)]),
            "An exact count, or limits.",
        ),
    ],
    groups: &[one_of("the time", &["cron", "daily", "on"], true)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static SCHEDULED: Map = Map {
    what: "`replicas` of a schedule",
    doc: "Limits while the schedule is active.",
    example: "{ min: 6 }",
    keys: &[
        may("min", Shape::Whole(0, MOST_REPLICAS), "that of the policy", "No fewer."),
        may("max", Shape::Whole(0, MOST_REPLICAS), "that of the policy", "No more."),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static RATIO: Map = Map {
    what: "`ratio`",
    doc: "So many replicas for each so many of another service.",
    example: "{ of: web, for_each: 10, replicas: 1 }",
    keys: &[
        needed(
            "of",
            Shape::Text(&forms::OTHER_SERVICE),
            "The other service; of the same project, or `project/service`.",
        ),
        optional("for_each", Shape::Whole(1, MOST_REPLICAS), "1", "For each so many of it."),
        optional("replicas", Shape::Whole(1, MOST_REPLICAS), "1", "So many of this one."),
        optional(
            "order",
            Shape::Words(&[
                ("together", "by what the other one's target is"),
                ("first", "by what the other one wants; that one grows only as far as this one carries"),
            ]),
            "together",
            "Which of the two grows first.",
        ),
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static BURST: Map = Map {
    what: "`burst`",
    doc: "A long window for the steady state and a short one for bursts, as Knative's autoscaler.",
    example: "{ signal: requests, per_replica: 100/s }",
    keys: &[
        SIGNAL,
        needed("per_replica", Shape::Text(&forms::QUANTITY), PER_REPLICA),
        optional("window", Shape::Duration(SECOND, Rule::LONGEST_WINDOW), "60s", "The long window."),
        optional("panic_window", Shape::Duration(SECOND, Rule::LONGEST_WINDOW), "6s", "The short one."),
        optional(
            "panic_at",
            Shape::Text(&forms::PERCENTAGE),
            "200%",
            "It panics, and does not shrink, when the short window wants so much of the replicas that serve; 110% to 1000%.",
        ),
        optional(
            "up_by",
            Shape::Text(&forms::FACTOR),
            "1000x",
            "At most so many times the replicas that serve, at once.",
        ),
        optional("down_by", Shape::Text(&forms::FACTOR), "2x", "At least the replicas that serve divided by this."),
        ACTIVATE,
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static FORMULA: Map = Map {
    what: "`formula`",
    doc: "A count by an expression.",
    example: "{ replicas: \"ceil(queue.jobs / 20)\" }",
    keys: &[
        needed("replicas", Shape::Text(&forms::FORMULA), "The count; a broken one is rounded up."),
        WINDOW,
        ACTIVATE,
    ],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static FORECAST: Map = Map {
    what: "`forecast`",
    doc: "As many replicas as carry the demand that is to come; never fewer than for the demand now, until it has proven itself.",
    example: "{ signal: requests, per_replica: 120/s, idle_per_missing: 10 }",
    keys: &[
        SIGNAL,
        needed("per_replica", Shape::AnyOf(&[Shape::Text(&forms::QUANTITY), Shape::Map(&LEARNED)]), PER_REPLICA),
        optional(
            "idle_per_missing",
            Shape::Text(&forms::COUNT),
            "10",
            "How many idle replicas one would pay for one that is not missing.",
        ),
        may(
            "misses",
            Shape::Text(&forms::PERCENTAGE),
            "",
            "Instead: the share of time in which too few are fine; 0.1% to 99.9%.",
        ),
        optional(
            "horizon",
            Shape::AnyOf(&[
                Shape::Words(&[("auto", "what nine of ten starts of a replica took, and one sample more")]),
                Shape::Duration(SECOND, Duration::from_hours(24)),
            ]),
            "auto",
            "How far ahead.",
        ),
        may("backlog", Shape::Map(&BACKLOG), "none", "What waits already, on top."),
        TIMEZONE,
        except("Days unlike others, of which nothing is learned about the others."),
        may(
            "seasons",
            Shape::OneOrList(&SEASON),
            "none",
            "After how long the demand is known to come again; at most 3. Others are found.",
        ),
        may(
            "on_trial",
            Shape::Duration(Duration::from_mins(1), Duration::from_hours(28 * 24)),
            "no trial",
            "It does not act before it was cheaper than the reactive answer over so long.",
        ),
        WINDOW,
        ACTIVATE,
    ],
    groups: &[one_of("the price", &["idle_per_missing", "misses"], false)],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static LEARNED: Map = Map {
    what: "a learned `per_replica`",
    doc: "As much as takes one replica so much of its CPU limit; learned from the CPU that was used.",
    example: "{ cpu: 70% }",
    keys: &[needed("cpu", Shape::Text(&forms::PERCENTAGE), "Of the CPU limit; 1% to 100%.")],
    groups: &[],
    block: false,
    layered: false,
};

pub(in crate::policy_file) static BACKLOG: Map = Map {
    what: "`backlog`",
    doc: "What waits already, and how soon it shall be gone.",
    example: "{ signal: waiting, within: 30s }",
    keys: &[
        needed("signal", Shape::Text(&forms::SIGNAL_NAME), "How many wait."),
        needed("within", Shape::Duration(SECOND, Duration::from_hours(24)), "Within this they shall be gone."),
    ],
    groups: &[],
    block: false,
    layered: false,
};
