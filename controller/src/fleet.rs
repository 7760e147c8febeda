//! The fleet as the controller knows it, and what is to be done about it. Decides, and does nothing: no I/O, no waiting,
//! no clock; what to write comes back as [`Effect`]s.
//!
//! [`Fleet::hear`] takes in what arrived, as much as is there; [`Fleet::settle`] then evaluates each service that
//! something arrived about, or whose moment came; [`Fleet::next_moment`] says when to settle next if nothing arrives.

mod answer;
mod decide;
mod effect;
mod forecast;
mod govern;
mod headline;
mod hear;
mod host;
mod key;
mod learned;
mod memory;
mod relations;
mod service;
mod suppose;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use autoscaler::Timestamp;
use bus::subject::Subjects;
use bytes::Bytes;

pub(crate) use answer::Asked;
pub(crate) use effect::Effect;
pub(crate) use key::ServiceKey;
pub(crate) use memory::Stored;

use crate::{journal::Chunk, policies::PolicySet};
use host::Host;
use service::Service;

/// The most hosts that are listened to.
const MOST_HOSTS: usize = 1000;
/// The most services that are followed.
const MOST_SERVICES: usize = 10_000;
/// The most things that are complained about in the log, each once.
const MOST_COMPLAINTS: usize = 1000;
/// A service that its host no longer lists is forgotten after this: a redeployment brings it back sooner.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// A lost host without services is forgotten after this.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);
/// One service may change what others do, and these what others again: so many rounds at once.
const LONGEST_CHAIN: usize = 8;
/// What guards remember is written at least so far apart, unless the service was scaled.
const SAVED_EVERY: Duration = Duration::from_secs(5);

/// What happens to a controller: all of it.
#[derive(Debug)]
pub(crate) enum Input {
    /// A payload arrived.
    Message {
        /// What it holds.
        kind: Kind,
        /// Where it was published.
        subject: String,
        /// The payload.
        payload: Bytes,
    },
    /// The policy files say something else than before.
    Policies(PolicySet),
    /// The link to the bus was down and is up again, and this controller is still the one in charge.
    Reconnected,
    /// A controller has this term.
    Term(u64),
}

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// [`bus::payload::Samples`].
    Samples,
    /// [`bus::payload::Inventory`].
    Inventory,
    /// [`bus::payload::Outcome`].
    Outcome,
    /// [`bus::payload::PublishedValue`].
    Signal,
}

/// Whether this controller is the one whose word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is.
    InCharge,
    /// Another took over with this term. It goes on listening and answering, but publishes and stores nothing.
    /// It does not end: whoever restarts it would make it take over in turn, and the two would fight for ever.
    SteppedBack { for_term: u64 },
}

/// What a fleet is told at its start.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Where things are published.
    pub(crate) subjects: Subjects,
    /// The controller's term.
    pub(crate) term: u64,
    /// A host not heard of for so long is lost.
    pub(crate) host_lost_after: Duration,
    /// How long a target holds without being confirmed.
    pub(crate) target_valid_for: Duration,
    /// Whether what happens to services is kept.
    pub(crate) keeps_history: bool,
}

/// The fleet as the controller knows it.
#[derive(Debug)]
pub(crate) struct Fleet {
    setup: Setup,
    since: Timestamp,
    standing: Standing,
    policies: PolicySet,
    hosts: BTreeMap<String, Host>,
    services: BTreeMap<ServiceKey, Service>,
    stored: Stored,
    dirty: BTreeSet<ServiceKey>,
    effects: Vec<Effect>,
    history: Vec<(ServiceKey, Chunk)>,
    complaints: BTreeSet<String>,
    /// Where to go on with what forecasts learned, of which only so much is written at once.
    forecasts_from: Option<ServiceKey>,
}

impl Fleet {
    /// A fleet of which nothing has been heard yet, with what earlier controllers left.
    pub(crate) fn new(setup: Setup, policies: PolicySet, stored: Stored, now: Timestamp) -> Self {
        Self {
            setup,
            since: now,
            standing: Standing::InCharge,
            policies,
            hosts: BTreeMap::new(),
            services: BTreeMap::new(),
            stored,
            dirty: BTreeSet::new(),
            effects: Vec::new(),
            history: Vec::new(),
            complaints: BTreeSet::new(),
            forecasts_from: None,
        }
    }

    /// Takes in what happened. Decides nothing yet, so that everything that has arrived can be taken in first.
    pub(crate) fn hear(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Message { kind, subject, payload } => self.hear_message(kind, &subject, &payload, now),
            Input::Policies(policies) => self.replace_policies(policies, now),
            Input::Reconnected => self.publish_anew(),
            Input::Term(term) => self.hear_term(term),
        }
    }

    /// Decides for every service that something arrived about or whose moment came, and gives all that is to be written.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Vec<Effect> {
        self.lose_hosts(now);
        self.forget_gone(now);
        self.wake(now);
        for _ in 0..LONGEST_CHAIN {
            for key in std::mem::take(&mut self.dirty) {
                self.decide(&key, now);
            }
            self.relate(now);
            if self.dirty.is_empty() {
                break;
            }
        }
        self.save(now, SAVED_EVERY);
        self.save_forecasts(now, learned::EVERY, learned::MOST_AT_ONCE);
        self.keep_history(now);
        self.take_effects()
    }

    /// What is still to be written when the controller ends.
    pub(crate) fn finish(&mut self, now: Timestamp) -> Vec<Effect> {
        self.save(now, Duration::ZERO);
        self.save_forecasts(now, Duration::ZERO, usize::MAX);
        self.hand_over(None);
        self.take_effects()
    }

    /// What happened to services since the last time, as far as it is to be stored now.
    pub(crate) fn take_history(&mut self) -> Vec<(ServiceKey, Chunk)> {
        let history = std::mem::take(&mut self.history);
        if self.in_charge() { history } else { Vec::new() }
    }

    /// When to settle next if nothing arrives.
    pub(crate) fn next_moment(&self) -> Option<Timestamp> {
        let hosts = self.hosts.values().filter_map(|host| self.host_moment(host));
        let services = self.services.values().filter_map(|service| self.service_moment(service));
        hosts.chain(services).min()
    }

    /// Whether this controller is the one whose word counts.
    pub(crate) fn in_charge(&self) -> bool {
        self.standing == Standing::InCharge
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        let effects = std::mem::take(&mut self.effects);
        if self.in_charge() { effects } else { Vec::new() }
    }

    fn hear_term(&mut self, term: u64) {
        if term > self.setup.term && self.standing != (Standing::SteppedBack { for_term: term }) {
            tracing::warn!(
                own = self.setup.term,
                newer = term,
                "another controller is in charge: this one publishes nothing any more; end one of the two"
            );
            self.standing = Standing::SteppedBack { for_term: term };
        }
    }
}
