//! What needs attention: each with its cause and its cure.

use bus::payload::{Mode, OutcomeResult, Phase, Refusal, ServiceStatus, Status};

use super::text::{Look, Tone, ago, lasting, millis, service_name, several_hosts};

/// Everything that keeps services from being scaled, service by service.
pub(super) fn section(status: &Status, look: Look) -> String {
    let several = several_hosts(status);
    let mut text = String::new();
    for service in &status.services {
        let name = service_name(service, several);
        for notice in notices(service, status.at_ms) {
            text.push_str(&format!("{name}: {}\n", notice.painted(look)));
        }
    }
    text
}

/// One thing worth knowing about a service.
pub(super) struct Notice {
    pub(super) tone: Tone,
    pub(super) what: String,
    pub(super) cure: Option<String>,
}

impl Notice {
    /// On one line, or with the cure on its own below.
    pub(super) fn painted(&self, look: Look) -> String {
        let what = look.paint(self.tone, &self.what);
        match &self.cure {
            Some(cure) => format!("{what}\n  cure: {cure}"),
            None => what,
        }
    }
}

/// Whether a policy would like to act and the service's own configuration does not let it.
pub(super) fn blocked(service: &ServiceStatus) -> bool {
    service.policy.is_some() && !service.refusals.is_empty()
}

/// What is worth knowing about `service`. One that nobody wants to have a policy is nobody's concern.
pub(super) fn notices(service: &ServiceStatus, now_ms: u64) -> Vec<Notice> {
    let broken = service.policy_error.as_ref().map(|error| broken(error, service));
    if service.policy.is_none() {
        return broken.into_iter().collect();
    }
    let mut notices: Vec<Notice> = broken.into_iter().chain(service.refusals.iter().map(refusal)).collect();
    notices.extend(phase(&service.phase, now_ms));
    notices.extend(outcome(service, now_ms));
    notices.extend(service.warnings.iter().map(|warning| Notice {
        tone: Tone::Warn,
        what: format!("warning: {warning}"),
        cure: None,
    }));
    notices
}

fn broken(error: &str, service: &ServiceStatus) -> Notice {
    let meanwhile = match service.policy {
        Some(_) => "its policy is broken, and what was in force before stays so",
        None => "no policy is in force for it",
    };
    Notice { tone: Tone::Bad, what: format!("{meanwhile}: {error}"), cure: None }
}

fn refusal(refusal: &Refusal) -> Notice {
    Notice {
        tone: Tone::Bad,
        what: format!("cannot be scaled ({}): {}", refusal.code, refusal.cause),
        cure: Some(refusal.cure.clone()),
    }
}

fn phase(phase: &Phase, now_ms: u64) -> Option<Notice> {
    let what = standing(phase)?;
    let what = match phase {
        Phase::Changing { since_ms, .. } | Phase::Stopped { since_ms } => {
            format!("{} {what}", lasting(*since_ms, now_ms))
        }
        Phase::Settled | Phase::Unknown => what,
    };
    Some(Notice { tone: Tone::Warn, what, cure: None })
}

/// What holds a service still, apart from Ballast.
pub(super) fn standing(phase: &Phase) -> Option<String> {
    Some(match phase {
        Phase::Settled => return None,
        Phase::Changing { why, .. } => format!("left alone while somebody else changes it: {why}"),
        Phase::Stopped { .. } => "stopped by somebody; left alone until one replica runs again".to_owned(),
        Phase::Unknown => "left alone, its agent is newer and says something that this build does not know".to_owned(),
    })
}

/// How the newest target went, where it did not simply succeed.
fn outcome(service: &ServiceStatus, now_ms: u64) -> Option<Notice> {
    let outcome = service.outcome.as_ref().filter(|_| service.mode == Some(Mode::Act))?;
    let when = ago(outcome.at_ms, now_ms);
    match &outcome.result {
        OutcomeResult::Failed { from, reached, cause, cure, retry_ms } => {
            let again = match retry_ms {
                Some(at) if *at > now_ms => format!("; tries again in {}", millis(at - now_ms)),
                Some(_) => "; tries again".to_owned(),
                None => "; does not try again by itself".to_owned(),
            };
            Some(Notice {
                tone: Tone::Bad,
                what: format!("scaling from {from} failed {when} with {reached} running: {cause}{again}"),
                cure: Some(cure.clone()),
            })
        }
        OutcomeResult::Stale { cause } => Some(Notice {
            tone: Tone::Warn,
            what: format!("its agent ignored the newest target {when}: {cause}"),
            cure: None,
        }),
        OutcomeResult::Reached { reasserted: Some(why), to, .. } => {
            Some(Notice { tone: Tone::Warn, what: format!("brought back to {to} {when}: {why}"), cure: None })
        }
        // The refusals are told by the inventory already, and stay there for as long as they hold.
        OutcomeResult::Refused { .. } | OutcomeResult::Reached { .. } | OutcomeResult::Unknown => None,
    }
}
