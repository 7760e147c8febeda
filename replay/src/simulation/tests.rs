//! Runs end to end.

mod promises;
mod rises;

use std::time::Duration;

use autoscaler::{
    Event, Timestamp,
    event::{Outcome, Reading, Subject},
};

use super::{
    Change, Segment, Watch,
    requests::{Crowd, Setup, simulate},
    run,
};
use crate::{
    scaler::{PolicyScaler, Scaler, Seen},
    scenario::{
        Arrivals, BEGINS, Balance, Demand, Fault, Host, Load, LoadKind, Objective, Part, Play, Queue, Replicas,
        Scenario, Service, ServiceModel, Shared, Source, Spans, Start, WarmUp, What,
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

#[test]
fn a_step_piles_up_what_it_must_and_is_worked_off_in_time() {
    // Two replicas carry 100/s. 160/s come from 100 s on; at 130 s there are five, which carry 250/s.
    let scenario =
        scenario(vec![Part::Level(50.0), Part::Step { at: seconds(100), by: 110.0, lasts: None }], seconds(200));
    let kept = kept(&scenario, &mut Asked::new(vec![(0, 2), (130, 5)]));
    let backlog = |second: u64| {
        let at = scenario.begins.plus(seconds(second));
        kept.segments.iter().find(|segment| segment.to == at).map(|segment| segment.queue_to).expect("a sample")
    };
    assert!((backlog(130) - 60.0 * 30.0).abs() < 1e-6, "(b - C0) L: {}", backlog(130));
    // (b - C0) L / (C1 - b)
    assert!(backlog(149) > 89.0 && backlog(150) < 0.2, "{} {}", backlog(149), backlog(150));
    let requests = simulate(&Setup {
        seed: 3,
        crowd: Crowd::Open(vec![(0.0, 50.0), (100.0, 160.0)]),
        replicas: vec![0.0, 0.0, 130.0, 130.0, 130.0],
        takes: 0.02,
        spread: 1.0,
        at_once: 1,
        unhindered: 1.0,
        balance: Balance::Central,
        most: None,
        patience: None,
        lasts: 200.0,
        counted_from: 0.0,
    });
    for second in [115, 130, 140] {
        let single = requests.in_system[usize::try_from(second).expect("small")];
        assert!((single - backlog(second)).abs() < 0.12 * 1800.0, "{second} s: {single} and {}", backlog(second));
    }
}

/// A short crowd beside single requests: what piles up is what is in excess, and no steady state on top of it.
#[test]
fn in_a_short_crowd_as_many_wait_as_if_each_request_were_simulated() {
    let (from, to) = (100, 130);
    for (name, crowd, within) in
        [("a little too many", 110.0, 0.25), ("too many", 130.0, 0.1), ("far too many", 180.0, 0.1)]
    {
        let parts =
            vec![Part::Level(60.0), Part::Step { at: seconds(from), by: crowd - 60.0, lasts: Some(seconds(20)) }];
        let kept = kept(&scenario(parts, seconds(200)), &mut Asked::new(vec![(0, 2)]));
        let at = |second| BEGINS.plus(seconds(second));
        let within_it = kept.segments.iter().filter(|segment| segment.from >= at(from) && segment.to <= at(to));
        let fluid: f64 =
            within_it.map(|segment| segment.in_flight * segment.to.since(segment.from).as_secs_f64()).sum();
        let seeds = 20;
        let each = (0..seeds).map(|seed| {
            let counted = simulate(&Setup {
                seed,
                crowd: Crowd::Open(vec![(0.0, 60.0), (from as f64, crowd), (from as f64 + 20.0, 60.0)]),
                replicas: vec![0.0, 0.0],
                takes: 0.02,
                spread: 1.0,
                at_once: 1,
                unhindered: 1.0,
                balance: Balance::RoundRobin,
                most: None,
                patience: None,
                lasts: 200.0,
                counted_from: 0.0,
            });
            (from..to).map(|second| counted.in_system[usize::try_from(second).expect("small")]).sum::<f64>()
        });
        let single = each.sum::<f64>() / f64::from(u32::try_from(seeds).expect("few"));
        assert!((fluid / single - 1.0).abs() < within, "{name}: {fluid} and {single}");
    }
}

#[test]
fn users_send_no_more_than_they_get_answers() {
    for (users, replicas) in [(40.0, 4), (400.0, 4), (2000.0, 2), (300.0, 1)] {
        let think = 5.0;
        let mut scenario = scenario(vec![Part::Level(users)], seconds(300));
        load(&mut scenario).kind = LoadKind::Users { think: Duration::from_secs_f64(think) };
        let kept = kept(&scenario, &mut Asked::new(vec![(0, replicas)]));
        let last = kept.segments.last().expect("segments");
        let rate = last.served / last.to.since(last.from).as_secs_f64();
        // N = X (R + Z)
        let found = rate * (last.in_flight / rate + think);
        assert!((found / users - 1.0).abs() < 0.03, "{users} users at {replicas}: {found}, {last:?}");
        assert!(rate <= f64::from(replicas) * 50.0 + 1e-9, "{last:?}");
    }
}

#[test]
fn as_many_are_in_the_house_as_little_says() {
    let parts = vec![Part::Level(60.0), Part::Step { at: seconds(100), by: 200.0, lasts: Some(seconds(60)) }];
    let kept = kept(&scenario(parts, seconds(600)), &mut Asked::new(vec![(0, 4), (120, 6)]));
    let inside: f64 = kept.segments.iter().map(|s| s.in_flight * s.to.since(s.from).as_secs_f64()).sum();
    let took: f64 = kept.segments.iter().map(|s| s.latency.mean() * s.served).sum();
    assert!((inside / took - 1.0).abs() < 1e-9, "{inside} {took}");
}

#[test]
fn what_all_share_bounds_all() {
    let carries = |replicas: u32, shared: Shared| {
        let mut scenario = scenario(vec![Part::Level(1.0)], seconds(10));
        load(&mut scenario).service.shared = shared;
        kept(&scenario, &mut Asked::new(vec![(0, replicas)])).segments.last().map(|last| last.capacity)
    };
    let usl = Shared { contention: 0.1, crosstalk: 0.01, most: None };
    assert_eq!(carries(10, usl), Some(10.0 * 50.0 / (1.0 + 0.1 * 9.0 + 0.01 * 90.0)));
    assert!(carries(20, usl) < carries(10, usl), "past its best, more is less");
    assert_eq!(carries(10, Shared { most: Some(120.0), ..Shared::default() }), Some(120.0));
}

#[test]
fn replicas_take_their_time_and_warm_up() {
    let mut scenario = scenario(vec![Part::Level(10.0)], seconds(200));
    load(&mut scenario).service.start = Start {
        boot: Spans(vec![seconds(4)]),
        ready: Spans(vec![seconds(2)]),
        warm_up: Some(WarmUp { from: 0.5, over: seconds(20) }),
        ..Start::default()
    };
    let kept = kept(&scenario, &mut Asked::new(vec![(10, 2)]));
    let at = |second: u64| {
        let at = scenario.begins.plus(seconds(second));
        kept.segments.iter().find(|segment| segment.from >= at).expect("goes on")
    };
    assert_eq!([at(9), at(12), at(17)].map(|s| (s.ready, s.starting)), [(1, 0), (1, 1), (2, 0)]);
    let shares = [16, 36, 150].map(|second| at(second).capacity / 50.0 - 1.0);
    assert!(
        (shares[0] - 0.5).abs() < 0.05 && (shares[1] - 0.816).abs() < 0.02 && (shares[2] - 1.0).abs() < 1e-2,
        "{shares:?}"
    );
}

#[test]
fn a_lost_host_is_told_as_a_controller_tells_it() {
    let mut scenario = scenario(vec![Part::Level(10.0)], seconds(120));
    scenario.faults = vec![Fault { at: seconds(30), lasts: seconds(40), what: What::HostLost }];
    let mut asked = Asked::new(vec![(0, 2)]);
    kept(&scenario, &mut asked);
    let when = |is: fn(&Event) -> bool| {
        let found = asked.told.iter().find(|(_, event)| is(event));
        found.map(|(at, _)| at.since(scenario.begins).as_secs())
    };
    assert_eq!(when(|event| *event == Event::HostLost), Some(44), "15 s after the sample of 29 s");
    assert_eq!(when(|event| *event == Event::HostFound), Some(70));
    let restarted =
        |event: &Event| matches!(event, Event::Observed(seen) if seen.replicas.iter().any(|one| one.restarts == 1));
    assert_eq!(when(restarted), Some(70));
}

#[test]
fn starts_that_fail_are_reported_from_the_third_on() {
    let mut scenario = scenario(vec![Part::Level(10.0)], seconds(120));
    load(&mut scenario).service.start.gives_up = seconds(10);
    scenario.faults = vec![Fault { at: seconds(0), lasts: seconds(60), what: What::StartsFail }];
    let mut asked = Asked::new(vec![(5, 2)]);
    let kept = kept(&scenario, &mut asked);
    let failed = asked.told.iter().filter_map(|(at, event)| match event {
        Event::Outcome(Outcome::Failed { .. }) => Some(at.since(scenario.begins).as_secs()),
        _ => None,
    });
    // 5 s, 1 s after 15 s, 2 s after 26 s, and then 4 s after each.
    assert_eq!(failed.collect::<Vec<_>>(), [38, 52, 66]);
    assert_eq!(kept.segments.last().map(|last| last.ready), Some(2));
}

#[test]
fn replicas_are_measured_as_an_agent_measures_them() {
    let mut scenario = scenario(vec![Part::Level(40.0)], seconds(20));
    load(&mut scenario).service.memory = None;
    let mut asked = Asked::new(vec![(0, 2)]);
    kept(&scenario, &mut asked);
    let newest = asked.told.iter().rev().find_map(|(_, event)| match event {
        Event::Samples(samples) => Some(samples),
        _ => None,
    });
    let of_replicas = newest.expect("samples").iter().filter(|sample| matches!(sample.of, Subject::Replica(_)));
    for sample in of_replicas {
        let Reading::Value(cores) = sample.reading else { panic!("{sample:?}") };
        assert!((cores - (20.0 * 0.02 + 0.01)).abs() < 1e-9, "{sample:?}");
    }
}

fn load(scenario: &mut Scenario) -> &mut Load {
    match &mut scenario.play {
        Play::Load(load) => load,
        Play::Signals(_) => panic!("a closed loop"),
    }
}

fn kept(scenario: &Scenario, scaler: &mut Asked) -> Kept {
    let mut kept = Kept::default();
    run(scenario, scaler, &mut [&mut kept]).expect("a closed loop");
    kept
}

/// Does as it is asked, from each second on.
pub(crate) struct Asked {
    asks: Vec<(u64, u32)>,
    begins: Option<Timestamp>,
    told: Vec<(Timestamp, Event)>,
}

impl Asked {
    pub(crate) fn new(mut asks: Vec<(u64, u32)>) -> Self {
        asks.sort_unstable();
        Self { asks, begins: None, told: Vec::new() }
    }
}

impl Scaler for Asked {
    fn name(&self) -> String {
        "as asked".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        self.told.extend(told.drain(..).map(|event| (now, event)));
        let passed = now.since(*self.begins.get_or_insert(now)).as_secs();
        self.asks.iter().rev().find(|(from, _)| *from <= passed).map(|(_, replicas)| *replicas)
    }

    fn why(&self) -> String {
        "asked".to_owned()
    }

    fn wants_events(&self) -> bool {
        true
    }
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
        cpu_limit: Some(1.01),
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
