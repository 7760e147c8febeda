//! Runs end to end.

use std::time::Duration;

use super::{Change, Segment, Watch, run};
use crate::{
    scaler::{PolicyScaler, Scaler},
    scenario::{
        Arrivals, BEGINS, Balance, Demand, Host, Load, LoadKind, Objective, Part, Play, Queue, Replicas, Scenario,
        Service, ServiceModel, Shared, Source, Start,
    },
};

const POLICY: &str = "
service: shop/web
replicas: { min: 1, max: 20 }
signals: { requests: published }
rules:
  - target: { signal: requests, per_replica: 35/s }
  - target: { signal: cpu, per_replica: 70% }
";

#[test]
fn a_policy_scales_with_a_drawn_load() {
    let parts = vec![Part::Level(30.0), Part::Step { at: seconds(600), by: 270.0, lasts: Some(seconds(1200)) }];
    let scenario = scenario(parts, seconds(3600));
    let policy = autoscaler::policy_file::parse("policy", POLICY).expect("a policy").policies.remove(0);
    let mut scaler = PolicyScaler::new("policy", policy);
    let mut kept = Kept::default();
    let came_to = run(&scenario, &mut scaler, &mut [&mut kept]).expect("a closed loop");
    let most = kept.segments.iter().map(|segment| segment.ready).max();
    assert_eq!(most, Some(12), "work that piled up comes on top: {:?}", kept.changes);
    assert_eq!(kept.segments.last().map(|segment| segment.ready), Some(1), "{:?}", kept.changes);
    assert!(came_to.decisions >= 3599, "{came_to:?}");
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) segments: Vec<Segment>,
    pub(crate) changes: Vec<Change>,
}

impl Watch for Kept {
    fn segment(&mut self, segment: &Segment) {
        self.segments.push(segment.clone());
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        self.changes.push(change.clone());
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn model() -> ServiceModel {
    ServiceModel {
        takes: 0.02,
        spread: 1.0,
        at_once: 1,
        cpu: 0.02,
        idle_cpu: 0.01,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start::default(),
        stop: Duration::ZERO,
        balance: Balance::RoundRobin,
        queue: Queue::default(),
        shared: Shared::default(),
    }
}

pub(crate) fn scenario(parts: Vec<Part>, lasts: Duration) -> Scenario {
    Scenario {
        name: "drawn".to_owned(),
        about: String::new(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: BEGINS,
        lasts,
        every: seconds(1),
        seed: 7,
        replicas: Replicas { start: 1, min: 1, max: 20 },
        policy: None,
        objective: Objective::default(),
        play: Play::Load(Box::new(Load {
            demand: Demand { source: Source::Drawn(parts) },
            kind: LoadKind::Requests,
            arrivals: Arrivals::Even,
            retries: 0.0,
            service: model(),
            host: Host::default(),
            emits: Load::usual_signals(),
        })),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}
