//! One service: what is known of it, and, where a policy names it, what is decided for it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use autoscaler::{
    Autoscaler, Evaluation, Event, Timestamp,
    event::{HostCapacity, Observation, Sample},
    explain,
    policy::{Mode, Policy},
    policy_file::{Needed, Setting},
    quantity::SignalName,
};
use bus::payload::{DecisionStatus, Outcome, ReplicaSample, ServiceInventory, Target};

use super::{
    answer::signal,
    headline::{Headline, verdict_word},
    host::ClockDifference,
    learned::StoredForecasts,
    memory::{Left, Saved},
    relations::Told,
};
use crate::{events, journal::Journal};

/// Decisions kept per service.
const LONGEST_HISTORY: usize = 100;

/// One service on one host.
#[derive(Debug)]
pub(crate) struct Service {
    /// As it was listed last.
    pub(crate) inventory: ServiceInventory,
    /// Since when its host no longer lists it.
    pub(crate) gone_since: Option<Timestamp>,
    /// The newest measurement of each replica listed.
    pub(crate) measured: BTreeMap<String, Measured>,
    /// How the newest target went.
    pub(crate) outcome: Option<Outcome>,
    /// What is decided for it, where a policy names it.
    pub(crate) governed: Option<Box<Governed>>,
    /// What its policy was last put together from: the policies and its labels.
    pub(crate) resolved_from: Option<(u64, BTreeMap<String, String>)>,
    /// What is wrong with its policy; what was in force before stays so.
    pub(crate) policy_error: Option<String>,
}

/// What one replica used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// When.
    pub(crate) at: Timestamp,
    /// Busy cores.
    pub(crate) cpu_cores: Option<f64>,
    /// Working set.
    pub(crate) memory_bytes: Option<u64>,
}

impl Service {
    /// One listed for the first time.
    pub(crate) fn new(inventory: ServiceInventory) -> Self {
        Self {
            inventory,
            gone_since: None,
            measured: BTreeMap::new(),
            outcome: None,
            governed: None,
            resolved_from: None,
            policy_error: None,
        }
    }

    /// Takes in a newer listing.
    pub(crate) fn list(&mut self, inventory: ServiceInventory) {
        self.gone_since = None;
        self.inventory = inventory;
        let listed = |id: &String| self.inventory.replicas.iter().any(|replica| replica.id == *id);
        self.measured.retain(|id, _| listed(id));
    }

    /// Takes in what a replica used; ignored where the replica is not listed.
    pub(crate) fn measure(&mut self, sample: &ReplicaSample, at: Timestamp) {
        if self.inventory.replicas.iter().any(|replica| replica.id == sample.id) {
            let measured = Measured { at, cpu_cores: sample.cpu_cores, memory_bytes: sample.memory_bytes };
            self.measured.insert(sample.id.clone(), measured);
        }
    }

    /// As the decisions see it.
    pub(crate) fn observation(&self, host: HostCapacity, clock: &ClockDifference, now: Timestamp) -> Observation {
        events::observation(&self.inventory, host, |at| clock.here(at, now))
    }
}

/// A service under a policy.
#[derive(Debug)]
pub(crate) struct Governed {
    /// What decides.
    pub(crate) autoscaler: Autoscaler,
    /// Where the policy stands.
    pub(crate) origin: String,
    /// Everything that it says, and where each thing comes from.
    pub(crate) settings: Vec<Setting>,
    /// What is allowed in it and yet hardly meant.
    pub(crate) warnings: Vec<String>,
    /// The same if its containers lack something that percentages are of.
    pub(crate) without_limits: Vec<(Needed, String)>,
    /// Other policies that name the service as well, and so are not in force for it.
    pub(crate) overruled: Vec<String>,
    /// The newest target.
    pub(crate) target: Option<Target>,
    /// When the target was last decided or confirmed by this controller; `None`: it has to be published again.
    pub(crate) issued: Option<Timestamp>,
    /// The newest evaluation.
    pub(crate) newest: Option<Evaluation>,
    /// When it is to be evaluated even if nothing happens.
    pub(crate) wake: Option<Timestamp>,
    /// Decisions that changed something, newest first.
    pub(crate) history: VecDeque<DecisionStatus>,
    /// When memory was saved last, and whether there is something newer.
    pub(crate) saved: Timestamp,
    /// Whether there is something newer.
    pub(crate) unsaved: bool,
    /// What is stored of what its forecasts learned.
    pub(crate) learned: StoredForecasts,
    /// What it was told of other services.
    pub(crate) told: Told,
    /// What happens to it, where that is kept.
    pub(crate) journal: Option<Journal>,
    /// The signals that its policy reads.
    reads: Vec<SignalName>,
    sequence: u64,
    headline: Option<Headline>,
}

/// How an evaluation compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It scales.
    Scales,
    /// It holds for another reason.
    HoldsOtherwise,
    /// Nothing new.
    Nothing,
}

