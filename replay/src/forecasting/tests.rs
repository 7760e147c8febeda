use forecast::Utc;

use super::*;

const MINUTE: u64 = 60_000;
static ZONE: Zone = Zone::UTC;

/// Ten hours, in which the same comes again every hour; nothing was measured in the minutes of `gap`.
fn told(gap: std::ops::Range<u64>) -> Forecaster {
    let mut forecaster = Forecaster::new(0.9);
    for minute in (1..=600).filter(|minute| !gap.contains(minute)) {
        let value = 100.0 + 50.0 * (minute as f64 / 60.0 * std::f64::consts::TAU).sin();
        forecaster.observe(minute * MINUTE, value, 3 * MINUTE, &Utc);
    }
    forecaster
}

fn asked(replicas: &(dyn Fn(f64) -> u32 + Sync), ahead: Duration) -> Asked<'_> {
    Asked {
        service: "shop/web",
        signal: "requests",
        unit: Unit::PerSecond,
        source: "demand",
        sentence: None,
        knob: Knob::IdlePerMissing(9.0),
        horizon: Duration::from_mins(3),
        ahead,
        calendar: &Utc,
        zone: &ZONE,
        replicas: Some(replicas),
        per_replica: None,
        came: None,
    }
}

#[test]
fn what_was_not_measured_is_a_gap_and_no_step_is_left_out() {
    let prospect = prospect(&told(500..510), &asked(&|_| 1, Duration::from_hours(1))).expect("there is enough");
    assert!(prospect.past.windows(2).all(|pair| pair[1].at.since(pair[0].at) == prospect.shown_step));
    let gap = prospect.past.iter().filter(|moment| moment.actual.is_none()).count();
    assert_eq!((gap, prospect.shown_step), (10, Duration::from_mins(1)));
}

#[test]
fn the_plan_begins_now_has_no_holes_and_joins_equal_counts() {
    let by_40 = |value: f64| if value > 120.0 { 4 } else { 2 };
    let prospect = prospect(&told(0..0), &asked(&by_40, Duration::from_hours(3))).expect("there is enough");
    let (plan, now) = (&prospect.plan, prospect.at);
    assert_eq!(plan[0].from, now);
    assert!(plan.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].replicas != pair[1].replicas));
    assert!(plan.last().is_some_and(|last| last.to >= now.plus(Duration::from_hours(3))));
    assert!((6..=8).contains(&plan.len()), "up and down every hour: {plan:?}");
}

#[test]
fn nobody_plans_farther_than_history_reaches() {
    let prospect = prospect(&told(0..0), &asked(&|_| 1, Duration::from_hours(24))).expect("there is enough");
    let ahead = prospect.ahead.last().map(|span| span.to.since(prospect.at));
    assert!(ahead.is_some_and(|ahead| ahead < Duration::from_hours(11)), "{ahead:?}");
    assert!(prospect.notes.iter().any(|note| note.contains("the plan ends after")), "{:?}", prospect.notes);
}

#[test]
fn too_little_history_says_how_much_there_is_and_how_much_it_takes() {
    let mut young = Forecaster::new(0.9);
    for minute in 1..=5 {
        young.observe(minute * MINUTE, 1.0, 3 * MINUTE, &Utc);
    }
    let error = prospect(&young, &asked(&|_| 1, Duration::from_hours(1))).expect_err("too little").to_string();
    assert!(error.contains("in 3 steps of 1m") && error.contains("it takes 11m"), "{error}");
}

#[test]
fn what_is_rehearsed_before_it_has_learned_is_not_scored_and_few_give_no_figures() {
    for (name, gap, steps) in [("ten hours", 0..0, 598), ("four hours", 240..601, 237)] {
        let prospect = prospect(&told(gap), &asked(&|_| 1, Duration::from_mins(30))).expect("there is enough");
        for score in &prospect.scores {
            let figures = [score.mase, score.wape, score.skill, score.above];
            let told = figures.iter().flatten().count();
            assert_eq!(told, if score.count < 32 { 0 } else { figures.len() }, "{name}: {score:?}");
            let lead = score.lead.as_secs() / score.step.as_secs();
            // The first that is scored was said when eight had been compared, and each is compared a lead later.
            let rehearsed = (steps * 60_u64).div_ceil(score.step.as_secs()).min(513);
            assert!(score.count + 2 * lead + 7 <= rehearsed, "{name}: {score:?}");
        }
        let few = prospect.scores.iter().filter(|score| score.count < 32).count();
        assert_eq!(few > 0, name == "four hours", "{name}: {:?}", prospect.scores);
    }
}
