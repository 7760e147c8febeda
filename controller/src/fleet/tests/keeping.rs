//! What is kept of a service replays to the same evaluations.

use std::collections::BTreeMap;

use autoscaler::{
    Autoscaler, Evaluation,
    journal::{self, Entry, What},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::payload::{HistorySpan, Outcome, OutcomeResult, PublishedValue};

use super::*;
use crate::journal::{Assembly, Chunk};

/// Rules that remember, over a signal of each kind.
const BUSY: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
signals:
  jobs: published
rules:
  - target: { signal: cpu, per_replica: 0.5 cores, window: 10s }
  - threshold: { signal: jobs, above: 40, for: 3s, add: 1 }
guards:
  up: { cooldown: 5s, at_most: [2 per 15s] }
  down: { cooldown: 20s, stabilize: 10s }
  warm_up: 0s
";

/// Rules that forecast, by what was given and by what is learned.
const FORESEES: &str = "
service: shop/web
replicas: { min: 1, max: 10 }
signals: { jobs: published }
rules:
  - forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 2s }
  - forecast: { signal: jobs, per_replica: { cpu: 70% }, misses: 5%, backlog: { signal: jobs, within: 10m }, on_trial: 1m }
guards: { base: none }
";

/// A story whose history is kept.
struct Kept {
    story: Story,
    chunks: Vec<Chunk>,
    evaluations: BTreeMap<u64, Evaluation>,
}

impl Kept {
    fn new(policy: &str, term: u64) -> Self {
        let setup = Setup { keeps_history: true, ..Story::setup(term) };
        let fleet = Fleet::new(setup, policies(&[("shop.yaml", policy)]), Stored::default(), at(0));
        Self { story: Story { fleet, sent: 0 }, chunks: Vec::new(), evaluations: BTreeMap::new() }
    }

    /// One second in the life of a service.
    fn live(&mut self, second: u64) {
        let target = self.newest().and_then(|newest| newest.verdict.replicas()).unwrap_or(2);
        let wave = 1.0 + (second as f64 / 20.0).sin();
        self.story.list(second, "a", target);
        self.look();
        self.story.measure(second, "a", target, 3.0 * wave / f64::from(target) / 1.7);
        self.look();
        match second % 50 {
            7 => drop(self.story.hear(second, published_jobs(30.0 * wave))),
            11 => drop(self.story.hear(second, failed(self.target(), second))),
            30 => drop(self.story.hear(second, Input::Policies(policies(&[("shop.yaml", &BUSY.replace("40", "50"))])))),
            45 => drop(self.story.hear(second, Input::Policies(policies(&[("shop.yaml", BUSY)])))),
            _ => {}
        }
        self.look();
        self.chunks.extend(self.story.fleet.take_history().into_iter().map(|(_, chunk)| chunk));
    }

    fn newest(&self) -> Option<&Evaluation> {
        self.story.fleet.services.get(&key("a"))?.governed.as_deref()?.newest.as_ref()
    }

    fn target(&self) -> u64 {
        let governed = self.story.fleet.services.get(&key("a")).and_then(|service| service.governed.as_deref());
        governed.and_then(|governed| governed.target.as_ref()).map_or(0, |target| target.sequence)
    }

    fn look(&mut self) {
        if let Some(newest) = self.newest().cloned() {
            self.evaluations.insert(newest.number, newest);
        }
    }

    fn finish(&mut self, second: u64) {
        self.story.fleet.finish(at(second));
        self.chunks.extend(self.story.fleet.take_history().into_iter().map(|(_, chunk)| chunk));
    }
}

fn published_jobs(value: f64) -> Input {
    let value = PublishedValue { v: payload::VERSION, at_ms: None, value, replica: None };
    Input::Message {
        kind: Kind::Signal,
        subject: Subjects::new("test").signal("shop", "web", "jobs"),
        payload: payload::encode(&value),
    }
}

fn failed(sequence: u64, second: u64) -> Input {
    let outcome = Outcome {
        v: payload::VERSION,
        host: "a".to_owned(),
        project: "shop".to_owned(),
        service: "web".to_owned(),
        term: 1,
        sequence,
        at_ms: at(second).as_millis(),
        result: OutcomeResult::Stale { cause: "the image is not there".to_owned() },
    };
    message(Kind::Outcome, "a", &outcome)
}

/// The text of what was kept, as somebody would get it who asks for a span.
fn text(chunks: &[Chunk], from: u64, until: u64) -> (Assembly, String) {
    let assemble = || {
        let mut assembly = Assembly::new(at(from), at(until));
        for chunk in chunks {
            assembly.add(&STANDARD.encode(chunk.pack(1))).expect("a chunk");
        }
        assembly
    };
    (assemble(), assemble().into_text())
}

