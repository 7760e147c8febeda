//! The answer to who asks how things are, and why.

use std::time::Duration;

use autoscaler::{
    Timestamp,
    evaluation::SignalReading,
    explain,
    policy_file::{Needed, Setting},
    quantity::{SignalName, Unit},
};
use bus::payload::{
    self, DecisionStatus, PauseStatus, PolicySource, Question, ReplicaInventory, ServiceStatus, SettingStatus,
    SignalStatus, Status,
};

use super::{
    Fleet, ServiceKey, Standing,
    forecast::forecasts_of,
    service::{Governed, Service, decision},
    suppose::hypothesis,
};
use crate::{events, journal::Wanted};

/// Candidates named in an error, and warnings in one place.
const MOST_NAMED: usize = 20;
/// An answer is kept below this, so that it fits into a NATS message (1 MiB by default).
const LONGEST_ANSWER: usize = 900_000;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// How things are.
    Status,
    /// Why one service is as it is.
    Explain,
    /// The same, and what its forecast rules know.
    Forecast,
    /// What happened to one service.
    History,
}

impl Fleet {
    /// Answers. Changes nothing.
    pub(crate) fn answer(&self, asked: Asked, question: &Question, now: Timestamp) -> Status {
        let mut status = self.frame(now);
        match (question.service.as_deref(), asked) {
            (Some(text), _) => {
                let answer = self.find(text).and_then(|(key, service)| about(key, service, asked, question, now));
                match answer {
                    Ok(service) => status.services.push(service),
                    Err(error) => status.error = Some(error),
                }
            }
            (None, Asked::Explain | Asked::Forecast | Asked::History) => {
                status.error = Some("which service? Give its name".to_owned());
            }
            (None, Asked::Status) => {
                let each = self.services.iter().map(|(key, service)| service_status(key, service, false, asked, now));
                status.services = each.collect();
                shorten(&mut status);
            }
        }
        status
    }

    /// Which part of whose history is asked for. Hands over what happened to it until now.
    pub(crate) fn history_wanted(&mut self, question: &Question) -> Result<Wanted, String> {
        let text = question.service.as_deref().ok_or("which service? Give its name")?;
        // Of one that is gone by now as well, where it is named in full.
        let in_full = ServiceKey::from_text(text);
        let key = self.find(text).map(|(key, _)| key.clone()).or_else(|error| in_full.ok_or(error))?;
        let span = question.history.ok_or("from when until when? Give a span")?;
        if span.after.is_none() {
            self.hand_over(Some(&key));
        }
        let (from, until) = (Timestamp::from_millis(span.from_ms), Timestamp::from_millis(span.until_ms));
        if from > until {
            return Err("the span ends before it begins".to_owned());
        }
        Ok(Wanted { key, from, until, after: span.after })
    }

    /// Everything but the services.
    fn frame(&self, now: Timestamp) -> Status {
        let mut warnings = Vec::new();
        if let Standing::SteppedBack { for_term } = self.standing {
            warnings.push(format!(
                "this controller has stepped back, because another one is in charge with term {for_term}: end one of the two"
            ));
        }
        Status {
            v: payload::VERSION,
            at_ms: now.as_millis(),
            term: self.setup.term,
            since_ms: self.since.as_millis(),
            policies: self.policies.sources.iter().map(|source| self.policy_source(source)).collect(),
            hosts: self.hosts.iter().map(|(name, host)| host.status(name)).collect(),
            services: Vec::new(),
            error: None,
            warnings,
        }
    }

    fn policy_source(&self, source: &PolicySource) -> PolicySource {
        let mut source = source.clone();
        for (key, governed) in self.governed() {
            for overruled in &governed.overruled {
                if overruled.starts_with(&source.origin) && source.warnings.len() < MOST_NAMED {
                    source
                        .warnings
                        .push(format!("{key}: {overruled} is not in force, because {} comes first", governed.origin));
                }
            }
        }
        let selectors = self.policies.catalog.selectors();
        for (services, _) in selectors.filter(|(_, origin)| origin.name == source.origin) {
            let named = |key: &ServiceKey| services.matches(&key.host, &key.project, &key.service);
            if !self.hosts.is_empty() && !self.services.keys().any(named) && source.warnings.len() < MOST_NAMED {
                source.warnings.push(format!("{services} is none of the services that run: is it spelt right?"));
            }
        }
        source
    }

    pub(super) fn governed(&self) -> impl Iterator<Item = (&ServiceKey, &Governed)> {
        self.services.iter().filter_map(|(key, service)| Some((key, service.governed.as_deref()?)))
    }

