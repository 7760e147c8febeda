//! What went wrong elsewhere, told on a time line: post-mortems of whole sites, and bugs of other autoscalers. Each test
//! is named after where it happened.

use crate::driver::{Story, policy, seconds};
use autoscaler::{
    Event, Verdict,
    policy::{Fallback, Limits, Missing},
};

/// Nothing but the rule: what a guard does then is no help.
const BARE: &str = "cooldown_down 0s, stabilize_down 0s, warm_up 2s";

/// Half-migrated data showed half of the fleet; in 16 seconds application and cache servers were killed.
#[test]
fn reddit_2016_half_the_input_vanishes_and_nothing_is_killed() {
    let mut story = Story::new(policy("default, max 20, cooldown_down 0s, stabilize_down 0s", "target cpu 50%"), 12);
    story.demand(5, 5.9);
    story.mute = 6;
    story.demand(120, 5.9);
    assert_eq!(story.running(), 12);
    insta::assert_snapshot!(story.told());
}

/// Even if all that is left of the load is believed, half of the fleet a minute is the most that is killed.
#[test]
fn reddit_2016_input_that_lies_kills_no_more_than_the_budget() {
    let mut story = Story::new(policy("default, max 20, cooldown_down 0s, stabilize_down 0s", "target cpu 50%"), 12);
    story.demand(5, 5.9);
    story.demand(20, 0.1);
    assert_eq!(story.running(), 6);
    story.edit(|policy| policy.pause = Some(autoscaler::policy::Pause { up: true, down: true, until: None }));
    story.restart();
    story.demand(120, 0.1);
    assert_eq!(story.running(), 6, "a pause survives a restart");
    insta::assert_snapshot!(story.told());
}

/// Web servers waited for a broken network, their CPU fell, and they were removed.
#[test]
fn slack_2021_idle_cpu_while_it_waits_for_the_network_is_no_idleness() {
    let mut story = Story::new(policy(&format!("unless latency.p95 above 0.5, {BARE}"), "target cpu 50%"), 8);
    story.both(20, 3.9, "latency.p95", 0.2);
    story.both(60, 0.8, "latency.p95", 9.0);
    assert_eq!(story.running(), 8);
    story.both(5, 3.9, "latency.p95", 0.2);
    insta::assert_snapshot!(story.told());
}

/// Replicas in which somebody debugged were removed under their hands.
#[test]
fn slack_2021_what_somebody_debugs_in_is_not_removed() {
    let mut story = Story::new(policy(BARE, "target cpu 50%"), 6);
    story.protect(3, "somebody debugs in it");
    story.demand(30, 0.2);
    assert_eq!(story.running(), 3);
    insta::assert_snapshot!(story.told());
}

/// Servers that were added did not register with the load balancer; the fleet looked large enough.
#[test]
fn slack_2020_replicas_that_never_register_do_not_pass_for_relief() {
    let rules = "target cpu 50%; above latency.p95 0.25 for 5s add 2";
    let mut story = Story::new(policy(BARE, rules), 4);
    story.doomed = true;
    story.both(140, 2.4, "latency.p95", 0.6);
    assert!(story.running() > 6, "after two minutes those that do not serve are waited for no longer");
    insta::assert_snapshot!(story.told());
}

/// The health check touched an overloaded database, and every instance was taken out.
#[test]
fn buildkite_2016_all_replicas_are_unhealthy_at_once_and_none_is_removed() {
    let mut story = Story::new(policy(&format!("implausible 33%, {BARE}"), "target cpu 50%"), 6);
    story.demand(5, 2.9);
    story.unhealthy(6);
    story.demand(60, 2.9);
    story.unhealthy(0);
    story.demand(10, 2.9);
    assert_eq!(story.running(), 6);
    insta::assert_snapshot!(story.told());
}

/// kubernetes#99394, #105187: scaled down although one of two metrics was unavailable.
#[test]
fn kubernetes_99394_one_missing_signal_vetoes_removal() {
    let mut story = Story::new(policy(BARE, "target cpu 50%; carry jobs 10"), 4);
    story.both(5, 1.9, "jobs", 40.0);
    story.demand(40, 0.2);
    assert_eq!(story.running(), 4);
    insta::assert_snapshot!(story.told());
}

/// kubernetes#109214: stuck during an outage of the metrics.
#[test]
fn kubernetes_109214_after_a_long_outage_the_fallback_counts_and_only_upwards() {
    let mut story = Story::new(policy(BARE, "carry jobs 10"), 4);
    story.edit(|policy| {
        let missing = Missing { after: seconds(30), then: Fallback::AtLeast(6), ..Missing::default() };
        policy.guards.missing.default = missing;
    });
    story.service_value(5, "jobs", 40.0);
    story.silence(60);
    assert_eq!(story.running(), 6);
    story.service_value(20, "jobs", 90.0);
    story.silence(60);
    assert_eq!(story.running(), 9, "what is there is more than the fallback");
    insta::assert_snapshot!(story.told());
}

