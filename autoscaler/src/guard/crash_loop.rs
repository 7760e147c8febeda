//! Crash loop: replicas die again and again. More of them would die as well, so none is added; with `roll_back` the count
//! goes back to the last one at which all served, if that is smaller.
//!
//! ```text
//! crash_loop: { restarts: 3, within: 5m, roll_back: true }
//!
//! count     5 serve → 10, of which 5 restart … 3 times → 5           10
//!           0:00                              1:10       1:25        6:10
//!                                             │ loop     last one    │ quiet for `within`: rules go on
//! ```
//!
//! A death is a restart that Docker counted, or a replica that ended and does not come back. Replicas that are unhealthy
//! for a while and come back have not died: an overloaded service looks like that, and needs more replicas. Where restarts
//! are not known they do not grow. What `min` asks for is added all the same, and what goes back goes no faster than
//! `kill_budget` allows.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    by_replica::ByReplica,
    evaluation::{Guard, GuardEffect},
    event::{Replica, ReplicaState},
    guard::{Circumstances, kill_budget, limits, protected},
    policy::CrashLoop,
    rule::Situation,
    time::Timestamp,
};

/// A count is one at which all served after so long: some die only after a while.
const SERVED_FOR: Duration = Duration::from_secs(30);
/// Moments kept at which replicas died; beyond that the oldest two become one.
const MOST_DEATHS: usize = 64;

/// What is remembered of replicas that died.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Crashes {
    /// How each replica was last seen.
    known: ByReplica<Seen>,
    /// When how many died, oldest first.
    deaths: VecDeque<(Timestamp, u64)>,
    /// The loop that is under way: when one died last, and how many did.
    looping: Option<(Timestamp, u64)>,
    /// The last count at which all served.
    served: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    at: Timestamp,
    restarts: u64,
    failed: bool,
}

impl Crashes {
    /// Takes in how the replicas are now.
    pub(super) fn update(&mut self, given: &Situation<'_>) {
        let Some(rule) = given.policy.guards.crash_loop else { return *self = Self::default() };
        let died = self.look(&given.observation.replicas, rule.within, given.now);
        self.count(died, rule, given.now);
        let all = given.observed.ready == given.current && given.observed.running == given.current;
        let long = |replica: &Replica| {
            !replica.counts() || replica.ready_since.is_some_and(|since| given.now >= since.when_old(SERVED_FOR))
        };
        if self.looping.is_none() && all && given.current > 0 && given.observation.replicas.iter().all(long) {
            self.served = Some(given.current);
        }
    }

    /// How many deaths the replicas show since they were last looked at.
    fn look(&mut self, replicas: &[Replica], within: Duration, now: Timestamp) -> u64 {
        let first_look = self.known.is_empty();
        let mut died = 0_u64;
        let mut next = 0;
        for replica in replicas {
            let seen = Seen { at: now, restarts: replica.restarts, failed: replica.state == ReplicaState::Failed };
            if let Some(place) = self.known.place(&replica.id, next) {
                next = place + 1;
                let Some(before) = self.known.at_mut(place) else { continue };
                if now.since(before.at) < within {
                    let restarted = seen.restarts.saturating_sub(before.restarts);
                    died = died.saturating_add(restarted.max(u64::from(seen.failed && !before.failed)));
                }
                *before = seen;
            } else if self.known.insert(&replica.id, seen).is_some() && !first_look {
                died = died.saturating_add(seen.restarts.max(u64::from(seen.failed)));
            }
        }
        // One that waits to be started again may not be listed for a while.
        if self.known.values().any(|seen| now.since(seen.at) >= within) {
            self.known.retain(|_, seen| now.since(seen.at) < within);
        }
        died
    }

