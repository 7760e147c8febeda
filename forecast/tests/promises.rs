//! What a forecaster promises of itself.

mod drawn;

use drawn::{DAY, Kind, STEP, draw};
use forecast::{Calendar, Forecaster, Gate, Member, Outlook, Utc};
use proptest::prelude::*;

fn hear(forecaster: &mut Forecaster, values: &[f64], from: u64) {
    for (place, value) in (from..).zip(values) {
        forecaster.observe((place + 1) * STEP, *value, 2 * STEP, &Utc);
    }
}

/// Milliseconds.
const HOUR: f64 = 3_600_000.0;

fn millis(outlook: &Outlook) -> Vec<f64> {
    outlook.seasons.iter().map(|season| season.millis(outlook.step)).collect()
}

fn told(values: &[f64]) -> Forecaster {
    let mut forecaster = Forecaster::new(10.0 / 11.0);
    hear(&mut forecaster, values, 0);
    forecaster
}

#[test]
fn a_day_and_a_week_are_found_and_proven_and_noise_has_no_season() {
    let forecaster = told(&draw(Kind::DailyAndWeekly, 6000, 1));
    let outlook = forecaster.outlook().expect("it knows");
    assert_eq!(millis(outlook), [24.0 * HOUR, 7.0 * 24.0 * HOUR]);
    assert_eq!(outlook.gate, Gate::Proven, "{:?}", outlook.skill);
    let far = forecaster.rehearse(12, &Utc).expect("it knows");
    let weights = far.weights.last().expect("there are some").1;
    let seasonal = Member::ALL.iter().zip(weights).filter(|(member, _)| member.is_seasonal()).map(|(_, weight)| weight);
    assert!(seasonal.sum::<f64>() > 0.5, "an hour ahead the season tells most: {weights:?}");
    for (kind, seed) in [(Kind::Stationary, 1), (Kind::Stationary, 2), (Kind::Autoregressive, 1), (Kind::OnOff, 1)] {
        let forecaster = told(&draw(kind, 2000, seed));
        assert_eq!(forecaster.seasons(), [], "{kind:?}");
    }
}

#[test]
fn any_period_is_found() {
    for period in [11_u32, 60, 100, 333] {
        let value = |step: u32| 50.0 + 30.0 * (std::f64::consts::TAU * f64::from(step) / f64::from(period)).sin();
        let forecaster = told(&(0..period * 6 + 70).map(value).collect::<Vec<_>>());
        let found: Vec<f64> = forecaster.seasons().iter().map(|season| season.steps).collect();
        assert!(found.iter().any(|steps| (steps / f64::from(period) - 1.0).abs() < 0.005), "{period}: {found:?}");
    }
}

/// People come from eight to six.
fn at_work(step: u32) -> f64 {
    let hour = step % DAY * 24 / DAY;
    if (8..18).contains(&hour) { 100.0 } else { 20.0 + f64::from(step % 7) }
}

/// The mean error two steps ahead over the second day, of who expects these seasons.
fn off_on_the_second_day(values: &[f64], expected: &[u64]) -> f64 {
    let mut forecaster = Forecaster::new(10.0 / 11.0);
    forecaster.expect(expected, &Utc);
    let mut off = Vec::new();
    for (place, value) in (0_u64..).zip(values) {
        let coming = values.get(usize::try_from(place).expect("few") + 2);
        forecaster.observe((place + 1) * STEP, *value, 2 * STEP, &Utc);
        if let (Some(outlook), Some(coming)) = (forecaster.outlook().filter(|_| place >= u64::from(DAY) + 32), coming) {
            off.push((outlook.middle - coming).abs());
        }
    }
    off.iter().sum::<f64>() / f64::from(u32::try_from(off.len()).expect("few"))
}

#[test]
fn a_season_that_is_expected_is_told_by_from_the_second_time_on() {
    let day = 24 * 3_600_000;
    let work: Vec<f64> = (0..2 * DAY).map(at_work).collect();
    let (blind, told) = (off_on_the_second_day(&work, &[]), off_on_the_second_day(&work, &[day]));
    assert!(told < 0.5 * blind, "{told} is not half of {blind}");
    // One that does not come is seen through.
    for kind in [Kind::Stationary, Kind::Walk, Kind::Bimodal, Kind::OnOff] {
        let values = draw(kind, 2 * DAY, 1);
        let (blind, told) = (off_on_the_second_day(&values, &[]), off_on_the_second_day(&values, &[day]));
        assert!(told < 1.03 * blind, "{kind:?}: {told} is more than {blind}");
    }
}