/// kubernetes#49028: idle CPU of 0 flapped between 1 and 15 for ever.
#[test]
fn kubernetes_49028_idle_replicas_come_to_rest() {
    let mut story =
        Story::new(policy("min 1, max 15, cooldown_down 0s, stabilize_down 0s, warm_up 2s", "target cpu 50%"), 15);
    story.demand(120, 0.0);
    assert_eq!(story.running(), 1);
    insta::assert_snapshot!(story.told());
}

/// kubernetes#72775, #98914: a rolling update scaled up without any load, and took a cluster down.
#[test]
fn kubernetes_72775_a_rolling_update_without_load_scales_nothing() {
    let mut story = Story::new(policy("default, warm_up 10s", "target cpu 50%"), 4);
    story.spike = seconds(8);
    story.demand(10, 1.9);
    for _ in 0..4 {
        story.replace_oldest();
        story.demand(5, 1.9);
    }
    story.demand(30, 1.9);
    assert_eq!(story.running(), 4);
    insta::assert_snapshot!(story.told());
}

/// kubernetes#71255, #29989: what a Java process does while it starts drove the count to its maximum.
#[test]
fn kubernetes_71255_a_start_up_spike_is_no_load() {
    let mut story = Story::new(policy("default, warm_up 20s", "target cpu 50%"), 2);
    story.spike = seconds(18);
    story.demand(5, 0.9);
    story.demand(90, 1.8);
    assert_eq!(story.running(), 4);
    insta::assert_snapshot!(story.told());
}

/// cortex#1846: no traffic at all skipped the stabilization of scale-downs.
#[test]
fn cortex_1846_zero_is_stabilized_as_any_other_value() {
    let mut story = Story::new(policy("stabilize_down 30s, cooldown_down 0s, warm_up 2s", "carry jobs 10"), 4);
    story.service_value(5, "jobs", 40.0);
    story.service_value(29, "jobs", 0.0);
    assert_eq!(story.running(), 4);
    story.service_value(30, "jobs", 0.0);
    assert_eq!(story.running(), 1);
    insta::assert_snapshot!(story.told());
}

/// 5 → 50 replicas at 20 connections each, where the database allows 200.
#[test]
fn postgres_growth_ends_before_the_connections_do() {
    let guards = "budget connections 200 reserve 20 each 20, max 50, warm_up 2s";
    let mut story = Story::new(policy(guards, "carry jobs 10"), 5);
    story.service_value(30, "jobs", 500.0);
    assert_eq!(story.running(), 9);
    insta::assert_snapshot!(story.told());
}

/// Scaling that was automatic began a surge of connections and retries; the remedy was to turn it off.
#[test]
fn aws_2021_a_growth_that_makes_it_worse_is_not_followed_by_more() {
    let guards = "worse errors by 50% within 60s, at_most_up 4 per 15s, max 40, warm_up 2s";
    let mut story = Story::new(policy(guards, "carry jobs 10"), 4);
    let both = |story: &mut Story, ticks: u32, jobs: f64, errors: f64| {
        for _ in 0..ticks {
            story.values(&[("jobs", jobs), ("errors", errors)]);
        }
    };
    both(&mut story, 10, 40.0, 2.0);
    both(&mut story, 12, 400.0, 2.0);
    both(&mut story, 60, 400.0, 20.0);
    assert!(story.running() <= 12, "{} are too many", story.running());
    insta::assert_snapshot!(story.told());
}

/// Load that is now high and now low: who follows it at each turn pays for every start and has too few at each rise.
#[test]
fn bimodal_load_is_not_followed_down_at_each_turn() {
    let mut story = Story::new(policy("stabilize_down 60s, cooldown_down 0s, warm_up 2s", "carry jobs 10"), 2);
    for _ in 0..6 {
        story.service_value(20, "jobs", 80.0);
        story.service_value(20, "jobs", 20.0);
    }
    assert_eq!(story.running(), 8);
    insta::assert_snapshot!(story.told());
}

/// dockmesh: no samples were an average of 0, below the bound for removing.
#[test]
fn dockmesh_no_samples_are_not_no_load() {
    let mut story = Story::new(policy(BARE, "below cpu 0.3 for 5s remove 1"), 4);
    story.demand(5, 3.0);
    story.silence(60);
    assert_eq!(story.running(), 4);
    insta::assert_snapshot!(story.told());
}

