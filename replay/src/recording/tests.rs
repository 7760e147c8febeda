mod round_trip;

use autoscaler::{event::Replica, journal::Decided};

use super::*;
use crate::{
    scenario::{LoadKind, ServiceModel, Source, Spans},
    service::{Crew, Single},
};

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus(Duration::from_secs_f64(1000.0 + seconds))
}

fn replica(name: &str, ready: Option<f64>) -> Replica {
    Replica {
        id: ReplicaId::new(format!("{name:0>64}")),
        started: ready.map(|ready| at(ready - 1.0)),
        ready_since: ready.map(at),
        cpu_limit_cores: Some(0.5),
        ..Replica::default()
    }
}

fn listed(seconds: f64, replicas: Vec<Replica>) -> Entry {
    Entry { at: at(seconds), what: What::Event(Event::Observed(Observation { replicas, ..Observation::default() })) }
}

/// A minute under one replica, a decision for two, of which the second serves 2.5 s later, and another minute.
fn entries() -> Vec<Entry> {
    let first = || replica("a", Some(-100.0));
    let mut entries = vec![listed(0.0, vec![first()])];
    for second in 0..120_u32 {
        let now = f64::from(second) + 0.5;
        let requests = 10.0 + now / 5.0;
        if second == 60 {
            let sentence = "scale 1 → 2".to_owned();
            let decided = Decided { number: 60, verdict: Verdict::Scale { from: 1, to: 2 }, sentence };
            entries.push(Entry { at: at(60.0), what: What::Decided(decided) });
            entries.push(listed(60.4, vec![first(), Replica { ready_since: None, ..replica("b", Some(61.4)) }]));
        }
        if second == 63 {
            entries.push(listed(62.6, vec![first(), replica("b", Some(62.5))]));
        }
        let mut samples = vec![sample("requests", Subject::Service, now, requests)];
        let names: &[&str] = if second < 63 { &["a"] } else { &["a", "b"] };
        for name in names {
            let id = Subject::Replica(ReplicaId::new(format!("{name:0>64}")));
            samples.push(sample("cpu", id, now, 0.02 + 0.01 * requests / names.len() as f64));
        }
        entries.push(Entry { at: at(now), what: What::Event(Event::Samples(samples)) });
    }
    entries.push(listed(120.0, vec![first(), replica("b", Some(62.5))]));
    entries
}

fn sample(signal: &str, of: Subject, seconds: f64, value: f64) -> Sample {
    Sample { signal: SignalName::new(signal), of, at: at(seconds), reading: Reading::Value(value) }
}

fn recording() -> Recording {
    let entries = entries();
    read(&entries, &reads_of(&entries)).expect("a recording")
}

fn reads_of(entries: &[Entry]) -> Reads {
    Reads { span: Duration::from_secs(1), ..Reads::guess(entries) }
}

#[test]
fn the_model_of_the_service_is_found_again() {
    let recording = recording();
    let line = &recording.fit.cost.as_ref().expect("a line").line;
    assert!((line.slope - 0.01).abs() < 1e-6 && (line.intercept - 0.02).abs() < 1e-6, "{line:?}");
    assert_eq!(recording.starts, [Duration::from_millis(2500)]);
    assert_eq!((recording.ready_at_first, recording.cpu_limit), (1, Some(0.5)));
    let (load, assumed) = recording.load("web.csv").expect("a model");
    assert!((load.service.cpu - 0.01).abs() < 1e-6);
    assert_eq!(load.service.start.boot, Spans(vec![Duration::from_millis(2500)]));
    assert_eq!(load.kind, LoadKind::Requests);
    assert_eq!(assumed.len(), 1, "{assumed:?}");
}

