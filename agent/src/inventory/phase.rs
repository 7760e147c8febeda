//! Who changes a project, and does it stand still? Pure: events and times come in as arguments.
//!
//! How Docker's events tell apart what happens (`kill` carries a signal):
//!
//! | what | events |
//! |---|---|
//! | the process ends by itself | `die` |
//! | somebody stops it | `kill`, then `stop` and `die` in either order |
//! | a restart policy brings it back | `die`, `start` |
//! | Compose recreates it | `create` (temporary name), `kill`, `die`, `destroy` (old one), `rename`, `start` |
//! | the engine goes down | like somebody who stops everything, then silence |

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bus::payload::{CountByOthers, Phase, ServiceName};
use serde_json::Value;

use super::{
    counts::{Before, Count, ProjectChange, counted, number_of},
    labels,
};
use crate::{
    docker::Event,
    instant::is_recent,
    model::{ExitCause, ForeignChange, Replica},
};

/// A container that is killed ends within this time, or its end has another cause. Longer than most grace periods.
const KILL_TO_DIE_MS: u64 = 60_000;
/// An engine that goes down stops its containers first; it gives them 15 s.
const ENGINE_SHUTDOWN_MS: u64 = 15_000;
/// An engine that comes up finds out about dead containers for this long.
const ENGINE_START_MS: u64 = 10_000;
/// Temporary names that stand for longer were left behind by a Compose that broke off.
const RECREATE_LIMIT_MS: u64 = 30_000;
/// The event of an end and the time that the engine notes for it differ by less.
const DIE_MAY_LAG_MS: u64 = 5_000;
/// Signals that are sent to end a process: INT, QUIT, KILL, TERM.
const ENDING_SIGNALS: [&str; 4] = ["2", "3", "9", "15"];

/// What has to be remembered of the past. Bounded by the number of containers and projects that there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Since when events have been read without a gap.
    watching_since_ms: u64,
    changes: BTreeMap<String, ProjectChange>,
    killed: BTreeMap<String, u64>,
    stopped: BTreeMap<String, u64>,
    /// When each container ended by itself last, and how often it did.
    crashed: BTreeMap<String, (u64, u64)>,
    counts: BTreeMap<ServiceName, Count>,
    /// The engine was away from, until.
    outage: Option<(u64, u64)>,
    engine_started_ms: Option<u64>,
    /// The newest sign of life of any container before the engine started last.
    last_life_ms: u64,
}

impl History {
    /// Takes note of an event that Ballast did not cause. `services` is what is known at this moment, before its effect.
    /// Gives whether it changes the project.
    pub(crate) fn record(
        &mut self,
        event: &Event,
        services: &BTreeMap<ServiceName, Vec<Replica>>,
        quiet: Duration,
    ) -> bool {
        if event.kind == "network" {
            return self.record_network(event, services, quiet);
        }
        let is_replica =
            event.attribute(labels::ONE_OFF) == "False" && !event.attribute(labels::CONFIG_HASH).is_empty();
        if !is_replica {
            return false;
        }
        let (id, at_ms) = (event.id.clone(), event.at_ms);
        let verb = match event.action.as_str() {
            "create" => "created",
            "rename" => "renamed",
            "destroy" => {
                self.killed.remove(&id);
                self.stopped.remove(&id);
                "removed"
            }
            "kill" if ENDING_SIGNALS.contains(&event.attribute("signal")) => {
                self.killed.insert(id, at_ms);
                "stopped"
            }
            "stop" => {
                self.stopped.insert(id, at_ms);
                "stopped"
            }
            "die" => match self.killed.remove(&id) {
                Some(killed_ms) if at_ms.saturating_sub(killed_ms) <= KILL_TO_DIE_MS => {
                    self.stopped.insert(id, at_ms);
                    "stopped"
                }
                _ => {
                    let (last_ms, times) = self.crashed.entry(id).or_default();
                    // Events are read again after a connection was lost.
                    *times += u64::from(*last_ms != at_ms);
                    *last_ms = at_ms;
                    return false;
                }
            },
            // A restart policy starts what nobody has stopped.
            "start" if self.stopped.remove(&id).is_some() || self.is_woken(services, &id, at_ms) => "started",
            _ => return false,
        };
        let why = format!("{} was {verb} by somebody else", event.attribute("name"));
        let change = self.change(event.attribute(labels::PROJECT), at_ms, why, services, quiet);
        match verb {
            "removed" => drop(change.destroyed.insert(event.id.clone())),
            "created" | "started" => drop(change.brought.insert(event.attribute(labels::SERVICE).to_owned())),
            _ => {}
        }
        if event.action == "stop" {
            change.stopped.insert(event.id.clone());
        }
        if verb == "created" || (verb == "started" && is_asleep(services, &event.id)) {
            change.appeared.insert(event.id.clone());
        }
        true
    }

