//! Rules as a policy gives them. What each makes of its signals is in [`rule`](crate::rule), one file per kind.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Calendar, Dates, Zone},
    formula::Formula,
    quantity::{Quantity, SignalName},
};

/// One line of reasoning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What the policy calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is recorded and never acts.
    #[serde(default)]
    pub observe: bool,
    /// The service is active while the rule's signal is above this; see [`activity`](crate::evaluation::Activity).
    #[serde(default)]
    pub activate: f64,
    /// Which kind, and its settings.
    pub kind: RuleKind,
}

impl From<RuleKind> for Rule {
    fn from(kind: RuleKind) -> Self {
        Self { name: None, observe: false, activate: 0.0, kind }
    }
}

/// The kinds of rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// See [`rule::target`](crate::rule::target).
    Target(Target),
    /// See [`rule::threshold`](crate::rule::threshold).
    Threshold(Threshold),
    /// See [`rule::queue`](crate::rule::queue).
    Queue(Queue),
    /// See [`rule::ratio`](crate::rule::ratio).
    Ratio(Ratio),
    /// See [`rule::burst`](crate::rule::burst).
    Burst(Burst),
    /// See [`rule::forecast`](crate::rule::forecast).
    Forecast(Forecast),
    /// Limits, or a count, at certain times.
    Schedule(Schedule),
    /// A count by an expression.
    Formula(FormulaRule),
}

/// Defaults of rules.
impl Rule {
    /// Of every `window` but those of [`Burst`].
    pub const WINDOW: Duration = Duration::from_secs(15);
    /// Of [`Target::tolerance`]; the same as Kubernetes' horizontal autoscaler.
    pub const TOLERANCE: f64 = 0.1;
    /// The longest window that can be given: what the core keeps samples for.
    pub const LONGEST_WINDOW: Duration = Duration::from_mins(10);
}

/// A group of rules and groups, and how what they want becomes one wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// How.
    pub how: Combine,
    /// Its members, in the order of the file.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// A rule, by its place in [`Policy::rules`](crate::Policy::rules).
    Rule(usize),
    /// A group within the group.
    Group(Group),
}

impl Group {
    /// The first `rules` rules, of which the largest wins.
    pub fn largest(rules: usize) -> Self {
        Self { how: Combine::LARGEST, members: (0..rules).map(Member::Rule).collect() }
    }
}

/// How the wishes of a group's members become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// More if any (or all) of those want more that can; fewer if any (or all) of those want fewer that can, and none
    /// wants as many as there are.
    Agree {
        /// Upwards.
        up: Quorum,
        /// Downwards.
        down: Quorum,
    },
    /// The first that has an opinion decides.
    First,
}

impl Combine {
    /// The largest wins.
    pub const LARGEST: Self = Self::Agree { up: Quorum::Any, down: Quorum::Any };
    /// Nothing without all, and then the smallest change.
    pub const ALL: Self = Self::Agree { up: Quorum::All, down: Quorum::All };
}

/// How many have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// One is enough; of several, the largest count wins.
    Any,
    /// All of those that can; the smallest change wins.
    All,
}

/// As many replicas as carry the demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What it reads.
    pub signal: SignalName,
    /// What shall be carried.
    pub goal: Goal,
    /// The demand is the mean over this.
    pub window: Duration,
    /// No change while demand is that near.
    pub tolerance: Tolerance,
}

/// What a target is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// What one replica shall carry; above 0.
    PerReplica(Quantity),
    /// Where the service's own value shall be, whatever the number of replicas; above 0.
    Total(Quantity),
}

impl Goal {
    /// The value that was given.
    pub fn quantity(self) -> Quantity {
        match self {
            Self::PerReplica(quantity) | Self::Total(quantity) => quantity,
        }
    }
}

/// How far demand may be from what the present replicas shall carry; 0.1 is 10 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Above it.
    pub up: f64,
    /// Below it.
    pub down: f64,
}

impl Tolerance {
    /// The same both ways.
    pub const fn both(share: f64) -> Self {
        Self { up: share, down: share }
    }
}

