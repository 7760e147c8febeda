//! What services have to know of each other: who follows whom, who has to grow first, and what is shared.

use autoscaler::{
    Event, Timestamp,
    evaluation::Guard,
    event::Peer,
    policy::{Order, Policy, Ratio, RuleKind},
};

use super::{
    Fleet, ServiceKey,
    service::{Governed, Service},
};

/// What one service was told of others.
#[derive(Debug, Default)]
pub(crate) struct Told {
    peers: Vec<(String, Option<Peer>)>,
    budgets: Vec<(String, f64)>,
}

impl Fleet {
    /// Tells each service that is related to others how these stand now, where that is news.
    pub(super) fn relate(&mut self, now: Timestamp) {
        let mut news: Vec<(ServiceKey, Event)> = Vec::new();
        for (key, governed) in self.governed() {
            let peers = self.peers_of(key, governed.autoscaler.policy());
            for (service, peer) in peers.into_iter().filter(|known| !governed.told.peers.contains(known)) {
                news.push((key.clone(), Event::Peer { service, peer }));
            }
            for (name, by_others) in self.budgets_of(key, governed.autoscaler.policy()) {
                if !governed.told.budgets.contains(&(name.clone(), by_others)) {
                    news.push((key.clone(), Event::BudgetUsed { name, by_others }));
                }
            }
        }
        for (key, event) in news {
            if let Some(governed) = self.services.get_mut(&key).and_then(|service| service.governed.as_deref_mut()) {
                governed.told.remember(&event);
            }
            self.tell(&key, event, now);
        }
    }

    /// The services that this one follows, and those that follow it and have to grow first.
    fn peers_of(&self, key: &ServiceKey, policy: &Policy) -> Vec<(String, Option<Peer>)> {
        let followed = ratios(policy).map(|ratio| {
            let other = self.services.get(&named(&ratio.of, key));
            (ratio.of.clone(), other.and_then(|service| peer(service, None)))
        });
        let same_host = self.services.iter().filter(|(other, _)| other.host == key.host && *other != key);
        let leading = same_host.flat_map(|(other, service)| {
            let governed = service.governed.as_deref();
            let ratios = governed.into_iter().flat_map(|governed| ratios(governed.autoscaler.policy()));
            ratios
                .filter(|ratio| ratio.order == Order::First && named(&ratio.of, other) == *key)
                .map(|ratio| (format!("{}/{}", other.project, other.service), peer(service, Some(ratio))))
                .collect::<Vec<_>>()
        });
        followed.chain(leading).collect()
    }

    /// What the other services take of each budget of this one.
    fn budgets_of(&self, key: &ServiceKey, policy: &Policy) -> Vec<(String, f64)> {
        let others = |name: &str| -> f64 {
            self.governed().filter(|(other, _)| *other != key).filter_map(|(_, governed)| taken(governed, name)).sum()
        };
        policy.guards.budgets.iter().map(|budget| (budget.name.clone(), others(&budget.name))).collect()
    }
}

impl Told {
    fn remember(&mut self, event: &Event) {
        match event {
            Event::Peer { service, peer } => {
                self.peers.retain(|(other, _)| other != service);
                self.peers.push((service.clone(), *peer));
            }
            Event::BudgetUsed { name, by_others } => {
                self.budgets.retain(|(other, _)| other != name);
                self.budgets.push((name.clone(), *by_others));
            }
            _ => {}
        }
    }
}

fn ratios(policy: &Policy) -> impl Iterator<Item = &Ratio> {
    policy.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Ratio(ratio) => Some(ratio),
        _ => None,
    })
}

/// The service that a rule of the service `beside` names: on the same host, and of the same project if it names none.
fn named(of: &str, beside: &ServiceKey) -> ServiceKey {
    let (project, service) = of.split_once('/').unwrap_or((&beside.project, of));
    ServiceKey { host: beside.host.clone(), project: project.to_owned(), service: service.to_owned() }
}

/// How a service stands; `None` while that is not known. For the one that it leads, what its serving replicas carry.
fn peer(service: &Service, leads: Option<&Ratio>) -> Option<Peer> {
    if service.gone_since.is_some() {
        return None;
    }
    let up = service.inventory.replicas.iter().filter(|replica| crate::events::is_up(replica));
    let (running, ready) = up
        .fold((0_u32, 0_u32), |(running, ready), replica| (running + 1, ready + u32::from(replica.ready_ms.is_some())));
    let newest = service.governed.as_deref().and_then(|governed| governed.newest.as_ref());
    let target = newest.and_then(|evaluation| evaluation.verdict.replicas()).unwrap_or(running);
    let held_back = newest.and_then(|evaluation| {
        evaluation.effects.iter().find(|effect| matches!(effect.guard, Guard::Led { .. })).map(|effect| effect.from)
    });
    let wants = held_back.map_or(target, |wants| newest.map_or(wants, |evaluation| wants.min(evaluation.limits.max)));
    let carries = leads.map(|ratio| (ready / ratio.replicas.max(1)).saturating_mul(ratio.for_each));
    Some(Peer { target, wants, ready, carries })
}

/// What a service takes of a budget.
fn taken(governed: &Governed, name: &str) -> Option<f64> {
    let budget = governed.autoscaler.policy().guards.budgets.iter().find(|budget| budget.name == name)?;
    let replicas = governed.newest.as_ref()?.verdict.replicas()?;
    Some(f64::from(replicas) * budget.per_replica)
}