    /// Ballast started this container itself: what was known of its end is over.
    pub(crate) fn started(&mut self, id: &str) {
        self.stopped.remove(id);
        self.killed.remove(id);
    }

    /// The engine went away: what was taken for somebody's doing in its last seconds was its own.
    pub(crate) fn engine_gone(&mut self, now_ms: u64) {
        let before = now_ms.saturating_sub(ENGINE_SHUTDOWN_MS);
        self.stopped.retain(|_, at_ms| *at_ms < before);
        self.killed.clear();
        self.changes.retain(|_, change| change.since_ms < before);
        if self.outage.is_none_or(|(_, until_ms)| until_ms != u64::MAX) {
            self.outage = Some((now_ms, u64::MAX));
        }
    }

    /// The engine answers. `containers` is everything that it lists.
    pub(crate) fn engine_back(&mut self, now_ms: u64, started_ms: Option<u64>) {
        let same_engine = self.engine_started_ms.is_some() && self.engine_started_ms == started_ms;
        self.outage = match self.outage {
            // Only the connection was lost: the events in between are read again.
            Some((_, u64::MAX)) if same_engine => None,
            Some((from_ms, u64::MAX)) => Some((from_ms, now_ms.max(started_ms.unwrap_or_default()))),
            other => other,
        };
        if !same_engine {
            self.watching_since_ms = now_ms;
        }
        self.engine_started_ms = started_ms;
    }

