//! What changed between two answers, a line for each: `status --watch` where standard output is no terminal.

use autoscaler::Timestamp;
use bus::payload::{DecisionStatus, HostStatus, Outcome, OutcomeResult, Phase, ServiceStatus, Status};

use super::{
    attention,
    status::{decision_text, mode, replicas},
    text::{millis, service_name, several_hosts},
};

/// A line for each thing that changed since `before`; without `before`, a line for each service as it is.
pub(crate) fn changes(before: Option<&Status>, now: &Status) -> Vec<String> {
    let mut lines = policy_files(before, now);
    lines.extend(hosts(before, now));
    let several = several_hosts(now);
    for service in &now.services {
        let earlier = before.and_then(|status| same_service(status, service));
        let what = match (before, earlier) {
            (Some(_), Some(earlier)) => service_changes(earlier, service, now.at_ms),
            (None, _) | (_, None) => vec![(now.at_ms, introduction(service))],
        };
        let name = service_name(service, several);
        lines.extend(what.into_iter().map(|(at, what)| Line { at, who: name.clone(), what }));
    }
    for gone in before.into_iter().flat_map(|before| &before.services) {
        if same_service(now, gone).is_none() {
            lines.push(Line { at: now.at_ms, who: service_name(gone, several), what: "gone".to_owned() });
        }
    }
    lines.sort_by_key(|line| line.at);
    lines.iter().map(Line::print).collect()
}

struct Line {
    at: u64,
    who: String,
    what: String,
}

impl Line {
    /// Always one line, whatever a sentence holds, so that a reader can rely on it.
    fn print(&self) -> String {
        let what = self.what.split('\n').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        format!("{}Z  {}  {what}", Timestamp::from_millis(self.at), self.who)
    }
}

fn same_service<'a>(status: &'a Status, wanted: &ServiceStatus) -> Option<&'a ServiceStatus> {
    let key = |service: &ServiceStatus| (service.host.clone(), service.project.clone(), service.service.clone());
    status.services.iter().find(|service| key(service) == key(wanted))
}

fn introduction(service: &ServiceStatus) -> String {
    let decision = service.decision.as_ref().map(|decision| format!(": {}", decision_text(decision)));
    format!("{} ({}){}", replicas(service), mode(service), decision.unwrap_or_default())
}

fn service_changes(before: &ServiceStatus, now: &ServiceStatus, now_ms: u64) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> =
        new_decisions(before, now).into_iter().map(|each| (each.at_ms, scaled(each))).collect();
    if before.outcome != now.outcome
        && let Some(outcome) = &now.outcome
        && let Some(text) = went(outcome)
    {
        lines.push((outcome.at_ms, text));
    }
    if (before.policy.is_some(), before.mode, before.min, before.max)
        != (now.policy.is_some(), now.mode, now.min, now.max)
    {
        lines.push((now_ms, format!("policy changed: {} ({})", replicas(now), mode(now))));
    }
    if now.policy.is_some() && std::mem::discriminant(&before.phase) != std::mem::discriminant(&now.phase) {
        let text = attention::standing(&now.phase).unwrap_or_else(|| "stands still again".to_owned());
        lines.push((changed_at(&now.phase).unwrap_or(now_ms), text));
    }
    for refusal in now.refusals.iter().filter(|refusal| now.policy.is_some() && !before.refusals.contains(refusal)) {
        lines.push((now_ms, format!("cannot be scaled ({}): {}; cure: {}", refusal.code, refusal.cause, refusal.cure)));
    }
    if before.ready != now.ready {
        lines.push((now_ms, format!("{} serving, were {}", now.ready, before.ready)));
    }
    lines
}

/// Decisions to scale that are new: from the history too, because several can have been made between two answers.
/// One that says the same as the one before it (in observe mode each evaluation would scale) is not.
fn new_decisions<'a>(before: &'a ServiceStatus, now: &'a ServiceStatus) -> Vec<&'a DecisionStatus> {
    let number = |decision: &DecisionStatus| (decision.at_ms, decision.evaluation);
    let known = before.decision.iter().chain(&before.history).max_by_key(|decision| number(decision));
    let mut new: Vec<_> = now.decision.iter().chain(&now.history).collect();
    new.retain(|decision| known.is_none_or(|known| number(decision) > number(known)));
    new.sort_by_key(|decision| number(decision));
    new.dedup_by_key(|decision| number(decision));
    let mut step_before = known.map(|known| (known.from, known.to));
    new.retain(|decision| {
        let step = (decision.from, decision.to);
        let repeated = step_before.replace(step) == Some(step);
        decision.from != decision.to && !repeated
    });
    new
}