#[test]
fn of_a_season_that_is_expected_is_told_until_it_is_found_or_is_expected_no_more() {
    let day = 24 * 3_600_000;
    let values = draw(Kind::Daily, 4 * DAY, 1);
    let mut forecaster = Forecaster::new(10.0 / 11.0);
    forecaster.expect(&[day, 7 * day], &Utc);
    let correlations =
        |forecaster: &Forecaster| forecaster.seasons().iter().map(|season| season.correlation).collect::<Vec<_>>();
    hear(&mut forecaster, &values[..200], 0);
    assert_eq!(forecaster.seasons(), [], "no day was seen yet");
    hear(&mut forecaster, &values[200..300], 200);
    assert_eq!(correlations(&forecaster), [None], "a day was seen, and is not found yet; a week was not seen");
    let mut given_up = forecaster.clone();
    given_up.expect(&[], &Utc);
    assert_eq!(given_up.seasons(), []);
    hear(&mut forecaster, &values[300..], 300);
    assert!(matches!(correlations(&forecaster)[..], [Some(_)]), "it was found: {:?}", forecaster.seasons());
}

#[test]
fn an_hour_earlier_by_the_wall_clock_is_the_same_hour() {
    /// The clock goes forward an hour after so many steps.
    struct Spring(u64);
    impl Calendar for Spring {
        fn offset_ms(&self, at_ms: u64) -> i64 {
            if at_ms > self.0 { 3_600_000 } else { 0 }
        }
        fn is_unusual(&self, _: u64) -> bool {
            false
        }
    }
    let by_the_wall_clock = |step: u32| at_work(step + if step > 10 * DAY { DAY / 24 } else { 0 });
    let values: Vec<f64> = (0..20 * DAY).map(by_the_wall_clock).collect();
    let spring = Spring(u64::from(10 * DAY) * STEP);
    let missed = |calendar: &dyn Calendar| {
        let mut forecaster = Forecaster::new(0.95);
        let mut error = 0.0;
        for (place, value) in (1_u64..).zip(&values) {
            let day_after = (10 * DAY + 6..11 * DAY).contains(&u32::try_from(place).expect("few"));
            if let Some(outlook) = forecaster.outlook().filter(|_| day_after) {
                error +=
                    (outlook.middle - values.get(usize::try_from(place).expect("few") + 4).expect("it goes on")).abs();
            }
            forecaster.observe(place * STEP, *value, 6 * STEP, calendar);
        }
        error
    };
    let (knows, does_not) = (missed(&spring), missed(&Utc));
    assert!(knows < 0.9 * does_not, "{knows} is not less than {does_not}");
}

#[test]
fn a_gap_is_no_zero_and_ends_the_forecast_until_it_is_over() {
    let mut forecaster = told(&draw(Kind::Daily, 1000, 1));
    let before = forecaster.outlook().cloned().expect("it knows");
    forecaster.observe(1001 * STEP, f64::NAN, 2 * STEP, &Utc);
    assert_eq!(forecaster.outlook(), Some(&before), "nothing was heard");
    forecaster.observe(1100 * STEP, 100.0, 2 * STEP, &Utc);
    let after = forecaster.outlook().expect("it knows again");
    assert!(after.made_at == 1100 * STEP && after.ahead > 50.0, "{after:?}");
    assert_eq!(forecaster.step(), STEP, "values come no slower");
    let there = [999, 1050, 1099].map(|step| forecaster.history().at(step).is_some());
    assert_eq!(there, [true, false, true], "what was measured is kept, and the gap stays one");
}

#[test]
fn a_forecast_is_no_more_than_half_above_the_most_ever_seen() {
    let growing: Vec<f64> = (0..60).map(|step| 2.0_f64.powi(step / 4)).collect();
    for heard in 10..growing.len() {
        let forecaster = told(&growing[..heard]);
        let most = growing[..heard].iter().copied().fold(0.0, f64::max);
        if let Some(outlook) = forecaster.outlook() {
            assert!(outlook.ahead <= 1.5 * most + 1e-9 && outlook.next <= 1.5 * most + 1e-9, "{outlook:?}");
        }
    }
}

