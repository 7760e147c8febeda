//! What forecast rules know, as it is told to who asks.

use autoscaler::{policy::Forecast, rule::forecast::ForecastState};

use super::*;

#[test]
fn who_asks_for_a_forecast_is_told_what_each_rule_knows() {
    let both = WEB.replace("guards:", "  - forecast: { signal: cpu, per_replica: 0.5 cores, horizon: 5s }\nguards:");
    let mut story = Story::new(&[("web.yaml", &both)]);
    story.list(0, "a", 2);
    for second in 1..40 {
        story.measure(second, "a", 2, 0.2);
    }
    let told = |asked| story.fleet.answer(asked, &asking("web"), at(40)).services.remove(0);
    let service = told(Asked::Forecast);
    let [known] = service.forecasts.as_slice() else { panic!("one rule forecasts: {:?}", service.forecasts) };
    assert_eq!(known.rule, 2, "counted from 1, the other rules too");
    let rule: Forecast = serde_json::from_value(known.settings.clone()).expect("its settings read back");
    assert_eq!(rule.signal.as_str(), "cpu");
    let state = known.state.clone().expect("it was told much");
    let state: ForecastState = serde_json::from_value(state).expect("what it remembers reads back");
    assert!(state.forecaster().history().measured() > 10, "{:?}", state.forecaster().history().measured());
    let decision = service.decision.expect("it is decided");
    assert!(decision.evaluation_detail.is_some() && decision.rules[1].starts_with("rule 2 wants"), "{decision:?}");
    assert!(told(Asked::Explain).forecasts.is_empty(), "to others it would be a burden");
    let nobody = story.fleet.answer(Asked::Forecast, &Question::default(), at(40));
    assert_eq!(nobody.error.as_deref(), Some("which service? Give its name"));
}
