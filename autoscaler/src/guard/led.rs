//! Led: of two services that a `ratio` with `order: first` ties together, the follower grows first, and this one only as
//! far as what serves of it carries. What is there already stays.
//!
//! ```text
//! proxy: 1 for each 10 of web, order first      proxy serves   web wants   web gets
//!                                               1              24          10
//!                                               2              24          20
//!                                               3              24          24
//! ```

use crate::{
    evaluation::{Guard, GuardEffect},
    guard::{Circumstances, effect},
    policy::Direction,
};

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    if given.direction(wanted) != Some(Direction::Up) {
        return None;
    }
    let peers = given.situation.peers.iter().filter_map(|(name, peer)| Some((name, peer.carries?)));
    let (by, carries) = peers.min_by_key(|(_, carries)| *carries)?;
    effect(Guard::Led { by: by.clone() }, wanted, wanted.min(carries.max(given.current())), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::Peer, guard::scene::Scene};

    #[test]
    fn it_grows_as_far_as_the_one_that_grows_first_carries() {
        for (name, carries, current, wanted, to) in [
            ("nobody grows first", vec![], 4, 24, 24),
            ("one that this one follows holds nothing", vec![None], 4, 24, 24),
            ("as far as it carries", vec![Some(10)], 4, 24, 10),
            ("the one that carries least", vec![Some(20), Some(10), None], 4, 24, 10),
            ("what is there stays", vec![Some(10)], 14, 24, 14),
            ("less is left alone", vec![Some(10)], 14, 12, 12),
            ("enough is enough", vec![Some(30)], 4, 24, 24),
        ] {
            let mut scene = Scene::new(current);
            for (place, carries) in carries.into_iter().enumerate() {
                scene.peers.insert(format!("proxy-{place}"), Peer { carries, ..Peer::default() });
            }
            assert_eq!(scene.left(apply, wanted), to, "{name}");
        }
    }
}
