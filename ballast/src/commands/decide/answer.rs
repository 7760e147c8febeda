//! A decision as it is printed: as JSON for programs, as text for people.

use autoscaler::{
    Evaluation, Timestamp, Verdict,
    evaluation::{GuardEffect, Opinion, Recommendation, SignalReading},
    explain,
    policy::Direction,
};
use serde::Serialize;

/// One decision.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'e> {
    service: &'e str,
    /// When, as the calendar says.
    at: String,
    /// How many there shall be; absent: the service was not seen.
    replicas: Option<u32>,
    verdict: &'static str,
    from: Option<u32>,
    to: Option<u32>,
    sentence: String,
    signals: Vec<SignalAnswer<'e>>,
    rules: Vec<RuleAnswer<'e>>,
    guards: Vec<GuardAnswer>,
    warnings: Vec<String>,
    /// What would change it, in one sentence.
    next: Option<String>,
    /// Everything, in types.
    evaluation: &'e Evaluation,
}

#[derive(Debug, Serialize)]
struct SignalAnswer<'e> {
    signal: &'e str,
    /// In cores, bytes, seconds, per second, a share, or a plain number; absent: missing.
    value: Option<f64>,
    /// The same with its unit.
    text: Option<String>,
    age_seconds: Option<f64>,
    /// Why it is missing, or does not cover all replicas.
    gap: Option<String>,
}

#[derive(Debug, Serialize)]
struct RuleAnswer<'e> {
    /// Its place in the policy, from 1.
    rule: usize,
    name: Option<&'e str>,
    /// So many replicas, whatever guards make of it; absent: it has no opinion.
    wants: Option<u32>,
    opinion: &'static str,
    /// It is recorded and never acts.
    observes: bool,
    sentence: String,
}

#[derive(Debug, Serialize)]
struct GuardAnswer {
    guard: String,
    from: u32,
    to: u32,
    /// As the calendar says.
    until: Option<String>,
    sentence: String,
}

impl<'e> Answer<'e> {
    pub(super) fn new(service: &'e str, evaluation: &'e Evaluation) -> Self {
        let replicas = evaluation.verdict.replicas();
        let (from, verdict) = match evaluation.verdict {
            Verdict::Unseen => (None, "unseen"),
            Verdict::Hold { at } => (Some(at), "hold"),
            Verdict::Scale { from, to } if to > from => (Some(from), "up"),
            Verdict::Scale { from, .. } => (Some(from), "down"),
        };
        let rules = evaluation.recommendations.iter().zip(explain::rules(evaluation));
        let guards = evaluation.effects.iter().zip(explain::guards(evaluation));
        Self {
            service,
            at: calendar(evaluation.at),
            replicas,
            verdict,
            from,
            to: replicas,
            sentence: explain::sentence(evaluation),
            signals: evaluation.signals.iter().map(SignalAnswer::new).collect(),
            rules: rules.map(|(recommendation, sentence)| RuleAnswer::new(recommendation, sentence)).collect(),
            guards: guards.map(|(effect, sentence)| GuardAnswer::new(effect, sentence)).collect(),
            warnings: explain::warnings(evaluation),
            next: explain::next(evaluation),
            evaluation,
        }
    }

    /// For people: the sentence, and below it what it came from.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("{} {}: {}", self.at, self.service, self.sentence)];
        let mut add = |label: &str, text: &str| lines.push(format!("  {label:<8} {text}"));
        for signal in &self.signals {
            let value = signal.text.as_deref().unwrap_or("missing");
            let gap = signal.gap.as_ref().map(|gap| format!(" ({gap})")).unwrap_or_default();
            add("signal", &format!("{}: {value}{gap}", signal.signal));
        }
        self.rules.iter().for_each(|rule| add("rule", &rule.sentence));
        self.guards.iter().for_each(|guard| add("guard", &guard.sentence));
        self.warnings.iter().for_each(|warning| add("warning", warning));
        self.next.iter().for_each(|next| add("next", next));
        lines.join("\n") + "\n"
    }
}

impl<'e> SignalAnswer<'e> {
    fn new(reading: &'e SignalReading) -> Self {
        Self {
            signal: reading.signal.as_str(),
            value: reading.total,
            text: explain::signal(reading),
            age_seconds: reading.age.map(|age| age.as_secs_f64()),
            gap: explain::gap(reading),
        }
    }
}

impl<'e> RuleAnswer<'e> {
    fn new(recommendation: &'e Recommendation, sentence: String) -> Self {
        let (wants, opinion) = match recommendation.opinion {
            Opinion::Wants(wants) => (Some(wants), "wants"),
            Opinion::Abstains => (None, "abstains"),
            Opinion::Waits(Direction::Up) => (None, "waits_up"),
            Opinion::Waits(Direction::Down) => (None, "waits_down"),
            Opinion::Unknown => (None, "unknown"),
        };
        Self {
            rule: recommendation.rule + 1,
            name: recommendation.name.as_deref(),
            wants,
            opinion,
            observes: recommendation.observes,
            sentence,
        }
    }
}

impl GuardAnswer {
    fn new(effect: &GuardEffect, sentence: String) -> Self {
        // The guard's own name is that of the variant, as the evaluation writes it.
        let guard = match serde_json::to_value(&effect.guard) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(serde_json::Value::Object(map)) => map.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
            _ => String::new(),
        };
        Self { guard, from: effect.from, to: effect.to, until: effect.until.map(calendar), sentence }
    }
}

/// By the calendar, in UTC.
fn calendar(at: Timestamp) -> String {
    // The year 9999 is the last that a calendar writes.
    let millis = at.as_millis().min(253_402_300_799_999);
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis);
    humantime::format_rfc3339_seconds(at).to_string()
}