/// Adds or removes replicas while a signal is past a bound, or within a band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// What it reads.
    pub signal: SignalName,
    /// Which values are a breach.
    pub bounds: Bounds,
    /// How long they have to be.
    pub lasting: Lasting,
    /// What a breach asks for.
    pub action: Action,
    /// How a percentage of replicas becomes whole ones.
    pub rounding: Rounding,
    /// A step is at least so large.
    pub at_least_step: u32,
    /// The rule never goes beyond this count.
    pub limit: Option<u32>,
    /// The signal's value is its mean over this.
    pub window: Duration,
}

/// A breach is a value past all bounds that there are: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Values above this.
    pub lower: Option<Bound>,
    /// Values below this.
    pub upper: Option<Bound>,
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The bound.
    pub value: Quantity,
    /// Whether the bound itself is a breach.
    pub inclusive: bool,
}

impl Bounds {
    /// Values above this.
    pub const fn above(value: Quantity) -> Self {
        Self { lower: Some(Bound { value, inclusive: false }), upper: None }
    }

    /// Values below this.
    pub const fn below(value: Quantity) -> Self {
        Self { lower: None, upper: Some(Bound { value, inclusive: false }) }
    }

    /// Whether a level, in the bounds' own unit, is past all bounds.
    pub fn contain(self, level: f64) -> bool {
        let above = |bound: Bound| level > bound.value.value() || (bound.inclusive && level >= bound.value.value());
        let below = |bound: Bound| level < bound.value.value() || (bound.inclusive && level <= bound.value.value());
        self.lower.is_none_or(above) && self.upper.is_none_or(below)
    }
}

/// How long values have to be a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasting {
    /// So long without a break.
    For(Duration),
    /// So many of the newest samples.
    Samples {
        /// So many at least, 1 to `of`.
        hits: u8,
        /// Of so many, at most 64.
        of: u8,
    },
}

/// What a breach asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A step.
    Step(Step),
    /// So many replicas.
    To(u32),
    /// The further past the bound, the larger the step.
    Graded {
        /// More or fewer.
        direction: Direction,
        /// By [`Grade::past`], growing.
        grades: Vec<Grade>,
    },
    /// Nothing is changed; whoever looks is told.
    Warn(String),
}

impl Action {
    /// More or fewer; `None` where it can be both or neither.
    pub fn direction(&self) -> Option<Direction> {
        match self {
            Self::Step(step) => Some(step.direction),
            Self::Graded { direction, .. } => Some(*direction),
            Self::To(_) | Self::Warn(_) => None,
        }
    }
}

/// A step for values at least so far past the bound (AWS step scaling: the near end of a step is part of it).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    /// How far, in the bound's own unit.
    pub past: f64,
    /// By how much; a count of 0 is no step.
    pub size: StepSize,
}

/// How a percentage of replicas becomes whole ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Away from the present count, so that it always is a step.
    #[default]
    Away,
    /// Towards the present count, but at least one (AWS step scaling).
    Toward,
    /// The new count is rounded up (Nomad's threshold strategy).
    Up,
    /// The new count is rounded down.
    Down,
}

/// A change of the number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// More or fewer.
    pub direction: Direction,
    /// By how much.
    pub size: StepSize,
}

/// More or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More.
    Up,
    /// Fewer.
    Down,
}

/// By how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSize {
    /// So many replicas.
    Count(u32),
    /// Such a share of the present ones, above 0.
    Share(f64),
}

/// As many replicas as work a backlog off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The backlog: what waits and what is being worked on.
    pub signal: SignalName,
    /// By what it is judged.
    pub goal: QueueGoal,
    /// The backlog is the mean over this.
    pub window: Duration,
}

/// By what a backlog is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueGoal {
    /// What one replica may have before it; above 0.
    PerReplica(f64),
    /// It shall be worked off in time.
    Drain {
        /// Within this; above 0.
        within: Duration,
        /// What one job takes.
        job_takes: JobTime,
        /// Jobs that come meanwhile, per second.
        arrivals: Option<SignalName>,
        /// Jobs that one replica works on at once, at least 1.
        at_once: u32,
    },
}

