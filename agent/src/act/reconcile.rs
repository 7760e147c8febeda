//! Keeps one service at its target: looks, plans one step, carries it out, looks again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bus::payload::{Assignment, Mode, Outcome, OutcomeResult, Phase, ServiceName, VERSION};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    busy,
    desk::{Order, Wishes},
    hands::{Hands, MakeError},
    journey::{Journey, OutcomeKind},
    plan::{self, Failure, Memory, Patience, Plan, Step, View},
};
use crate::{
    instant::{now_ms, readable},
    inventory::Inventory,
    model::{ExitCause, Host, Replica, Service},
};

/// After an engine call has failed for no reason that a plan knows, the next one waits for so long.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The one task that changes a service.
pub(crate) struct Reconciler {
    pub(crate) host: String,
    pub(crate) name: ServiceName,
    pub(crate) hands: Hands,
    pub(crate) inventory: Inventory,
    pub(crate) wishes: watch::Receiver<Wishes>,
    pub(crate) outcomes: mpsc::Sender<Outcome>,
    pub(crate) patience: Patience,
    pub(crate) memory: Memory,
    pub(crate) journey: Journey,
    /// Replicas that are being stopped and removed, by ID: a long grace period holds up nothing else.
    pub(crate) leaving: BTreeMap<String, u32>,
    pub(crate) departures: JoinSet<String>,
}

