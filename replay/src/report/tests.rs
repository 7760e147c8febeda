use std::time::Duration;

use autoscaler::{Event, Timestamp};

use super::*;
use crate::{
    scaler::{Scaler, Seen},
    scenario::{self, BEGINS, Fault, Objective as Felt, Play, Replicas, Service, Signals, What},
    simulation::{Change, Latency, Segment, Watch},
};

#[test]
fn the_json_is_what_programs_were_promised() {
    let mut report = of_flash_crowd(600, 60);
    // A golden file shows the shape; two buckets are enough for that.
    for contender in &mut report.scenarios[0].contenders {
        contender.picture.buckets.truncate(2);
        contender.picture.decisions.truncate(2);
    }
    report.definitions.truncate(1);
    insta::assert_json_snapshot!(report);
}

#[test]
fn the_table_of_measures_is_the_one_of_the_page() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/replay.md");
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once("<!-- table: measures -->\n").ok_or("a table of measures")?;
    let (_, after) = rest.split_once("<!-- /table -->").ok_or("its end")?;
    let wanted = format!("{before}<!-- table: measures -->\n{}<!-- /table -->{after}", table_of_measures());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &wanted)?;
        return Ok(());
    }
    assert!(page == wanted, "the table of measures in docs/replay.md is old: run this test with UPDATE_GENERATED=1");
    Ok(())
}

#[test]
fn a_picture_stays_small_however_long_the_run_and_keeps_extremes_and_means() {
    let scenario = flash_crowd(14 * 86_400, 10);
    let mut picture = Picture::new(&scenario);
    let steps = 14 * 8640;
    for step in 0..steps {
        let from = scenario.begins.plus(Duration::from_secs(10 * step));
        let ready = if step == 777 { 9 } else { 2 };
        picture.segment(&Segment {
            from,
            to: from.plus(Duration::from_secs(10)),
            ready,
            offered: 50.0,
            ..Segment::default()
        });
    }
    assert!((360..=720).contains(&picture.buckets.len()), "{}", picture.buckets.len());
    let most = picture.buckets.iter().map(|bucket| bucket.ready.most).fold(0.0, f64::max);
    let mean = picture.buckets.iter().map(|bucket| bucket.ready.mean).sum::<f64>();
    let (_, end) = picture.span_of(picture.buckets.len() - 1);
    assert!(end >= scenario.lasts, "{end:?}");
    assert!((most - 9.0).abs() < 1e-9, "one short peak is not averaged away");
    // The last bucket may be half empty; its mean is that of what was seen.
    assert!((mean / 2.0 - f64::from(u32::try_from(picture.buckets.len()).expect("few"))).abs() < 0.1, "{mean}");
    assert!(picture.buckets.iter().all(|bucket| (bucket.offered.mean - 5.0).abs() < 1e-9));
}

#[test]
fn a_segment_across_buckets_is_shared_out_among_them() {
    let scenario = flash_crowd(100, 10);
    let mut picture = Picture::new(&scenario);
    let at = |seconds| BEGINS.plus(Duration::from_secs(seconds));
    let segment = |from, to, ready| Segment { from: at(from), to: at(to), ready, ..Segment::default() };
    picture.segment(&segment(0, 5, 1));
    picture.segment(&segment(5, 25, 3));
    let ready: Vec<_> = picture.buckets.iter().map(|bucket| (bucket.ready.least, bucket.ready.mean)).collect();
    assert_eq!(ready, [(1.0, 2.0), (3.0, 3.0), (3.0, 3.0)]);
    assert!(picture.buckets[0].latency.is_none(), "nothing was served, so nothing took any time");
}

#[test]
fn decisions_beyond_what_is_kept_are_counted() {
    let scenario = flash_crowd(100, 10);
    let mut picture = Picture::new(&scenario);
    for ordinal in 0..300 {
        let change = Change { at: BEGINS, from: ordinal, to: ordinal + 1, why: String::new() };
        picture.change(&change, &Fake);
    }
    picture.change(&Change { at: BEGINS, from: 3, to: 3, why: "another reason".to_owned() }, &Fake);
    assert_eq!((picture.decisions.len(), picture.decisions_left_out), (250, 50));
}

