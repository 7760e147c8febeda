//! What each guard did.

use std::time::Duration;

use crate::{
    Evaluation,
    evaluation::{Activity, Freeze, Guard, GuardEffect, Resource, RuleReason},
    event::Phase,
    policy::{Direction, Rate, StepSize},
    quantity::{SignalName, Unit},
    time::spoken,
};

/// What one guard did.
pub(super) fn sentence(effect: &GuardEffect, evaluation: &Evaluation) -> String {
    let to = effect.to;
    let left =
        effect.until.map_or_else(String::new, |until| format!(" for {} more", spoken(until.since(evaluation.at))));
    match &effect.guard {
        Guard::Undone { rule } => undone(effect, *rule, evaluation),
        Guard::Strained { signal, level, bound, unit } => strained(signal, *level, *bound, *unit),
        Guard::Worse { signal, before, now } => format!(
            "nothing more is added{left}: after the last step up {signal} got worse, from {} to {}",
            value_of(signal, *before, evaluation),
            value_of(signal, *now, evaluation)
        ),
        Guard::Stabilization(Direction::Up) => format!("up.stabilize keeps it to {to}{left}"),
        Guard::Stabilization(Direction::Down) => {
            format!("down.stabilize keeps {to}{left}: that many were wanted not long ago")
        }
        Guard::Cooldown(direction) => format!("{}.cooldown keeps {to}{left}", way(*direction)),
        Guard::Step(direction) => format!("{}.step allows no more than to {to} at once", way(*direction)),
        Guard::AtMost { direction, rate } => {
            format!("{}.at_most allows {}: {to}{left}", way(*direction), printed(*rate))
        }
        Guard::Led { by } => format!("{by} has to grow first: what serves of it carries {to}"),
        Guard::Headroom { of, free, reserve, each } => headroom(*of, *free, *reserve, *each, to),
        Guard::HeadroomUnknown { of } => headroom_unknown(of),
        Guard::Budget { name, by_others, total, each } => budget(name, *by_others, *total, *each, to),
        Guard::Min => match evaluation.combined.activity {
            Activity::Active { .. } if to == 1 && evaluation.limits.min == 0 => {
                "an active service has at least 1".to_owned()
            }
            _ => limit("min", to, evaluation),
        },
        Guard::Max => limit("max", to, evaluation),
        Guard::Most => format!("its own configuration allows no more than {to}"),
        Guard::Protected { why } => format!("{to} must not be removed: {why}"),
        Guard::KillBudget(rate) => kill_budget(*rate, effect, evaluation),
        Guard::CrashLoop { restarts, back_to } => {
            let dying = format!("its replicas die again and again ({restarts} deaths)");
            match back_to {
                None => format!("{dying}; it stays at {to}{left}"),
                Some(served) if *served == to => format!("{dying}; it goes back to {to}, at which all served{left}"),
                Some(served) => {
                    format!("{dying}; it goes back to {served}, at which all served, as it may: to {to} now")
                }
            }
        }
        Guard::Implausible { missing, of } => format!(
            "the samples of {missing} of {of} replicas vanished at once, which is hard to believe; it stays at {to}{left}"
        ),
        Guard::Manual { asked } if *asked == to => {
            format!("somebody set it to {to} by hand, which is respected{left}")
        }
        Guard::Manual { asked } => {
            format!("somebody set it to {asked} by hand, of which the limits leave {to}; that is respected{left}")
        }
        Guard::Pause => format!("the policy is paused{left}; it stays at {to}"),
        Guard::Freeze(freeze) => frozen(freeze, evaluation),
    }
}

fn undone(effect: &GuardEffect, rule: usize, evaluation: &Evaluation) -> String {
    let (fewer, to, rule) = (effect.from, effect.to, rule + 1);
    let replicas = if fewer == 1 { "replica" } else { "replicas" };
    let stays = match evaluation.current {
        Some(current) if to < current => "it goes no further than to",
        _ => "it stays at",
    };
    format!("with {fewer} {replicas} rule {rule} would at once want more; {stays} {to}")
}

fn kill_budget(rate: Rate, effect: &GuardEffect, evaluation: &Evaluation) -> String {
    let left = match (effect.until, again(effect, evaluation)) {
        (Some(until), _) => format!(" for {} more", spoken(until.since(evaluation.at))),
        (None, Some(span)) => format!(" now, and more in {}", spoken(span)),
        (None, None) => String::new(),
    };
    format!("kill_budget allows to remove {}: {}{left}", printed(rate), effect.to)
}

fn headroom_unknown(of: &[Resource]) -> String {
    let of: Vec<_> = of.iter().map(|of| resource(*of)).collect();
    let of = of.join(" and ");
    format!("headroom cannot tell whether there is room: what one more takes of {of} is not known; set limits")
}

/// When a guard lets go: where it allows a part of a step now, that part starts its time.
pub(super) fn again(effect: &GuardEffect, evaluation: &Evaluation) -> Option<Duration> {
    let stepped = match &effect.guard {
        Guard::AtMost { rate, .. } | Guard::KillBudget(rate) => {
            evaluation.verdict.direction().is_some().then_some(rate.per)
        }
        _ => None,
    };
    effect.until.map(|until| until.since(evaluation.at)).or(stepped)
}

