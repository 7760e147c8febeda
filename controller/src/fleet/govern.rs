//! Which policy is in force for which service.

use autoscaler::{Event, Timestamp, policy::Mode};

use super::{Effect, Fleet, ServiceKey, service::Governed};
use crate::{
    events,
    policies::{Entry, PolicySet},
};

impl Fleet {
    /// Puts other policies in force. What the guards remember stays.
    pub(super) fn replace_policies(&mut self, policies: PolicySet, now: Timestamp) {
        self.policies = policies;
        let keys: Vec<ServiceKey> = self.services.keys().cloned().collect();
        for key in keys {
            self.govern(&key, now);
        }
        self.sweep();
    }

    /// Puts the policy that names a service in force for it, or ends the one that no longer does.
    pub(super) fn govern(&mut self, key: &ServiceKey, now: Timestamp) {
        let Some(service) = self.services.get_mut(key) else { return };
        let mut naming = self.policies.naming(key);
        let Some(entry) = naming.next() else {
            if service.governed.take().is_some() {
                tracing::info!(service = %key, "no policy names it any more: it is left as it is");
                self.effects.extend(Effect::forget(key));
            }
            return;
        };
        let overruled: Vec<String> = naming.map(Entry::place).collect();
        let known = service.governed.as_deref().map(|governed| governed.autoscaler.policy() == &entry.policy);
        match known {
            Some(true) => {}
            Some(false) => {
                tracing::info!(service = %key, policy = entry.place(), "its policy was edited");
                let policy = entry.policy.clone();
                if let Some(governed) = service.governed.as_deref_mut() {
                    governed.replace_policy(policy, now);
                    self.effects.push(assignment(key, governed, self.setup.term));
                }
                self.dirty.insert(key.clone());
            }
            None => {
                tracing::info!(service = %key, policy = entry.place(), "under a policy");
                let saved = self.stored.take(key, now);
                let governed = Governed::new(entry.policy.clone(), entry.place(), saved.0, saved.1);
                self.effects.push(assignment(key, &governed, self.setup.term));
                if entry.policy.mode == Mode::Observe {
                    self.effects.push(Effect::Target(key.clone(), None));
                }
                service.governed = Some(Box::new(governed));
                let lost = self.hosts.get(&key.host).is_some_and(|host| host.lost);
                self.observe(key, now);
                if lost {
                    self.tell(key, Event::HostLost, now);
                }
            }
        }
        if let Some(governed) = self.services.get_mut(key).and_then(|service| service.governed.as_deref_mut()) {
            governed.origin = self.policies.naming(key).next().map(Entry::place).unwrap_or_default();
            if !overruled.is_empty() && governed.overruled != overruled {
                tracing::warn!(
                    service = %key,
                    "named by more than one policy: the one in {} is in force, not {}",
                    governed.origin,
                    overruled.join(", ")
                );
            }
            governed.overruled = overruled;
        }
    }

    /// Removes what earlier controllers left about services that no policy names any more. As long as a file cannot be
    /// read at all, nobody knows which those are.
    pub(super) fn sweep(&mut self) {
        if !self.policies.complete {
            return;
        }
        let unnamed = |key: &&ServiceKey| self.policies.naming(key).next().is_none();
        let keys: Vec<ServiceKey> = self.stored.services.iter().filter(unnamed).cloned().collect();
        for key in keys {
            self.drop_stored(&key);
        }
    }

    /// Removes what earlier controllers left about services that a host no longer has.
    pub(super) fn forget_stored(&mut self, host: &str) {
        let gone = |key: &&ServiceKey| key.host == host && !self.services.contains_key(*key);
        let keys: Vec<ServiceKey> = self.stored.services.iter().filter(gone).cloned().collect();
        for key in keys {
            self.drop_stored(&key);
        }
    }

    fn drop_stored(&mut self, key: &ServiceKey) {
        self.stored.forget(key);
        self.effects.extend(Effect::forget(key));
    }
}

/// What the policy of a service asks of its agent.
pub(super) fn assignment(key: &ServiceKey, governed: &Governed, term: u64) -> Effect {
    let assignment = events::assignment(governed.autoscaler.policy(), term, &key.project, &key.service);
    Effect::Assignment(key.clone(), Some(assignment))
}
