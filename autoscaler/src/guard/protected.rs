//! Protected: some replicas must not be removed, for example while somebody debugs in one or it says that it is busy. The
//! count does not go below theirs.

use crate::{
    evaluation::{Guard, GuardEffect},
    event::Replica,
    guard::{Circumstances, effect},
    policy::Direction,
    signal::count,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    if given.direction(wanted) != Some(Direction::Down) {
        return None;
    }
    let why = protected(given).next()?.protected.clone()?;
    effect(Guard::Protected { why }, wanted, wanted.max(floor(given)), None)
}

/// How far it may go down, for other guards that remove replicas.
pub(super) fn floor(given: &Circumstances<'_>) -> u32 {
    count(protected(given).count()).min(given.current())
}

fn protected<'a>(given: &Circumstances<'a>) -> impl Iterator<Item = &'a Replica> {
    let replicas = given.situation.observation.replicas.iter();
    replicas.filter(|replica| replica.counts() && replica.protected.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::scene::Scene;

    #[test]
    fn the_count_does_not_go_below_those_that_must_stay() {
        for (name, protected, current, wanted, to) in [
            ("none must stay", 0, 4, 1, 1),
            ("two must", 2, 4, 1, 2),
            ("and do", 2, 4, 3, 3),
            ("more must than there shall be: nothing is removed, and nothing added", 3, 2, 1, 2),
            ("growing is left alone", 4, 4, 6, 6),
        ] {
            let mut scene = Scene::new(current);
            scene.list(4);
            for replica in scene.observation.replicas.iter_mut().take(protected) {
                replica.protected = Some("somebody debugs in it".into());
            }
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
    }
}
