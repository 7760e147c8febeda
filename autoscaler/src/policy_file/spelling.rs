//! The nearest spelling of what somebody probably meant.

/// The one of `known` that is nearest to `written`, if it is near enough to be meant: at most one edit in three letters.
pub(crate) fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 100;
    let length = written.chars().count();
    if length > LONGEST {
        return None;
    }
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name))
        .filter(|(edits, name)| *edits <= length.max(name.chars().count()).div_ceil(3))
        .filter(|(edits, name)| *edits < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// The names, for a sentence: "`a`, `b`, `c`".
pub(super) fn listed<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["cooldown", "stabilize", "for", "add"];
        for (written, expected) in [
            ("cooldwon", Some("cooldown")),
            ("Cooldown", Some("cooldown")),
            ("stabilise", Some("stabilize")),
            ("fro", Some("for")),
            ("ad", Some("add")),
            ("x", None),
            ("", None),
            ("forecast", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