/// What is decided when the same is told again, by number.
fn replay(text: &str) -> BTreeMap<u64, Evaluation> {
    let mut autoscaler: Option<Autoscaler> = None;
    let mut evaluations = BTreeMap::new();
    for entry in journal::read(text).unwrap_or_else(|errors| panic!("{errors}")) {
        let Entry { at, what } = entry;
        match (what, &mut autoscaler) {
            (What::Lost { .. } | What::Restarted, _) => autoscaler = None,
            (What::Began(snapshot), None) => autoscaler = Some(Autoscaler::resume(*snapshot)),
            (What::Began(snapshot), Some(autoscaler)) => assert_eq!(*snapshot, autoscaler.snapshot()),
            (What::Event(event), Some(autoscaler)) => autoscaler.handle_event(event, at),
            (What::Looked { number }, Some(autoscaler)) => {
                let evaluation = autoscaler.evaluate(at);
                autoscaler.record(&evaluation);
                assert_eq!(evaluation.number, number);
                evaluations.insert(number, evaluation);
            }
            (What::Decided(decided), Some(_)) => {
                let evaluation: &Evaluation = &evaluations[&decided.number];
                assert_eq!(decided.sentence, autoscaler::explain::sentence(evaluation));
            }
            _ => {}
        }
    }
    evaluations
}

#[test]
fn what_is_kept_replays_to_the_same_evaluations() {
    let mut kept = Kept::new(BUSY, 1);
    for second in 0..300 {
        kept.live(second);
    }
    kept.finish(300);
    let scaled = kept.evaluations.values().filter(|evaluation| evaluation.verdict.direction().is_some()).count();
    assert!(scaled > 10, "{scaled} times is no story");
    for (from, until, began) in [(0, 300, 0), (30, 200, 0), (150, 250, 60), (299, 300, 240)] {
        let (assembly, text) = text(&kept.chunks, from, until);
        assert!(assembly.began().is_some_and(|at_| at_ >= at(began) && at_ <= at(from.max(1))), "{from}: {assembly:?}");
        assert_eq!(assembly.lost(), 0);
        let replayed = replay(&text);
        assert!(replayed.len() > usize::try_from(until - from).expect("few"), "{from}: only {}", replayed.len());
        let last = replayed.values().last().expect("some");
        assert!(last.at <= at(until) && last.at >= at(until - 2), "{from}");
        for (number, evaluation) in &replayed {
            if let Some(live) = kept.evaluations.get(number) {
                assert_eq!(evaluation, live, "{from}");
            }
        }
    }
}

#[test]
fn what_is_kept_of_a_forecast_replays_to_the_same_evaluations() {
    let mut kept = Kept::new(FORESEES, 1);
    // Before `live` edits the policy.
    for second in 0..30 {
        kept.live(second);
    }
    kept.finish(30);
    let (_, text) = text(&kept.chunks, 0, 30);
    let replayed = replay(&text);
    assert!(replayed.len() >= 30, "only {}", replayed.len());
    for (number, evaluation) in &replayed {
        if let Some(live) = kept.evaluations.get(number) {
            assert_eq!(evaluation, live);
        }
    }
}

#[test]
fn a_policy_edited_while_no_controller_runs_goes_on_as_one_edited_under_it() {
    let policy = |signals: &str, rules: &[&str]| {
        let rules = rules.join("\n- ");
        let head = "service: shop/web\nreplicas: { min: 1, max: 10 }\nguards: { base: none }";
        format!("{head}\nsignals: {{ {signals} }}\nrules:\n- {rules}\n")
    };
    let cpu = "forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 10s }";
    let jobs = "forecast: { signal: jobs, per_replica: 10, horizon: 10s }";
    let (misses, memory) =
        (cpu.replace("horizon", "misses: 1%, horizon"), cpu.replace("cpu", "memory").replace("0.5 cores", "1GiB"));
    let published = "jobs: published";
    let elsewhere = "jobs: { prometheus: jobs_waiting, read: sum }";
    let before = policy(published, &[cpu, jobs]);
    for (name, signals, rules, expected) in [
        ("nothing", published, vec![cpu, jobs], vec![true, true]),
        ("another knob", published, vec![&*misses, jobs], vec![true, true]),
        ("another signal", published, vec![&*memory, jobs], vec![false, true]),
        ("one before them", published, vec![&*memory, cpu, jobs], vec![false, true, true]),
        ("another source", elsewhere, vec![cpu, jobs], vec![true, false]),
    ] {
        let after = policy(signals, &rules);
        let mut live = Story::new(&[("shop.yaml", &before)]);
        let mut written = live.list(0, "a", 2);
        for second in 1..=100 {
            written.extend(live.measure(second, "a", 2, 0.4));
            written.extend(live.hear(second, published_jobs(20.0)));
        }
        written.extend(live.fleet.finish(at(100)));
        let stored = super::remembering::stored(&written);
        live.hear(100, Input::Policies(policies(&[("shop.yaml", &after)])));
        live.list(101, "a", 2);
        let mut restarted = Story::restarted(&[("shop.yaml", &after)], 2, stored, 101);
        restarted.list(101, "a", 2);
        let learned = [&live, &restarted].map(|story| {
            let governed = story.fleet.services.get(&key("a")).and_then(|service| service.governed.as_deref());
            let forecasts = governed.into_iter().flat_map(|governed| governed.autoscaler.memory().forecasts());
            let learned = forecasts.map(|(_, state)| state.forecaster());
            learned.map(|by| (by.quantile(), by.scored(), by.history().clone())).collect::<Vec<_>>()
        });
        assert_eq!(learned[0], learned[1], "{name}");
        let known: Vec<_> = learned[1].iter().map(|(_, _, history)| history.newest().is_some()).collect();
        assert_eq!(known, expected, "{name}");
    }
}

