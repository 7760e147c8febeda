//! Budgets: what each replica takes of something shared, and how many replicas that is enough for.
//!
//! ```text
//! most = floor((total − reserve − what others take) / per_replica)
//! 200 connections, 20 in reserve, others take 40, 20 for each replica: (200 − 20 − 40) / 20 = 7
//! ```
//!
//! It caps growth. What is there already stays, and it is said that it is too much. What others take is what the driver
//! told last; while it told nothing there are no others.
//!
//! More replicas than a database has connections for have taken whole sites down: 50 at 20 connections each, of 200.

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::Circumstances,
    policy::Budget,
    rule::whole,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let by_others = |budget: &Budget| given.budgets.get(&budget.name).copied().unwrap_or(0.0);
    let enough = given.guards().budgets.iter().map(|budget| (budget, enough_for(budget, by_others(budget))));
    let (budget, most) = enough.min_by_key(|(_, most)| *most)?;
    if wanted <= most {
        return None;
    }
    let guard = Guard::Budget {
        name: budget.name.clone(),
        by_others: by_others(budget),
        total: budget.total - budget.reserve,
        each: budget.per_replica,
    };
    Some(GuardEffect { guard, from: wanted, to: wanted.min(most.max(given.current())), until: None })
}

fn enough_for(budget: &Budget, by_others: f64) -> u32 {
    let left = budget.total - budget.reserve - by_others;
    // Rounded down: as many whole ones as fit.
    let up = whole(left / budget.per_replica);
    if f64::from(up) * budget.per_replica > left + 1e-9 * left.abs() { up.saturating_sub(1) } else { up }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::scene::Scene;

    #[test]
    fn growth_ends_where_the_budget_does() {
        for (name, others, current, wanted, to) in [
            ("(200 − 20 − 40) / 20", Some(40.0), 4, 12, Some(7)),
            ("rounded down", Some(41.0), 4, 12, Some(6)),
            ("nobody else takes anything", None, 4, 12, Some(9)),
            ("a wish within it", Some(40.0), 4, 7, None),
            ("others take more than there is", Some(500.0), 4, 12, Some(4)),
            ("what is there stays, and it is said", Some(140.0), 4, 4, Some(4)),
            ("also when fewer are wanted that are still too many", Some(140.0), 4, 3, Some(3)),
            ("and not when they are few enough", Some(140.0), 4, 2, None),
        ] {
            let mut scene = Scene::new(current);
            scene.policy.guards.budgets =
                vec![Budget { name: "connections".into(), total: 200.0, reserve: 20.0, per_replica: 20.0 }];
            scene.budgets.extend(others.map(|others| ("connections".to_owned(), others)));
            assert_eq!(scene.apply(apply, wanted).map(|effect| effect.to), to, "{name}");
        }
    }

    #[test]
    fn a_share_of_a_budget_that_is_whole_but_for_binary_digits_is_whole() {
        let budget = |total, per_replica| Budget { name: String::new(), total, reserve: 0.0, per_replica };
        for (total, each, enough) in [(0.3, 0.1, 3), (0.7, 0.1, 7), (1.0, 0.3, 3), (-5.0, 1.0, 0)] {
            assert_eq!(enough_for(&budget(total, each), 0.0), enough, "{total} at {each}");
        }
    }
}