    /// The one service that a person means.
    fn find(&self, text: &str) -> Result<(&ServiceKey, &Service), String> {
        let mut meant = self.services.iter().filter(|(key, _)| key.is_meant_by(text));
        match (meant.next(), meant.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => {
                let candidates = self.services.keys().filter(|key| key.is_meant_by(text));
                Err(format!("{text:?} names more than one service: {}", listed(candidates)))
            }
            (None, _) if self.services.is_empty() => {
                Err("no service has been heard of yet: does an agent run?".to_owned())
            }
            (None, _) => Err(format!("no service is called {text:?}; there are {}", listed(self.services.keys()))),
        }
    }
}

/// What there is to say about one service.
fn about(
    key: &ServiceKey,
    service: &Service,
    asked: Asked,
    question: &Question,
    now: Timestamp,
) -> Result<ServiceStatus, String> {
    let mut status = service_status(key, service, true, asked, now);
    if asked == Asked::Forecast {
        status.forecasts = forecasts_of(service);
        // They are long, and nobody who asks for a forecast reads what was decided before.
        status.history.clear();
        return Ok(status);
    }
    if asked == Asked::Status || (question.suppose.is_none() && question.at_ms.is_none()) {
        return Ok(status);
    }
    let Some(governed) = service.governed.as_deref() else {
        return Err(format!("no policy names {key}, so that nothing is decided for it"));
    };
    if let Some(suppose) = &question.suppose {
        let hypothesis = hypothesis(suppose, key, governed.autoscaler.policy())?;
        let evaluation = governed.autoscaler.what_if(&hypothesis, now);
        status.signals = evaluation.signals.iter().map(|reading| signal(reading, Duration::ZERO)).collect();
        status.decision = Some(decision(&evaluation, true));
    } else if let Some(at_ms) = question.at_ms {
        let decision = in_force_at(governed, at_ms, key)?;
        status.history.retain(|other| other.at_ms < decision.at_ms);
        // What is told besides is of that moment, too, or not told.
        status.signals.clone_from(&decision.signals);
        status.replicas.clear();
        status.warnings.clear();
        (status.outcome, status.policy_error, status.target) = (None, None, Some(decision.to));
        status.decision = Some(decision);
    }
    Ok(status)
}

fn service_status(key: &ServiceKey, service: &Service, in_full: bool, asked: Asked, now: Timestamp) -> ServiceStatus {
    let inventory = &service.inventory;
    let up = || inventory.replicas.iter().filter(|replica| events::is_up(replica));
    let mut status = ServiceStatus {
        host: key.host.clone(),
        project: key.project.clone(),
        service: key.service.clone(),
        running: count(up().count()),
        ready: count(up().filter(|replica| replica.ready_ms.is_some()).count()),
        replicas: inventory.replicas.clone(),
        phase: inventory.phase.clone(),
        refusals: inventory.refusals.clone(),
        warnings: inventory.warnings.clone(),
        outcome: service.outcome.clone(),
        ..ServiceStatus::default()
    };
    if let Some(since) = service.gone_since {
        status.warnings.push(format!("its host has not listed it since {since} UTC"));
    }
    status.policy_error.clone_from(&service.policy_error);
    match service.governed.as_deref() {
        Some(governed) => tell_decisions(&mut status, governed, in_full, asked, now),
        None => status.signals = measured(service, now),
    }
    status
}

/// So many of a service's latest decisions are told to those who ask about all services.
const LATEST: usize = 5;

/// One thing that a policy says.
fn setting(setting: &Setting) -> SettingStatus {
    SettingStatus { path: setting.path.clone(), value: setting.value.clone(), origin: setting.origin.to_string() }
}

/// What its policy's percentages are of and some of its replicas do not have.
fn without_limits(governed: &Governed, replicas: &[ReplicaInventory]) -> Vec<String> {
    let lacks = |needed: Needed| {
        replicas.iter().any(|replica| match needed {
            Needed::CpuLimit => replica.cpu_limit_cores.is_none(),
            Needed::MemoryLimit => replica.memory_limit_bytes.is_none(),
            Needed::CpuReservation => replica.cpu_reservation_cores.is_none(),
            Needed::MemoryReservation => replica.memory_reservation_bytes.is_none(),
        })
    };
    let warnings = governed.without_limits.iter().filter(|(needed, _)| lacks(*needed));
    warnings.map(|(_, warning)| warning.clone()).collect()
}

/// The decision that was in force at a moment.
fn in_force_at(governed: &Governed, at_ms: u64, key: &ServiceKey) -> Result<DecisionStatus, String> {
    let found = governed.history.iter().find(|decision| decision.at_ms <= at_ms);
    found.cloned().ok_or_else(|| match governed.history.back() {
        Some(oldest) => {
            let oldest = Timestamp::from_millis(oldest.at_ms);
            format!("the oldest decision that is kept for {key} is of {oldest} UTC, which is later")
        }
        None => format!("no decision is kept for {key} yet"),
    })
}

