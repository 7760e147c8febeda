//! What to do next for one service. Pure: the same view gives the same step.
//!
//! Only the next step is planned, as after it everything is looked at anew: the newest target wins in the middle of
//! a scale-up, and so does whatever else has happened in the meantime.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bus::payload::{Assignment, Phase, Refusal};
use serde_json::Value;

use super::{preflight, victims};
use crate::{
    instant::is_recent,
    model::{ExitCause, Replica, Service},
};

/// How patient to be.
#[derive(Clone, Debug)]
pub struct Patience {
    /// A replica that does not serve within this time has failed; a health check that needs longer gets it.
    pub ready: Duration,
    /// Without a health check, a replica serves once it has run for so long.
    pub settle: Duration,
    /// The wait after the first failure; it doubles with each.
    pub backoff: Duration,
    /// So many failures in a row are enough.
    pub attempts: u32,
    /// The wait after each failure from then on, so that it is back soon after the cause has gone.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            ready: Duration::from_mins(2),
            settle: Duration::from_secs(1),
            backoff: Duration::from_secs(1),
            attempts: 3,
            pause: Duration::from_secs(4),
        }
    }
}

/// What is remembered of a service between steps.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Replicas made or started here that have not served yet, and since when they are at it.
    pub fresh: BTreeMap<String, u64>,
    /// Numbers whose names something else has.
    pub taken: BTreeSet<u32>,
    /// Failures in a row.
    pub failures: u32,
    /// The newest failure.
    pub failed: Option<Failure>,
    /// How often each crashed replica was started again.
    pub restarts: BTreeMap<String, u32>,
}

/// What went wrong, and what helps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at_ms: u64,
    /// What went wrong.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
}

/// Everything that a plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The service as it is.
    pub service: &'a Service,
    /// Its limits.
    pub assignment: &'a Assignment,
    /// How many there shall be.
    pub target: u32,
    /// What happened before.
    pub memory: &'a Memory,
    /// How patient to be.
    pub patience: &'a Patience,
    /// Now.
    pub now_ms: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Carry out this step, then look again.
    Do(Step),
    /// There are as many as wanted, and all serve.
    Reached,
    /// Look again when something has changed, or at this time.
    Wait(Option<u64>),
    /// It cannot be scaled.
    Refused(Vec<Refusal>),
    /// It does not work.
    Stuck {
        /// Why.
        failure: Failure,
        /// When it is tried again; absent: when something has changed.
        retry_ms: Option<u64>,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make replica `number` like the replica `sibling` (an ID).
    Create {
        /// The sibling's ID.
        sibling: String,
        /// The new number.
        number: u32,
    },
    /// Start a replica that is there.
    Start {
        /// Its ID.
        id: String,
        /// It ended by itself, so that this counts as an attempt.
        crashed: bool,
    },
    /// Stop a replica as its service wants to be stopped, and remove it.
    Remove {
        /// Its ID.
        id: String,
    },
    /// Stop the last replica in the same way, and keep it, to be started and copied when it is wanted again.
    Stop {
        /// Its ID.
        id: String,
    },
    /// Remove a replica at once: it never served.
    Discard {
        /// Its ID.
        id: String,
        /// It has failed in this way; absent: it is a leftover, or no longer wanted.
        failed: Option<String>,
    },
}

/// Plans the next step.
pub fn plan(view: &View<'_>) -> Plan {
    let service = view.service;
    if let Some(step) = withdraw(view) {
        return Plan::Do(step);
    }
    if service.phase != Phase::Settled || service.replicas.is_empty() {
        return Plan::Wait(None);
    }
    let wanted = wanted(view);
    if !service.refusals.is_empty() && !is_alone(view, wanted) {
        let serves = |replica: &Replica| matches!(condition(view, replica), Condition::Serving);
        let as_wanted = service.replicas.len() == wanted as usize && service.replicas.iter().all(serves);
        return if as_wanted { Plan::Reached } else { Plan::Refused(service.refusals.clone()) };
    }
    if let Some(step) = clean_up(view) {
        return Plan::Do(step);
    }
    if wanted == 0 {
        return fall_asleep(view);
    }
    let present = service.replicas.len();
    if present > wanted as usize {
        return shrink(view, None);
    }
    if let Some(step) = revive(view) {
        return Plan::Do(step);
    }
    if present < wanted as usize {
        return grow(view);
    }
    arrived(view, wanted)
}

