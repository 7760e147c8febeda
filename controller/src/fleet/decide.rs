//! From an evaluation to a target, and everything that happens because a moment came.

use std::time::Duration;

use autoscaler::{Event, Timestamp, explain, policy::Mode};
use bus::payload::{self, Phase, Target};

use super::{
    Effect, FORGOTTEN_AFTER, Fleet, GONE_AFTER, SAVED_EVERY, ServiceKey,
    host::Host,
    memory::SavedDecisions,
    service::{Governed, News, Service},
};

use crate::journal::Journal;

/// The most snapshots that are made at once.
const MOST_SNAPSHOTS: usize = 4;
/// Two looks at a service without any news are at least so far apart.
const SHORTEST_NAP: Duration = Duration::from_millis(10);

impl Fleet {
    /// Evaluates one service, remembers that, and publishes what follows.
    pub(super) fn decide(&mut self, key: &ServiceKey, now: Timestamp) {
        let in_charge = self.in_charge();
        let Some(service) = self.services.get_mut(key) else { return };
        let (None, Some(governed)) = (service.gone_since, service.governed.as_deref_mut()) else { return };
        let evaluation = governed.autoscaler.evaluate(now);
        // A first target is the count that was found. While somebody else starts or stops the service, what is found is
        // any number on the way, and holding on to it would undo what they did.
        let too_early = governed.target.is_none() && service.inventory.phase != Phase::Settled;
        if !in_charge || too_early {
            governed.newest = Some(evaluation);
            governed.wake = None;
            return;
        }
        let news = governed.record(evaluation);
        governed.wake = governed.wake.map(|wake| wake.max(now.plus(SHORTEST_NAP)));
        log(key, governed, news);
        let before = governed.target.as_ref().map(number);
        let published = publish(key, governed, &self.setup, now);
        // Memory before the target, so that nobody publishes an older one after a kill in between.
        if news == News::Scales || governed.target.as_ref().map(number) != before {
            governed.saved = now;
            governed.unsaved = false;
            self.effects.push(Effect::Memory(key.clone(), Some(Box::new(governed.to_save(now)))));
        }
        self.effects.extend(published);
        if news != News::Nothing {
            let decisions = SavedDecisions::new(governed.history.iter().cloned());
            self.effects.push(Effect::Decisions(key.clone(), Some(decisions)));
        }
    }

    /// Marks the services whose moment came.
    pub(super) fn wake(&mut self, now: Timestamp) {
        let confirm_every = self.confirm_every();
        for (key, service) in &self.services {
            if service
                .governed
                .as_deref()
                .and_then(|governed| moment(governed, confirm_every))
                .is_some_and(|at| at <= now)
            {
                self.dirty.insert(key.clone());
            }
        }
    }

    /// Writes what guards remember, of each service whose last writing is so long ago.
    pub(super) fn save(&mut self, now: Timestamp, every: Duration) {
        for (key, service) in &mut self.services {
            let Some(governed) = service.governed.as_deref_mut() else { continue };
            if governed.unsaved && now.since(governed.saved) >= every {
                governed.saved = now;
                governed.unsaved = false;
                self.effects.push(Effect::Memory(key.clone(), Some(Box::new(governed.to_save(now)))));
            }
        }
    }

    /// Hands over what happened long enough ago, and begins anew where that is due. A snapshot takes longer than a
    /// decision: of many that are due at once, some come the next time.
    pub(super) fn keep_history(&mut self, now: Timestamp) {
        let mut snapshots = 0;
        for (key, service) in &mut self.services {
            let Some(governed) = service.governed.as_deref_mut() else { continue };
            let Some(journal) = &mut governed.journal else { continue };
            if snapshots < MOST_SNAPSHOTS && journal.wants_snapshot(now) {
                journal.begin(&governed.autoscaler, now);
                snapshots += 1;
            }
            self.history.extend(journal.take_if_due(now).map(|chunk| (key.clone(), chunk)));
        }
    }

    /// Hands over everything that happened, of one service or of all.
    pub(super) fn hand_over(&mut self, only: Option<&ServiceKey>) {
        for (key, service) in &mut self.services {
            let journal = service.governed.as_deref_mut().and_then(|governed| governed.journal.as_mut());
            if let Some(journal) = journal.filter(|_| only.is_none_or(|only| only == key)) {
                self.history.extend(journal.take().map(|chunk| (key.clone(), chunk)));
            }
        }
    }

