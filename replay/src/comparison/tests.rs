use std::{num::NonZero, sync::Arc};

use super::*;
use crate::{
    report::{Finding, Verdict},
    scenario,
};

const SCENARIO: &str = "
scenario: 1
service: shop/web
lasts: 30m
every: 5s
replicas: { start: 2, min: 1, max: 20 }
objective: { latency: { p95: 250ms } }
load:
  requests:
    draw:
      - level: 40/s
      - flash: { at: 5m, rise: 30s, by: 200/s, fade: 5m }
  arrivals: poisson
  service: { takes: 50ms, cpu: 50ms, cpu_limit: 1, start: { boot: 5s } }
";

fn case(loads: &[&str]) -> Case {
    let files = |_: &str| Err("there is none".to_owned());
    let read = scenario::read("flash.yaml", SCENARIO, &files).expect("a scenario");
    let policy = |name: &str| {
        let per_replica = if name.ends_with("/s") { name } else { "12/s" };
        let text = format!(
            "service: shop/web\nreplicas: {{ min: 1, max: 20 }}\nsignals: {{ requests: published }}\nrules:\n  - target: {{ signal: requests, per_replica: {per_replica} }}\n"
        );
        let policies = autoscaler::policy_file::parse("web.policy.yaml", &text).expect("a policy").policies;
        Arc::new(policies.into_iter().next().expect("one policy"))
    };
    let policies = loads.iter().map(|load| ((*load).to_owned(), policy(load))).collect();
    Case { scenario: read.scenario, policies }
}

fn options(jobs: usize) -> Options {
    let baselines = vec!["hpa".to_owned()];
    let jobs = NonZero::new(jobs).expect("some");
    Options { baselines, plan: true, sweep: true, seeds: NonZero::new(2).expect("two"), jobs }
}

#[test]
fn a_report_is_the_same_to_the_byte_whatever_the_number_of_jobs() {
    let cases = [case(&["10/s", "15/s"])];
    let report = |jobs| {
        let report = compare(&cases, &options(jobs), &|_, _| {}).expect("a report");
        (serde_json::to_string(&report).expect("JSON"), report.page())
    };
    assert!(report(1) == report(4));
}

#[test]
fn policies_come_first_then_baselines_then_the_plan_which_costs_least() {
    let report = compare(&[case(&["10/s", "15/s"])], &options(2), &|_, _| {}).expect("a report");
    let judged = &report.scenarios[0];
    let kinds: Vec<_> = judged.contenders.iter().map(|contender| contender.kind).collect();
    assert_eq!(kinds, [Kind::Policy, Kind::Policy, Kind::Baseline, Kind::Plan]);
    let cost = |contender: &Contender| contender.figures.get("cost").expect("a cost");
    let plan = cost(&judged.contenders[3]);
    assert!(judged.contenders.iter().all(|contender| cost(contender) >= plan * 0.999));
    assert!(judged.contenders.iter().all(|contender| contender.figures.get("cost_ratio").is_some()));
    assert_eq!(judged.comparisons.len(), 3);
    assert_ne!(judged.comparisons[0].verdict, Verdict::Same);
    let knobs: Vec<_> = judged.pareto.iter().map(|curve| (curve.contender, curve.points.len())).collect();
    assert_eq!(knobs[..2], [(Some(0), 9), (Some(1), 9)], "each policy with its knob turned");
    let names: Vec<_> = judged.ladder.iter().map(|rung| rung.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[4]), (5, "clairvoyant plan", "10/s"));
}

#[test]
fn each_seed_is_divided_by_the_plan_under_that_seed_and_seeds_wrap() {
    let mut case = case(&["10/s"]);
    case.scenario.seed = u64::MAX;
    let report = compare(std::slice::from_ref(&case), &Options { sweep: false, ..options(2) }, &|_, _| {});
    let report = report.expect("a report");
    let judged = &report.scenarios[0];
    let ratios = [u64::MAX, 0].map(|seed| {
        let scenario = Scenario { seed, ..case.scenario.clone() };
        let mut policy = crate::scaler::PolicyScaler::new("10/s", Arc::clone(&case.policies[0].1));
        let cost = run(&scenario, &mut policy, None, false).expect("a run").measures.cost.total;
        cost / clairvoyant_beside(&scenario, []).cost()
    });
    let found = judged.contenders[0].figures.get("cost_ratio").expect("a plan");
    assert!((found - f64::midpoint(ratios[0], ratios[1])).abs() < 1e-9, "{found} for {ratios:?}");
    let plan = judged.contenders.iter().find(|contender| contender.kind == Kind::Plan).expect("a plan");
    assert!(plan.figures.get("cost_ratio").is_some_and(|ratio| (ratio - 1.0).abs() < 1e-12));
}