#[test]
fn what_users_wrote_is_text_everywhere() {
    let mut report = of_flash_crowd(600, 10);
    let evil = "</script></style><img src=x onerror=alert(1)>\"'";
    let judged = &mut report.scenarios[0];
    for text in
        [&mut judged.scenario.name, &mut judged.scenario.about, &mut judged.scenario.from, &mut judged.scenario.service]
    {
        evil.clone_into(text);
    }
    judged.warnings = vec![evil.to_owned()];
    evil.clone_into(&mut judged.scenario.faults[0].what);
    for contender in &mut judged.contenders {
        evil.clone_into(&mut contender.name);
        evil.clone_into(&mut contender.digest);
        contender.note = Some(evil.to_owned());
        contender.expectations = vec![Judgement { expected: evil.to_owned(), met: false, found: evil.to_owned() }];
        evil.clone_into(&mut contender.picture.decisions[0].why);
    }
    for curve in &mut judged.pareto {
        evil.clone_into(&mut curve.name);
        evil.clone_into(&mut curve.knob);
        curve.points.iter_mut().for_each(|point| evil.clone_into(&mut point.setting));
    }
    for rung in &mut judged.ladder {
        (rung.name, rung.price_of) = (evil.to_owned(), evil.to_owned());
    }
    report.ranking = vec![Rank { name: evil.to_owned(), points: 1.0, distance: 0.0 }];
    report.scenarios.push(report.scenarios[0].clone());
    for (what, text) in [("page", report.page()), ("picture", report.svg(Theme::Dark))] {
        assert!(!text.contains("<img"), "{what}");
        assert_eq!(text.matches("</style>").count(), 1, "{what}");
    }
    assert_eq!(report.page().matches("<script").count(), report.page().matches("</script>").count());
}

#[test]
fn a_page_needs_nothing_beside_it_and_a_week_of_six_is_below_two_megabytes() {
    let mut report = of_flash_crowd(7 * 86_400, 10);
    let judged = &mut report.scenarios[0];
    let first = judged.contenders[0].clone();
    judged.contenders.truncate(2);
    judged.contenders.extend(std::iter::repeat_n(first, 4));
    let page = report.page();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("url(").count(), page.matches("url(#").count());
    for outside in ["http://", "https://", "src=", "@import"] {
        let allowed = page.matches("http://www.w3.org/2000/svg").count() * usize::from(outside == "http://");
        assert_eq!(page.matches(outside).count(), allowed, "{outside}");
    }
}

#[test]
fn comparisons_say_who_is_better_and_by_how_much() {
    let with = |name: &str, replica_hours: f64, late: f64, cost: f64, changes: f64| {
        let mut contender = of_flash_crowd(600, 60).scenarios.remove(0).contenders.remove(0);
        name.clone_into(&mut contender.name);
        for (key, value) in [("replica_hours", replica_hours), ("late", late), ("cost", cost), ("changes", changes)] {
            assert!(contender.figures.set(key, Some(value)), "{key}");
        }
        contender
    };
    let first = with("A", 10.0, 0.02, 20.0, 6.0);
    for (other, verdict, sentence) in [
        (
            with("B", 8.8, 0.017, 18.0, 14.0),
            Verdict::Better,
            "B pays 12 % less for replicas than A, lets fewer requests be late or lost (1.7 % instead of 2 %) and changes \
             the count 14 times instead of 6.",
        ),
        (
            with("C", 11.0, 0.0, 15.0, 6.0),
            Verdict::DearerButBetter,
            "C pays 10 % more for replicas than A, lets fewer requests be late or lost (0 % instead of 2 %), changes the \
             count as often (6) and with missing replicas priced in costs 25 % less.",
        ),
        (
            with("D", 10.0, 0.02, 20.0, 6.0),
            Verdict::Same,
            "D pays as much for replicas as A, keeps as many users waiting (2 %) and changes the count as often (6).",
        ),
        (
            with("E", 9.0, 0.02, 24.0, 1.0),
            Verdict::CheaperButWorse,
            "E pays 10 % less for replicas than A, keeps as many users waiting (2 %), changes the count once instead of 6 \
             times and with missing replicas priced in costs 20 % more.",
        ),
        (
            with("F", 10.0, 0.02, 18.0, 6.0),
            Verdict::Better,
            "F pays as much for replicas as A, keeps as many users waiting (2 %), changes the count as often (6) and with \
             missing replicas priced in costs 10 % less.",
        ),
        (
            Contender { spared: true, note: Some("spared a fault".to_owned()), ..with("G", 9.0, 0.5, 18.0, 6.0) },
            Verdict::Better,
            "G (spared a fault) pays 10 % less for replicas than A and changes the count as often (6).",
        ),
    ] {
        let comparison = Comparison::of(&first, &other);
        assert_eq!((comparison.verdict, comparison.sentence.as_str()), (verdict, sentence));
    }
}

