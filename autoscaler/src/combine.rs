//! From what each rule wants to what they want together.
//!
//! Each group folds its members into one wish:
//!
//! | members                                       | `any` upwards / downwards    | `all` upwards / downwards     |
//! |-----------------------------------------------|------------------------------|-------------------------------|
//! | some want more than there are                 | the most that any wants      | the least, if all that can do |
//! | else: one cannot tell, or waits for a step up | hold                         | hold                          |
//! | else: some want as many as there are          | hold                         | hold                          |
//! | else: some want fewer                         | the most of these            | the most, if all that can do  |
//! | else                                          | no opinion                   | no opinion                    |
//!
//! One that wants more where not all do still keeps the group from removing. `first` takes the first member that has an opinion; one that cannot tell lets later ones add, but not remove.
//! A rule that only observes is in no group.

use crate::{
    evaluation::{Activity, Combined, Gap, Opinion, Origin, Recommendation, SignalReading},
    policy::{Combine, Direction, Group, Limits, Member, Policy, Quorum},
    rule::{self, Says, can, schedule},
};

/// What a rule or a group wants, and which rule made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    opinion: Opinion,
    rule: Option<usize>,
}

const NOTHING: Wish = Wish { opinion: Opinion::Abstains, rule: None };

/// What `recommendations` want together, starting from `current` replicas. `opinion` is what each of them wants.
pub(crate) fn combine(
    policy: &Policy,
    limits: Limits,
    recommendations: &[Recommendation],
    opinion: &dyn Fn(&Recommendation) -> Opinion,
    signals: &[SignalReading],
    current: u32,
) -> Combined {
    let activity = if limits.has_idle() { activity(policy, recommendations, signals) } else { Activity::Always };
    if activity == Activity::Inactive {
        return Combined { wants: Some(limits.while_idle()), winner: None, blind: false, activity };
    }
    if schedule::alone(policy) {
        return Combined { wants: Some(limits.min), winner: None, blind: false, activity };
    }
    let given = Given { policy, recommendations, opinion, current };
    let Wish { opinion, rule: winner } = given.group(&policy.combine);
    let (wants, blind) = match opinion {
        Opinion::Wants(wants) => (Some(wants), false),
        Opinion::Unknown => (None, true),
        Opinion::Waits(_) | Opinion::Abstains => (None, false),
    };
    let winner = winner.filter(|_| !matches!(opinion, Opinion::Abstains | Opinion::Waits(Direction::Down)));
    Combined { wants, winner, blind, activity }
}

/// Whether any rule that can say so says that there is something to do. A signal that each replica has says nothing: there
/// is none where there is no replica.
fn activity(policy: &Policy, recommendations: &[Recommendation], signals: &[SignalReading]) -> Activity {
    let mut found = None;
    for (recommendation, rule) in recommendations.iter().zip(&policy.rules).filter(|(_, rule)| !rule.observe) {
        let says = match recommendation.reading.and_then(|place| signals.get(place)) {
            Some(reading) if reading.origin == Origin::Service => match (reading.total, &reading.gap) {
                (Some(value), _) => Says::of(value > rule.activate),
                (None, Some(Gap::Idle)) => Says::Inactive,
                (None, _) => Says::Blind,
            },
            Some(_) => Says::Nothing,
            None => rule::activity(rule, recommendation),
        };
        found = match (found, says) {
            (_, Says::Active) => return Activity::Active { rule: recommendation.rule },
            (found, Says::Nothing) => found,
            (Some(Activity::Unknown), _) | (_, Says::Blind) => Some(Activity::Unknown),
            (_, Says::Inactive) => Some(Activity::Inactive),
        };
    }
    found.unwrap_or(Activity::Unknown)
}

struct Given<'a> {
    policy: &'a Policy,
    recommendations: &'a [Recommendation],
    opinion: &'a dyn Fn(&Recommendation) -> Opinion,
    current: u32,
}

