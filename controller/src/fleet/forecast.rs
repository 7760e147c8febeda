//! What forecast rules know, for who draws it.

use autoscaler::policy::RuleKind;
use bus::payload::ForecastStatus;

use super::service::Service;

/// Of each forecast rule of the policy that governs a service, its settings and what it remembers.
pub(super) fn forecasts_of(service: &Service) -> Vec<ForecastStatus> {
    let Some(governed) = service.governed.as_deref() else { return Vec::new() };
    let (policy, memory) = (governed.autoscaler.policy(), governed.autoscaler.memory());
    let rules = policy.rules.iter().enumerate().filter_map(|(place, rule)| match &rule.kind {
        RuleKind::Forecast(rule) => Some((place, rule)),
        _ => None,
    });
    let status = |(place, rule)| ForecastStatus {
        rule: u32::try_from(place + 1).unwrap_or(u32::MAX),
        settings: serde_json::to_value(rule).unwrap_or_default(),
        state: memory
            .forecasts()
            .find(|(other, _)| *other == place)
            .and_then(|(_, state)| serde_json::to_value(state).ok()),
    };
    rules.map(status).collect()
}
