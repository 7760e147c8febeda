//! The answer to `status`: what is broken first, then the table, then what needs attention, then the hosts.

use autoscaler::quantity::Unit;
use bus::payload::{DecisionStatus, Mode, PauseStatus, ServiceStatus, SignalStatus, Status};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{
    attention, hosts,
    text::{Look, Tone, ago, count, indent, millis, service_name, several_hosts},
};

/// Below this a column says nothing any more, so that it is rather the terminal that wraps.
const NARROWEST: u16 = 60;

/// Everything that the controller knows, on one page.
pub(crate) fn status(status: &Status, look: Look) -> String {
    let sections = [
        warnings(status, look),
        broken_policies(status, look),
        services(status, look),
        attention::section(status, look),
        footer(status, look),
    ];
    sections.iter().filter(|section| !section.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// What is doubtful about the controller and the policies as a whole.
fn warnings(status: &Status, look: Look) -> String {
    let mut text = String::new();
    let of_files = status.policies.iter().flat_map(|source| &source.warnings);
    for warning in status.warnings.iter().chain(of_files) {
        let mut lines = warning.lines();
        let first = format!("warning: {}", lines.next().unwrap_or_default().trim_start_matches("warning: "));
        text.push_str(&look.paint(Tone::Warn, &first));
        text.push('\n');
        text.push_str(&indent(&lines.collect::<Vec<_>>().join("\n"), 2));
    }
    text
}

/// Policy files whose newest version cannot be used.
fn broken_policies(status: &Status, look: Look) -> String {
    let mut text = String::new();
    for source in &status.policies {
        let Some(error) = &source.error else { continue };
        let meanwhile = match source.policies {
            0 => "nothing of it is in force".to_owned(),
            1 => "the policy of its last good version stays in force".to_owned(),
            number => format!("the {number} policies of its last good version stay in force"),
        };
        let heading = format!("BROKEN POLICY FILE {}: {meanwhile}", source.origin);
        text.push_str(&look.paint(Tone::Bad, &heading));
        text.push('\n');
        text.push_str(&indent(error, 2));
    }
    text
}

fn services(status: &Status, look: Look) -> String {
    if status.services.is_empty() {
        return nothing_to_list(status);
    }
    let several = several_hosts(status);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match look.width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(NARROWEST)),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    // Without this the table would ask the terminal itself.
    if look.colour {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    table.set_header(
        ["SERVICE", "REPLICAS", "MODE", "SIGNALS", "DECIDED", "DECISION"]
            .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
    );
    for service in &status.services {
        table.add_row(row(service, several, status.at_ms, look));
    }
    let constraints = [
        ColumnConstraint::UpperBoundary(Width::Percentage(30)),
        ColumnConstraint::UpperBoundary(Width::Percentage(20)),
        ColumnConstraint::ContentWidth,
        ColumnConstraint::UpperBoundary(Width::Percentage(30)),
        ColumnConstraint::UpperBoundary(Width::Percentage(15)),
        ColumnConstraint::LowerBoundary(Width::Percentage(30)),
    ];
    if look.width.is_some() {
        table.set_constraints(constraints);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn nothing_to_list(status: &Status) -> String {
    if status.hosts.is_empty() {
        "No agent has been heard of yet. Start `ballast agent` on each Docker host, with the same NATS and fleet.\n"
            .to_owned()
    } else if status.hosts.iter().all(|host| host.engine.is_none()) {
        "No service is known: Docker does not answer. See the agent's log for the cause.\n".to_owned()
    } else {
        "No Compose service runs. Start one with `docker compose up -d`.\n".to_owned()
    }
}

fn row(service: &ServiceStatus, several: bool, now_ms: u64, look: Look) -> Vec<Cell> {
    let separator = if look.width.is_some() { "\n" } else { ", " };
    let signals: Vec<_> = service.signals.iter().map(signal).collect();
    let blind = service.signals.iter().any(|signal| signal.text.is_none());
    let (decided, decision) = match (&service.decision, &service.policy) {
        (Some(decision), _) => (ago(decision.at_ms, now_ms), decision_text(decision)),
        (None, Some(_)) => ("-".to_owned(), "nothing decided yet".to_owned()),
        (None, None) => ("-".to_owned(), "no policy names it; it is measured and left alone".to_owned()),
    };
    vec![
        Cell::new(service_name(service, several)).add_attribute(Attribute::Bold),
        tinted(Cell::new(replicas(service)), replicas_tone(service)),
        tinted(Cell::new(mode(service)), attention::blocked(service).then_some(Tone::Bad)),
        tinted(
            Cell::new(if signals.is_empty() { "-".to_owned() } else { signals.join(separator) }),
            blind.then_some(Tone::Warn),
        ),
        Cell::new(decided),
        Cell::new(if look.width.is_some() { decision } else { decision.replace('\n', " ") }),
    ]
}

/// `serving/running`, the target where it differs, and the limits: `2/3 → 4 of 1..5`.
pub(super) fn replicas(service: &ServiceStatus) -> String {
    let mut text = format!("{}/{}", service.ready, service.running);
    if let Some(target) = service.target.filter(|target| *target != service.running) {
        match service.mode {
            Some(Mode::Act) => text.push_str(&format!(" → {target}")),
            _ => text.push_str(&format!(" (would be {target})")),
        }
    }
    if let (Some(min), Some(max)) = (service.min, service.max) {
        text.push_str(&format!(" of {min}..{max}"));
    }
    text
}

/// A signal with what makes its value doubtful.
pub(super) fn signal(signal: &SignalStatus) -> String {
    let name = &signal.signal;
    match (&signal.text, signal.age_ms, &signal.note) {
        (Some(value), Some(age), Some(note)) => format!("{name} {value} ({} ago; {note})", millis(age)),
        (Some(value), Some(age), None) => format!("{name} {value} ({} ago)", millis(age)),
        (Some(value), None, Some(note)) => format!("{name} {value} ({note})"),
        (Some(value), None, None) => format!("{name} {value}"),
        (None, _, Some(note)) => format!("{name} missing: {note}"),
        (None, _, None) => format!("{name} missing"),
    }
}

/// The decision's sentence; where it was sent without one, what can still be said.
pub(super) fn decision_text(decision: &DecisionStatus) -> String {
    match decision.sentence.as_str() {
        "" if decision.from == decision.to => format!("hold at {}", decision.to),
        "" => format!("{} {} → {}", decision.verdict, decision.from, decision.to),
        sentence => sentence.to_owned(),
    }
}

/// The mode, or what keeps the policy from acting.
pub(super) fn mode(service: &ServiceStatus) -> &'static str {
    match (service.mode, attention::blocked(service)) {
        (None, _) => "no policy",
        (Some(Mode::Observe), _) => "observe",
        (Some(Mode::Act), true) => "refused",
        (Some(Mode::Act), false) => paused(service).unwrap_or("act"),
    }
}

/// Which way the policy is paused.
pub(super) fn paused(service: &ServiceStatus) -> Option<&'static str> {
    match service.paused? {
        PauseStatus { up: true, down: true, .. } => Some("paused"),
        PauseStatus { up: true, .. } => Some("paused up"),
        PauseStatus { down: true, .. } => Some("paused down"),
        PauseStatus { .. } => None,
    }
}

fn replicas_tone(service: &ServiceStatus) -> Option<Tone> {
    let below_min = service.min.is_some_and(|min| service.ready < min);
    match (service.policy.is_some(), below_min, service.ready == service.running) {
        (false, ..) => None,
        (true, true, _) => Some(Tone::Bad),
        (true, false, false) => Some(Tone::Warn),
        (true, false, true) => Some(Tone::Good),
    }
}

fn tinted(cell: Cell, tone: Option<Tone>) -> Cell {
    match tone {
        Some(Tone::Bad) => cell.fg(Color::Red),
        Some(Tone::Warn) => cell.fg(Color::Yellow),
        Some(Tone::Good) => cell.fg(Color::Green),
        Some(Tone::Strong) => cell.add_attribute(Attribute::Bold),
        None => cell,
    }
}

/// The hosts, and what is in force.
fn footer(status: &Status, look: Look) -> String {
    let mut text = hosts::lines(status, look);
    let policies: usize = status.policies.iter().map(|source| source.policies as usize).sum();
    let in_force = match (status.policies.len(), policies) {
        (0, 0) => "no policy file: it measures and leaves everything alone".to_owned(),
        (files, policies) => {
            format!("{} in {}", count(policies, "policy", "policies"), count(files, "file", "files"))
        }
    };
    text.push_str(&format!(
        "controller: up {}, term {}, {in_force}\n",
        millis(status.at_ms.saturating_sub(status.since_ms)),
        status.term
    ));
    text
}

/// Bytes of a host or replica, as people write them.
pub(super) fn bytes(bytes: u64) -> String {
    Unit::Bytes.print(bytes as f64)
}
