//! What other parts find out about replicas, and a plan wants to know: how much CPU they use, and whether they are busy.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bus::payload::{ReplicaSample, ServiceName};

use super::read;
use crate::model::Replica;

/// What was measured longer ago tells nothing of now.
const MEASURED_WITHIN: Duration = Duration::from_secs(10);

/// Shared between those who find it out and those who want to know.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Cores, by container ID.
    cpu: BTreeMap<String, (f64, Instant)>,
    /// By container ID. Services whose replicas are not asked have none.
    busy: BTreeMap<ServiceName, BTreeMap<String, Busy>>,
}

/// What a replica said when it was asked whether it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// It may.
    No,
    /// It may not; this is why.
    Yes(String),
    /// It did not say.
    Unknown,
}

impl Notes {
    /// Takes note of a round of samples.
    pub fn measured(&self, samples: &[ReplicaSample]) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.cpu.retain(|_, (_, at)| now.duration_since(*at) < MEASURED_WITHIN);
        let known = samples.iter().filter_map(|sample| Some((sample.id.clone(), (sample.cpu_cores?, now))));
        inner.cpu.extend(known);
    }

    /// Takes note of what all replicas of a service answered, by container ID; whether that is news.
    pub(crate) fn answered(&self, service: &ServiceName, answers: BTreeMap<String, Busy>) -> bool {
        fn protected(answers: Option<&BTreeMap<String, Busy>>) -> Vec<&String> {
            let answers = answers.into_iter().flatten();
            answers.filter(|(_, answer)| matches!(answer, Busy::Yes(_))).map(|(id, _)| id).collect()
        }
        let busy = &mut self.lock().busy;
        let before = if answers.is_empty() { busy.remove(service) } else { busy.insert(service.clone(), answers) };
        protected(before.as_ref()) != protected(busy.get(service))
    }

    /// Completes what is known of a replica.
    pub(crate) fn complete(&self, service: &ServiceName, replica: &mut Replica) {
        let inner = self.lock();
        let id = &replica.summary.id;
        let cpu = inner.cpu.get(id).filter(|(_, at)| at.elapsed() < MEASURED_WITHIN);
        let answer = inner.busy.get(service).and_then(|answers| answers.get(id));
        replica.cpu_cores = cpu.map(|(cores, _)| *cores);
        replica.may_be_busy = answer == Some(&Busy::Unknown);
        replica.summary.protected = read::protected_by_label(&replica.inspect).or_else(|| match answer {
            Some(Busy::Yes(why)) => Some(why.clone()),
            _ => None,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
