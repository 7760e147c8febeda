//! The nearest spelling of what somebody probably meant.

/// What other tools and habits call things, with our names for them.
const OTHER_NAMES: [(&str, &[&str]); 42] = [
    ("mem", &["memory"]),
    ("ram", &["memory"]),
    ("memory_usage", &["memory"]),
    ("cores", &["cpu"]),
    ("processor", &["cpu"]),
    ("cpu_usage", &["cpu"]),
    ("cpu_percent", &["cpu"]),
    ("disk", &["host.disk"]),
    ("minimum", &["min"]),
    ("minreplicas", &["min"]),
    ("maximum", &["max"]),
    ("maxreplicas", &["max"]),
    ("limits", &["replicas"]),
    ("scale", &["replicas"]),
    ("out", &["up", "add"]),
    ("scale_up", &["up", "add"]),
    ("scale_out", &["up", "add"]),
    ("in", &["down", "remove"]),
    ("scale_down", &["down", "remove"]),
    ("scale_in", &["down", "remove"]),
    ("increase", &["add"]),
    ("decrease", &["remove"]),
    ("stabilization", &["stabilize"]),
    ("behavior", &["guards"]),
    ("metrics", &["signals"]),
    ("disable", &["observe", "off"]),
    ("paused_until", &["until"]),
    ("widest", &["select"]),
    ("duration", &["lasts", "for"]),
    ("length", &["lasts"]),
    ("interval", &["every"]),
    ("rps", &["requests"]),
    ("demand", &["load"]),
    ("slo", &["objective"]),
    ("startup", &["start"]),
    ("timeout", &["patience"]),
    ("concurrency", &["at_once"]),
    ("service_time", &["takes"]),
    ("leastconn", &["least_connections"]),
    ("p2c", &["two_choices"]),
    ("assert", &["expect"]),
    ("expectations", &["expect"]),
];

/// The one of `known` that is nearest to `written`, if it is near enough to be meant: another name for it, or at most one
/// edit in three letters.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 100;
    let length = written.chars().count();
    if length > LONGEST {
        return None;
    }
    let lower = written.to_lowercase();
    let meant = OTHER_NAMES.iter().find(|(name, _)| *name == lower).map_or(&[][..], |(_, meant)| meant);
    known
        .into_iter()
        .map(|name| {
            let edits = strsim::osa_distance(&lower, &name.to_lowercase());
            (if meant.contains(&name) { 0 } else { edits }, name)
        })
        .filter(|(edits, name)| *edits <= length.max(name.chars().count()).div_ceil(3))
        .filter(|(edits, name)| *edits < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// The names, for a sentence: "`a`, `b`, `c`".
pub fn listed<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["cooldown", "stabilize", "for", "add", "memory", "cpu"];
        for (written, expected) in [
            ("cooldwon", Some("cooldown")),
            ("Cooldown", Some("cooldown")),
            ("stabilise", Some("stabilize")),
            ("fro", Some("for")),
            ("ad", Some("add")),
            ("x", None),
            ("", None),
            ("forecast", None),
            ("mem", Some("memory")),
            ("RAM", Some("memory")),
            ("cores", Some("cpu")),
            ("scale_out", Some("add")),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