/// A flash crowd under a fast and a slow policy: not simulated, but it looks like it.
fn of_flash_crowd(seconds: u64, every: u64) -> Report {
    let scenario = flash_crowd(seconds, every);
    let contenders = vec![
        contender(&scenario, ("web.policy.yaml", Kind::Policy), 0.02),
        contender(&scenario, ("HPA, cpu at 60 %", Kind::Baseline), 0.05),
        contender(&scenario, ("clairvoyant plan", Kind::Plan), 0.0),
    ];
    let mut judged = Judged::new(Summary::new(&scenario), contenders);
    let point = |setting: &str, given, cost, violations| Point { setting: setting.to_owned(), given, cost, violations };
    judged.pareto = vec![Curve {
        name: "web.policy.yaml".to_owned(),
        contender: Some(0),
        knob: "rules.0.per_replica".to_owned(),
        points: vec![
            point("10/s", false, 24.0, 0.01),
            point("15/s", false, 20.0, 0.03),
            point("20/s", true, 18.0, 0.08),
            point("30/s", false, 15.0, 0.21),
        ],
    }];
    let rung = |name: &str, cost, price_of: &str| Rung { name: name.to_owned(), cost, price_of: price_of.to_owned() };
    judged.ladder = vec![
        rung("clairvoyant plan", 14.0, ""),
        rung("plan within the guards", 16.5, "guards"),
        rung("policy with a perfect forecast", 17.0, "rounding"),
        rung("best knob in hindsight", 21.0, "uncertainty"),
        rung("web.policy.yaml", 24.0, "tuning"),
    ];
    judged.floor = Some(ReactiveFloor { lag: 11.0, missing_hours: 0.2, cost: 2.0 });
    judged.warnings = vec!["web.policy.yaml reads `queue.jobs`, which the scenario does not give".to_owned()];
    Report::new(vec![judged], Vec::new(), Vec::new())
}