/// dockmesh: after a restart it took the count to be 1.
#[test]
fn dockmesh_a_restart_does_not_forget_how_many_there_are() {
    let mut story = Story::new(policy(BARE, "target cpu 50%"), 4);
    story.demand(5, 3.9);
    let before = story.running();
    story.restart();
    assert_eq!(story.evaluate().verdict, Verdict::Hold { at: u32::try_from(before).expect("few") });
    story.silence(5);
    assert_eq!(story.running(), before);
}

/// dockmesh: one timer for both directions, so that a breach upwards let one downwards pass at once.
#[test]
fn dockmesh_a_breach_upwards_does_not_age_one_downwards() {
    let rules = "above latency.p95 0.25 for 20s add 1; below latency.p95 0.1 for 20s remove 1";
    let mut story = Story::new(policy(BARE, rules), 3);
    story.service_value(18, "latency.p95", 0.5);
    story.service_value(18, "latency.p95", 0.01);
    assert_eq!(story.running(), 3);
    insta::assert_snapshot!(story.told());
}

/// dockmesh: the rule for removing read the signal of the one for adding.
#[test]
fn dockmesh_the_rule_that_removes_reads_its_own_signal() {
    let mut story = Story::new(policy(BARE, "above cpu 0.8 for 3s add 1; below errors 1 for 3s remove 1"), 3);
    story.both(20, 0.1, "errors", 5.0);
    assert_eq!(story.running(), 3, "CPU is low, and errors are not");
}

/// dockmesh: memory without a limit was an average of 0.
#[test]
fn dockmesh_a_share_of_no_limit_is_unknown_and_not_zero() {
    let mut story = Story::new(policy(BARE, "target memory 50%"), 3);
    story.replica_values(30, "memory", 1e9);
    assert_eq!(story.running(), 3);
    insta::assert_snapshot!(story.told());
}

/// Nomad: one query that failed ended the evaluation of the whole policy.
#[test]
fn nomad_a_signal_that_fails_silences_its_own_rule_alone() {
    let mut story = Story::new(policy(BARE, "carry jobs 10; target cpu 50%"), 2);
    story.fails(5, "jobs", "503 Service Unavailable");
    story.demand(10, 1.9);
    assert!(story.running() > 2);
    insta::assert_snapshot!(story.told());
}

/// Nomad: the cooldown after a step down kept from growing.
#[test]
fn nomad_a_step_down_never_keeps_from_growing() {
    let mut story =
        Story::new(policy("cooldown_up 5s, cooldown_down 60s, stabilize_down 0s, warm_up 2s", "carry jobs 10"), 6);
    story.service_value(10, "jobs", 20.0);
    assert_eq!(story.running(), 2);
    story.service_value(20, "jobs", 60.0);
    assert_eq!(story.running(), 6);
    insta::assert_snapshot!(story.told());
}

/// Nomad: a step down went below zero.
#[test]
fn nomad_a_step_larger_than_the_count_ends_at_min() {
    let mut story = Story::new(policy(BARE, "below cpu 0.5 for 3s remove 9"), 4);
    story.demand(20, 0.1);
    assert_eq!(story.running(), 1);
}

/// nomad-autoscaler#845, #144: a dry run scaled what was outside the limits, and entered the cooldown.
#[test]
fn nomad_observing_touches_nothing_outside_the_limits_and_cools_down_from_nothing() {
    let mut story = Story::new(policy("observe, min 6, cooldown_up 60s, warm_up 2s", "target cpu 50%"), 2);
    story.demand(20, 0.9);
    assert_eq!(story.running(), 2);
    assert_eq!(story.evaluate().verdict, Verdict::Scale { from: 2, to: 6 });
    insta::assert_snapshot!(story.told());
}

/// PHPA: a model that had not warmed up returned 0, and minimum, mean and median took it.
#[test]
fn phpa_a_rule_that_knows_nothing_yet_is_not_one_that_wants_none() {
    let mut story = Story::new(policy(BARE, "carry jobs 10; target cpu 50%"), 4);
    story.edit(|policy| policy.combine.how = autoscaler::policy::Combine::ALL);
    story.demand(20, 1.9);
    assert_eq!(story.running(), 4);
    insta::assert_snapshot!(story.told());
}

/// keda#8036: an answer that was none was read as an empty queue, and the service was scaled to zero.
#[test]
fn keda_an_error_is_not_an_empty_queue() {
    let mut story = Story::new(policy(BARE, "carry jobs 10"), 3);
    story.edit(|policy| policy.limits = Limits { min: 1, max: 9, idle: Some(0) });
    story.service_value(5, "jobs", 30.0);
    story.fails(60, "jobs", "the server answered 404");
    assert_eq!(story.running(), 3);
    insta::assert_snapshot!(story.told());
}

