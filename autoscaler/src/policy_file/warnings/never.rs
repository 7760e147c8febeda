//! Rules that never win.

use super::super::{
    policy::ReadPolicy,
    rules::{ReadRule, comparable},
};
use crate::{
    policy::{Action, Combine, Direction, Goal, Group, Limits, Member, RuleKind, Schedule, Target, Threshold},
    quantity::{Quantity, SignalName, Unit},
    text::{Findings, Kind, quote},
};

pub(super) fn look_at(policy: &ReadPolicy, findings: &mut Findings) {
    let limits = policy.limits;
    for read in &policy.rules {
        let found = match &read.rule.kind {
            RuleKind::Threshold(rule) => unreachable_bound(rule).or_else(|| beyond_limits(rule, limits)),
            RuleKind::Schedule(rule) => sets_nothing(rule, limits).or_else(|| beyond_max(rule, policy.most_allowed())),
            _ => None,
        };
        if let Some((message, help)) = found {
            let place = if matches!(read.rule.kind, RuleKind::Threshold(_)) { read.bound } else { read.place };
            findings.add(Kind::NeverWins, place, message, help);
        }
    }
    implied_targets(policy, findings);
    look_at_group(&policy.combine, policy, findings);
}

/// Rules of a group that another one of it leaves nothing to decide.
fn look_at_group(group: &Group, policy: &ReadPolicy, findings: &mut Findings) {
    let rules: Vec<&ReadRule> = group.members.iter().filter_map(|member| rule_of(member, policy)).collect();
    for (place, read) in rules.iter().enumerate() {
        let same = |other: &&&ReadRule| {
            let (one, other) = (&read.rule, &other.rule);
            one.kind == other.kind && one.observe == other.observe && one.activate.total_cmp(&other.activate).is_eq()
        };
        if let Some(first) = rules.iter().take(place).find(same) {
            let message = format!("this rule is the same as the one at {}: it never wins", first.place);
            findings.add(Kind::NeverWins, read.place, message, "leave one of them out");
        }
    }
    if group.how == Combine::First {
        behind_target(group, policy, findings);
    }
    for member in &group.members {
        if let Member::Group(group) = member {
            look_at_group(group, policy, findings);
        }
    }
}

fn rule_of<'p>(member: &Member, policy: &'p ReadPolicy) -> Option<&'p ReadRule> {
    match member {
        Member::Rule(place) => policy.rules.get(*place),
        Member::Group(_) => None,
    }
}

/// What stands behind a target where the first with an opinion decides. Schedules and warnings have no turn.
fn behind_target(group: &Group, policy: &ReadPolicy, findings: &mut Findings) {
    let mut members = group.members.iter();
    let target = members.find_map(|member| {
        rule_of(member, policy).filter(|read| !read.rule.observe && matches!(read.rule.kind, RuleKind::Target(_)))
    });
    let Some(target) = target else { return };
    let mut behind = Vec::new();
    members.for_each(|member| rules_within(member, &mut behind));
    for read in behind.into_iter().filter_map(|place| policy.rules.get(place)) {
        let has_turn = match &read.rule.kind {
            RuleKind::Schedule(_) => false,
            RuleKind::Threshold(rule) => !matches!(rule.action, Action::Warn(_)),
            _ => true,
        };
        if has_turn && !read.rule.observe {
            let message = format!(
                "the target at {} stands before this rule and has an opinion whenever its signal has a value: this one \
                 can only add, and only while that is missing",
                target.place
            );
            findings.add(Kind::NeverWins, read.place, message, "put it before the target");
        }
    }
}

fn rules_within(member: &Member, rules: &mut Vec<usize>) {
    match member {
        Member::Rule(place) => rules.push(*place),
        Member::Group(group) => group.members.iter().for_each(|member| rules_within(member, rules)),
    }
}