    fn count(&mut self, died: u64, rule: CrashLoop, now: Timestamp) {
        while self.deaths.front().is_some_and(|(at, _)| now.since(*at) >= rule.within) {
            self.deaths.pop_front();
        }
        self.looping = self.looping.filter(|(last, _)| now.since(*last) < rule.within);
        if died == 0 {
            return;
        }
        self.deaths.push_back((now, died));
        if self.deaths.len() > MOST_DEATHS
            && let (Some((_, first)), Some((_, second))) = (self.deaths.pop_front(), self.deaths.front_mut())
        {
            *second = second.saturating_add(first);
        }
        let recent = self.deaths.iter().fold(0_u64, |sum, (_, died)| sum.saturating_add(*died));
        self.looping = match self.looping {
            Some((_, before)) => Some((now, before.saturating_add(died))),
            None => (recent >= rule.restarts.into()).then_some((now, recent)),
        };
    }
}

pub(super) fn apply(wanted: u32, given: &Circumstances<'_>) -> Option<GuardEffect> {
    let rule = given.guards().crash_loop?;
    let crashes = &given.situation.memory.guards.crashes;
    let (last, restarts) = crashes.looping?;
    let until = last.plus(rule.within);
    if given.now() >= until {
        return None;
    }
    let current = given.current();
    let back = crashes.served.filter(|served| rule.roll_back && *served < current);
    let spared = kill_budget::floor(given).max(protected::floor(given));
    let lowest = limits::fewest(given).max(spared);
    let highest = back.map_or(current, |served| served.max(lowest.min(current))).max(limits::fewest(given));
    let to = wanted.min(highest);
    // It is said also where it changes nothing, if others hold it back for now.
    let held = to == wanted && to == spared && spared > limits::fewest(given);
    let back_to = back.filter(|served| to < wanted || held && *served < to);
    let worth_saying = to != wanted || back_to.is_some();
    worth_saying.then_some(GuardEffect {
        guard: Guard::CrashLoop { restarts, back_to },
        from: wanted,
        to,
        until: Some(until),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guard::scene::{Scene, at, secs},
        policy::{Rate, StepSize},
    };

    fn scene(replicas: u32) -> Scene {
        let mut scene = Scene::new(replicas);
        scene.list(replicas);
        scene.policy.guards.crash_loop = Some(CrashLoop { restarts: 3, within: secs(60), roll_back: true });
        look(&mut scene, 100);
        scene
    }

    fn look(scene: &mut Scene, second: u64) {
        scene.now = at(second);
        let mut crashes = std::mem::take(&mut scene.memory.guards.crashes);
        crashes.update(&scene.situation());
        scene.memory.guards.crashes = crashes;
    }

    /// The newest of them restarts once a second.
    fn restart(scene: &mut Scene, times: u64, from: u64) {
        for second in from..from + times {
            scene.observation.replicas.last_mut().expect("there is one").restarts += 1;
            look(scene, second);
        }
    }

    #[test]
    fn nothing_is_added_while_replicas_die_and_for_so_long_after() {
        let mut scene = scene(4);
        restart(&mut scene, 2, 101);
        assert_eq!(scene.left(apply, 9), 9, "two restarts are no loop");
        restart(&mut scene, 1, 103);
        let effect = scene.apply(apply, 9).expect("three are one");
        assert_eq!((effect.to, effect.until), (4, Some(at(163))));
        assert_eq!(scene.left(apply, 2), 2, "removing is left alone");
        restart(&mut scene, 1, 150);
        for (second, to) in [(200, 4), (209, 4), (210, 9)] {
            look(&mut scene, second);
            assert_eq!(scene.left(apply, 9), to, "{second} s: quiet since 150 s");
        }
    }

    #[test]
    fn restarts_count_that_come_close_together_and_of_replicas_that_were_looked_at() {
        let mut slow = scene(4);
        for second in [110, 150, 190, 230] {
            restart(&mut slow, 1, second);
        }
        assert_eq!(slow.left(apply, 9), 9, "no three of them within a minute");
        let mut first_look = Scene::new(2);
        first_look.list(2);
        first_look.observation.replicas[0].restarts = 40;
        first_look.policy.guards.crash_loop = Some(CrashLoop { restarts: 3, within: secs(60), roll_back: true });
        look(&mut first_look, 100);
        assert_eq!(first_look.left(apply, 9), 9, "what happened before nobody knows when");
        let mut away = scene(2);
        away.observation.replicas[0].restarts = 40;
        look(&mut away, 500);
        assert_eq!(away.left(apply, 9), 9, "nor what happened while nobody looked");
    }

    #[test]
    fn one_that_is_not_listed_while_it_waits_to_be_started_again_is_the_same_one() {
        let mut scene = scene(3);
        for second in [110, 120, 130] {
            let away = scene.observation.replicas.pop().expect("there is one");
            look(&mut scene, second);
            scene.observation.replicas.push(Replica { restarts: away.restarts + 1, ..away });
            look(&mut scene, second + 5);
        }
        assert_eq!(scene.left(apply, 9), 3);
    }

    #[test]
    fn replicas_that_end_and_do_not_come_back_died() {
        let mut scene = scene(2);
        for (place, second) in [(0, 110), (1, 120), (2, 130)] {
            scene.observation.replicas.push(Replica {
                id: crate::event::ReplicaId::new(format!("short-lived-{place}")),
                state: ReplicaState::Failed,
                ..Replica::default()
            });
            look(&mut scene, second);
        }
        assert_eq!(scene.left(apply, 9), 2);
    }

    #[test]
    fn it_goes_back_to_the_last_count_that_served() {
        let mut looping = scene(3);
        looping.current = 8;
        looping.list(8);
        for replica in &mut looping.observation.replicas[3..] {
            replica.ready_since = None;
        }
        look(&mut looping, 110);
        restart(&mut looping, 3, 111);
        assert_eq!(looping.left(apply, 9), 3);
        assert_eq!(looping.left(apply, 8), 3, "also where the rules want as many");
        assert_eq!(looping.left(apply, 2), 2, "and no further than they want");
        looping.policy.guards.kill_budget = Some(Rate { size: StepSize::Count(2), per: secs(60) });
        assert_eq!(looping.left(apply, 9), 6, "no faster than the kill budget allows");
        looping.steps(&[(100, 8, 6)]);
        (looping.current, looping.now) = (6, at(114));
        let effect = looping.apply(apply, 6).map(|effect| (effect.to, effect.guard));
        let held = Guard::CrashLoop { restarts: 3, back_to: Some(3) };
        assert_eq!(effect, Some((6, held)), "that it is held back is said");
        looping.memory.steps = crate::memory::Steps::default();
        looping.current = 8;
        looping.policy.limits.min = 7;
        assert_eq!(looping.left(apply, 9), 7, "nor below min");
        looping.policy.guards.crash_loop = Some(CrashLoop { restarts: 3, within: secs(60), roll_back: false });
        assert_eq!(looping.left(apply, 9), 8, "only if the policy says so");
    }

    #[test]
    fn it_goes_back_at_once_where_no_more_run() {
        let mut looping = scene(4);
        looping.policy.guards.kill_budget = Some(Rate { size: StepSize::Share(0.5), per: secs(60) });
        looping.current = 10;
        restart(&mut looping, 3, 111);
        assert_eq!(looping.left(apply, 10), 4, "to make them again would be no going back");
        let effect = looping.apply(apply, 10).map(|effect| effect.guard);
        assert_eq!(effect, Some(Guard::CrashLoop { restarts: 3, back_to: Some(4) }));
    }

    #[test]
    fn a_replica_that_dies_after_a_second_never_served() {
        let mut scene = scene(3);
        scene.current = 4;
        scene.list(4);
        scene.observation.replicas[3].ready_since = Some(at(110));
        look(&mut scene, 115);
        restart(&mut scene, 3, 116);
        assert_eq!(scene.left(apply, 4), 3);
    }

    #[test]
    fn it_stays_small() {
        let mut scene = scene(4);
        scene.policy.guards.crash_loop = Some(CrashLoop { restarts: 3, within: secs(3600), roll_back: true });
        restart(&mut scene, 500, 101);
        assert!(scene.memory.guards.crashes.deaths.len() <= MOST_DEATHS);
        assert_eq!(scene.memory.guards.crashes.looping, Some((at(600), 500)));
    }
}
