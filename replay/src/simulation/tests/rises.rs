//! A rise that comes each day, in which some replica starts or warms up at all times, under a `forecast` rule: whatever signal it
//! goes by, the rise is served ahead once its season is known.

use autoscaler::{
    Timestamp,
    evaluation::{Outlook, RuleReason},
    policy_file,
};

use super::{scenario, seconds};
use crate::{
    scaler::{PolicyScaler, Scaler},
    scenario::{Part, Play, Replicas, Scenario, Spans, Start},
    simulation::{Segment, Watch, run},
};

/// Requests per second that a replica shall carry: then it uses 0.7 cores for them, and 0.01 for nothing.
const EACH: f64 = 35.0;
/// Seconds of a day, which is a short one, and days.
const DAY: u64 = 1200;
const DAYS: u64 = 12;

#[test]
fn a_steep_daily_rise_by_cpu_is_served_ahead_as_it_is_by_requests() {
    let requests = Outcome::of("forecast: { signal: requests, per_replica: 35/s }");
    let cpu = Outcome::of("forecast: { signal: cpu, per_replica: 0.71 cores }");
    let reactive = Outcome::of("target: { signal: requests, per_replica: 35/s, tolerance: 0% }");
    let told = format!("by CPU {cpu:?}, by requests {requests:?}, reactive {reactive:?}");
    assert!(cpu.short <= 1.25 * requests.short + 0.002, "{told}");
    assert!(cpu.short < 0.25 * reactive.short, "{told}");
    assert!(cpu.cost <= 1.1 * requests.cost, "{told}");
    assert_eq!((cpu.late, requests.late), (0, 0), "there is a forecast at any time: {told}");
    assert!(cpu.estimated > 0.2, "somebody warms up: {told}");
    assert!(cpu.learned >= requests.learned, "each step is learned: {told}");
}

/// What came of the days after the first third, by which the season is known.
#[derive(Debug, Default)]
struct Outcome {
    /// Replica-seconds that were missing, as a share of those needed.
    short: f64,
    /// Replica-seconds paid, as a share of those needed.
    cost: f64,
    /// Looks without a forecast, for the newest step is too old.
    late: u32,
    /// The share of looks at which the demand was an estimate.
    estimated: f64,
    /// Steps that were learned.
    learned: u64,
    needed: f64,
    looks: f64,
}

impl Outcome {
    fn of(rule: &str) -> Self {
        let text = format!(
            "service: shop/web\nreplicas: {{ min: 1, max: 40 }}\nsignals: {{ requests: published }}\nrules:\n- {rule}\n\
             guards: {{ base: none, warm_up: 40s, stale_after: 30s, down: {{ stabilize: 60s }} }}\n"
        );
        let file = policy_file::parse("policy", &text).unwrap_or_else(|errors| panic!("{errors}"));
        let mut scaler = PolicyScaler::new("policy", file.policies.into_iter().next().expect("there is one"));
        let mut outcome = Self::default();
        run(&days(), &mut scaler, &mut [&mut outcome]).expect("a closed loop");
        let learned =
            scaler.autoscaler().memory().forecasts().next().map(|(_, state)| state.forecaster().history().measured());
        let Self { short, cost, estimated, needed, looks, late, .. } = outcome;
        Self {
            short: short / needed,
            cost: cost / needed,
            late,
            estimated: estimated / looks,
            learned: learned.unwrap_or(0),
            needed,
            looks,
        }
    }

    fn counts(at: Timestamp) -> bool {
        at >= days().begins.plus(seconds(DAY * DAYS / 3))
    }
}

impl Watch for Outcome {
    fn segment(&mut self, segment: &Segment) {
        if Self::counts(segment.from) {
            let lasts = segment.to.since(segment.from).as_secs_f64();
            let needed = (segment.offered / lasts / EACH).ceil();
            self.needed += needed * lasts;
            self.short += (needed - f64::from(segment.ready)).max(0.0) * lasts;
            self.cost += f64::from(segment.ready + segment.starting) * lasts;
        }
    }

    fn look(&mut self, now: Timestamp, scaler: &dyn Scaler) {
        let Some(evaluation) = scaler.evaluation().filter(|_| Self::counts(now)) else { return };
        self.looks += 1.0;
        if let RuleReason::Forecast(reason) = &evaluation.recommendations[0].reason {
            self.late += u32::from(matches!(reason.outlook, Outlook::Late { .. }));
            self.estimated += f64::from(u8::from(evaluation.signals[0].estimate.is_some()));
        }
    }
}

/// From 50 to 450 requests a second within half a day: a replica more in less time than one takes to start and to warm up.
/// A start takes five steps and keeps a core busy.
fn days() -> Scenario {
    let rise = Part::Sine { amplitude: 200.0, period: seconds(DAY), phase: seconds(DAY * 3 / 4) };
    let mut scenario = scenario(vec![Part::Level(250.0), rise], seconds(DAY * DAYS));
    scenario.every = seconds(10);
    scenario.replicas = Replicas { start: 3, min: 1, max: 40 };
    if let Play::Load(load) = &mut scenario.play {
        load.service.start =
            Start { boot: Spans(vec![seconds(40)]), ready: Spans(vec![seconds(10)]), cpu: 1.0, ..Start::default() };
    }
    scenario
}