fn strained(signal: &SignalName, level: Option<f64>, bound: Option<f64>, unit: Unit) -> String {
    let cannot_tell = "nothing is removed while it cannot be told whether the service is strained";
    match (level, bound) {
        (None, _) => format!("{cannot_tell}: {signal} is missing"),
        (Some(_), None) => format!("{cannot_tell}: what is normal for {signal} is not known yet"),
        (Some(level), Some(bound)) => format!(
            "nothing is removed while the service is strained: {signal} is {}, above {}",
            unit.print(level),
            unit.print(bound)
        ),
    }
}

/// A limit, and the schedule that sets it where one does: the last one that is on.
fn limit(which: &str, to: u32, evaluation: &Evaluation) -> String {
    let acting = evaluation.recommendations.iter().rev().filter(|recommendation| !recommendation.observes);
    let mut schedules = acting.filter_map(|recommendation| match &recommendation.reason {
        RuleReason::Schedule { active: true, sets, capped, .. } => {
            Some((recommendation, if which == "min" { sets.min } else { sets.max }?, *capped))
        }
        _ => None,
    });
    match schedules.next() {
        // A schedule's count is its min and its max: what is more than the policy's own max is said of the min.
        Some((.., sets, Some(_))) if sets > to && which == "max" => format!("replicas.max is {to}"),
        Some((schedule, sets, capped)) if sets > to => {
            let max = if capped == Some(to) { "replicas.max" } else { "max" };
            format!("{} sets {which} to {sets}, and {max} is {to}", super::rules::name(schedule))
        }
        Some((schedule, ..)) => format!("{} sets {which} to {to}", super::rules::name(schedule)),
        None => format!("replicas.{which} is {to}"),
    }
}

fn headroom(of: Resource, free: f64, reserve: f64, each: f64, to: u32) -> String {
    let unit = match of {
        Resource::Cpu => Unit::Cores,
        Resource::Memory => Unit::Bytes,
    };
    let what = resource(of);
    format!(
        "the host has {} of {what} free, of which {} stay free, and one more takes {}: there is room for {to}",
        unit.print(free),
        unit.print(reserve),
        unit.print(each)
    )
}

fn resource(of: Resource) -> &'static str {
    match of {
        Resource::Cpu => "CPU",
        Resource::Memory => "memory",
    }
}

fn budget(name: &str, by_others: f64, total: f64, each: f64, to: u32) -> String {
    let enough = ((total - by_others) / each + 1e-9).floor().max(0.0);
    let text = format!(
        "of {name} there are {} and others take {}: at {} for each replica that is enough for {}",
        plain(total),
        plain(by_others),
        plain(each),
        plain(enough)
    );
    if f64::from(to) > enough { format!("{text}; what is there already stays") } else { text }
}

fn frozen(freeze: &Freeze, evaluation: &Evaluation) -> String {
    match freeze {
        Freeze::HostLost => "its host has not been heard of; nothing is changed meanwhile".to_owned(),
        Freeze::Refused(causes) => format!("it cannot be scaled: {}", causes.join("; ")),
        Freeze::Phase(Phase::Changing { since, why }) => {
            let span = spoken(evaluation.at.since(*since));
            format!("somebody else has been changing the project for {span} ({why}); waiting until that is quiet")
        }
        Freeze::Phase(Phase::Stopped { .. }) => "somebody stopped it; it stays so until one replica runs".to_owned(),
        Freeze::Phase(Phase::Settled) => "nothing is changed just now".to_owned(),
    }
}

/// What a guard is called in a sentence: the key that sets it, where one does.
pub(super) fn name(guard: &Guard) -> String {
    match guard {
        Guard::Undone { .. } => "undone".to_owned(),
        Guard::Strained { .. } => "down.unless".to_owned(),
        Guard::Worse { .. } => "worse".to_owned(),
        Guard::Stabilization(direction) => format!("{}.stabilize", way(*direction)),
        Guard::Cooldown(direction) => format!("{}.cooldown", way(*direction)),
        Guard::Step(direction) => format!("{}.step", way(*direction)),
        Guard::AtMost { direction, .. } => format!("{}.at_most", way(*direction)),
        Guard::Led { by } => format!("the order with {by}"),
        Guard::Headroom { .. } | Guard::HeadroomUnknown { .. } => "headroom".to_owned(),
        Guard::Budget { name, .. } => format!("the budget of {name}"),
        Guard::Min => "replicas.min".to_owned(),
        Guard::Max => "replicas.max".to_owned(),
        Guard::Most => "its own configuration".to_owned(),
        Guard::Protected { .. } => "protection".to_owned(),
        Guard::KillBudget(_) => "kill_budget".to_owned(),
        Guard::CrashLoop { .. } => "crash_loop".to_owned(),
        Guard::Implausible { .. } => "implausible".to_owned(),
        Guard::Manual { .. } => "manual".to_owned(),
        Guard::Pause => "the pause".to_owned(),
        Guard::Freeze(_) => "the freeze".to_owned(),
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn printed(rate: Rate) -> String {
    let size = match rate.size {
        StepSize::Count(count) => count.to_string(),
        StepSize::Share(share) => Unit::Share.print(share),
    };
    format!("{size} per {}", spoken(rate.per))
}

/// A level of a signal, with the unit that it is read in.
fn value_of(signal: &SignalName, value: f64, evaluation: &Evaluation) -> String {
    let reading = evaluation.signals.iter().find(|reading| reading.signal == *signal);
    reading.map_or(Unit::Number, |reading| reading.unit).print(value)
}

fn plain(value: f64) -> String {
    Unit::Number.print(value)
}