#[test]
fn a_new_level_makes_what_was_before_it_worth_nothing() {
    let old = draw(Kind::Stationary, 1500, 1);
    let new = draw(Kind::Stationary, 1300, 2).into_iter().map(|value| 4.0 * value);
    let forecaster = told(&old.into_iter().chain(new).collect::<Vec<_>>());
    assert_eq!(forecaster.history().at(1000), None, "it is forgotten");
    assert!(forecaster.history().at(1900).is_some());
}

#[test]
fn it_is_kept_in_32_kilobytes() {
    for kind in [Kind::DailyAndWeekly, Kind::Walk] {
        let mut forecaster = Forecaster::new(10.0 / 11.0);
        // What is expected and does not come is told by besides.
        forecaster.expect(&[3 * 3_600_000, 100 * 3_600_000, 28 * 24 * 3_600_000], &Utc);
        // Until all that is kept is full, and with as long a horizon as there is.
        for (place, value) in (1_u64..).zip(draw(kind, 90_000, 1)) {
            forecaster.observe(place * STEP, value, if place < 89_000 { STEP } else { 6 * STEP }, &Utc);
        }
        let kept = serde_json::to_string(&forecaster).expect("it is JSON").len();
        assert!(kept <= 32 * 1024, "{kind:?}: {kept} bytes");
    }
}

#[test]
fn a_horizon_that_changes_keeps_what_was_learned() {
    let mut forecaster = told(&draw(Kind::Daily, 2000, 1));
    forecaster.observe(2001 * STEP, 100.0, 4 * STEP, &Utc);
    let outlook = forecaster.outlook().expect("it knows");
    assert_eq!((outlook.lead, millis(outlook)), (4, vec![24.0 * HOUR]));
    forecaster.observe(2002 * STEP, 100.0, 24 * STEP, &Utc);
    assert!(forecaster.step() > STEP, "longer steps for a farther horizon");
    assert!(forecaster.history().measured() > 300, "with the same history");
    assert!(!forecaster.seasons().is_empty());
}

#[test]
fn weights_are_shares() {
    let forecaster = told(&draw(Kind::Daily, 1000, 1));
    let outlook = forecaster.outlook().expect("it knows");
    let shares = &outlook.shares;
    let sum: f64 = shares.iter().map(|share| share.weight).sum();
    assert!((0.9..=1.0 + 1e-9).contains(&sum) && shares.len() <= Member::ALL.len(), "{shares:?}");
    let middle: f64 = shares.iter().map(|share| share.weight * share.says).sum();
    assert!((middle / outlook.middle - 1.0).abs() < 0.05, "what they say makes up what is expected: {outlook:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_changes_nothing(seed in 0_u64..1000, kind in 0..Kind::ALL.len(), cut in 1_usize..400) {
        let values = draw(Kind::ALL[kind], 400, seed);
        let mut without = told(&values[..cut]);
        let kept = serde_json::to_string(&without).expect("it is JSON");
        let mut with: Forecaster = serde_json::from_str(&kept).expect("it reads back");
        prop_assert_eq!(&with, &without);
        hear(&mut without, &values[cut..], cut as u64);
        hear(&mut with, &values[cut..], cut as u64);
        prop_assert_eq!(with, without);
    }

    #[test]
    fn nothing_that_is_heard_makes_it_panic_or_say_what_is_no_number(
        heard in proptest::collection::vec(
            (0_u64..4_000_000, prop_oneof![4 => 0.0..1e3, 1 => -1e300..1e300, 1 => Just(f64::NAN), 1 => Just(0.0)], 0_u64..90_000_000),
            0..300,
        ),
    ) {
        let mut forecaster = Forecaster::new(0.9);
        let mut at = 1_700_000_000_000;
        for (later, value, horizon) in heard {
            at += later;
            forecaster.observe(at, value, horizon, &Utc);
            if let Some(outlook) = forecaster.outlook() {
                prop_assert!(outlook.ahead.is_finite() && outlook.ahead >= 0.0, "{outlook:?}");
                prop_assert!(outlook.next.is_finite() && outlook.next >= 0.0, "{outlook:?}");
            }
        }
    }
}