impl Given<'_> {
    fn member(&self, member: &Member) -> Wish {
        match member {
            Member::Group(group) => self.group(group),
            Member::Rule(place) => match self.recommendations.get(*place) {
                Some(recommendation) if !recommendation.observes => {
                    Wish { opinion: (self.opinion)(recommendation), rule: Some(*place) }
                }
                _ => NOTHING,
            },
        }
    }

    fn can(&self, member: &Member, direction: Direction) -> bool {
        match member {
            Member::Group(group) => group.members.iter().any(|member| self.can(member, direction)),
            Member::Rule(place) => {
                self.policy.rules.get(*place).is_some_and(|rule| !rule.observe && can(rule, direction))
            }
        }
    }

    fn group(&self, group: &Group) -> Wish {
        match group.how {
            Combine::First => self.first(group),
            Combine::Agree { up, down } => self.agree(group, up, down),
        }
    }

    fn first(&self, group: &Group) -> Wish {
        let mut blind = None;
        for member in &group.members {
            let wish = self.member(member);
            match wish.opinion {
                Opinion::Abstains => {}
                Opinion::Unknown => blind = blind.or(Some(wish)),
                Opinion::Wants(wants) if wants > self.current => return wish,
                Opinion::Wants(_) | Opinion::Waits(_) => return blind.unwrap_or(wish),
            }
        }
        blind.unwrap_or(NOTHING)
    }

    fn agree(&self, group: &Group, up: Quorum, down: Quorum) -> Wish {
        let mut tally = Tally::default();
        for member in &group.members {
            let wish = self.member(member);
            tally.add(wish, self.current, up);
            let grows = matches!(wish.opinion, Opinion::Wants(wants) if wants > self.current);
            let shrinks = matches!(wish.opinion, Opinion::Wants(wants) if wants < self.current);
            tally.not_all_grow |= up == Quorum::All && !grows && self.can(member, Direction::Up);
            tally.not_all_shrink |= down == Quorum::All && !shrinks && self.can(member, Direction::Down);
        }
        tally.wish(up, down)
    }
}

/// The first of each sort of wish, and of those that change something the one that wins.
#[derive(Default)]
struct Tally {
    grows: Option<Wish>,
    unknown: Option<Wish>,
    waits_up: Option<Wish>,
    keeps: Option<Wish>,
    shrinks: Option<Wish>,
    waits_down: Option<Wish>,
    not_all_grow: bool,
    not_all_shrink: bool,
}

impl Tally {
    fn add(&mut self, wish: Wish, current: u32, up: Quorum) {
        let larger = |held: Option<Wish>| match (wish.opinion, held) {
            (Opinion::Wants(wants), Some(Wish { opinion: Opinion::Wants(most), .. })) if wants <= most => held,
            _ => Some(wish),
        };
        let smaller = |held: Option<Wish>| match (wish.opinion, held) {
            (Opinion::Wants(wants), Some(Wish { opinion: Opinion::Wants(least), .. })) if wants >= least => held,
            _ => Some(wish),
        };
        match wish.opinion {
            Opinion::Wants(wants) if wants > current => {
                self.grows = if up == Quorum::All { smaller(self.grows) } else { larger(self.grows) };
            }
            Opinion::Wants(wants) if wants < current => self.shrinks = larger(self.shrinks),
            Opinion::Wants(_) => self.keeps = self.keeps.or(Some(wish)),
            Opinion::Unknown => self.unknown = self.unknown.or(Some(wish)),
            Opinion::Waits(Direction::Up) => self.waits_up = self.waits_up.or(Some(wish)),
            Opinion::Waits(Direction::Down) => self.waits_down = self.waits_down.or(Some(wish)),
            Opinion::Abstains => {}
        }
    }