/// How many there shall be, within every limit. None only where that is both wanted and allowed.
pub(crate) fn wanted(view: &View<'_>) -> u32 {
    if view.target == 0 && view.assignment.min == 0 {
        return 0;
    }
    let within = view.target.min(view.assignment.max).max(view.assignment.min);
    within.min(view.service.most.unwrap_or(u32::MAX)).max(1)
}

/// Its one replica may sleep and wake though it can have no second one.
fn is_alone(view: &View<'_>, wanted: u32) -> bool {
    let service = view.service;
    let may_sleep = view.assignment.min == 0 && wanted <= 1 && service.replicas.len() == 1;
    may_sleep && service.refusals.iter().all(preflight::forbids_only_a_second)
}

/// How one replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Serving,
    /// It does not serve yet, until when it may take.
    Starting(u64),
    /// It ran and does not serve, or does not come to serve.
    Failing(&'static str),
    /// Made by Ballast and never started.
    Leftover,
    /// It ended by itself.
    Crashed,
    /// It ended because the engine did.
    EngineEnded,
    /// Ballast stopped it, to start it again when it is wanted.
    Asleep,
    /// Somebody keeps it from running.
    Held,
}

fn condition(view: &View<'_>, replica: &Replica) -> Condition {
    let summary = &replica.summary;
    match summary.state.as_str() {
        "created" | "dead" if summary.managed => Condition::Leftover,
        "exited" | "dead" => match replica.exit {
            Some(ExitCause::Itself) => Condition::Crashed,
            Some(ExitCause::Engine) => Condition::EngineEnded,
            Some(ExitCause::Asleep) => Condition::Asleep,
            Some(ExitCause::Person | ExitCause::Ballast) | None => Condition::Held,
        },
        "running" => running(view, replica),
        "restarting" if summary.restarts >= 3 => Condition::Failing("it ends again and again"),
        "restarting" => Condition::Starting(deadline(view, replica)),
        _ => Condition::Held,
    }
}

fn running(view: &View<'_>, replica: &Replica) -> Condition {
    let summary = &replica.summary;
    let (started_ms, settle_ms) = (summary.started_ms.unwrap_or_default(), millis(view.patience.settle));
    match summary.health.as_deref() {
        Some("healthy") => Condition::Serving,
        Some("unhealthy") => Condition::Failing("its health check fails"),
        Some(_) => Condition::Starting(deadline(view, replica)),
        None if !is_recent(started_ms, view.now_ms, settle_ms) => Condition::Serving,
        None if summary.restarts >= 3 => Condition::Failing("it ends again and again"),
        None => Condition::Starting(started_ms + settle_ms),
    }
}

/// Until when a replica may take to serve: its health check may need longer than the usual patience.
fn deadline(view: &View<'_>, replica: &Replica) -> u64 {
    let begun_ms = view.memory.fresh.get(&replica.summary.id).copied().or(replica.summary.started_ms);
    let patience = millis(view.patience.ready).max(health_check_ms(&replica.inspect));
    begun_ms.unwrap_or(replica.summary.created_ms) + patience
}

/// How long the health check may take to come to a verdict: the start period, then each of the retries.
fn health_check_ms(inspect: &Value) -> u64 {
    let check = &inspect["Config"]["Healthcheck"];
    let nanos = |field: &str, default_s: u64| match check[field].as_u64() {
        // Docker's own defaults stand for 0.
        None | Some(0) => default_s * 1_000_000_000,
        Some(nanos) => nanos,
    };
    let retries = check["Retries"].as_u64().filter(|&retries| retries > 0).unwrap_or(3);
    if !check.is_object() {
        return 0;
    }
    let round = nanos("Interval", 30).saturating_add(nanos("Timeout", 30));
    nanos("StartPeriod", 0).saturating_add(round.saturating_mul(retries.min(1000))) / 1_000_000
}

/// While somebody takes the project down or changes it, nothing of ours may come up in between: a network with one of
/// our replicas in it could not be removed. What was there before belongs to whoever changes the project: Compose has
/// listed it, and fails when it vanishes under its hands.
fn withdraw(view: &View<'_>) -> Option<Step> {
    let service = view.service;
    let down = service.foreign.as_ref().is_some_and(|change| change.all_removed);
    let mut ours = service.replicas.iter().filter(|replica| replica.summary.managed);
    let unwanted = ours.find(|replica| {
        let summary = &replica.summary;
        let fresh = summary.state == "created" || view.memory.fresh.contains_key(&summary.id);
        let in_between = match service.phase {
            Phase::Changing { since_ms, .. } => fresh && summary.created_ms >= since_ms,
            _ => false,
        };
        down || in_between
    })?;
    Some(Step::Discard { id: unwanted.summary.id.clone(), failed: None })
}