impl Governed {
    /// One whose policy is in force from now on, with what an earlier controller left.
    pub(crate) fn new(policy: Policy, origin: String, left: Left, now: Timestamp) -> Self {
        let decisions = left.decisions;
        let (memory, sequence, target) = match left.saved {
            Some(saved) => (saved.autoscaler, saved.sequence, saved.target),
            None => (autoscaler::Memory::default(), 0, None),
        };
        let reads = policy.signals_read();
        Self {
            autoscaler: Autoscaler::restore(policy, memory),
            origin,
            settings: Vec::new(),
            warnings: Vec::new(),
            without_limits: Vec::new(),
            overruled: Vec::new(),
            target,
            issued: None,
            newest: None,
            wake: None,
            history: decisions.into_iter().flat_map(|saved| saved.decisions).take(LONGEST_HISTORY).collect(),
            saved: Timestamp::default(),
            unsaved: false,
            learned: StoredForecasts::new(left.forecasts, now),
            told: Told::default(),
            journal: None,
            reads,
            sequence,
            headline: None,
        }
    }

    /// Leaves the samples that say something to the policy, so that what anybody may publish stays bounded.
    pub(crate) fn keep_relevant(&self, samples: &mut Vec<Sample>) {
        // What replicas use themselves, guards may need although no rule reads it.
        let of_replicas = |name: &SignalName| SignalName::OF_REPLICAS.contains(&name.as_str());
        samples.retain(|sample| of_replicas(&sample.signal) || self.reads.contains(&sample.signal));
    }

    /// Whether its policy reads any of these signals.
    pub(crate) fn reads_any(&self, signals: &[&str]) -> bool {
        self.reads.iter().any(|read| signals.contains(&read.as_str()))
    }

    /// Tells the decisions what happened.
    pub(crate) fn tell(&mut self, event: Event, now: Timestamp) {
        let event = match &mut self.journal {
            Some(journal) => journal.tell(&self.autoscaler, event, now),
            None => event,
        };
        self.autoscaler.handle_event(event, now);
    }

    /// Puts another policy in force.
    pub(crate) fn replace_policy(&mut self, policy: Policy, now: Timestamp) {
        self.reads = policy.signals_read();
        self.told = Told::default();
        self.learned.outdated();
        self.tell(Event::PolicyReplaced(Box::new(policy)), now);
    }

    /// Has the decisions remember an evaluation, takes it in, and says whether it is news.
    pub(crate) fn record(&mut self, evaluation: Evaluation) -> News {
        self.autoscaler.record(&evaluation);
        let news = self.take(evaluation);
        if let (Some(journal), Some(evaluation)) = (&mut self.journal, &self.newest) {
            journal.record(evaluation, news != News::Nothing);
        }
        news
    }

    /// Takes in the newest evaluation, and says whether it is news.
    fn take(&mut self, evaluation: Evaluation) -> News {
        let headline = Headline::of(&evaluation);
        let otherwise = self.headline.as_ref() != Some(&headline);
        // What only observes would scale the same way each time that it looks.
        let scales = evaluation.verdict.direction().is_some() && (evaluation.mode == Mode::Act || otherwise);
        self.wake = evaluation.next.as_ref().map(|wakeup| wakeup.at);
        if scales || otherwise {
            self.history.push_front(decision(&evaluation, false));
            self.history.truncate(LONGEST_HISTORY);
        }
        self.headline = Some(headline);
        self.newest = Some(evaluation);
        self.unsaved = true;
        match (scales, otherwise) {
            (true, _) => News::Scales,
            (false, true) => News::HoldsOtherwise,
            (false, false) => News::Nothing,
        }
    }

    /// The number of the next target.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// What must survive a restart, but for what forecasts learned.
    pub(crate) fn to_save(&self, now: Timestamp) -> Saved {
        Saved::new(now, self.autoscaler.memory().without_forecasts(), self.sequence, self.target.clone())
    }
}

/// An evaluation as told to who asks. With `detail`, the whole evaluation goes along.
pub(crate) fn decision(evaluation: &Evaluation, detail: bool) -> DecisionStatus {
    let to = evaluation.verdict.replicas().unwrap_or(evaluation.observed.running);
    DecisionStatus {
        evaluation: evaluation.number,
        at_ms: evaluation.at.as_millis(),
        verdict: verdict_word(evaluation.verdict).to_owned(),
        from: evaluation.current.unwrap_or(to),
        to,
        sentence: explain::sentence(evaluation),
        rules: explain::rules(evaluation),
        guards: explain::guards(evaluation),
        signals: evaluation.signals.iter().map(|reading| signal(reading, Duration::ZERO)).collect(),
        warnings: explain::warnings(evaluation),
        next: explain::next(evaluation),
        evaluation_detail: if detail { serde_json::to_value(evaluation).ok() } else { None },
    }
}
