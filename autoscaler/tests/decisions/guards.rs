//! One story for each guard: what it holds or bends, what is said of it, and when it lets go.

use crate::driver::{Story, policy};
use autoscaler::{
    Event,
    event::{HostCapacity, Peer},
};

#[test]
fn growth_is_no_faster_than_the_widest_limit_allows() {
    let guards = "at_most_up 2 per 10s, at_most_up 50% per 10s, cooldown_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 2);
    story.demand(45, 7.5);
    insta::assert_snapshot!(story.told());
}

#[test]
fn replicas_go_one_at_a_time_where_the_policy_says_so() {
    let guards = "at_most_down 1 per 10s, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 5);
    story.demand(45, 0.8);
    insta::assert_snapshot!(story.told());
}

#[test]
fn one_decision_goes_no_further_than_a_step() {
    let guards = "step_up 3, step_down 50%, cooldown_down 10s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 4);
    story.demand(8, 4.0);
    story.demand(40, 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn an_edited_max_removes_no_more_than_the_kill_budget_allows() {
    let guards = "kill_budget 25% per 20s, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 12);
    story.demand(5, 5.9);
    story.edit(|policy| policy.limits.max = 4);
    story.demand(60, 5.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_larger_wish_passes_the_cooldown_of_a_smaller_one() {
    let mut story = Story::new(policy("cooldown_up 60s, warm_up 2s", "target cpu 50%"), 4);
    story.demand(6, 2.4);
    story.demand(10, 2.9);
    story.demand(20, 4.6);
    story.demand(50, 4.6);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_step_down_that_the_other_threshold_would_undo_is_not_made() {
    let rules = "above cpu 0.8 for 3s add 1; below cpu 0.5 for 3s remove 1";
    let guards = "undone, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, rules), 3);
    story.demand(40, 0.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn idle_cpu_is_no_idleness_while_latency_is_high_or_unknown() {
    let guards = "unless latency.p95 above 0.25, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 4);
    story.demand(5, 1.9);
    story.both(20, 0.6, "latency.p95", 0.9);
    story.demand(20, 0.6);
    story.both(20, 0.6, "latency.p95", 0.05);
    insta::assert_snapshot!(story.told());
}

#[test]
fn what_is_usual_is_learnt_and_what_is_far_above_it_is_strain() {
    let guards = "unless errors above_normal 50%, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 4);
    story.both(300, 0.6, "errors", 2.0);
    story.restart();
    story.both(320, 0.6, "errors", 2.0);
    story.both(10, 1.9, "errors", 2.0);
    story.both(20, 1.9, "errors", 9.0);
    story.both(60, 0.6, "errors", 9.0);
    story.both(30, 0.6, "errors", 2.0);
    insta::assert_snapshot!(story.told());
}

#[test]
fn after_a_step_that_made_it_worse_nothing_more_is_added_for_a_while() {
    let guards = "worse errors by 50% within 60s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 4);
    story.both(10, 1.9, "errors", 2.0);
    story.both(10, 2.9, "errors", 2.0);
    story.both(10, 3.9, "errors", 2.0);
    story.both(15, 3.9, "errors", 8.0);
    story.both(15, 6.0, "errors", 8.0);
    story.restart();
    story.both(60, 6.0, "errors", 8.0);
    insta::assert_snapshot!(story.told());
}

#[test]
fn a_service_grows_as_far_as_the_one_that_grows_first_carries() {
    let mut story = Story::new(policy("warm_up 2s", "target cpu 50%"), 4);
    let proxy = |carries| {
        let peer = Peer { target: 1, wants: 2, ready: 1, carries: Some(carries) };
        Event::Peer { service: "proxy".into(), peer: Some(peer) }
    };
    story.event(proxy(6));
    story.demand(10, 3.9);
    story.event(proxy(20));
    story.demand(5, 3.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn growth_ends_where_the_host_is_full() {
    let mut story = Story::new(policy("headroom_cpu 25%, warm_up 2s", "target cpu 50%"), 4);
    story.host = HostCapacity { cores: Some(8.0), busy_cores: Some(3.9), ..HostCapacity::default() };
    story.demand(20, 3.9);
    story.host.busy_cores = Some(1.0);
    story.demand(10, 3.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn growth_ends_where_the_connections_do() {
    let mut story = Story::new(policy("budget connections 200 reserve 20 each 20, warm_up 2s", "target cpu 50%"), 4);
    let by_others = |by_others| Event::BudgetUsed { name: "connections".into(), by_others };
    story.event(by_others(60.0));
    story.demand(10, 3.9);
    story.event(by_others(120.0));
    story.demand(10, 2.9);
    story.event(by_others(0.0));
    story.demand(10, 3.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn replicas_that_must_stay_do() {
    let mut story = Story::new(policy("cooldown_down 0s, stabilize_down 0s, warm_up 2s", "target cpu 50%"), 4);
    story.demand(3, 1.9);
    story.protect(2, "somebody debugs in it");
    story.demand(15, 0.2);
    insta::assert_snapshot!(story.told());
}

#[test]
fn what_is_left_of_vanished_samples_is_no_ground_to_act_on() {
    let rules = "target cpu 50%; above latency.p95 0.25 for 3s add 2";
    let mut story = Story::new(policy("implausible 33%, cooldown_down 0s, stabilize_down 0s, warm_up 2s", rules), 6);
    story.both(5, 2.9, "latency.p95", 0.05);
    story.mute = 3;
    story.both(30, 2.9, "latency.p95", 0.4);
    story.mute = 0;
    story.both(5, 2.9, "latency.p95", 0.4);
    insta::assert_snapshot!(story.told());
}

#[test]
fn replicas_that_die_again_and_again_are_taken_back_to_the_last_count_that_served() {
    let guards = "crash_loop_back 4 within 30s, kill_budget 50% per 10s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 4);
    story.demand(5, 1.9);
    story.doomed = true;
    story.demand(30, 3.9);
    story.restart();
    story.doomed = false;
    story.demand(30, 3.9);
    insta::assert_snapshot!(story.told());
}

#[test]
fn what_the_operator_set_by_hand_stays_for_a_while() {
    let guards = "manual 30s, max 8, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "target cpu 50%"), 2);
    story.demand(5, 0.8);
    story.rescale(6);
    story.demand(15, 0.8);
    story.restart();
    story.demand(25, 0.8);
    story.rescale(12);
    story.demand(5, 0.8);
    insta::assert_snapshot!(story.told());
}
