//! The answer to `explain`: one service, from what was measured to what came of it.

use bus::payload::{DecisionStatus, Mode, OutcomeResult, PauseStatus, ReplicaInventory, ServiceStatus, SignalStatus};

use autoscaler::Timestamp;

use super::{
    attention,
    status::{bytes, decision_text, replicas},
    text::{Look, Tone, ago, count, indent, lasting, millis, service_name},
};

/// Everything about one service. `now_ms` is when the controller answered.
pub(crate) fn explain(service: &ServiceStatus, now_ms: u64, look: Look) -> String {
    let mut page = Page { look, text: String::new() };
    page.text.push_str(&look.paint(Tone::Strong, &format!("{} on {}", service_name(service, false), service.host)));
    page.text.push('\n');
    page.line("policy", &policy(service, now_ms));
    page.line("replicas", &replicas_line(service));
    page.list(service.replicas.iter().map(|each| replica(each, now_ms)));
    for notice in attention::notices(service, now_ms) {
        page.line("attention", &notice.painted(look));
    }
    page.section("signals", service.signals.iter().map(signal), "none is read");
    if let Some(decision) = &service.decision {
        page.decision(decision, now_ms);
    } else if service.policy.is_some() {
        page.line("decision", "none yet");
    }
    page.line("outcome", &outcome(service, now_ms));
    page.section("before", service.history.iter().map(|each| past(each, now_ms)), "nothing was changed yet");
    page.text
}

/// What would be decided. `now_ms` is when the controller answered.
pub(crate) fn supposed(service: &ServiceStatus, now_ms: u64, look: Look) -> String {
    let mut page = Page { look, text: String::new() };
    page.text.push_str(&look.paint(Tone::Strong, &format!("{} on {}", service_name(service, false), service.host)));
    page.text.push_str(", supposed to be so; nothing is changed\n");
    page.section("signals", service.signals.iter().map(signal), "none is read");
    match &service.decision {
        Some(decision) => page.decision(decision, now_ms),
        None => page.line("decision", "none"),
    }
    page.text
}

struct Page {
    look: Look,
    text: String,
}

impl Page {
    /// A labelled line; what follows its first line is below the text, not below the label.
    fn line(&mut self, label: &str, text: &str) {
        let mut lines = text.lines();
        let label = self.look.paint(Tone::Strong, &format!("{label:<10}"));
        self.text.push_str(&format!("{label} {}\n", lines.next().unwrap_or("-")));
        self.text.push_str(&indent(&lines.collect::<Vec<_>>().join("\n"), 11));
    }

    fn list(&mut self, items: impl Iterator<Item = String>) {
        for item in items {
            self.text.push_str(&indent(&item, 11));
        }
    }

    /// A label, and below it a list, or `otherwise` beside it where the list is empty.
    fn section(&mut self, label: &str, items: impl Iterator<Item = String>, otherwise: &str) {
        let items: Vec<_> = items.collect();
        self.line(label, if items.is_empty() { otherwise } else { &items[0] });
        self.list(items.into_iter().skip(1));
    }

    fn decision(&mut self, decision: &DecisionStatus, now_ms: u64) {
        self.section("rules", decision.rules.iter().cloned(), "none");
        self.section("guards", decision.guards.iter().cloned(), "none had anything to do");
        let number = format!("evaluation {}, {}", decision.evaluation, ago(decision.at_ms, now_ms));
        self.line("decision", &format!("{}\n({number})", decision_text(decision)));
        self.line("next", decision.next.as_deref().unwrap_or("nothing that could be named"));
    }
}