/// Requests that mostly wait, for a database: a replica carries far more of them than one after the other.
#[test]
fn a_replica_works_on_as_many_at_once_as_it_was_seen_to_carry() {
    let row = |rate: f64, limit: f64, latency: f64| Row {
        span: Duration::from_secs(1),
        ready: 2,
        requests: Some(rate),
        cores: Some(rate * 0.001),
        limit: Some(limit),
        latency: Some(latency),
        ..Row::default()
    };
    for (name, rows, at_once) in [
        ("200/s of 0.1 s in each of two", vec![row(20.0, 0.5, 0.1), row(400.0, 0.5, 0.13)], 20),
        ("a saturated span does not count", vec![row(20.0, 0.5, 0.1), row(400.0, 0.2, 0.13)], 1),
        ("nor does one in which requests wait", vec![row(20.0, 0.5, 0.1), row(400.0, 0.5, 0.3)], 1),
        ("next to nothing", vec![row(1.0, 0.5, 0.1)], 1),
    ] {
        let rows: Vec<Row> =
            rows.into_iter().enumerate().map(|(at, row)| Row { at: Duration::from_secs(at as u64), ..row }).collect();
        let recording = Recording { fit: fit::fit(&rows), rows, ..recording() };
        let (load, assumed) = recording.load("web.csv").expect("a model");
        assert_eq!(load.service.at_once, at_once, "{name}");
        let said = assumed.iter().any(|sentence| sentence.contains(&format!("{at_once} at a time")));
        assert!(said || at_once == 1, "{name}: {assumed:?}");
    }
}

#[test]
fn spans_whose_demand_was_higher_than_recorded_are_marked_row_by_row() {
    let mut entries = entries();
    for entry in &mut entries {
        let What::Event(Event::Samples(samples)) = &mut entry.what else { continue };
        for sample in samples {
            if matches!(sample.of, Subject::Replica(_)) && sample.at > at(20.0) && sample.at < at(25.0) {
                sample.reading = Reading::Value(0.5);
            }
        }
    }
    let reads = reads_of(&entries);
    let recording = read(&entries, &reads).expect("a recording");
    let censored = recording.censored();
    assert_eq!(censored.at, recording.demand(0.0).at);
    let marked: Vec<usize> = (0..censored.values.len()).filter(|row| censored.values[*row] == Some(1.0)).collect();
    assert_eq!(marked, [20, 21, 22, 23, 24]);
}

#[test]
fn the_model_and_its_load_read_back_as_files() {
    let recording = recording();
    let (load, _) = recording.load("web.csv").expect("a model");
    let Source::File(columns) = &load.demand.source else { panic!("a file") };
    let csv = crate::scenario::series_csv(&[("requests", &columns.series), ("censored", &recording.censored())]);
    let text = "scenario: 1\nservice: shop/web\nlasts: 2m\nreplicas: { start: 1, min: 1, max: 9 }\n\
                load: { requests: { csv: { file: web.csv, time: time, value: requests, gaps: hold } }, service: { takes: 10ms } }\n";
    let files = |name: &str| if name == "web.csv" { Ok(csv.clone()) } else { Err("there is none".to_owned()) };
    let read = crate::scenario::read("web.yaml", text, &files).unwrap_or_else(|errors| panic!("{errors}"));
    let Source::File(read) = &read.scenario.load().expect("a load").demand.source else { panic!("a file") };
    assert_eq!((&read.time, &read.value), (&columns.time, &columns.value));
    assert_eq!(read.series.values.len(), columns.series.values.len());
}

#[test]
fn a_span_in_which_replicas_change_is_no_steady_one() {
    let changed: Vec<u64> = recording().rows.iter().filter(|row| row.changed).map(|row| row.at.as_secs()).collect();
    assert_eq!(changed, [60, 62]);
}

#[test]
fn where_a_replica_lacks_a_sample_the_sum_is_not_known() {
    let mut entries = entries();
    for entry in &mut entries {
        if let What::Event(Event::Samples(samples)) = &mut entry.what {
            samples.retain(|sample| sample.of == Subject::Service || sample.at < at(80.0) || sample.at > at(90.0));
        }
    }
    let reads = reads_of(&entries);
    let rows = read(&entries, &reads).expect("a recording").rows;
    assert!(rows[80..89].iter().all(|row| row.cores.is_none() && row.requests.is_some()));
}