    fn wish(self, up: Quorum, down: Quorum) -> Wish {
        let agreed = up == Quorum::Any || !self.not_all_grow;
        let grows = self.grows.filter(|_| agreed);
        // One that would grow and may not still objects to removing.
        let objects = self.grows.map(|wish| Wish { opinion: Opinion::Waits(Direction::Up), ..wish });
        let shrinks = self.shrinks.filter(|_| down == Quorum::Any || !self.not_all_shrink);
        grows
            .or(self.unknown)
            .or(objects)
            .or(self.waits_up)
            .or(self.keeps)
            .or(shrinks)
            .or(self.waits_down)
            .unwrap_or(NOTHING)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        evaluation::RuleReason,
        policy::{Arithmetic, Goal, Guards, Mode, Rule, RuleKind, Selector, Target, Tolerance},
        quantity::{Quantity, SignalName},
    };

    fn policy(how: Combine, rules: usize) -> Policy {
        let target = Target {
            signal: SignalName::new("cpu"),
            goal: Goal::PerReplica(Quantity::OfLimit(0.5)),
            window: Rule::WINDOW,
            tolerance: Tolerance::both(0.1),
        };
        Policy {
            services: Selector { host: None, project: "shop".into(), service: "web".into() },
            mode: Mode::Act,
            pause: None,
            limits: Limits::new(1, 20),
            arithmetic: Arithmetic::Demand,
            signals: BTreeMap::new(),
            rules: vec![Rule::from(RuleKind::Target(target)); rules],
            combine: Group { how, members: (0..rules).map(Member::Rule).collect() },
            guards: Guards::none(),
        }
    }

    fn combined(how: Combine, opinions: &[Opinion]) -> (Option<u32>, Option<usize>, bool) {
        wanted_of(&policy(how, opinions.len()), opinions)
    }

    fn wanted_of(policy: &Policy, opinions: &[Opinion]) -> (Option<u32>, Option<usize>, bool) {
        let recommendations: Vec<_> = opinions
            .iter()
            .enumerate()
            .map(|(rule, opinion)| Recommendation {
                rule,
                name: None,
                observes: false,
                reading: None,
                activate: 0.0,
                opinion: *opinion,
                reason: RuleReason::Unsaid,
            })
            .collect();
        let Combined { wants, winner, blind, .. } =
            combine(policy, policy.limits, &recommendations, &|one| one.opinion, &[], 4);
        (wants, winner, blind)
    }

    #[test]
    fn the_largest_wins_and_nothing_is_removed_while_one_cannot_tell() {
        use Opinion::{Abstains, Unknown, Waits, Wants};
        let down = Waits(Direction::Down);
        let up = Waits(Direction::Up);
        for (name, opinions, expected) in [
            ("no rule has an opinion", vec![Abstains, down], (None, None, false)),
            ("the largest wins", vec![Wants(6), Wants(8)], (Some(8), Some(1), false)),
            ("the first of equals is named", vec![Wants(6), Wants(6)], (Some(6), Some(0), false)),
            ("more is wanted although one cannot tell", vec![Unknown, Wants(6)], (Some(6), Some(1), false)),
            ("fewer is not, while one cannot tell", vec![Unknown, Wants(2)], (None, Some(0), true)),
            ("nor while one waits for a step upwards", vec![up, Wants(2)], (None, Some(0), false)),
            ("one that waits for a step downwards does not object", vec![down, Wants(2)], (Some(2), Some(1), false)),
            ("as many as now keeps another from removing", vec![Wants(4), Wants(2)], (Some(4), Some(0), false)),
        ] {
            assert_eq!(combined(Combine::LARGEST, &opinions), expected, "{name}");
        }
    }