fn contender(scenario: &Scenario, (name, kind): (&str, Kind), lag: f64) -> Contender {
    let mut picture = Picture::new(scenario);
    let (lasts, every) = (scenario.lasts.as_secs_f64(), scenario.every);
    let demand = |share: f64| {
        let wobble = 1.0 + 0.1 * (share * 900.0).sin();
        let crowd =
            if share < 0.2 { 0.0 } else { 360.0 * ((share - 0.2) * 60.0).min(1.0) * (-(share - 0.2) * 6.0).exp() };
        (40.0 + crowd) * wobble
    };
    let needed = |share: f64| (demand(share.clamp(0.0, 1.0)) / 25.0).ceil().max(2.0);
    let (mut queue, mut target, mut from) = (0.0_f64, 2_u32, scenario.begins);
    let mut totals = [0.0_f64; 4];
    while from < scenario.ends() {
        let share = from.since(scenario.begins).as_secs_f64() / lasts;
        let seconds = every.as_secs_f64();
        let wanted = (0..40).map(|step| needed(share - lag * f64::from(step) / 20.0)).fold(2.0, f64::max);
        let wanted = if kind == Kind::Plan { needed(share) } else { wanted.min(needed(share - lag) + 6.0) };
        let wanted = Fake::count(wanted);
        if wanted != target {
            let why = format!("requests at {:.0}/s want {wanted} replicas; 25/s each & <no> more", demand(share));
            picture.change(&Change { at: from, from: target, to: wanted, why }, &Fake);
            totals[3] += 1.0;
            target = wanted;
        }
        let ready = Fake::count(needed(share - lag)).min(target).max(2);
        let (offered, capacity) = (demand(share) * seconds, f64::from(ready) * 25.0 * seconds);
        let served = (queue + offered).min(capacity);
        let lost = (queue + offered - served - 4000.0).max(0.0);
        let next = queue + offered - served - lost;
        let to = from.plus(every);
        let wait = queue / (capacity / seconds);
        picture.segment(&Segment {
            from,
            to,
            target,
            ready,
            starting: target - ready,
            needed: Fake::count(needed(share)),
            offered,
            served,
            lost,
            queue_from: queue,
            queue_to: next,
            in_flight: f64::midpoint(queue, next) + 1.0,
            latency: Latency { shift: 0.02 + wait, tail: 0.8, scale: 0.02 },
            ..Segment::default()
        });
        totals[0] += f64::from(target) * seconds / 3600.0;
        totals[1] += offered;
        totals[2] += lost + if wait > 0.1 { served } else { 0.0 };
        (queue, from) = (next, to);
    }
    let mut figures = Figures::default();
    for (key, value) in [
        ("replica_hours", totals[0]),
        ("cost", totals[0] * 1.2),
        ("late", totals[2] / totals[1]),
        ("changes", totals[3]),
        ("tau_u", 0.1),
    ] {
        assert!(figures.set(key, Some(value)), "{key}");
    }
    let expectations = vec![Judgement {
        expected: "at most 12 changes".to_owned(),
        met: totals[3] <= 12.0,
        found: format!("{} changes", totals[3]),
    }];
    let spared = kind == Kind::Plan;
    let note = spared.then(|| "its starts are the quickest".to_owned());
    let digest = "0123456789abcdef".to_owned();
    Contender { name: name.to_owned(), kind, note, spared, digest, figures, expectations, picture }
}

fn flash_crowd(seconds: u64, every: u64) -> Scenario {
    let share = |share: f64| Duration::from_secs(seconds).mul_f64(share);
    Scenario {
        name: "flash-crowd".to_owned(),
        about: "A flash crowd: load rises tenfold within half a minute and fades over an hour.\n".to_owned(),
        from: "drawn".to_owned(),
        service: Service { host: String::new(), project: "shop".to_owned(), service: "web".to_owned() },
        begins: BEGINS,
        lasts: Duration::from_secs(seconds),
        every: Duration::from_secs(every),
        seed: 7,
        replicas: Replicas { start: 2, min: 1, max: 20 },
        policy: None,
        objective: Felt {
            latency: Some(scenario::LatencyObjective { quantile: 0.95, below: 0.25 }),
            idle_per_missing: 10.0,
        },
        play: Play::Signals(Signals::Values(Vec::new())),
        faults: vec![
            Fault { at: share(0.55), lasts: share(0.08), what: What::AgentSilent },
            Fault { at: share(0.8), lasts: Duration::ZERO, what: What::ComposeUp { replicas: 2 } },
        ],
        expect: Vec::new(),
    }
}

struct Fake;

impl Fake {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts of a test")]
    fn count(value: f64) -> u32 {
        value as u32
    }
}

impl Scaler for Fake {
    fn name(&self) -> String {
        "fake".to_owned()
    }

    fn decide(&mut self, _seen: &Seen, _told: &mut Vec<Event>, _now: Timestamp) -> Option<u32> {
        None
    }

    fn why(&self) -> String {
        String::new()
    }
}