fn scaled(decision: &DecisionStatus) -> String {
    let step = format!("{} → {}", decision.from, decision.to);
    let sentence = decision_text(decision);
    if sentence.contains(&step) { sentence } else { format!("{step}: {sentence}") }
}

/// How a target went; `None` for what a decision's line has said already.
fn went(outcome: &Outcome) -> Option<String> {
    match &outcome.result {
        OutcomeResult::Reached { to, reasserted: Some(why), .. } => Some(format!("brought back to {to}: {why}")),
        OutcomeResult::Reached { from, to, .. } if from == to => None,
        OutcomeResult::Reached { from, to, took_ms, .. } => {
            Some(format!("{from} → {to} done, all serving after {}", millis(*took_ms)))
        }
        OutcomeResult::Failed { from, reached, cause, cure, .. } => {
            Some(format!("scaling from {from} failed, {reached} running: {cause}; cure: {cure}"))
        }
        OutcomeResult::Stale { cause } => Some(format!("newest target ignored: {cause}")),
        OutcomeResult::Refused { .. } | OutcomeResult::Unknown => None,
    }
}

fn changed_at(phase: &Phase) -> Option<u64> {
    match phase {
        Phase::Changing { since_ms, .. } | Phase::Stopped { since_ms } => Some(*since_ms),
        Phase::Settled | Phase::Unknown => None,
    }
}

fn policy_files(before: Option<&Status>, now: &Status) -> Vec<Line> {
    let error_of = |status: &Status, origin: &str| {
        status.policies.iter().find(|source| source.origin == origin).and_then(|source| source.error.clone())
    };
    let mut lines = Vec::new();
    for source in &now.policies {
        let earlier = before.and_then(|status| error_of(status, &source.origin));
        let what = match (&earlier, &source.error) {
            (earlier, Some(error)) if earlier.as_ref() != Some(error) => {
                // The first line names the place and the error; `status` has the rest.
                let first = error.lines().next().unwrap_or_default();
                let meanwhile = match source.policies {
                    0 => "nothing of it is in force",
                    _ => "the last good version stays in force",
                };
                format!("BROKEN, {meanwhile}: {first}")
            }
            (Some(_), None) => "good again".to_owned(),
            _ => continue,
        };
        lines.push(Line { at: now.at_ms, who: source.origin.clone(), what });
    }
    lines
}

fn hosts(before: Option<&Status>, now: &Status) -> Vec<Line> {
    let mut lines = Vec::new();
    for host in &now.hosts {
        let earlier = before.and_then(|status| status.hosts.iter().find(|other| other.host == host.host));
        for what in host_changes(earlier, host, before.is_none()) {
            lines.push(Line { at: now.at_ms, who: format!("host {}", host.host), what });
        }
    }
    lines
}

fn host_changes(before: Option<&HostStatus>, now: &HostStatus, first_look: bool) -> Vec<String> {
    let mut what = Vec::new();
    match (before, now.lost) {
        (None, false) if !first_look => what.push("joined".to_owned()),
        (Some(HostStatus { lost: true, .. }), false) => what.push("back".to_owned()),
        (None | Some(HostStatus { lost: false, .. }), true) => {
            what.push("LOST; nothing is decided for it until it is heard again".to_owned());
        }
        _ => {}
    }
    let lost_before = before.map_or(0, |host| host.lost_payloads);
    if now.lost_payloads > lost_before {
        what.push(format!("{} more payloads lost on the way", now.lost_payloads - lost_before));
    }
    let answered = before.is_none_or(|host| host.engine.is_some());
    match (answered, now.engine.is_some()) {
        (true, false) => what.push("Docker does not answer".to_owned()),
        (false, true) => what.push("Docker answers again".to_owned()),
        _ => {}
    }
    what
}