fn tell_decisions(status: &mut ServiceStatus, governed: &Governed, in_full: bool, asked: Asked, now: Timestamp) {
    let policy = governed.autoscaler.policy();
    let newest = match asked {
        Asked::Status | Asked::History => governed.newest.clone(),
        Asked::Explain | Asked::Forecast => Some(governed.autoscaler.evaluate(now)),
    };
    status.policy = Some(governed.origin.clone());
    status.mode = Some(events::mode(policy.mode));
    status.paused = policy.pause.filter(|pause| pause.until.is_none_or(|until| now < until)).map(|pause| PauseStatus {
        up: pause.up,
        down: pause.down,
        until_ms: pause.until.map(Timestamp::as_millis),
    });
    status.min = Some(policy.limits.min);
    status.max = Some(policy.limits.max);
    status.target = governed.target.as_ref().map(|target| target.replicas);
    if asked == Asked::Explain {
        status.settings = governed.settings.iter().map(setting).collect();
        status.warnings.extend(governed.warnings.iter().cloned());
    }
    status.warnings.extend(without_limits(governed, &status.replicas));
    if let Some(manual) = governed.autoscaler.memory().manual() {
        let until = manual.at.plus(policy.guards.manual);
        if now < until {
            let replicas = manual.replicas;
            status
                .warnings
                .push(format!("somebody set it to {replicas} by hand, which is respected until {until} UTC"));
        }
    }
    for other in &governed.overruled {
        status
            .warnings
            .push(format!("{other} names it as well and is not in force, because {} comes first", governed.origin));
    }
    if let Some(evaluation) = &newest {
        let since = now.since(evaluation.at);
        status.signals = evaluation.signals.iter().map(|reading| signal(reading, since)).collect();
        status.decision = Some(decision(evaluation, matches!(asked, Asked::Explain | Asked::Forecast)));
    }
    // Whoever asks once a second must not miss what was decided in between.
    let most = if in_full { usize::MAX } else { LATEST };
    status.history = governed.history.iter().take(most).cloned().collect();
}

/// A signal as a rule read it, so long ago.
pub(super) fn signal(reading: &SignalReading, since: Duration) -> SignalStatus {
    SignalStatus {
        signal: reading.signal.to_string(),
        text: explain::signal(reading),
        value: reading.total,
        age_ms: reading.age.map(|age| millis(age + since)),
        window_ms: millis(reading.window),
        note: explain::gap(reading),
    }
}

/// What a service without a policy uses: the sum over its replicas' newest samples, as old as the oldest of them.
fn measured(service: &Service, now: Timestamp) -> Vec<SignalStatus> {
    let sum = |name: &str, unit: Unit, value: fn(&super::service::Measured) -> Option<f64>| {
        let found: Vec<(Timestamp, f64)> =
            service.measured.values().filter_map(|measured| Some((measured.at, value(measured)?))).collect();
        let oldest = found.iter().map(|(at, _)| *at).min()?;
        let total = found.iter().map(|(_, value)| value).sum();
        Some(SignalStatus {
            signal: name.to_owned(),
            text: Some(unit.print(total)),
            value: Some(total),
            age_ms: Some(millis(now.since(oldest))),
            window_ms: 0,
            note: None,
        })
    };
    [
        sum(SignalName::CPU, Unit::Cores, |measured| measured.cpu_cores),
        sum(SignalName::MEMORY, Unit::Bytes, |measured| measured.memory_bytes.map(|bytes| bytes as f64)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Leaves out what is longest until the answer fits, and says so.
fn shorten(status: &mut Status) {
    let fits = |status: &Status| payload::encode(status).len() <= LONGEST_ANSWER;
    if fits(status) {
        return;
    }
    status.warnings.push("there are so many services that details are left out: ask for one of them".to_owned());
    for service in &mut status.services {
        service.replicas.clear();
        service.signals.clear();
        if let Some(decision) = &mut service.decision {
            decision.rules.clear();
            decision.guards.clear();
            decision.next = None;
        }
    }
    while !fits(status) && !status.services.is_empty() {
        status.services.truncate(status.services.len() / 2);
        status.error = Some(format!("only the first {} services fit into an answer", status.services.len()));
    }
}

fn listed<'a>(keys: impl Iterator<Item = &'a ServiceKey>) -> String {
    let mut names: Vec<String> = keys.take(MOST_NAMED + 1).map(ToString::to_string).collect();
    if names.len() > MOST_NAMED {
        names.truncate(MOST_NAMED);
        names.push("…".to_owned());
    }
    names.join(", ")
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
