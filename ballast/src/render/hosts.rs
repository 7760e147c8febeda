//! One line for each host.

use autoscaler::quantity::Unit;
use bus::payload::{HostSample, HostStatus, Status};

use super::{
    status::bytes,
    text::{Look, Tone, ago, count, lasting},
};

/// One line for each host, the lost ones loudly.
pub(super) fn lines(status: &Status, look: Look) -> String {
    status.hosts.iter().map(|host| line(host, status.at_ms, look)).collect()
}

fn line(host: &HostStatus, now_ms: u64, look: Look) -> String {
    let mut parts = Vec::new();
    if host.lost {
        let silent = format!("LOST, not heard {}; nothing is decided for it", lasting(host.heard_ms, now_ms));
        parts.push(look.paint(Tone::Bad, &silent));
    } else {
        parts.push(format!("heard {}", ago(host.heard_ms, now_ms)));
        match &host.engine {
            Some(version) => parts.push(format!("Docker {version}")),
            None => parts.push(look.paint(Tone::Bad, "Docker does not answer")),
        }
        parts.extend(host.sample.as_ref().map(load));
    }
    if host.lost_payloads > 0 {
        let lost = usize::try_from(host.lost_payloads).unwrap_or(usize::MAX);
        parts.push(look.paint(Tone::Warn, &format!("{} lost on the way", count(lost, "payload", "payloads"))));
    }
    let warnings = host.warnings.iter().map(|warning| format!("  {}\n", look.paint(Tone::Warn, warning)));
    format!("host {}: {}\n{}", host.host, parts.join(", "), warnings.collect::<String>())
}

fn load(sample: &HostSample) -> String {
    let cpu = match sample.cpu_busy_cores {
        Some(busy) => format!("{} of {} busy", Unit::Number.print(busy), cores(sample.cores)),
        None => cores(sample.cores),
    };
    format!("{cpu}, {} of {} memory available", bytes(sample.memory_available_bytes), bytes(sample.memory_total_bytes))
}

fn cores(number: u32) -> String {
    count(number as usize, "core", "cores")
}