/// A bound that the signal cannot be past.
fn unreachable_bound(rule: &Threshold) -> Option<(String, String)> {
    let signal = quote(rule.signal.as_str());
    let all = |quantity: Quantity| match quantity {
        Quantity::OfLimit(share) | Quantity::Absolute { value: share, unit: Unit::Share } => share >= 1.0,
        _ => false,
    };
    let none = |quantity: Quantity| match quantity {
        Quantity::OfLimit(share) => share <= 0.0,
        Quantity::Absolute { value, unit } => value <= 0.0 && unit != Unit::Number,
        Quantity::OfReservation(_) => false,
    };
    match (rule.bounds.lower, rule.bounds.upper) {
        (Some(lower), None) if !lower.inclusive && all(lower.value) => Some((
            format!("{signal} is never above {}: this rule never does anything", lower.value),
            "lower the bound".to_owned(),
        )),
        (None, Some(upper)) if !upper.inclusive && none(upper.value) => Some((
            format!("{signal} is never below {}: this rule never does anything", upper.value),
            "raise the bound".to_owned(),
        )),
        _ => None,
    }
}

/// A count that the limits do not allow, or that changes nothing.
fn beyond_limits(rule: &Threshold, Limits { min, max, .. }: Limits) -> Option<(String, String)> {
    if let Action::To(to) = rule.action
        && !(min..=max).contains(&to)
    {
        let message = format!("`to` is {to}, and the limits are {min} to {max}: they win");
        return Some((message, "write a count within the limits".to_owned()));
    }
    let limit = rule.limit?;
    match rule.action.direction()? {
        Direction::Up if limit <= min => {
            Some((format!("`limit` is {limit}, and `min` is {min}: this rule never adds"), "raise `limit`".to_owned()))
        }
        Direction::Down if limit >= max => Some((
            format!("`limit` is {limit}, and `max` is {max}: this rule never removes"),
            "lower `limit`".to_owned(),
        )),
        _ => None,
    }
}

fn sets_nothing(rule: &Schedule, limits: Limits) -> Option<(String, String)> {
    let same =
        rule.replicas.min.is_none_or(|min| min == limits.min) && rule.replicas.max.is_none_or(|max| max == limits.max);
    same.then(|| ("this schedule sets what the policy says anyway".to_owned(), "set another `min` or `max`".to_owned()))
}

/// A `min` that no `max` allows.
fn beyond_max(rule: &Schedule, most: u32) -> Option<(String, String)> {
    let min = rule.replicas.min.filter(|min| *min > most && rule.replicas.max.is_none())?;
    let message = format!("this schedule's `min` is {min}, and `max` is {most}: that wins");
    Some((message, "raise `max`, or write `max` here, too".to_owned()))
}

/// Of two targets on a signal of which the largest wins, the one that carries more for each replica.
fn implied_targets(policy: &ReadPolicy, findings: &mut Findings) {
    if policy.combine.how != Combine::LARGEST {
        return;
    }
    let targets: Vec<(&ReadRule, &Target, Quantity)> = policy
        .combine
        .members
        .iter()
        .filter_map(|member| match member {
            Member::Rule(place) => policy.rules.get(*place).filter(|read| !read.rule.observe),
            Member::Group(_) => None,
        })
        .filter_map(|read| match &read.rule.kind {
            RuleKind::Target(target) => match target.goal {
                Goal::PerReplica(value) => Some((read, target, value)),
                Goal::Total(_) => None,
            },
            _ => None,
        })
        .collect();
    for (read, target, value) in &targets {
        let stricter = targets.iter().find(|(_, rule, carries)| {
            let same =
                rule.signal == target.signal && rule.window == target.window && rule.tolerance == target.tolerance;
            same && comparable(*carries, *value).is_some_and(|(less, more)| less < more)
        });
        if let Some((other, _, carries)) = stricter {
            let signal = SignalName::as_str(&target.signal);
            let message = format!(
                "the target on {} at {}, which carries {carries}, always wants as many or more: this one never wins",
                quote(signal),
                other.place
            );
            findings.add(Kind::NeverWins, read.bound, message, "leave one of them out");
        }
    }
}
