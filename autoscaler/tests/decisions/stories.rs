//! Whole stories: a service, its load second by second, and every decision with its sentence.
//!
//! Each story is driven as the controller drives the core: samples once a second, replicas as listed, and each decision
//! recorded. Replicas start within two seconds. A line is printed when the verdict or its kind of reason changes.

use crate::driver::{Story, policy, seconds};
use autoscaler::{
    evaluation::{Guard, WakeupReason},
    policy::Direction,
    quantity::SignalName,
};

#[test]
fn a_spike_grows_once_and_shrinks_only_after_the_window() {
    let mut story = Story::new(policy("stabilize_down 30s, cooldown_down 10s, warm_up 2s", "target cpu 50%"), 2);
    story.demand(5, 0.8);
    story.demand(40, 3.3);
    story.demand(60, 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_threshold_steps_waits_for_its_effect_and_steps_again() {
    let mut story = Story::new(policy("warm_up 2s", "above latency.p95 0.25 for 5s add 1"), 2);
    story.service_value(30, "latency.p95", 0.4);
    story.service_value(10, "latency.p95", 0.1);
    insta::assert_snapshot!(story.told());
}

#[test]
fn blind_it_holds_and_says_so_until_data_comes_back() {
    let mut story = Story::new(policy("stabilize_down 5s, cooldown_down 0s, warm_up 2s", "target cpu 50%"), 4);
    story.demand(4, 1.9);
    story.silence(30);
    story.demand(20, 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn while_somebody_else_changes_the_project_nothing_is_scaled() {
    let mut story = Story::new(policy("stabilize_down 5s, cooldown_down 0s, warm_up 2s", "target cpu 50%"), 2);
    story.demand(3, 1.9);
    story.changing("web-2 was removed");
    story.demand(5, 0.2);
    story.settled();
    story.demand(10, 0.2);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_restart_mid_cooldown_remembers_it() {
    let rules = "target cpu 50%";
    let mut story = Story::new(policy("stabilize_down 0s, cooldown_down 40s, warm_up 2s", rules), 2);
    story.demand(5, 2.4);
    story.demand(10, 0.4);
    story.restart();
    story.demand(40, 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn observing_decides_and_touches_nothing() {
    let mut story = Story::new(policy("observe, warm_up 2s", "target cpu 50%"), 2);
    story.demand(20, 2.4);
    assert_eq!(story.running(), 2);
    insta::assert_snapshot!(story.told());
}

#[test]
fn no_requests_are_no_latency_and_no_want_of_data_either() {
    let rules = "target cpu 50%; above latency.p95 0.25 for 5s add 1";
    let mut story = Story::new(policy("stabilize_down 5s, cooldown_down 0s, warm_up 2s", rules), 3);
    story.silence(1);
    story.idle(10, 0.2, "latency.p95");
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_replica_that_never_serves_keeps_a_threshold_from_its_next_step_for_two_minutes_only() {
    let mut story = Story::new(policy("warm_up 2s", "above latency.p95 0.25 for 5s add 1"), 2);
    story.service_value(6, "latency.p95", 0.4);
    story.break_newest();
    story.service_value(125, "latency.p95", 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_signal_may_change_from_one_value_of_the_service_to_one_per_replica() {
    let mut story = Story::new(policy("warm_up 2s", "above latency.p95 0.25 for 5s add 1"), 2);
    story.service_value(5, "latency.p95", 0.1);
    story.replica_values(8, "latency.p95", 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_window_shorter_than_the_interval_takes_the_newest_sample() {
    let mut story = Story::new(policy("warm_up 2s", "above latency.p95 0.25 for 5s add 1"), 2);
    for _ in 0..3 {
        story.service_value(1, "latency.p95", 0.1);
        story.silence(8);
    }
    insta::assert_snapshot!(story.told());
}

#[test]
fn limits_hold_whatever_the_rules_want() {
    let mut story =
        Story::new(policy("min 2, max 4, stabilize_down 0s, cooldown_down 0s, warm_up 2s", "target cpu 50%"), 1);
    story.demand(20, 5.0);
    story.demand(20, 0.0);
    insta::assert_snapshot!(story.told());
}

#[test]
fn the_wakeup_names_the_moment_at_which_time_alone_changes_the_verdict() {
    let mut story = Story::new(policy("stabilize_down 30s, cooldown_down 0s, warm_up 2s", "target cpu 50%"), 4);
    story.demand(2, 0.4);
    let wakeup = story.evaluate().next.expect("samples grow old");
    assert_eq!(wakeup.because, WakeupReason::Stale(SignalName::new("cpu")), "the nearest comes first");
    story.demand(27, 0.4);
    let wakeup = story.evaluate().next.expect("a held step has a moment");
    assert_eq!(wakeup.because, WakeupReason::Released(Guard::Stabilization(Direction::Down)));
    assert_eq!(wakeup.at, story.now().plus(seconds(1)));
}

#[test]
fn it_wakes_up_when_the_kill_budget_lets_a_crash_loop_or_a_hand_set_count_go_further() {
    let guards = "none, min 1, max 9, kill_budget 1 per 20s";
    let mut looping = Story::new(policy(&format!("{guards}, crash_loop_back 3 within 60s"), "carry jobs 10"), 2);
    looping.service_value(1, "jobs", 20.0);
    looping.doomed = true;
    looping.service_value(12, "jobs", 60.0);
    let mut set_by_hand = Story::new(policy(&format!("{guards}, manual 60s"), "carry jobs 10"), 2);
    set_by_hand.rescale(9);
    set_by_hand.edit(|policy| policy.limits.max = 5);
    set_by_hand.service_value(2, "jobs", 90.0);
    for (name, mut story, held_at) in [("crash loop", looping, 4), ("set by hand", set_by_hand, 8)] {
        story.edit(|policy| policy.guards.stale_after = seconds(600));
        let evaluation = story.evaluate();
        assert_eq!(evaluation.verdict.replicas(), Some(held_at), "{name}: {evaluation:?}");
        let wakeup = evaluation.next.expect("it is held for now");
        assert!(matches!(wakeup.because, WakeupReason::Released(Guard::KillBudget(_))), "{name}: {wakeup:?}");
        assert!(wakeup.at <= story.now().plus(seconds(20)), "{name}: {wakeup:?}");
    }
}

#[test]
fn it_wakes_up_when_a_step_is_not_waited_for_any_longer() {
    let mut story = Story::new(policy("warm_up 2s", "above latency.p95 0.25 for 3s add 1"), 2);
    story.edit(|policy| policy.guards.stale_after = seconds(600));
    story.doomed = true;
    story.service_value(10, "latency.p95", 0.4);
    let wakeup = story.evaluate().next.expect("it waits for the step's effect");
    assert_eq!(wakeup.because, WakeupReason::Breach { rule: 0 });
    // The step was made in the fourth second.
    assert_eq!(wakeup.at, story.now().plus(seconds(120 - 6)));
}