#[test]
fn what_is_lost_is_said_and_the_replay_goes_on_at_the_next_snapshot() {
    let mut kept = Kept::new(BUSY, 1);
    for second in 0..200 {
        kept.live(second);
    }
    kept.finish(200);
    let lost = kept.chunks.remove(2);
    let (assembly, text) = text(&kept.chunks, 0, 200);
    assert_eq!(assembly.lost(), lost.entries);
    assert!(text.contains(&format!(",@lost,,{}\n", lost.entries)), "{text}");
    let replayed = replay(&text);
    assert!(replayed.values().any(|evaluation| evaluation.at > at(150)), "it goes on");
    assert!(replayed.values().all(|evaluation| evaluation == &kept.evaluations[&evaluation.number]));
}

#[test]
fn what_another_controller_says_that_was_followed_is_left_out_and_what_comes_twice_comes_once() {
    let mut kept = Kept::new(BUSY, 1);
    for second in 0..40 {
        kept.live(second);
    }
    kept.finish(40);
    let mut next = Kept::new(BUSY, 2);
    for second in 25..60 {
        next.live(second);
    }
    next.finish(60);
    let mut assembly = Assembly::new(at(0), at(60));
    let mut chunks: Vec<_> = kept.chunks.iter().map(|chunk| (chunk, 1)).collect();
    chunks.extend(next.chunks.iter().flat_map(|chunk| [(chunk, 2), (chunk, 2)]));
    chunks.sort_by_key(|(chunk, _)| chunk.until);
    for (chunk, term) in chunks {
        assembly.add(&STANDARD.encode(chunk.pack(term))).expect("a chunk");
    }
    assert_eq!(assembly.lost(), 0);
    let text = assembly.into_text();
    assert_eq!(text.matches("@restarted").count(), 1, "the first one is before the first snapshot");
    replay(&text);
    let times = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    assert!(times(",@look,") > 70, "{}", times(",@look,"));
}

#[test]
fn who_asks_for_history_says_of_which_service_and_when() {
    let mut kept = Kept::new(BUSY, 1);
    kept.live(0);
    let span = HistorySpan { from_ms: 5, until_ms: 9, after: None };
    let ask = |service: Option<&str>, history| Question {
        service: service.map(str::to_owned),
        history,
        ..Question::default()
    };
    for (question, expected) in [
        (ask(None, Some(span)), Err("which service? Give its name")),
        (ask(Some("web"), None), Err("from when until when? Give a span")),
        (ask(Some("web"), Some(HistorySpan { until_ms: 1, ..span })), Err("the span ends before it begins")),
        (ask(Some("wep"), Some(span)), Err("no service is called \"wep\"; there are a/shop/web")),
        (ask(Some("web"), Some(span)), Ok("a/shop/web")),
        (ask(Some("b/gone/now"), Some(span)), Ok("b/gone/now")),
    ] {
        let wanted = kept.story.fleet.history_wanted(&question);
        let found = wanted.as_ref().map(|wanted| wanted.key.to_string());
        assert_eq!(found.as_deref().map_err(|error| error.as_str()), expected);
    }
    assert_eq!(kept.story.fleet.take_history().len(), 1, "what happened until now is handed over");
}

#[test]
fn without_a_wish_nothing_is_kept() {
    let mut story = Story::new(&[("shop.yaml", BUSY)]);
    story.list(0, "a", 2);
    story.list(30, "a", 2);
    story.fleet.finish(at(31));
    assert!(story.fleet.take_history().is_empty());
}