    /// Finds the hosts that have not been heard of for too long, and forgets those that never came back.
    pub(super) fn lose_hosts(&mut self, now: Timestamp) {
        let lost: Vec<String> = self
            .hosts
            .iter()
            .filter(|(_, host)| !host.lost && now.since(host.heard) >= self.setup.host_lost_after)
            .map(|(name, _)| name.clone())
            .collect();
        for name in lost {
            tracing::warn!(host = name, "not heard of for {:?}: lost", self.setup.host_lost_after);
            if let Some(host) = self.hosts.get_mut(&name) {
                host.lost = true;
            }
            self.tell_host(&name, &Event::HostLost, now);
        }
        let services = &self.services;
        self.hosts.retain(|name, host| {
            !host.lost || now.since(host.heard) < FORGOTTEN_AFTER || services.keys().any(|key| key.host == *name)
        });
    }

    /// Forgets the services that their hosts have not listed for too long.
    pub(super) fn forget_gone(&mut self, now: Timestamp) {
        let effects = &mut self.effects;
        self.services.retain(|key, service| {
            let gone = service.gone_since.is_some_and(|since| now.since(since) >= GONE_AFTER);
            if gone && service.governed.is_some() {
                tracing::info!(service = %key, "no longer on its host: forgotten");
                effects.extend(Effect::forget(key));
            }
            !gone
        });
    }

    /// Has every target and assignment published again, because what was published may have been lost.
    pub(super) fn publish_anew(&mut self) {
        for (key, service) in &mut self.services {
            if let Some(governed) = service.governed.as_deref_mut() {
                governed.issued = None;
                self.effects.push(super::govern::assignment(key, governed, self.setup.term));
                self.dirty.insert(key.clone());
            }
        }
    }

    /// When to look at a host next.
    pub(super) fn host_moment(&self, host: &Host) -> Option<Timestamp> {
        (!host.lost).then(|| host.heard.plus(self.setup.host_lost_after))
    }

    /// When to look at a service next.
    pub(super) fn service_moment(&self, service: &Service) -> Option<Timestamp> {
        if let Some(since) = service.gone_since {
            return Some(since.plus(GONE_AFTER));
        }
        let governed = service.governed.as_deref().filter(|_| self.in_charge())?;
        let save = governed.unsaved.then(|| governed.saved.plus(SAVED_EVERY));
        let journal = governed.journal.as_ref().and_then(Journal::moment);
        moment(governed, self.confirm_every()).into_iter().chain(save).chain(journal).min()
    }

    fn confirm_every(&self) -> Duration {
        self.setup.target_valid_for / 4
    }
}

/// When a service is to be evaluated although nothing happened.
fn moment(governed: &Governed, confirm_every: Duration) -> Option<Timestamp> {
    let confirm = governed.target.as_ref().and(governed.issued).map(|issued| issued.plus(confirm_every));
    governed.wake.into_iter().chain(confirm).min()
}

/// What follows from the newest evaluation: a new target, the present one confirmed, none any more, or nothing.
fn publish(key: &ServiceKey, governed: &mut Governed, setup: &super::Setup, now: Timestamp) -> Option<Effect> {
    let evaluation = governed.newest.as_ref()?;
    if governed.autoscaler.policy().mode == Mode::Observe {
        governed.issued = None;
        return governed.target.take().map(|_| Effect::Target(key.clone(), None));
    }
    let Some(replicas) = evaluation.verdict.replicas() else {
        governed.issued = None;
        return None;
    };
    let (number, reason) = (evaluation.number, explain::sentence(evaluation));
    let confirmed = governed.target.take().filter(|target| target.replicas == replicas && target.term == setup.term);
    let due = governed.issued.is_none_or(|issued| now.since(issued) >= setup.target_valid_for / 4);
    let target = match confirmed {
        Some(target) if !due => {
            governed.target = Some(target);
            return None;
        }
        Some(target) => Target { issued_ms: now.as_millis(), ..target },
        None => Target {
            v: payload::VERSION,
            project: key.project.clone(),
            service: key.service.clone(),
            replicas,
            term: setup.term,
            sequence: governed.next_sequence(),
            issued_ms: now.as_millis(),
            valid_for_ms: u64::try_from(setup.target_valid_for.as_millis()).unwrap_or(u64::MAX),
            evaluation: number,
            reason,
        },
    };
    governed.issued = Some(now);
    governed.target = Some(target.clone());
    Some(Effect::Target(key.clone(), Some(target)))
}

/// What orders the targets of a service.
fn number(target: &Target) -> (u64, u64) {
    (target.term, target.sequence)
}

fn log(key: &ServiceKey, governed: &Governed, news: News) {
    let Some(evaluation) = &governed.newest else { return };
    match news {
        News::Scales | News::HoldsOtherwise => {
            tracing::info!(service = %key, evaluation = evaluation.number, "{}", explain::sentence(evaluation));
        }
        News::Nothing if tracing::enabled!(tracing::Level::DEBUG) => {
            tracing::debug!(service = %key, evaluation = evaluation.number, "{}", explain::sentence(evaluation));
        }
        News::Nothing => {}
    }
}