    /// Takes note of the whole list of containers, and forgets those that are gone.
    pub(crate) fn listed<'a>(&mut self, containers: impl Iterator<Item = (&'a String, &'a Value)>, now_ms: u64) {
        let started_ms = self.engine_started_ms.unwrap_or_default();
        let mut there = BTreeSet::new();
        self.last_life_ms = 0;
        for (id, inspect) in containers {
            there.insert(id.as_str());
            let moments = [&inspect["Created"], &inspect["State"]["StartedAt"], &inspect["State"]["FinishedAt"]];
            let moments = moments.into_iter().filter_map(|moment| crate::instant::parse_ms(moment.as_str()?));
            let newest = moments.filter(|&moment| moment < started_ms).max().unwrap_or_default();
            self.last_life_ms = self.last_life_ms.max(newest);
        }
        self.stopped.retain(|id, _| there.contains(id.as_str()));
        self.killed.retain(|id, _| there.contains(id.as_str()));
        self.crashed.retain(|id, _| there.contains(id.as_str()));
        // A change is remembered for as long as somebody may still want to answer it.
        self.changes.retain(|_, change| now_ms.saturating_sub(change.last_ms) < 3_600_000);
    }

    /// Why the process of an exited replica ended.
    pub(crate) fn exit_cause(&self, replica: &Replica) -> Option<ExitCause> {
        let finished_ms = replica.finished_ms?;
        let id = &replica.summary.id;
        let killed = self.killed.get(id).is_some_and(|at_ms| finished_ms.saturating_sub(*at_ms) <= KILL_TO_DIE_MS);
        if self.stopped.contains_key(id) || killed {
            return Some(ExitCause::Person);
        }
        if self.ended_with_engine(finished_ms) {
            return Some(ExitCause::Engine);
        }
        // What was not watched is inferred: Docker itself brings back what these policies cover, unless somebody stopped it.
        let policy = replica.inspect["HostConfig"]["RestartPolicy"]["Name"].as_str().unwrap_or_default();
        let state = &replica.inspect["State"];
        let by_signal = matches!(state["ExitCode"].as_i64(), Some(137 | 143)) && state["OOMKilled"] != true;
        let inferred = finished_ms < self.watching_since_ms
            && !replica.summary.managed
            && (matches!(policy, "always" | "unless-stopped") || by_signal);
        Some(if inferred { ExitCause::Person } else { ExitCause::Itself })
    }

    /// Whether the service `name` stands still.
    pub(crate) fn phase(&self, name: &ServiceName, replicas: &[Replica], now_ms: u64, quiet: Duration) -> Phase {
        if let Some(change) = self.changes.get(&name.project)
            && is_recent(change.last_ms, now_ms, millis(quiet))
        {
            return Phase::Changing { since_ms: change.since_ms, why: change.why.clone() };
        }
        if let Some((since_ms, why)) = being_recreated(replicas).or_else(|| between_configurations(replicas))
            && is_recent(since_ms, now_ms, RECREATE_LIMIT_MS)
        {
            return Phase::Changing { since_ms, why };
        }
        let alive = |replica: &Replica| matches!(replica.summary.state.as_str(), "running" | "restarting" | "paused");
        let asleep = |replica: &Replica| replica.exit == Some(ExitCause::Asleep);
        if replicas.is_empty()
            || replicas.iter().any(alive)
            || replicas.iter().any(asleep)
            || replicas.iter().any(|r| self.ended_without_anybody(r))
        {
            return Phase::Settled;
        }
        let since_ms = replicas.iter().map(|r| r.finished_ms.unwrap_or(r.summary.created_ms)).max().unwrap_or_default();
        Phase::Stopped { since_ms }
    }

    /// The last change of the project by somebody else, as it concerns the service.
    pub(crate) fn foreign(&self, name: &ServiceName, replicas: &[Replica]) -> Option<ForeignChange> {
        let change = self.changes.get(&name.project)?;
        let before = change.before.get(&name.service);
        let all_gone = |before: &BTreeMap<String, Before>| before.keys().all(|id| change.destroyed.contains(id));
        let all_destroyed = before.is_some_and(|before| !before.is_empty() && all_gone(before));
        // A network that can be removed has nothing running in it.
        let none_runs = replicas.iter().all(|replica| replica.summary.state != "running");
        Some(ForeignChange {
            since_ms: change.since_ms,
            why: change.why.clone(),
            from: before.map(|before| number_of(before.values().filter(|replica| !replica.asleep))),
            all_removed: (all_destroyed || (change.down && none_runs))
                && !change.brought.contains(&name.service)
                && replicas.iter().all(|replica| replica.summary.managed),
        })
    }

    /// Takes note of how many replicas there are wherever nobody else is at it any more.
    pub(crate) fn settle(&mut self, services: &BTreeMap<ServiceName, Vec<Replica>>, now_ms: u64, quiet: Duration) {
        self.counts.retain(|name, _| services.contains_key(name));
        for (name, replicas) in services {
            let change = self.changes.get(&name.project);
            let change_ms = change.map_or(0, |change| change.since_ms);
            let known = self.counts.get(name);
            let is_known = known.is_some_and(|known| change_ms == known.change_ms || change_ms == 0);
            if is_known || matches!(self.phase(name, replicas, now_ms, quiet), Phase::Changing { .. }) {
                continue;
            }
            let count = match (known, change) {
                (Some(known), Some(change)) => counted(known, change, name, replicas),
                _ => Count::first(replicas),
            };
            self.counts.insert(name.clone(), Count { change_ms, ..count });
        }
    }

    /// The newest count of the service that was somebody else's doing.
    pub(crate) fn count_by_others(&self, name: &ServiceName) -> Option<CountByOthers> {
        self.counts.get(name)?.by_others.clone()
    }

    /// Whether the last end of a replica that runs again was its own, and how many of its ends were.
    pub(crate) fn crashes(&self, replica: &Replica) -> (bool, u64) {
        let Some((seen_ms, times)) = self.crashed.get(&replica.summary.id) else { return (false, 0) };
        let last_ms = replica.summary.last_exit_ms.filter(|_| replica.finished_ms.is_none());
        (last_ms.is_some_and(|last_ms| last_ms.abs_diff(*seen_ms) < DIE_MAY_LAG_MS), *times)
    }

    /// Since when events have been read without a gap.
    pub(crate) fn watching_since_ms(&self) -> u64 {
        self.watching_since_ms
    }

    fn record_network(
        &mut self,
        event: &Event,
        services: &BTreeMap<ServiceName, Vec<Replica>>,
        quiet: Duration,
    ) -> bool {
        let network = event.attribute("name");
        let in_it = |replica: &Replica| !replica.inspect["NetworkSettings"]["Networks"][network].is_null();
        let Some((name, _)) = services.iter().find(|(_, replicas)| replicas.iter().any(in_it)) else { return false };
        let project = name.project.clone();
        let why = format!("its network {network} was removed by somebody else");
        self.change(&project, event.at_ms, why, services, quiet).down = true;
        true
    }

    fn change(
        &mut self,
        project: &str,
        at_ms: u64,
        why: String,
        services: &BTreeMap<ServiceName, Vec<Replica>>,
        quiet: Duration,
    ) -> &mut ProjectChange {
        let change = self.changes.entry(project.to_owned()).or_default();
        if change.since_ms == 0 || !is_recent(change.last_ms, at_ms, millis(quiet)) {
            let of_project = services.iter().filter(|(name, _)| name.project == project);
            let known = |replica: &Replica| {
                let asleep = replica.exit == Some(ExitCause::Asleep);
                (replica.summary.id.clone(), Before { number: replica.summary.number, asleep })
            };
            let before =
                of_project.map(|(name, all)| (name.service.clone(), all.iter().map(known).collect())).collect();
            *change = ProjectChange { since_ms: at_ms, before, ..ProjectChange::default() };
        }
        change.last_ms = change.last_ms.max(at_ms);
        change.why = why;
        change
    }

    /// A sleeping replica was started, and not by the engine, which starts everything with `restart: always` when it starts.
    fn is_woken(&self, services: &BTreeMap<ServiceName, Vec<Replica>>, id: &str, at_ms: u64) -> bool {
        let engine_starts = is_recent(self.engine_started_ms.unwrap_or_default(), at_ms, ENGINE_START_MS);
        !engine_starts && is_asleep(services, id)
    }

    fn ended_with_engine(&self, finished_ms: u64) -> bool {
        if let Some((from_ms, until_ms)) = self.outage
            && (from_ms.saturating_sub(ENGINE_SHUTDOWN_MS)..=until_ms.saturating_add(ENGINE_START_MS))
                .contains(&finished_ms)
        {
            return true;
        }
        // The outage was not seen, so the agent was away as well: what ended last before the engine started, or while it
        // did, ended with it.
        let Some(started_ms) = self.engine_started_ms else { return false };
        finished_ms < self.watching_since_ms
            && finished_ms <= started_ms + ENGINE_START_MS
            && finished_ms + ENGINE_SHUTDOWN_MS >= self.last_life_ms
    }

    fn ended_without_anybody(&self, replica: &Replica) -> bool {
        match self.exit_cause(replica) {
            Some(ExitCause::Engine) => true,
            Some(ExitCause::Itself) => replica.finished_ms >= Some(self.watching_since_ms),
            Some(ExitCause::Person | ExitCause::Ballast | ExitCause::Asleep) | None => false,
        }
    }
}