fn policy(service: &ServiceStatus, now_ms: u64) -> String {
    let Some(origin) = &service.policy else {
        return "none names it: it is measured and left alone".to_owned();
    };
    let mode = match service.mode {
        Some(Mode::Act) => "acts",
        Some(Mode::Observe) | None => "observes: decides and records, touches nothing",
    };
    let closed = match service.paused {
        Some(PauseStatus { up: true, down: true, .. }) => "; paused: nothing is changed",
        Some(PauseStatus { up: true, .. }) => "; paused: nothing is added",
        Some(PauseStatus { down: true, .. }) => "; paused: nothing is removed",
        _ => return format!("{origin}, {mode}"),
    };
    let until = match service.paused.and_then(|pause| pause.until_ms) {
        Some(until) => format!("for {} more", millis(until.saturating_sub(now_ms))),
        None => "until the policy is edited".to_owned(),
    };
    format!("{origin}, {mode}{closed} {until}")
}

fn replicas_line(service: &ServiceStatus) -> String {
    let target = service.target.map(|target| format!(", target {target}")).unwrap_or_default();
    format!("{} ({} serving, {} running{target})", replicas(service), service.ready, service.running)
}

fn replica(replica: &ReplicaInventory, now_ms: u64) -> String {
    let mut parts = vec![match &replica.health {
        Some(health) => format!("{} and {health}", replica.state),
        None => replica.state.clone(),
    }];
    match (replica.ready_ms, replica.started_ms) {
        (Some(ready), _) => parts.push(format!("serving {}", lasting(ready, now_ms))),
        (None, Some(started)) => parts.push(format!("not serving yet, started {}", ago(started, now_ms))),
        (None, None) => {}
    }
    if let Some(cores) = replica.cpu_limit_cores {
        parts.push(format!("limit {}", autoscaler::quantity::Unit::Cores.print(cores)));
    }
    if let Some(limit) = replica.memory_limit_bytes {
        parts.push(format!("limit {}", bytes(limit)));
    }
    if replica.restarts > 0 {
        let restarts = usize::try_from(replica.restarts).unwrap_or(usize::MAX);
        parts.push(count(restarts, "restart", "restarts"));
    }
    if replica.obsolete {
        parts.push("of an older configuration".to_owned());
    }
    if replica.managed {
        parts.push("made by Ballast".to_owned());
    }
    format!("#{} {}: {}", replica.number, replica.name, parts.join(", "))
}

fn signal(signal: &SignalStatus) -> String {
    let mut text = format!("{} {}", signal.signal, signal.text.as_deref().unwrap_or("missing"));
    if signal.window_ms > 0 {
        text.push_str(&format!(", mean over {}", millis(signal.window_ms)));
    }
    if let Some(age) = signal.age_ms {
        text.push_str(&format!(", newest sample {} old", millis(age)));
    }
    if let Some(note) = &signal.note {
        text.push_str(&format!(": {note}"));
    }
    text
}

fn outcome(service: &ServiceStatus, now_ms: u64) -> String {
    let Some(outcome) = &service.outcome else { return "no target was carried out yet".to_owned() };
    let when = ago(outcome.at_ms, now_ms);
    match &outcome.result {
        OutcomeResult::Reached { from, to, .. } if from == to => format!("{to} serve, {when}"),
        OutcomeResult::Reached { from, to, took_ms, .. } => {
            format!("{from} → {to}, all serving after {}, {when}", millis(*took_ms))
        }
        OutcomeResult::Failed { from, reached, cause, .. } => {
            format!("failed {when}, from {from}, {reached} running: {cause}")
        }
        OutcomeResult::Refused { refusals } => {
            let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code.as_str()).collect();
            format!("refused {when}, nothing was touched: {}", codes.join(", "))
        }
        OutcomeResult::Stale { cause } => format!("ignored as stale {when}, nothing was touched: {cause}"),
        OutcomeResult::Unknown => format!("{when}, in words that this build does not know"),
    }
}

fn past(decision: &DecisionStatus, now_ms: u64) -> String {
    let at = Timestamp::from_millis(decision.at_ms);
    format!("{at}Z ({}) {}", ago(decision.at_ms, now_ms), decision_text(decision))
}
