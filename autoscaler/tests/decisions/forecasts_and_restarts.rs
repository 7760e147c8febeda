//! What a `forecast` rule makes of a rate when a replica starts anew and its counters go back to zero. Its agent says then that the
//! value covers only the others (`agent/src/measure/prometheus`): that is neither a dip nor, when it is back, a spike.

use autoscaler::{
    Autoscaler, Evaluation, Event, Timestamp,
    evaluation::{ForecastReason, Opinion, Outlook, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    policy_file,
    quantity::SignalName,
};

use crate::driver::seconds;

const POLICY: &str = "
service: shop/web
replicas: { min: 1, max: 20 }
signals: { requests: { prometheus: http_requests_total, read: rate } }
guards: { base: none, stale_after: 10s }
rules:
  - forecast: { signal: requests, per_replica: 10/s, horizon: 5s }
";

#[test]
fn a_replica_that_starts_anew_is_neither_a_dip_nor_a_spike() {
    // Seconds for which the value covers two of three replicas, and in which the first that covers all comes.
    for restart in [1, 4, 9] {
        let mut story = Story::new();
        for _ in 0..60 {
            story.tell(Reading::Value(29.5));
        }
        let before = bound(&story.tell(Reading::Value(29.5))).expect("there is a forecast");
        for second in 0..restart {
            let why = "1 of 3 replicas not read: its counters went back: it started anew".to_owned();
            let evaluation = story.tell(Reading::Partial { value: 19.7, replicas: 2, why });
            assert_eq!(evaluation.verdict.replicas(), Some(3), "{second} of {restart} s: nothing is removed");
            assert!(matches!(reason(&evaluation).outlook, Outlook::Learning { .. }), "there is no forecast meanwhile");
        }
        for second in 0..30 {
            let evaluation = story.tell(Reading::Value(29.5));
            let reason = reason(&evaluation);
            assert!((reason.demand - 29.5).abs() < 1e-9, "{second} s after {restart} s: {}", reason.demand);
            assert_eq!(evaluation.recommendations[0].opinion, Opinion::Wants(3), "{second} s after {restart} s");
        }
        let after = bound(&story.tell(Reading::Value(29.5))).expect("there is a forecast again");
        assert!((after / before - 1.0).abs() < 0.01, "{restart} s: from {before} to {after}");
        let (_, state) = story.autoscaler.memory().forecasts().next().expect("it remembers");
        let learned = state.forecaster().measured();
        assert!(learned.iter().all(|(.., mean)| (mean / 29.5 - 1.0).abs() < 0.01), "{restart} s: {learned:?}");
    }
}

struct Story {
    autoscaler: Autoscaler,
    now: Timestamp,
}

impl Story {
    fn new() -> Self {
        let file = policy_file::parse("policy.yaml", POLICY).unwrap_or_else(|errors| panic!("{errors}"));
        let policy = file.policies.into_iter().next().expect("there is one");
        let mut story = Self { autoscaler: Autoscaler::new(policy), now: Timestamp::from_millis(1_794_787_200_000) };
        let replicas = ["one", "two", "three"].map(|id| Replica {
            id: ReplicaId::new(id),
            ready_since: Some(Timestamp::from_millis(1)),
            ..Replica::default()
        });
        let observation = Observation { replicas: replicas.to_vec(), ..Observation::default() };
        story.autoscaler.handle_event(Event::Observed(observation), story.now);
        story
    }

    /// A second later this is told, and decided by.
    fn tell(&mut self, reading: Reading) -> Evaluation {
        self.now = self.now.plus(seconds(1));
        let sample = Sample { signal: SignalName::new("requests"), of: Subject::Service, at: self.now, reading };
        self.autoscaler.handle_event(Event::Samples(vec![sample]), self.now);
        let evaluation = self.autoscaler.evaluate(self.now);
        self.autoscaler.record(&evaluation);
        evaluation
    }
}

fn reason(evaluation: &Evaluation) -> &ForecastReason {
    match &evaluation.recommendations[0].reason {
        RuleReason::Forecast(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn bound(evaluation: &Evaluation) -> Option<f64> {
    match &reason(evaluation).outlook {
        Outlook::Known { by, .. } => Some(by.ahead),
        _ => None,
    }
}
