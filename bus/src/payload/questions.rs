//! Questions to the controller, and its answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HostSample, Mode, Outcome, Phase, Refusal, ReplicaInventory};

/// What is asked: `status` of all services or of one, `explain`, `forecast`, `what_if` and `history` of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    /// Payload version.
    pub v: u16,
    /// `[host/]project/service` or `service`, where that is unambiguous; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// With `explain`: the decision that was in force at this moment; absent: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// With `what_if`: what is supposed to be otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppose: Option<Suppose>,
    /// With `history`: of when, and which page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistorySpan>,
}

/// Of when, and which page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistorySpan {
    /// From this moment on. What is told begins earlier, with the last snapshot before it.
    pub from_ms: u64,
    /// Until this one.
    pub until_ms: u64,
    /// The page behind the one whose `next` this is; absent: the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// The answer to `history`: one page of what a service's decisions were told and when they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Payload version.
    pub v: u16,
    /// Of `host/project/service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// In the order of time, each in base64 what the controller packed.
    pub chunks: Vec<String>,
    /// Ask again with this for the next page; absent: this was the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Why the question could not be answered, for example that no history is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is supposed to be otherwise. What is not given goes on as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suppose {
    /// Values of signals, as a policy writes them, or `missing`; of `cpu` and `memory` the value of each replica.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, String>,
    /// How many replicas there are, all of them serving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// The text of a policy file that names the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// It has been so for this long.
    #[serde(skip_serializing_if = "is_zero")]
    pub lasting_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The controller's answer to every question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Payload version.
    pub v: u16,
    /// When it was answered.
    pub at_ms: u64,
    /// The controller's term.
    pub term: u64,
    /// When the controller started.
    pub since_ms: u64,
    /// The policy files and what became of them.
    pub policies: Vec<PolicySource>,
    /// The hosts heard of.
    pub hosts: Vec<HostStatus>,
    /// The services: all, or the one asked for.
    pub services: Vec<ServiceStatus>,
    /// Why the question could not be answered, for example an ambiguous service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One policy file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicySource {
    /// Where it is.
    pub origin: String,
    /// Policies in force from it.
    pub policies: u32,
    /// What is wrong with its newest version; the last good one is in force meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostStatus {
    /// The host.
    pub host: String,
    /// When its agent was last heard.
    pub heard_ms: u64,
    /// Whether that is too long ago.
    pub lost: bool,
    /// Payloads lost: dropped by the agent's own buffer, or missing on arrival.
    pub lost_payloads: u64,
    /// The engine's version, while it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Its newest sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<HostSample>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceStatus {
    /// The host.
    pub host: String,
    /// The Compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// Where its policy stands; absent: it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Whether the policy acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What is wrong with its policy: what was in force before stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_error: Option<String>,
    /// The policy is paused at present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseStatus>,
    /// No fewer replicas than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// No more than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// How many there shall be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// How many run.
    pub running: u32,
    /// How many serve.
    pub ready: u32,
    /// Its containers.
    pub replicas: Vec<ReplicaInventory>,
    /// Whether it stands still.
    pub phase: Phase,
    /// Why it cannot be scaled.
    pub refusals: Vec<Refusal>,
    /// What is legal but worth knowing.
    pub warnings: Vec<String>,
    /// What the rules read.
    pub signals: Vec<SignalStatus>,
    /// The newest decision, whether it scaled or held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionStatus>,
    /// What was decided before, newest first: only where something changed.
    pub history: Vec<DecisionStatus>,
    /// How the newest target went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// With `explain`: everything that its policy says, and where each thing comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingStatus>,
    /// With `forecast`: what each forecast rule of its policy knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forecasts: Vec<ForecastStatus>,
}

/// What one forecast rule knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForecastStatus {
    /// The rule's place in the policy, counted from 1.
    pub rule: u32,
    /// The rule's settings, as the core serialises them.
    pub settings: serde_json::Value,
    /// What it remembers, as the core serialises it; absent: nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<serde_json::Value>,
}

/// Which ways are closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PauseStatus {
    /// Nothing is added.
    pub up: bool,
    /// Nothing is removed.
    pub down: bool,
    /// Until then; absent: until the policy is edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// One thing that a policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingStatus {
    /// Such as `replicas.max` or `rules.2.threshold.above`; lists are counted from 1.
    pub path: String,
    /// As it is written.
    pub value: String,
    /// The file with line and column, the label, the variable, or what is built in.
    pub origin: String,
}

/// One signal as a rule reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignalStatus {
    /// Its name.
    pub signal: String,
    /// Its value with unit, as printed; absent while it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Age of its newest sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The window it is taken over.
    pub window_ms: u64,
    /// Why it is missing, or covers only some of the replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionStatus {
    /// Number of the evaluation.
    pub evaluation: u64,
    /// When.
    pub at_ms: u64,
    /// `up`, `down` or `hold`.
    pub verdict: String,
    /// Before.
    pub from: u32,
    /// After.
    pub to: u32,
    /// Why, as a sentence.
    pub sentence: String,
    /// What each rule wanted, as sentences.
    pub rules: Vec<String>,
    /// What each guard did, as sentences.
    pub guards: Vec<String>,
    /// What was read, where that is told along.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<SignalStatus>,
    /// What rules warn of, as sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What would change it next, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The whole evaluation, typed, as the core serialises it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_detail: Option<serde_json::Value>,
}