#[test]
fn a_policy_with_wider_limits_than_the_scenario_pays_no_less_than_the_plan() {
    let mut case = case(&["10/s", "15/s"]);
    // The policies may go down to one.
    (case.scenario.replicas.start, case.scenario.replicas.min, case.scenario.replicas.max) = (6, 6, 8);
    let report = compare(&[case], &options(2), &|_, _| {}).expect("a report");
    for contender in &report.scenarios[0].contenders {
        let ratio = contender.figures.get("cost_ratio").expect("a plan");
        assert!(ratio >= 1.0 - 1e-9, "{}: {ratio}", contender.name);
    }
}

#[test]
fn whoever_is_on_every_scenario_is_ranked_and_who_is_not_is_named() {
    let mut cases = [case(&["a.yaml", "15/s"]), case(&["b.yaml"])];
    for (case, own) in cases.iter_mut().zip(["a.yaml", "b.yaml"]) {
        case.scenario.policy = Some(own.to_owned());
    }
    let report = compare(&cases, &Options { sweep: false, ..options(2) }, &|_, _| {}).expect("a report");
    let mut names: Vec<_> = report.ranking.iter().map(|rank| rank.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HPA, CPU at 80 %", "each scenario's own policy"]);
    assert_eq!(
        report.scenarios[0].warnings,
        ["15/s is not ranked over all scenarios: it is not judged on all of them"]
    );
    assert!(report.scenarios[1].warnings.is_empty());
}

#[test]
fn contenders_are_held_beside_the_best_and_few_pairs_cannot_tell() {
    let seeds = |seeds| Options { sweep: false, plan: false, seeds: NonZero::new(seeds).expect("some"), ..options(2) };
    let cases = [case(&["10/s", "30/s"])];
    let of = |report: &Report, measure: &str| {
        let found = report.significance.iter().find(|each| each.name == "30/s" && each.measure == measure);
        found.expect("beside the best").clone()
    };
    assert!(compare(&cases, &seeds(1), &|_, _| {}).expect("a report").significance.is_empty(), "one run of each");
    let report = compare(&cases, &seeds(2), &|_, _| {}).expect("a report");
    assert!(report.ranking.is_empty(), "one scenario");
    let cost = of(&report, "cost");
    assert_eq!((cost.difference.pairs, cost.finding), (2, Finding::TooFew));
    let report = compare(&cases, &seeds(8), &|_, _| {}).expect("a report");
    let late = of(&report, "late");
    assert_eq!((late.difference.pairs, late.finding), (8, Finding::Shown), "{late:?}");
    assert!(late.difference.low > 0.0, "too many requests for each replica: {late:?}");
    let mut even = case(&["10/s", "30/s"]);
    if let scenario::Play::Load(load) = &mut even.scenario.play {
        load.arrivals = scenario::Arrivals::Even;
    }
    let report = compare(&[even], &seeds(8), &|_, _| {}).expect("a report");
    assert_eq!(of(&report, "cost").difference.pairs, 1, "no seed changes anything, so that all are one");
}

#[test]
fn a_plan_says_what_it_was_spared() {
    let mut case = case(&["10/s"]);
    let what = scenario::What::ReplicasDie { count: 1 };
    case.scenario.faults =
        vec![scenario::Fault { at: std::time::Duration::from_mins(6), lasts: std::time::Duration::ZERO, what }];
    let report = compare(&[case], &Options { sweep: false, ..options(2) }, &|_, _| {}).expect("a report");
    let plan = report.scenarios[0].contenders.last().expect("a plan");
    let note = "run with the quickest starts and stops; a fault that changes counts is left out";
    assert_eq!((plan.kind, plan.note.as_deref(), plan.spared), (Kind::Plan, Some(note), true));
    let comparison = report.scenarios[0].comparisons.last().expect("beside the plan");
    assert!(comparison.late.is_none() && comparison.sentence.contains(note), "{comparison:?}");
}

#[test]
fn what_a_policy_reads_and_the_scenario_does_not_give_is_said() {
    let mut case = case(&["10/s"]);
    assert!(warnings(&case).is_empty());
    if let scenario::Play::Load(load) = &mut case.scenario.play {
        load.emits.retain(|(name, _)| name == "latency.p95");
    }
    let expected = "10/s reads `requests`, which the scenario flash does not give: it is missing all the time; given are \
                    `cpu`, `latency.p95`";
    assert_eq!(warnings(&case), [expected]);
}

#[test]
fn nobody_to_judge_is_an_error() {
    let nobody = Options { baselines: Vec::new(), plan: false, ..options(1) };
    let error = compare(&[case(&[])], &nobody, &|_, _| {}).expect_err("nobody");
    assert_eq!(error.to_string(), "the scenario flash has nobody to judge: name a policy or a baseline");
    let unknown = Options { baselines: vec!["hpaa".to_owned()], ..options(1) };
    let error = compare(&[case(&[])], &unknown, &|_, _| {}).expect_err("unknown").to_string();
    assert!(error.contains("did you mean `hpa`?"), "{error}");
}