/// keda#5008: a service that was there and never active was scaled to zero at once.
#[test]
fn keda_what_was_never_active_goes_to_idle_as_slowly_as_anything() {
    let mut story = Story::new(policy("stabilize_down 30s, cooldown_down 0s, warm_up 2s", "carry jobs 10"), 3);
    story.edit(|policy| policy.limits = Limits { min: 1, max: 9, idle: Some(0) });
    story.service_value(28, "jobs", 0.0);
    assert_eq!(story.running(), 3);
    story.service_value(10, "jobs", 0.0);
    assert_eq!(story.running(), 0);
    insta::assert_snapshot!(story.told());
}

/// keda#7239: the fallback could not lift a service from none to one.
#[test]
fn keda_a_fallback_lifts_from_none() {
    let mut story = Story::new(policy(BARE, "carry jobs 10"), 2);
    story.edit(|policy| {
        policy.limits = Limits { min: 1, max: 9, idle: Some(0) };
        policy.guards.missing.default =
            Missing { after: seconds(20), then: Fallback::AtLeast(2), ..Missing::default() };
    });
    story.service_value(5, "jobs", 0.0);
    assert_eq!(story.running(), 0);
    story.silence(40);
    assert_eq!(story.running(), 2);
    insta::assert_snapshot!(story.told());
}

/// keda#7770, #7204: the jump from many to none went past the limits on how many may go at once.
#[test]
fn keda_the_way_to_none_is_as_gradual_as_any() {
    let guards = "at_most_down 2 per 10s, kill_budget 50% per 10s, cooldown_down 0s, stabilize_down 0s, warm_up 2s";
    let mut story = Story::new(policy(guards, "carry jobs 10"), 6);
    story.edit(|policy| policy.limits = Limits { min: 1, max: 9, idle: Some(0) });
    story.service_value(5, "jobs", 60.0);
    story.service_value(40, "jobs", 0.0);
    assert_eq!(story.running(), 0);
    insta::assert_snapshot!(story.told());
}

/// Swarm autoscalers that average the averages of hosts let one replica weigh as much as ten.
#[test]
fn swarm_each_replica_weighs_the_same() {
    let mut story = Story::new(policy(BARE, "target cpu 50%"), 11);
    story.uneven(1, 0.9, 0.1);
    assert_eq!(story.running(), 4, "0.9 + 10 · 0.1 cores are 3.8 replicas' worth, not 11 · (0.9 + 0.1) / 2 / 0.5 = 11");
    insta::assert_snapshot!(story.told());
}

/// Swarm autoscalers with one bound for both directions went up and down as soon as the cooldown ended.
#[test]
fn swarm_one_bound_for_both_ways_is_no_sawtooth() {
    let rules = "above cpu 0.6 for 3s add 1; below cpu 0.6 for 3s remove 1";
    let mut story = Story::new(policy(&format!("undone, {BARE}"), rules), 2);
    story.demand(300, 1.5);
    assert_eq!(story.running(), 3);
    insta::assert_snapshot!(story.told());
}

/// Swarm autoscalers forgot their cooldown when they were restarted.
#[test]
fn swarm_a_restart_does_not_end_a_cooldown() {
    let mut story = Story::new(policy("cooldown_down 60s, stabilize_down 0s, warm_up 2s", "carry jobs 10"), 6);
    story.service_value(5, "jobs", 40.0);
    assert_eq!(story.running(), 4);
    story.restart();
    story.service_value(50, "jobs", 10.0);
    assert_eq!(story.running(), 4);
    story.service_value(10, "jobs", 10.0);
    assert_eq!(story.running(), 1);
}

/// serving#3153: the end of a burst undid most of what it had brought.
#[test]
fn knative_3153_the_end_of_a_burst_does_not_undo_it_at_once() {
    let mut story = Story::new(policy("stabilize_down 60s, cooldown_down 0s, warm_up 2s", "carry jobs 10"), 2);
    story.service_value(10, "jobs", 20.0);
    story.service_value(10, "jobs", 180.0);
    story.service_value(55, "jobs", 60.0);
    assert_eq!(story.running(), 18);
    story.service_value(20, "jobs", 60.0);
    assert_eq!(story.running(), 6);
    insta::assert_snapshot!(story.told());
}

/// docker/compose#5663: `up -d` resets the count that was there. That is the operator's word for as long as `manual` says.
#[test]
fn compose_5663_a_count_that_somebody_set_is_not_fought_over_at_once() {
    let mut story = Story::new(policy("default, manual 60s", "carry jobs 10"), 2);
    story.service_value(10, "jobs", 60.0);
    assert_eq!(story.running(), 6);
    story.event(Event::HostLost);
    story.event(Event::HostFound);
    story.rescale(1);
    story.service_value(50, "jobs", 60.0);
    assert_eq!(story.running(), 1);
    story.service_value(20, "jobs", 60.0);
    assert_eq!(story.running(), 6);
    insta::assert_snapshot!(story.told());
}
