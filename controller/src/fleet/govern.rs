//! Which policy is in force for which service.

use autoscaler::{Event, Timestamp, policy::Mode, text};

use super::{Effect, Fleet, ServiceKey, service::Governed};
use crate::{
    events,
    journal::Journal,
    policies::{InForce, PolicySet},
};

/// Labels that are no part of a policy.
const NO_SETTINGS: [&str; 3] = ["ballast.protect", "ballast.protected", "ballast.managed"];

impl Fleet {
    /// Puts other policies in force. What the guards remember stays.
    pub(super) fn replace_policies(&mut self, policies: PolicySet, now: Timestamp) {
        self.policies = policies;
        let keys: Vec<ServiceKey> = self.services.keys().cloned().collect();
        for key in keys {
            self.govern(&key, now);
        }
    }

    /// Puts the policy that names a service in force for it, or ends the one that no longer does. One with an error
    /// changes nothing: what was in force stays so.
    pub(super) fn govern(&mut self, key: &ServiceKey, now: Timestamp) {
        let Some(service) = self.services.get_mut(key) else { return };
        let given_by = (self.policies.generation, service.inventory.labels.clone());
        if service.resolved_from.as_ref() == Some(&given_by) {
            return;
        }
        let resolved = self.policies.resolve(key, &given_by.1);
        service.resolved_from = Some(given_by);
        match resolved {
            None => self.release(key),
            Some(Ok(in_force)) => {
                service.policy_error = None;
                self.put_in_force(key, in_force, now);
            }
            Some(Err(errors)) => {
                let error = errors.to_string();
                if service.policy_error.as_ref() != Some(&error) {
                    let meanwhile = match service.governed {
                        Some(_) => "the one before stays in force",
                        None => "NO POLICY IS IN FORCE FOR IT",
                    };
                    tracing::warn!(service = %key, "its policy is broken; {meanwhile}:\n{error}");
                }
                service.policy_error = Some(error);
            }
        }
    }

    /// Leaves a service as it is, which no policy names. As long as a file cannot be read at all, what earlier
    /// controllers left about it stays: that file may name it.
    fn release(&mut self, key: &ServiceKey) {
        let Some(service) = self.services.get_mut(key) else { return };
        let own = |name: &&String| name.starts_with("ballast.") && !NO_SETTINGS.contains(&name.as_str());
        service.policy_error = service.inventory.labels.keys().find(own).map(|label| {
            format!("it has the label `{label}` but not `ballast.max`, without which labels put nothing under a policy")
        });
        if let Some(mut governed) = service.governed.take() {
            tracing::info!(service = %key, "no policy names it any more: it is left as it is");
            let journal = governed.journal.as_mut().and_then(Journal::take);
            self.history.extend(journal.map(|chunk| (key.clone(), chunk)));
            self.effects.extend(Effect::forget(key));
        } else if self.policies.complete && self.stored.services.contains(key) {
            self.drop_stored(key);
        }
    }

    fn put_in_force(&mut self, key: &ServiceKey, in_force: InForce, now: Timestamp) {
        let Some(service) = self.services.get_mut(key) else { return };
        let InForce { place, overruled, resolved } = in_force;
        match service.governed.as_deref_mut() {
            Some(governed) if governed.autoscaler.policy() == &resolved.policy => {}
            Some(governed) => {
                tracing::info!(service = %key, policy = place, "its policy was edited");
                governed.replace_policy(resolved.policy, now);
                self.effects.push(assignment(key, governed, self.setup.term));
                self.dirty.insert(key.clone());
            }
            None => {
                tracing::info!(service = %key, policy = place, "under a policy");
                let left = self.stored.take(key, now);
                let observes = resolved.policy.mode == Mode::Observe;
                let mut governed = Governed::new(resolved.policy, place.clone(), left, now);
                governed.journal = self.setup.keeps_history.then(Journal::new);
                self.effects.push(assignment(key, &governed, self.setup.term));
                if observes {
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
            if !overruled.is_empty() && governed.overruled != overruled {
                tracing::warn!(
                    service = %key,
                    "named by more than one policy: the one in {place} is in force, not {}",
                    overruled.join(", ")
                );
            }
            governed.origin = place;
            governed.settings = resolved.settings;
            governed.warnings = resolved.warnings.iter().map(ToString::to_string).collect();
            let told = |(needed, warning): (_, text::TextError)| (needed, warning.to_string());
            governed.without_limits = resolved.without_limits.into_iter().map(told).collect();
            governed.overruled = overruled;
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