#[test]
fn without_requests_the_load_is_what_kept_the_cores_busy() {
    let entries = entries();
    let reads = Reads { requests: None, span: Duration::from_secs(1), ..Reads::guess(&entries) };
    let recording = read(&entries, &reads).expect("a recording");
    let (load, assumed) = recording.load("web.csv").expect("a model");
    assert_eq!(load.kind, LoadKind::Cores);
    assert!(assumed.iter().any(|sentence| sentence.contains("not measured")), "{assumed:?}");
    let Source::File(columns) = load.demand.source else { panic!("a file") };
    assert_eq!(columns.value, "cores");
    assert!((columns.series.values[30].expect("measured") - 0.181).abs() < 1e-6, "{:?}", columns.series.values[30]);
}

/// Requests are counted when they are answered; for ten seconds half as many are as come, and then those that waited.
#[test]
fn what_came_while_replicas_were_saturated_is_known_from_what_was_in_flight() {
    let mut entries = entries();
    for entry in &mut entries {
        let now = entry.at;
        let What::Event(Event::Samples(samples)) = &mut entry.what else { continue };
        let seconds = now.since(at(0.0)).as_secs_f64();
        let rate = 10.0 + seconds / 5.0;
        let (answered, in_flight) = match seconds {
            30.0..40.0 => (rate / 2.0, (seconds - 29.5) * rate / 2.0),
            40.0..41.0 => (rate + 9.0 * rate / 2.0, rate / 2.0),
            41.0..42.0 => (rate + rate / 2.0, 0.0),
            _ => (rate, 0.0),
        };
        samples.iter_mut().filter(|sample| sample.of == Subject::Service).for_each(|sample| {
            sample.reading = Reading::Value(answered);
        });
        samples.push(sample("in_flight", Subject::Service, seconds, in_flight));
    }
    let reads = reads_of(&entries);
    let recording = read(&entries, &reads).expect("a recording");
    for (second, found) in recording.demand(0.0).values.iter().enumerate() {
        let came = 10.0 + (second as f64 + 0.5) / 5.0;
        assert!(found.is_some_and(|found| (found / came - 1.0).abs() < 0.1), "second {second}: {found:?}, {came}");
    }
    let (_, assumed) = recording.load("web.csv").expect("a model");
    assert!(assumed.iter().any(|sentence| sentence.contains("more in flight")), "{assumed:?}");
}

#[test]
fn the_mean_response_time_is_taken_rather_than_a_quantile() {
    let mut entries = entries();
    for entry in &mut entries {
        if let What::Event(Event::Samples(samples)) = &mut entry.what {
            let Some((at, rate)) = samples.iter().find_map(|sample| match sample.reading {
                Reading::Value(value) if sample.of == Subject::Service => Some((sample.at, value)),
                _ => None,
            }) else {
                continue;
            };
            let of = |signal: &str, value: f64| Sample {
                signal: SignalName::new(signal),
                of: Subject::Service,
                at,
                reading: Reading::Value(value),
            };
            samples.extend([of("latency.p95", 0.9), of("latency.sum", rate * 0.02)]);
        }
    }
    let reads = reads_of(&entries);
    let rows = read(&entries, &reads).expect("a recording").rows;
    assert!(rows.iter().all(|row| row.latency.is_some_and(|latency| (latency - 0.02).abs() < 1e-9)));
}

