//! The state of a service as somebody writes it down: everything that one evaluation depends on besides the policy.
//!
//! ```text
//! text → policy_file::state → State → Autoscaler → Evaluation
//! ```
//!
//! With it a policy can be asked "what would you do then?", and the tables of other autoscalers' tests can be said.
//! `docs/state.md` is the grammar. What a state does not say did not happen.

mod tell;
mod write;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Autoscaler, Evaluation, Policy, Timestamp,
    event::{HostCapacity, Outcome, Peer, Phase, Reading, Replica},
    memory::{Manual, ScaleStep},
    policy_file,
    quantity::SignalName,
    rule::RuleState,
    text::TextErrors,
};

/// The longest text that is read, in bytes.
pub const LONGEST_TEXT: usize = 16 * 1024 * 1024;
/// The most states that a text can have.
pub const MOST_STATES: usize = 100_000;
/// The most replicas that a state can list.
pub const MOST_REPLICAS: u32 = 10_000;

/// For how long a replica has served that does not say so: longer than anything looks back.
pub(crate) const LONG: Duration = Duration::from_hours(24);

/// Everything that one evaluation of one service depends on, besides the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// When.
    pub now: Timestamp,
    /// Nothing of the states before it is remembered. The first one is always so.
    pub fresh: bool,
    /// Which service: `[host/]project/service`.
    pub service: Option<String>,
    /// How many there shall be; absent: as decided before, or as many as are listed.
    pub target: Option<u32>,
    /// What is listed; absent: as many as there shall be, each as [`each`](Self::each) says. Of those that there were the
    /// oldest stay, and more of them have served since the state before.
    pub replicas: Option<Vec<Listed>>,
    /// What a replica is that is listed by its count alone. It has no name, and where nothing is said of that no age.
    pub each: Listed,
    /// What was measured of the service as a whole, or of its host; by signal and then by time.
    pub signals: Vec<Measured>,
    /// Whether it stands still.
    pub phase: Phase,
    /// Why it cannot be scaled, one sentence each.
    pub refusals: Vec<String>,
    /// The most replicas that its configuration allows.
    pub most: Option<u32>,
    /// What its host has.
    pub host: HostCapacity,
    /// Its host has not been heard of for too long.
    pub host_lost: bool,
    /// How carrying out the newest target went.
    pub outcome: Option<Outcome>,
    /// What services have that a `ratio` ties to this one.
    pub peers: BTreeMap<String, Peer>,
    /// What others take of shared budgets, by name.
    pub budgets: BTreeMap<String, f64>,
    /// What guards and rules remember.
    pub remembered: Remembered,
}

/// A replica and what was measured of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The replica.
    pub replica: Replica,
    /// By signal and then by time.
    pub samples: Vec<Measured>,
}

/// One measurement of whomever it stands beside.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Of what.
    pub signal: SignalName,
    /// When it was true.
    pub at: Timestamp,
    /// What was found.
    pub reading: Reading,
}

/// What guards and rules remember. What is absent is as before, or nothing in the first state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    /// What was wanted when, by time.
    pub recommendations: Option<Vec<(Timestamp, u32)>>,
    /// What was done when, by time.
    pub steps: Option<Vec<ScaleStep>>,
    /// Of each rule, in the policy's order; absent: what follows from the samples.
    pub rules: Vec<Option<RuleState>>,
    /// Since when signals are missing; where not given, what follows from the samples.
    pub missing_since: BTreeMap<SignalName, Timestamp>,
    /// The count that the operator set by hand last.
    pub manual: Option<Manual>,
    /// Evaluations recorded.
    pub evaluations: Option<u64>,
}

/// Reads the states of `text`, of which there is at least one: a map, a list of such, or one on each line.
/// `origin` names the text in errors.
///
/// # Errors
/// Everything that is wrong with it, by place.
pub fn read(origin: &str, text: &str) -> Result<Vec<State>, TextErrors> {
    policy_file::state::read(origin, text)
}

/// What `policy` decides in each of `states`: the same autoscaler goes on from one to the next, and what it decides is done.
pub fn evaluate_all(policy: &Policy, states: &[State]) -> Vec<Evaluation> {
    let mut going_on: Option<(Autoscaler, Timestamp)> = None;
    let mut evaluations = Vec::new();
    for state in states {
        let before = going_on.take().filter(|(_, before)| !state.fresh && *before <= state.now);
        let mut autoscaler = match before {
            Some((mut autoscaler, before)) => {
                state.tell(&mut autoscaler, Some(before));
                autoscaler
            }
            None => state.autoscaler(policy),
        };
        let evaluation = autoscaler.evaluate(state.now);
        autoscaler.record(&evaluation);
        going_on = Some((autoscaler, state.now));
        evaluations.push(evaluation);
    }
    evaluations
}

impl State {
    /// An autoscaler that has come to this state.
    pub fn autoscaler(&self, policy: &Policy) -> Autoscaler {
        let mut autoscaler = Autoscaler::new(policy.clone());
        self.tell(&mut autoscaler, None);
        autoscaler
    }

    /// What `policy` decides in this state.
    pub fn evaluate(&self, policy: &Policy) -> Evaluation {
        self.autoscaler(policy).evaluate(self.now)
    }
}
