//! What a forecaster promises where the horizon, the pace of values or what is kept of it changes.

#[expect(dead_code, reason = "other tests draw more")]
mod drawn;

use drawn::{DAY, Kind, STEP, draw};
use forecast::{Forecaster, Gate, Utc};
use serde_json::Value;

const HORIZON: u64 = 2 * STEP;

fn told(values: &[f64], horizon: u64) -> Forecaster {
    let mut forecaster = Forecaster::new(10.0 / 11.0);
    hear(&mut forecaster, values, 0, horizon);
    forecaster
}

fn hear(forecaster: &mut Forecaster, values: &[f64], from: u64, horizon: u64) {
    for (place, value) in (from..).zip(values) {
        forecaster.observe((place + 1) * STEP, *value, horizon, &Utc);
    }
}

#[test]
fn shorter_steps_keep_what_longer_ones_measured_and_prove_themselves_anew() {
    let values = draw(Kind::Daily, 3000, 1);
    // Steps of half an hour, which a horizon of three hours asks for.
    let mut forecaster = told(&values, 36 * STEP);
    assert_eq!((forecaster.step(), forecaster.outlook().map(|outlook| outlook.gate)), (6 * STEP, Some(Gate::Proven)));
    forecaster.observe(3001 * STEP, 100.0, HORIZON, &Utc);
    let outlook = forecaster.outlook().expect("it goes on");
    assert_eq!((forecaster.step(), outlook.gate), (STEP, Gate::Learning), "nothing was proven with such steps");
    let history = forecaster.history();
    let newest = history.newest().expect("there is one");
    assert!((newest - 1000..=newest).all(|step| history.at(step).is_some()), "no step is a gap");
    let seasons: Vec<f64> = forecaster.seasons().iter().map(|season| season.steps).collect();
    assert_eq!(seasons, [f64::from(DAY)], "the day is still known");
}

#[test]
fn a_season_is_looked_for_again_soon_after_steps_changed() {
    // Noise first, for long; then days, with other steps.
    let noise: Vec<f64> = draw(Kind::Stationary, 6000, 1);
    let mut forecaster = told(&noise, HORIZON);
    let days = draw(Kind::Daily, 8 * DAY, 2);
    hear(&mut forecaster, &days, 6000, 12 * STEP);
    assert!(!forecaster.seasons().is_empty(), "eight days are seen");
}

#[test]
fn a_gap_however_long_makes_no_step_longer() {
    for gap in [3, 10, 100, 100_000] {
        let mut forecaster = told(&draw(Kind::Daily, 500, 1), HORIZON);
        hear(&mut forecaster, &[100.0; 3], 500 + gap, HORIZON);
        assert_eq!(forecaster.step(), STEP, "{gap} steps without a value");
    }
}

#[test]
fn a_horizon_that_is_a_step_shorter_discards_no_proof() {
    let mut forecaster = told(&draw(Kind::Daily, 3000, 1), 3 * STEP);
    let before = forecaster.outlook().cloned().expect("it knows");
    assert_eq!((before.lead, before.gate), (3, Gate::Proven));
    for (place, horizon) in [2, 3, 2, 3].into_iter().enumerate() {
        let at = 3001 + u64::try_from(place).expect("few");
        forecaster.observe(at * STEP, 100.0, horizon * STEP, &Utc);
        let outlook = forecaster.outlook().expect("it knows");
        assert_eq!((outlook.lead, outlook.gate), (3, Gate::Proven));
    }
    assert!(forecaster.scored() > 2900);
}

#[test]
fn what_is_expected_before_the_horizon_is_not_forgotten_for_what_is_at_it() {
    // Every 60 steps a peak of three: six steps ahead of now it is over, where it is two ahead.
    let value = |step: u32| if (30..33).contains(&(step % 60)) { 400.0 } else { 50.0 + f64::from(step % 3) };
    let mut forecaster = told(&(0..1200).map(value).collect::<Vec<_>>(), 6 * STEP);
    for step in 1200..1260_u32 {
        forecaster.observe(u64::from(step + 1) * STEP, value(step), 6 * STEP, &Utc);
        let outlook = forecaster.outlook().expect("it knows");
        assert_eq!(outlook.lead, 6);
        // From 27 on, what comes within six steps is the peak.
        if (25..31).contains(&(step % 60)) {
            assert!(outlook.next.max(outlook.ahead) > 300.0, "at {step}: {outlook:?}");
        }
    }
}

#[test]
fn what_was_kept_and_does_not_fit_together_is_refused() {
    let kept = serde_json::to_value(told(&draw(Kind::Daily, 2000, 1), HORIZON)).expect("it is JSON");
    assert!(serde_json::from_value::<Forecaster>(kept.clone()).is_ok());
    let lacks_one = |list: &mut Value| list.as_array_mut().map(|list| list.pop()).is_some();
    let cut = |text: &mut Value| {
        let shorter = text.as_str().map(|text| text[..text.len() / 2 / 16 * 16].to_owned());
        shorter.map(|shorter| *text = shorter.into()).is_some()
    };
    let breaks: [(&str, &dyn Fn(&mut Value) -> bool); 6] = [
        ("/history/tiers", &lacks_one),
        ("/leads/1/residuals", &lacks_one),
        ("/leads/1/losses", &lacks_one),
        ("/members/fourier/coefficients", &cut),
        ("/members/fourier/covariance", &cut),
        ("/leads/1/pending/0/points", &cut),
    ];
    for (place, breaks) in breaks {
        let mut broken = kept.clone();
        assert!(breaks(broken.pointer_mut(place).expect(place)), "{place}");
        assert!(serde_json::from_value::<Forecaster>(broken).is_err(), "{place}");
    }
    for (place, value) in [("/leads/1/steps", 0), ("/leads/1/residuals/0/next", 9999), ("/history/tiers/0/length", 7)] {
        let mut broken = kept.clone();
        *broken.pointer_mut(place).expect(place) = value.into();
        assert!(serde_json::from_value::<Forecaster>(broken).is_err(), "{place}");
    }
}