/// What one job takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobTime {
    /// Always this.
    Fixed(Duration),
    /// What this signal says, in seconds.
    Measured(SignalName),
}

/// So many replicas for each so many of another service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// The other service: `project/service`, or one of the same project.
    pub of: String,
    /// For each so many of it, at least 1.
    pub for_each: u32,
    /// So many of this one, at least 1.
    pub replicas: u32,
    /// Which of the two grows first.
    pub order: Order,
}

/// Which of two services grows first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// This one follows the other's target.
    #[default]
    Together,
    /// This one grows by what the other wants; the other grows as far as this one's serving replicas carry.
    First,
}

/// A long window for the steady state and a short one for bursts, as Knative's pod autoscaler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Burst {
    /// What it reads.
    pub signal: SignalName,
    /// What one replica shall carry; above 0.
    pub per_replica: Quantity,
    /// The long window.
    pub window: Duration,
    /// The short one.
    pub panic_window: Duration,
    /// It panics when the short window wants so many times the serving replicas; 2 is 200 %.
    pub panic_at: f64,
    /// At most so many times the serving replicas at once.
    pub up_by: f64,
    /// At least the serving replicas divided by this; above 1.
    pub down_by: f64,
}

/// As many replicas as carry the demand that is to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What it reads: a demand.
    pub signal: SignalName,
    /// What one replica carries.
    pub capacity: Capacity,
    /// What a missing replica is worth.
    pub knob: Knob,
    /// How far ahead; absent: as long as a replica takes to serve, and one sample more.
    pub horizon: Option<Duration>,
    /// The demand now is the mean over this.
    pub window: Duration,
    /// What waits already, and how soon it shall be gone.
    pub backlog: Option<Backlog>,
    /// Whose wall clock the days go by.
    pub zone: Zone,
    /// Days unlike others.
    pub except: Vec<Dates>,
    /// Seasons that are expected: they count from the second time on.
    pub seasons: Vec<Duration>,
    /// It does not act before it has been better than the reactive answer over such a span.
    pub on_trial: Option<Duration>,
}

/// What one replica carries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// So much of the signal; above 0.
    Given(Quantity),
    /// What takes such a share of its CPU limit, above 0 and at most 1: learned from the CPU that it took.
    Learned(f64),
}

/// What a missing replica is worth, in the user's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knob {
    /// So many idle replicas one would pay to avoid one that is missing; above 0.
    IdlePerMissing(f64),
    /// Such a share of time may be short of replicas; above 0 and below 1.
    Misses(f64),
}

impl Knob {
    /// The share of time in which the demand shall be carried, above 0 and below 1: of `n` idle replicas per missing one,
    /// `n / (n + 1)`, the critical fractile of the newsvendor (Arrow, Harris and Marschak 1951).
    pub fn quantile(self) -> f64 {
        match self {
            Self::IdlePerMissing(idle) => idle / (idle + 1.0),
            Self::Misses(misses) => 1.0 - misses,
        }
    }

    /// So many idle replicas cost as much as one that is missing.
    pub fn idle_per_missing(self) -> f64 {
        match self {
            Self::IdlePerMissing(idle) => idle,
            Self::Misses(misses) => (1.0 - misses) / misses,
        }
    }
}

/// What waits already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// How many requests or jobs wait.
    pub signal: SignalName,
    /// They shall be gone within this.
    pub within: Duration,
}

/// Limits, or a count, at certain times. Of several at once, for each of min and max the one further down wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// When.
    pub calendar: Calendar,
    /// What holds then.
    pub replicas: Scheduled,
}

/// What a schedule sets: at least one of both; both the same for an exact count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// No fewer; absent: as otherwise.
    pub min: Option<u32>,
    /// No more; absent: as otherwise.
    pub max: Option<u32>,
}

/// A count by an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormulaRule {
    /// The count; rounded up.
    pub replicas: Formula,
    /// Each signal is its mean over this.
    pub window: Duration,
}