/// Removes what never served: leftovers of an agent that was killed, and replicas that failed.
fn clean_up(view: &View<'_>) -> Option<Step> {
    let discard = |replica: &Replica, failed| Some(Step::Discard { id: replica.summary.id.clone(), failed });
    view.service.replicas.iter().filter(|replica| replica.summary.managed).find_map(|replica| {
        let fresh = view.memory.fresh.contains_key(&replica.summary.id);
        match condition(view, replica) {
            Condition::Leftover => discard(replica, None),
            Condition::Failing(how) if fresh => discard(replica, Some(how.to_owned())),
            Condition::Crashed if fresh => discard(replica, Some("it ended by itself".into())),
            Condition::Starting(until_ms) if fresh && view.now_ms >= until_ms => {
                discard(replica, Some("it did not come to serve in time".into()))
            }
            _ => None,
        }
    })
}

/// Lets one go. `kept` (an ID) stays in any case.
fn shrink(view: &View<'_>, kept: Option<&str>) -> Plan {
    match victims::first_to_go(view, kept) {
        Some(replica) => Plan::Do(Step::Remove { id: replica.summary.id.clone() }),
        None => unable_to_shrink(view),
    }
}

fn unable_to_shrink(view: &View<'_>) -> Plan {
    let why = |replica: &Replica| Some(format!("{} ({})", replica.summary.name, replica.summary.protected.as_ref()?));
    let protected: Vec<String> = view.service.replicas.iter().filter_map(why).collect();
    if protected.is_empty() {
        return stuck(view, "other containers hang on every replica", "remove those containers first", None);
    }
    let are = if protected.len() == 1 { "is" } else { "are" };
    let cause = format!("{} of them {are} protected: {}", protected.len(), protected.join(", "));
    let cure = "they go when they may: when they are no longer busy, or without the label ballast.protect";
    stuck(view, &cause, cure, Some(view.now_ms + millis(view.patience.pause)))
}

/// Nothing is to run: one replica is kept, stopped, from which the others are made again, and the others go.
fn fall_asleep(view: &View<'_>) -> Plan {
    let kept = current(view).min_by_key(|replica| {
        (victims::is_free(replica), condition(view, replica) != Condition::Serving, replica.summary.number)
    });
    let Some(kept) = kept else { return Plan::Wait(None) };
    if view.service.replicas.len() > 1 {
        return shrink(view, Some(&kept.summary.id));
    }
    let runs = matches!(kept.summary.state.as_str(), "running" | "restarting");
    match condition(view, kept) {
        Condition::Held if kept.summary.state == "paused" => arrived(view, 0),
        _ if !runs => Plan::Reached,
        _ if victims::is_free(kept) => Plan::Do(Step::Stop { id: kept.summary.id.clone() }),
        _ => unable_to_shrink(view),
    }
}

/// Starts what the engine or a crash ended, and what sleeps.
fn revive(view: &View<'_>) -> Option<Step> {
    view.service.replicas.iter().find_map(|replica| {
        let id = replica.summary.id.clone();
        match condition(view, replica) {
            Condition::EngineEnded | Condition::Asleep if !view.memory.restarts.contains_key(&id) => {
                Some(Step::Start { id, crashed: false })
            }
            // One that could not be started has used up an attempt as well.
            Condition::Crashed | Condition::EngineEnded | Condition::Asleep
                if view.now_ms >= restart_ms(view, replica) =>
            {
                Some(Step::Start { id, crashed: true })
            }
            _ => None,
        }
    })
}

/// When a crashed replica is to be started again.
fn restart_ms(view: &View<'_>, replica: &Replica) -> u64 {
    // What ended later than now did so before the clock was set back.
    let finished_ms = replica.finished_ms.filter(|&finished_ms| finished_ms <= view.now_ms).unwrap_or_default();
    let wait_ms = match restarts(view, replica) {
        few if few < view.patience.attempts => backoff_ms(view.patience, few + 1),
        _ => millis(view.patience.pause),
    };
    finished_ms + wait_ms
}

fn restarts(view: &View<'_>, replica: &Replica) -> u32 {
    view.memory.restarts.get(&replica.summary.id).copied().unwrap_or_default()
}