#[test]
fn the_spread_is_the_one_whose_waiting_was_measured() {
    let model = recording().load("web.csv").expect("a model").0.service;
    for spread in [0.0, 0.5, 1.0] {
        let rows: Vec<Row> = (0..60_u32)
            .map(|second| {
                let requests = 10.0 + f64::from(second) / 2.0;
                let truth = ServiceModel { spread, ..model.clone() };
                let (host, pace) = (crate::scenario::Host::default(), crate::service::Pace::of(&truth));
                let crew = Crew::new(&truth, host, pace, Single::new(&truth, host, pace), 1, 1.0);
                let latency = Some(crew.takes + crew.waits(truth.balance, requests));
                let (at, span) = (Duration::from_secs(u64::from(second)), Duration::from_secs(1));
                let cores = Some(0.02 + 0.01 * requests);
                Row { at, span, ready: 1, requests: Some(requests), cores, limit: Some(0.5), latency, ..Row::default() }
            })
            .collect();
        let measured = Recording { fit: fit::fit(&rows), rows, means: true, ..recording() };
        let (load, _) = measured.load("web.csv").expect("a model");
        assert!((load.service.spread - spread).abs() < 0.26, "{spread}: {}", load.service.spread);
        let (load, _) = Recording { means: false, ..measured }.load("web.csv").expect("a model");
        assert!((load.service.spread - 1.0).abs() < 1e-9, "quantiles do not tell");
    }
}

#[test]
fn a_recording_begins_where_it_is_asked_to_with_the_replicas_that_there_were() {
    let entries = entries();
    let reads = Reads { span: Duration::from_secs(1), since: Some(at(70.0)), ..Reads::guess(&entries) };
    let recording = read(&entries, &reads).expect("a recording");
    assert_eq!((recording.from, recording.ready_at_first, recording.rows.len()), (at(70.0), 2, 50));
    assert_eq!(recording.rows[0].requests, Some(10.0 + 70.5 / 5.0));
    assert!(recording.rows.iter().all(|row| !row.changed && row.ready == 2 && row.target == Some(2)));
}

#[test]
fn what_others_on_the_host_use_counts_while_the_service_works() {
    let mut entries = entries();
    for (second, entry) in entries.iter_mut().enumerate() {
        if let What::Event(Event::Observed(observation)) = &mut entry.what {
            observation.host = autoscaler::event::HostCapacity {
                cores: Some(2.0),
                busy_cores: Some(if second < 10 { 0.5 } else { 1.0 }),
                ..autoscaler::event::HostCapacity::default()
            };
        }
    }
    let reads = reads_of(&entries);
    let recording = read(&entries, &reads).expect("a recording");
    let (load, assumed) = recording.load("web.csv").expect("a model");
    let others = load.host.others;
    assert!(others > 0.3 && others < 0.9, "{others}");
    // While the host is full and requests wait, it takes what it is given.
    let mut contended = Vec::new();
    let mut newest = None;
    for mut entry in entries {
        match &mut entry.what {
            What::Event(Event::Observed(observation)) => {
                observation.host.busy_cores = Some(1.95);
                newest = Some(observation.clone());
            }
            What::Event(Event::Samples(samples)) => {
                samples.push(sample("in_flight", Subject::Service, entry.at.since(at(0.0)).as_secs_f64(), 40.0));
                let again = newest.iter().cloned().map(|observation| What::Event(Event::Observed(observation)));
                contended.extend(again.map(|what| Entry { at: entry.at, what }));
            }
            _ => {}
        }
        contended.push(entry);
    }
    let entries = contended;
    let rows = read(&entries, &reads_of(&entries)).expect("a recording");
    let own = rows.rows.iter().filter_map(|row| row.cores).sum::<f64>() / rows.rows.len() as f64;
    assert!(rows.others.is_some_and(|others| (others - (1.95 - own)).abs() < 0.05), "{:?}, {own}", rows.others);
    assert!(assumed.iter().any(|sentence| sentence.contains("of its 2 cores")), "{assumed:?}");
}

#[test]
fn what_has_no_listing_is_no_recording() {
    let entries: Vec<Entry> =
        entries().into_iter().filter(|entry| matches!(entry.what, What::Event(Event::Samples(_)))).collect();
    assert_eq!(read(&entries, &Reads::guess(&entries)), None);
}
