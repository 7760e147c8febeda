//! Forecasts in the open loop: played back, they say what they said live, and another policy's say what they would have.

use autoscaler::{
    evaluation::{ForecastReason, Opinion, Outlook, RuleReason},
    event::{Observation, Reading, Replica, ReplicaId, Sample, Subject},
    quantity::SignalName,
};

use super::*;

/// Seconds from one sample to the next, and samples of a season.
const PACE: u64 = 10;
const SEASON: u32 = 60;
/// Samples ahead that the rules look.
const AHEAD: usize = 6;

const BY_CPU: &str = "forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 1m, window: 1s }";
const BY_REQUESTS: &str = "forecast: { signal: requests, per_replica: 50/s, horizon: 1m, window: 1s }";

fn by(rule: &str) -> Policy {
    policy(&format!(
        "service: shop/web\nreplicas: {{ min: 1, max: 40 }}\nsignals: {{ requests: published }}\nrules:\n- {rule}\n\
         guards: {{ base: none, warm_up: 30s, stale_after: 30s }}\n"
    ))
}

fn reason(evaluation: &Evaluation) -> Option<&ForecastReason> {
    match &evaluation.recommendations[0].reason {
        RuleReason::Forecast(reason) => Some(reason),
        _ => None,
    }
}

/// What a rule took for the demand, and what it wanted, at each look.
#[derive(Default)]
struct Heard {
    demand: Vec<f64>,
    wanted: Vec<u32>,
    known: u32,
    estimated: u32,
}

impl Heard {
    fn hear(&mut self, evaluation: &Evaluation) {
        let Some(reason) = reason(evaluation) else { return };
        self.demand.push(reason.demand);
        self.wanted.push(match evaluation.recommendations[0].opinion {
            Opinion::Wants(wanted) => wanted,
            _ => 0,
        });
        self.known += u32::from(matches!(reason.outlook, Outlook::Known { .. }));
        self.estimated += u32::from(evaluation.signals[0].estimate.is_some());
    }

    /// Of the looks in the second half that came before a rise, the shares at which so many were wanted as the demand at the
    /// horizon needed, and as a reactive answer would have.
    fn ahead(&self, each: f64) -> (f64, f64) {
        let needed = |place: usize| (self.demand[place] / each - 1e-9).ceil();
        let looks = (self.demand.len() / 2..self.demand.len() - AHEAD).filter(|now| needed(now + AHEAD) > needed(*now));
        let (mut of, mut met, mut reactive) = (0.0, 0.0, 0.0);
        for now in looks {
            of += 1.0;
            met += f64::from(u8::from(f64::from(self.wanted[now]) >= needed(now + AHEAD)));
            reactive += f64::from(u8::from(needed(now) >= needed(now + AHEAD)));
        }
        (met / of, reactive / of)
    }
}

#[test]
fn by_requests_or_by_cpu_what_is_played_back_is_forecast() {
    let text = "\
scenario: 1
service: shop/web
lasts: 150m
every: 10s
replicas: { start: 3, min: 1, max: 40 }
signals:
  values:
    requests: { draw: [{ level: 500 }, { sine: { amplitude: 400, period: 10m } }] }
    cpu: { draw: [{ level: 5 }, { sine: { amplitude: 4, period: 10m } }] }
";
    let files = |_: &str| Err("there is none".to_owned());
    let read = crate::scenario::read("web.yaml", text, &files).unwrap_or_else(|errors| panic!("{errors}"));
    for (name, rule, each) in [("requests", BY_REQUESTS, 50.0), ("cpu", BY_CPU, 0.5)] {
        let mut heard = Heard::default();
        let played = play_values(&read.scenario, &by(rule), |evaluation| heard.hear(evaluation));
        let known = f64::from(heard.known) / f64::from(u32::try_from(played.looks).expect("few"));
        assert!(known > 0.9, "{name}: {known}");
        let (met, reactive) = heard.ahead(each);
        assert!(met > 0.9 && reactive < 0.1, "{name}: {met} of the rises are met, {reactive} without a forecast");
    }
}

/// What a controller writes of a load that comes and goes, with starts of twenty seconds that keep a core busy, and with health
/// checks.
fn recorded_by_cpu() -> Vec<Entry> {
    let policy = by(BY_CPU);
    let mut autoscaler = Autoscaler::new(policy);
    let mut entries = vec![Entry { at: second(0), what: What::Began(Box::new(autoscaler.snapshot())) }];
    let mut replicas: Vec<Replica> = Vec::new();
    let mut made = 0_u32;
    for step in 0..16 * u64::from(SEASON) {
        let now = second(step * PACE);
        let wanted = autoscaler.memory().target().unwrap_or(3) as usize;
        while replicas.len() < wanted {
            made += 1;
            let id = ReplicaId::new(format!("{made:064x}"));
            replicas.push(Replica {
                id,
                started: Some(now.minus(Duration::from_secs(PACE))),
                ready_since: Some(now.plus(Duration::from_secs(PACE))),
                ..Replica::default()
            });
        }
        replicas.truncate(wanted.max(1));
        let phase = f64::from(u32::try_from(step % u64::from(SEASON)).expect("small")) / f64::from(SEASON);
        let load = 3.0 - 2.0 * (std::f64::consts::TAU * phase).cos();
        let serves = |replica: &Replica| replica.ready_since.is_some_and(|since| since < now);
        let serving = f64::from(u32::try_from(replicas.iter().filter(|replica| serves(replica)).count()).expect("few"));
        let samples = replicas.iter().map(|replica| Sample {
            signal: SignalName::new(SignalName::CPU),
            of: Subject::Replica(replica.id.clone()),
            at: now,
            reading: Reading::Value(if serves(replica) { load / serving.max(1.0) } else { 1.0 }),
        });
        let samples = Event::Samples(samples.collect());
        let mut listed = replicas.clone();
        for replica in &mut listed {
            replica.ready_since = replica.ready_since.filter(|since| *since <= now);
        }
        let listed = Event::Observed(Observation { replicas: listed, ..Observation::default() });
        for event in [listed, samples] {
            autoscaler.handle_event(event.clone(), now);
            entries.push(Entry { at: now, what: What::Event(event) });
        }
        let evaluation = autoscaler.evaluate(now);
        autoscaler.record(&evaluation);
        let (number, verdict) = (evaluation.number, evaluation.verdict);
        entries.push(Entry { at: now, what: What::Looked { number } });
        if let Verdict::Scale { .. } = verdict {
            let decided = Decided { number, verdict, sentence: explain::sentence(&evaluation) };
            entries.push(Entry { at: now, what: What::Decided(decided) });
        }
    }
    entries
}

#[test]
fn a_journal_with_forecasts_by_cpu_plays_to_the_same_sentences() {
    let entries = recorded_by_cpu();
    let mut heard = Heard::default();
    let played = play(&entries, None, |evaluation| heard.hear(evaluation));
    assert!(played.is_the_same() && played.is_whole(), "{:#?}", played.differences.first());
    assert!(played.compared > 100 && heard.estimated > 50, "{} and {}", played.compared, heard.estimated);
    let (met, reactive) = heard.ahead(0.5);
    assert!(met > 0.9 && reactive < 0.1, "{met} of the rises are met, {reactive} without a forecast");

    let other = by(&BY_CPU.replace("0.5 cores", "1 cores"));
    let mut forecast = Heard::default();
    play(&entries, Some(&other), |evaluation| forecast.hear(evaluation));
    let (met, reactive) = forecast.ahead(1.0);
    assert!(met > 0.9 && reactive < 0.1, "of another policy {met} are met, {reactive} without a forecast");
}