fn is_asleep(services: &BTreeMap<ServiceName, Vec<Replica>>, id: &str) -> bool {
    let replica = services.values().flatten().find(|replica| replica.summary.id == id);
    replica.is_some_and(|replica| replica.exit == Some(ExitCause::Asleep))
}

/// Since when, and how it shows, that Compose is recreating replicas.
fn being_recreated(replicas: &[Replica]) -> Option<(u64, String)> {
    let newest_ms = replicas.iter().map(|replica| replica.summary.created_ms).max()?;
    if let Some(replica) = replicas.iter().find(|replica| replica.temporary) {
        return Some((newest_ms, format!("{} is being replaced", replica.summary.name)));
    }
    let mut numbers = BTreeSet::new();
    let twice = replicas.iter().find(|replica| !numbers.insert(replica.summary.number))?;
    Some((newest_ms, format!("number {} is there twice", twice.summary.number)))
}

/// Since when, and how it shows, that Compose has made a replica of a new configuration and has not come to all of them.
/// Between two it may be quiet for as long as a grace period, and an agent that was not there has heard nothing of it.
fn between_configurations(replicas: &[Replica]) -> Option<(u64, String)> {
    let old = replicas.iter().find(|replica| replica.summary.obsolete)?;
    let by_compose = replicas.iter().filter(|replica| !replica.summary.obsolete && !replica.summary.managed);
    let newest = by_compose.max_by_key(|replica| replica.summary.created_ms)?;
    let why = format!("{} has a newer configuration than {}", newest.summary.name, old.summary.name);
    Some((newest.summary.created_ms, why))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
