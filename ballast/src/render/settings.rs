//! Everything that a policy says, with where each value comes from.

use bus::payload::ServiceStatus;

use super::text::{Look, Tone, service_name};

/// The settings of one service as a table.
pub(crate) fn settings(service: &ServiceStatus, look: Look) -> String {
    let mut text = look.paint(Tone::Strong, &service_name(service, false));
    if let Some(policy) = &service.policy {
        text.push_str(&format!(", {policy}"));
    }
    text.push('\n');
    let width = |length: fn(&bus::payload::SettingStatus) -> &str| {
        service.settings.iter().map(|setting| length(setting).chars().count()).max().unwrap_or(0).min(60)
    };
    let (paths, values) = (width(|setting| &setting.path), width(|setting| &setting.value));
    for setting in &service.settings {
        let origin = &setting.origin;
        text.push_str(&format!("  {:<paths$}  {:<values$}  {origin}\n", setting.path, setting.value));
    }
    for warning in &service.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}