impl Reconciler {
    /// Works until `shutdown`. A step that has begun is finished first.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut host = self.inventory.host();
        // What is known may be old; before anything is changed, it is made sure of once.
        let mut sure = false;
        // Before one goes, all are asked whether they may.
        let mut asked = false;
        loop {
            if shutdown.is_cancelled() {
                break;
            }
            let seen = host.borrow_and_update().clone();
            let wishes = self.wishes.borrow_and_update().clone();
            self.report_refused(&wishes).await;
            let until_ms = match self.decide(&seen, &wishes, sure) {
                Verdict::Nothing => None,
                Verdict::Unsure => {
                    self.inventory.refreshed().await;
                    sure = true;
                    continue;
                }
                Verdict::Expired(order) => {
                    self.report_expired(&order).await;
                    None
                }
                Verdict::Planned(order, Plan::Do(step)) => {
                    if sure && !asked && self.ask(&wishes, &step).await {
                        asked = true;
                        continue;
                    }
                    asked = false;
                    if sure {
                        self.set_out(&seen);
                        self.perform(&seen, &wishes, &order, step).await;
                    }
                    self.inventory.refreshed().await;
                    sure = true;
                    continue;
                }
                Verdict::Planned(order, plan) => self.report(&seen, &order, plan).await.or(Some(order.holds_until_ms)),
            };
            (sure, asked) = (false, false);
            let wait = until_ms.map_or(Duration::from_hours(1), |until_ms| {
                Duration::from_millis(until_ms.saturating_sub(now_ms()).max(1))
            });
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = host.changed() => if changed.is_err() { break },
                changed = self.wishes.changed() => if changed.is_err() { break },
                Some(departed) = self.departures.join_next() => {
                    // An error is a panic in there, and then the ID is not known; what is gone is seen by the list.
                    if let Ok(id) = departed {
                        self.leaving.remove(&id);
                    }
                    self.inventory.refreshed().await;
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
        while self.departures.join_next().await.is_some() {}
    }

    fn decide(&mut self, host: &Host, wishes: &Wishes, sure: bool) -> Verdict {
        let Some(service) = host.services.get(&self.name) else {
            // Taken down: whatever was learnt of it is over, and nothing is brought back.
            self.memory = Memory::default();
            self.journey = self.journey.after_down();
            return Verdict::Nothing;
        };
        let Some(assignment) = wishes.assignment.as_ref().filter(|assignment| assignment.mode == Mode::Act) else {
            return Verdict::Nothing;
        };
        let now_ms = now_ms();
        let standing = self.journey.standing(service, assignment.manual_ms, wishes.order.as_ref(), now_ms);
        let Some(order) = wishes.order.clone().filter(|_| host.engine_error.is_none()) else {
            return Verdict::Nothing;
        };
        if !order.holds(now_ms) {
            return Verdict::Expired(order);
        }
        let patience = self.patience.clone();
        self.learn(service);
        let (target, assignment) = match standing {
            // Whoever chose it went beyond the limits knowingly.
            Some((chosen, _)) => {
                let (min, max) = (assignment.min.min(chosen), assignment.max.max(chosen));
                (chosen, Assignment { min, max, ..assignment.clone() })
            }
            None => (order.target.replicas, assignment.clone()),
        };
        let (staying, within) = self.without_leaving(service, &assignment);
        // What has arrived is learnt before the plan is made, which must know it already.
        let known =
            View { service: &staying, assignment: &within, target, memory: &self.memory, patience: &patience, now_ms };
        let fresh = |replica: &&Replica| self.memory.fresh.contains_key(&replica.summary.id);
        let arrived = staying.replicas.iter().filter(fresh).filter(|replica| plan::serves(&known, replica));
        let arrived: Vec<String> = arrived.map(|replica| replica.summary.id.clone()).collect();
        if !arrived.is_empty() && !sure {
            // It has run for long enough by what was seen before; it may have ended since.
            return Verdict::Unsure;
        }
        self.welcome(&arrived);
        let memory = Memory {
            taken: self.memory.taken.iter().chain(self.leaving.values()).copied().collect(),
            ..self.memory.clone()
        };
        let view =
            View { service: &staying, assignment: &within, target, memory: &memory, patience: &patience, now_ms };
        let plan = match plan::plan(&view) {
            // It is not over before the last one is gone.
            Plan::Reached | Plan::Stuck { .. } if !self.leaving.is_empty() => Plan::Wait(None),
            // As many as somebody chose, which is not what the target says.
            Plan::Reached if target != order.target.replicas => Plan::Wait(standing.map(|(_, until_ms)| until_ms)),
            plan => plan,
        };
        Verdict::Planned(order, plan)
    }

    /// Fresh replicas serve: what failed before they were made is over.
    fn welcome(&mut self, arrived: &[String]) {
        let made_ms = arrived.iter().filter_map(|id| self.memory.fresh.remove(id)).max();
        let failed_ms = self.memory.failed.as_ref().map(|failed| failed.at_ms);
        if made_ms.is_some() && made_ms >= failed_ms {
            self.memory.failures = 0;
            self.memory.taken.clear();
        }
    }

    /// The service without those that are leaving, and the limits less what they still take up.
    fn without_leaving(&self, service: &Service, assignment: &Assignment) -> (Service, Assignment) {
        let mut staying = service.clone();
        staying.replicas.retain(|replica| !self.leaving.contains_key(&replica.summary.id));
        for replica in &mut staying.replicas {
            self.inventory.notes().complete(&self.name, replica);
        }
        let leaving = u32::try_from(service.replicas.len() - staying.replicas.len()).unwrap_or(u32::MAX);
        let present = u32::try_from(staying.replicas.len()).unwrap_or(u32::MAX);
        let less = |limit: u32| limit.saturating_sub(leaving).max(present.min(limit));
        staying.most = service.most.map(less);
        let within = Assignment { max: less(assignment.max), ..assignment.clone() };
        (staying, within)
    }

    /// Forgets what concerns replicas that are gone, and failures of a configuration that is.
    fn learn(&mut self, service: &Service) {
        let there = |id: &String| service.replicas.iter().any(|replica| replica.summary.id == *id);
        self.memory.fresh.retain(|id, _| there(id));
        self.leaving.retain(|id, _| there(id));
        // A replica that has run for as long as any may take to serve has recovered.
        let patience_ms = u64::try_from(self.patience.ready.as_millis()).unwrap_or(u64::MAX);
        let recovered = |id: &String| {
            let replica = service.replicas.iter().find(|replica| replica.summary.id == *id);
            let ready_ms = replica.and_then(|replica| replica.summary.ready_ms);
            ready_ms.is_some_and(|ready_ms| now_ms() > ready_ms.saturating_add(patience_ms))
        };
        self.memory.restarts.retain(|id, _| there(id) && !recovered(id));
        let newest_ms = service
            .replicas
            .iter()
            .filter(|replica| !replica.summary.managed)
            .map(|replica| replica.summary.created_ms)
            .max();
        if let Some(failed) = &self.memory.failed
            && newest_ms > Some(failed.at_ms)
        {
            self.memory.failures = 0;
            self.memory.failed = None;
        }
    }

    /// Notes where the way to the target begins, and whether it undoes somebody else's change.
    fn set_out(&mut self, host: &Host) {
        let Some(service) = host.services.get(&self.name) else { return };
        let count = count(service);
        if self.journey.began.is_none() {
            self.journey.began = Some((now_ms(), count));
        }
        let Some(change) = service.foreign.as_ref().filter(|_| service.phase == Phase::Settled) else { return };
        if change.since_ms <= self.journey.answered_ms {
            return;
        }
        self.journey.answered_ms = change.since_ms;
        let undone = self.journey.has_reached_one || self.journey.began.is_some();
        if undone && change.from != Some(count) {
            let from = change.from.map_or_else(|| "unknown".to_owned(), |from| from.to_string());
            self.journey.reasserted = Some(format!(
                "somebody else (docker compose, for example) changed it from {from} to {count} at {}: {}",
                readable(change.since_ms),
                change.why
            ));
        }
    }

    /// Asks the replicas whether they may go, if the step takes one away; the plan is made anew with their answers.
    async fn ask(&self, wishes: &Wishes, step: &Step) -> bool {
        let busy = wishes.assignment.as_ref().and_then(|assignment| assignment.busy.as_ref());
        let (Some(probe), Step::Remove { .. } | Step::Stop { .. }) = (busy, step) else { return false };
        busy::ask_all(&self.name, probe, &self.inventory).await;
        true
    }

    async fn perform(&mut self, host: &Host, wishes: &Wishes, order: &Order, step: Step) {
        let Some(service) = host.services.get(&self.name) else { return };
        let replica = |id: &str| service.replicas.iter().find(|replica| replica.summary.id == id).cloned();
        tracing::info!(project = self.name.project, service = self.name.service, ?step, reason = order.target.reason);
        let drain = wishes.assignment.as_ref().and_then(|assignment| assignment.drain_ms).map(Duration::from_millis);
        match step {
            Step::Create { sibling, number } => {
                if let Some(sibling) = replica(&sibling) {
                    self.make(&sibling, number).await;
                }
            }
            Step::Start { id, crashed } => {
                if let Some(replica) = replica(&id) {
                    self.start(&replica, crashed).await;
                }
            }
            Step::Remove { id } => {
                if let Some(replica) = replica(&id) {
                    self.leaving.insert(id, replica.summary.number);
                    self.departures.spawn(depart(self.hands.clone(), replica, drain));
                }
            }
            Step::Stop { id } => {
                if let Some(replica) = replica(&id) {
                    self.leaving.insert(id, replica.summary.number);
                    self.departures.spawn(fall_asleep(self.hands.clone(), replica, drain));
                }
            }
            Step::Discard { id, failed } => {
                if let Some(replica) = replica(&id) {
                    self.discard(&replica, failed).await;
                }
            }
        }
    }

    async fn make(&mut self, sibling: &Replica, number: u32) {
        let host = self.inventory.host();
        let wishes = self.wishes.clone();
        let name = self.name.clone();
        let wanted = || {
            let settled = host.borrow().services.get(&name).is_some_and(|service| service.phase == Phase::Settled);
            let wishes = wishes.borrow();
            settled && wishes.assignment.as_ref().is_some_and(|assignment| assignment.mode == Mode::Act)
        };
        match self.hands.make(&self.name, &sibling.inspect, number, wanted).await {
            Ok(id) => {
                self.memory.fresh.insert(id, now_ms());
            }
            Err(MakeError::Unwanted) => {}
            Err(MakeError::Away) => tokio::time::sleep(AFTER_FAILURE).await,
            Err(MakeError::NumberTaken) => {
                self.memory.taken.insert(number);
                if self.memory.taken.len() > 8 {
                    let cause = format!("the names of replicas {number} and before are taken by other containers");
                    self.failed(&cause, "remove those containers: docker ps --all");
                }
            }
            Err(MakeError::Failed { cause, cure }) => self.failed(&cause, &cure),
        }
    }

    async fn start(&mut self, replica: &Replica, crashed: bool) {
        let id = replica.summary.id.clone();
        if crashed {
            *self.memory.restarts.entry(id.clone()).or_default() += 1;
        }
        if let Err(error) = self.hands.start(replica).await {
            // One that cannot be started is as one that ends at once: the attempts are counted.
            if !crashed {
                *self.memory.restarts.entry(id).or_default() += 1;
            }
            tracing::warn!(%error, name = replica.summary.name, "not started");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    async fn discard(&mut self, replica: &Replica, failed: Option<String>) {
        let name = &replica.summary.name;
        if let Some(how) = failed {
            let cause = format!("{name}: {how}{}", self.hands.last_words(replica).await);
            let sibling = "docker logs of any replica, and the service's healthcheck, command and limits";
            self.failed(&cause, &format!("see {sibling}"));
        }
        self.memory.fresh.remove(&replica.summary.id);
        if let Err(error) = self.hands.discard(replica).await {
            tracing::warn!(%error, name, "not removed; trying again");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    fn failed(&mut self, cause: &str, cure: &str) {
        self.memory.failures += 1;
        tracing::warn!(project = self.name.project, service = self.name.service, cause, "a replica failed");
        self.memory.failed = Some(Failure { at_ms: now_ms(), cause: cause.to_owned(), cure: cure.to_owned() });
    }

    /// Reports what a plan without a step means; gives when to look again.
    async fn report(&mut self, host: &Arc<Host>, order: &Order, plan: Plan) -> Option<u64> {
        let count = host.services.get(&self.name).map_or(0, count);
        let (began_ms, from) = self.journey.began.unwrap_or_else(|| (now_ms(), count));
        match plan {
            Plan::Do(_) => None,
            Plan::Wait(until_ms) => until_ms,
            Plan::Reached => {
                let reasserted = self.journey.reasserted.take();
                let took_ms = now_ms().saturating_sub(began_ms);
                if self.journey.began.take().is_some() {
                    // There was something to do, so there is something to tell.
                    self.journey.reported = None;
                }
                self.memory.failures = 0;
                self.journey.has_reached_one = true;
                let result = OutcomeResult::Reached { from, to: count, took_ms, reasserted };
                self.send(order, OutcomeKind::Reached, result).await;
                None
            }
            Plan::Refused(refusals) => {
                let result = OutcomeResult::Refused { refusals: refusals.clone() };
                self.send(order, OutcomeKind::Refused(refusals), result).await;
                None
            }
            Plan::Stuck { failure, retry_ms } => {
                let Failure { cause, cure, .. } = failure;
                let result = OutcomeResult::Failed { from, reached: count, cause: cause.clone(), cure, retry_ms };
                self.send(order, OutcomeKind::Stuck(cause), result).await;
                retry_ms
            }
        }
    }

    async fn report_expired(&mut self, order: &Order) {
        let seconds = order.target.valid_for_ms / 1000;
        let cause = format!(
            "the target of {} is no longer confirmed: it held for {seconds} s; nothing is changed until a controller \
             confirms it",
            readable(order.target.issued_ms)
        );
        self.send(order, OutcomeKind::Expired, OutcomeResult::Stale { cause }).await;
    }

    async fn report_refused(&mut self, wishes: &Wishes) {
        let Some((target, cause)) = &wishes.refused else { return };
        let identity = (target.term, target.sequence);
        if self.journey.refused != Some(identity) {
            self.journey.refused = Some(identity);
            let result = OutcomeResult::Stale { cause: cause.clone() };
            self.publish(identity, result).await;
        }
    }

    async fn send(&mut self, order: &Order, kind: OutcomeKind, result: OutcomeResult) {
        let report = (order.target.term, order.target.sequence, kind);
        if self.journey.reported.as_ref() != Some(&report) {
            self.journey.reported = Some(report);
            self.publish((order.target.term, order.target.sequence), result).await;
        }
    }

    async fn publish(&self, (term, sequence): (u64, u64), result: OutcomeResult) {
        let outcome = Outcome {
            v: VERSION,
            host: self.host.clone(),
            project: self.name.project.clone(),
            service: self.name.service.clone(),
            term,
            sequence,
            at_ms: now_ms(),
            result,
        };
        tracing::info!(project = outcome.project, service = outcome.service, result = ?outcome.result, "outcome");
        // An error is the end of whoever publishes, which is the end of the agent.
        drop(self.outcomes.send(outcome).await);
    }
}

/// Removes a replica; gives its ID when there is no more to be done, or when it has to be planned again.
async fn depart(hands: Hands, replica: Replica, drain: Option<Duration>) -> String {
    if let Err(error) = hands.remove(&replica, drain).await {
        tracing::warn!(%error, name = replica.summary.name, "not removed; trying again");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
    replica.summary.id
}

/// Stops a replica and keeps it; gives its ID as `depart` does.
async fn fall_asleep(hands: Hands, replica: Replica, drain: Option<Duration>) -> String {
    if let Err(error) = hands.put_to_sleep(&replica, drain).await {
        tracing::warn!(%error, name = replica.summary.name, "not stopped; trying again");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
    replica.summary.id
}

enum Verdict {
    Nothing,
    /// What is known is too old to tell.
    Unsure,
    Expired(Order),
    Planned(Order, Plan),
}

/// How many there are, without the one that sleeps.
fn count(service: &Service) -> u32 {
    let awake = service.replicas.iter().filter(|replica| replica.exit != Some(ExitCause::Asleep));
    u32::try_from(awake.count()).unwrap_or(u32::MAX)
}
