//! A recording as a closed loop.

use std::time::Duration;

use super::Recording;
use crate::{
    Scenario,
    scenario::{
        Arrivals, BEGINS, Balance, Columns, Demand, Gaps, Host, Load, LoadKind, Objective, Play, Queue, Replicas,
        Service, ServiceModel, Shared, Source, Spans, Start,
    },
};

/// Requests that a replica works on at once, and as many may wait for it: autoscalers that go by what is in flight see a
/// shortage by these, as those that go by the CPU do not.
const AT_ONCE: u32 = 10;
const FEWEST: u32 = 1;
const MOST: u32 = 200;

/// The recording, with replicas that take `start` steps to start and stop at once. One replica carries exactly
/// [`capacity`](Recording::capacity) when it is fully used, so that `D = ceil(value / capacity)`.
pub fn scenario(recording: &Recording, start: u32, idle_per_missing: f64) -> Scenario {
    let first = recording.series.values.iter().flatten().next().copied().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and it is clamped")]
    let begin = ((first / recording.capacity - 1e-9).ceil() as u32).clamp(FEWEST, MOST);
    let steps = u32::try_from(recording.steps()).unwrap_or(u32::MAX);
    let load = Load {
        demand: Demand { source: source(recording) },
        kind: LoadKind::Requests,
        arrivals: Arrivals::Even,
        retries: 0.0,
        service: service(recording, start),
        host: Host::default(),
        emits: Load::usual_signals(),
    };
    Scenario {
        name: recording.name.clone(),
        about: String::new(),
        from: "recorded".to_owned(),
        service: Service { host: String::new(), project: "recordings".to_owned(), service: "load".to_owned() },
        begins: BEGINS,
        lasts: recording.step.saturating_mul(steps),
        every: recording.step,
        seed: 1,
        replicas: Replicas { start: begin, min: FEWEST, max: MOST },
        policy: None,
        objective: Objective { latency: None, idle_per_missing },
        play: Play::Load(Box::new(load)),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

fn source(recording: &Recording) -> Source {
    Source::File(Columns {
        file: recording.name.clone(),
        time: "timestamp_s".to_owned(),
        value: "value".to_owned(),
        gaps: Gaps::Linear,
        scale: 1.0,
        series: recording.series.clone(),
    })
}

fn service(recording: &Recording, start: u32) -> ServiceModel {
    ServiceModel {
        takes: f64::from(AT_ONCE) / recording.capacity,
        spread: 0.0,
        at_once: AT_ONCE,
        cpu: 1.0 / recording.capacity,
        idle_cpu: 0.0,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start { boot: Spans(vec![recording.step * start]), ..Start::default() },
        stop: Duration::ZERO,
        balance: Balance::Central,
        queue: Queue { most: Some(AT_ONCE), patience: None },
        shared: Shared::default(),
    }
}