    #[test]
    fn all_have_to_agree_where_the_group_says_so() {
        use Opinion::{Abstains, Unknown, Wants};
        let in_only_if_all = Combine::Agree { up: Quorum::Any, down: Quorum::All };
        for (name, how, opinions, expected) in [
            ("all want more: the smallest step", Combine::ALL, vec![Wants(6), Wants(8)], (Some(6), Some(0), false)),
            ("one does not: hold", Combine::ALL, vec![Wants(6), Abstains], (None, Some(0), false)),
            ("all want fewer: the smallest step", Combine::ALL, vec![Wants(2), Wants(3)], (Some(3), Some(1), false)),
            ("one has no opinion: no step down", Combine::ALL, vec![Wants(2), Abstains], (None, None, false)),
            ("out if any", in_only_if_all, vec![Wants(6), Wants(2)], (Some(6), Some(0), false)),
            ("in only if all", in_only_if_all, vec![Abstains, Wants(2)], (None, None, false)),
            ("and none is blind", in_only_if_all, vec![Wants(2), Unknown], (None, Some(1), true)),
            (
                "the first opinion decides",
                Combine::First,
                vec![Abstains, Wants(3), Wants(9)],
                (Some(3), Some(1), false),
            ),
            (
                "behind a blind one more may be added",
                Combine::First,
                vec![Unknown, Wants(6)],
                (Some(6), Some(1), false),
            ),
            ("but nothing removed", Combine::First, vec![Unknown, Wants(2)], (None, Some(0), true)),
        ] {
            assert_eq!(combined(how, &opinions), expected, "{name}");
        }
    }

    /// Opinions of up to six rules, in groups of any kind: places are dealt out in order.
    fn groups() -> impl Strategy<Value = (Group, Vec<Opinion>)> {
        let how = prop_oneof![
            Just(Combine::LARGEST),
            Just(Combine::ALL),
            Just(Combine::Agree { up: Quorum::Any, down: Quorum::All }),
            Just(Combine::Agree { up: Quorum::All, down: Quorum::Any }),
        ];
        let opinion = prop_oneof![
            4 => (0_u32..9).prop_map(Opinion::Wants),
            1 => Just(Opinion::Abstains),
            1 => Just(Opinion::Waits(Direction::Up)),
            1 => Just(Opinion::Waits(Direction::Down)),
            1 => Just(Opinion::Unknown),
        ];
        (
            proptest::collection::vec(how, 3),
            proptest::collection::vec(opinion, 2..7),
            proptest::collection::vec(0_usize..3, 7),
        )
            .prop_map(|(hows, opinions, homes)| {
                let mut groups: Vec<Group> = hows.into_iter().map(|how| Group { how, members: Vec::new() }).collect();
                for (place, home) in (0..opinions.len()).zip(homes) {
                    groups[home].members.push(Member::Rule(place));
                }
                let inner = groups.split_off(1);
                groups[0].members.extend(inner.into_iter().map(Member::Group));
                (groups.remove(0), opinions)
            })
    }

    /// As many replicas as the group comes to, of 4.
    fn outcome(group: &Group, opinions: &[Opinion]) -> u32 {
        let policy = Policy { combine: group.clone(), ..policy(Combine::LARGEST, opinions.len()) };
        wanted_of(&policy, opinions).0.unwrap_or(4)
    }

    proptest! {
        #[test]
        fn a_group_comes_to_what_one_of_its_members_wants_or_holds((group, opinions) in groups()) {
            let result = outcome(&group, &opinions);
            prop_assert!(result == 4 || opinions.contains(&Opinion::Wants(result)), "{result}");
        }

        #[test]
        fn who_cannot_tell_or_waits_for_a_step_up_never_lowers_the_result((group, opinions) in groups(), place in 0_usize..6) {
            let mut silent = opinions.clone();
            let place = place % opinions.len();
            let full = outcome(&group, &opinions);
            for opinion in [Opinion::Unknown, Opinion::Waits(Direction::Up)] {
                silent[place] = opinion;
                prop_assert!(outcome(&group, &silent) >= full.min(4));
            }
        }

        #[test]
        fn who_wants_more_never_lowers_the_result((group, opinions) in groups(), place in 0_usize..6, more in 0_u32..6) {
            let place = place % opinions.len();
            if let Opinion::Wants(wants) = opinions[place] {
                let mut raised = opinions.clone();
                raised[place] = Opinion::Wants(wants + more);
                prop_assert!(outcome(&group, &raised) >= outcome(&group, &opinions));
            }
        }
    }
}