fn grow(view: &View<'_>) -> Plan {
    let memory = view.memory;
    if let Some(failed) = memory.failed.as_ref().filter(|_| memory.failures > 0) {
        let enough = memory.failures >= view.patience.attempts;
        let wait_ms = if enough { millis(view.patience.pause) } else { backoff_ms(view.patience, memory.failures) };
        let retry_ms = failed.at_ms + wait_ms;
        if is_recent(failed.at_ms, view.now_ms, wait_ms) {
            return if enough {
                Plan::Stuck { failure: failed.clone(), retry_ms: Some(retry_ms) }
            } else {
                Plan::Wait(Some(retry_ms))
            };
        }
        // Until one works again, one at a time.
        if !memory.fresh.is_empty() {
            return Plan::Wait(next_deadline(view));
        }
    }
    let Some(sibling) = sibling(view) else {
        return stuck(view, "there is no replica to copy", "run `docker compose up -d`", None);
    };
    let highest = view.service.replicas.iter().map(|replica| replica.summary.number).max().unwrap_or_default();
    let mut numbers = (highest.saturating_add(1)..).take(1 + memory.taken.len());
    let number = numbers.find(|number| !memory.taken.contains(number)).unwrap_or(highest);
    Plan::Do(Step::Create { sibling: sibling.summary.id.clone(), number })
}

/// The replica to copy: of the newest configuration, serving rather than not, the lowest number.
fn sibling<'a>(view: &View<'a>) -> Option<&'a Replica> {
    current(view).min_by_key(|replica| (condition(view, replica) != Condition::Serving, replica.summary.number))
}

/// Those of the newest configuration.
fn current<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Replica> {
    view.service.replicas.iter().filter(|replica| !replica.summary.obsolete && !replica.temporary)
}

/// There are as many as wanted: do they serve?
fn arrived(view: &View<'_>, wanted: u32) -> Plan {
    let named = |name: &str, what: &str| format!("{name}: {what}");
    for replica in &view.service.replicas {
        let name = &replica.summary.name;
        match condition(view, replica) {
            Condition::Starting(until_ms) if view.now_ms < until_ms => return Plan::Wait(next_deadline(view)),
            Condition::Starting(_) => {
                return stuck(view, &named(name, "it does not come to serve"), &format!("docker logs {name}"), None);
            }
            Condition::Failing(how) => return stuck(view, &named(name, how), &format!("docker logs {name}"), None),
            Condition::Crashed | Condition::EngineEnded | Condition::Asleep => {
                let code = &replica.inspect["State"]["ExitCode"];
                let (restarts, due_ms) = (restarts(view, replica), restart_ms(view, replica));
                if restarts < view.patience.attempts {
                    return Plan::Wait(Some(due_ms));
                }
                let cause = format!("it ended by itself (exit code {code}), also after {restarts} new starts");
                return stuck(view, &named(name, &cause), &format!("see why: docker logs {name}"), Some(due_ms));
            }
            Condition::Held => {
                let cure = format!("docker start {name}, or docker rm {name} to have it replaced");
                return stuck(view, &named(name, "somebody stopped it, so it stays as it is"), &cure, None);
            }
            _ => {}
        }
    }
    match view.service.most {
        Some(most) if most == wanted && view.target.min(view.assignment.max) > most => stuck(
            view,
            &format!("{} replicas are wanted, and the published port range has {most} ports", view.target),
            "widen the range of host ports in the Compose file, or lower the policy's maximum",
            None,
        ),
        _ => Plan::Reached,
    }
}

fn next_deadline(view: &View<'_>) -> Option<u64> {
    let deadline = |replica: &Replica| match condition(view, replica) {
        Condition::Starting(until_ms) => Some(until_ms),
        _ => None,
    };
    view.service.replicas.iter().filter_map(deadline).min()
}

fn stuck(view: &View<'_>, cause: &str, cure: &str, retry_ms: Option<u64>) -> Plan {
    Plan::Stuck { failure: Failure { at_ms: view.now_ms, cause: cause.to_owned(), cure: cure.to_owned() }, retry_ms }
}

/// The wait after failure number `failures`, from 1.
fn backoff_ms(patience: &Patience, failures: u32) -> u64 {
    millis(patience.backoff).saturating_mul(1 << failures.saturating_sub(1).min(16))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a replica serves, as the plan sees it; used to learn when a fresh one has arrived.
pub(crate) fn serves(view: &View<'_>, replica: &Replica) -> bool {
    condition(view, replica) == Condition::Serving
}

#[cfg(test)]
mod tests;
