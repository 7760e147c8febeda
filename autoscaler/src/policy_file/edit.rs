//! One setting of a policy's text changed, and nothing else: comments and layout stay.

use super::document;
use crate::{
    policy::Selector,
    text::{Findings, Kind, Node, Place, TextErrors, Value},
};

/// `text` with the setting at `path` of the policy that names `selector` set to `value`, and `comment` on the line above.
///
/// Paths are those of [`Setting`](super::Setting), such as `guards.down.stabilize` or `rules.1.target.per_replica`, with
/// lists counted from 1. A setting that is not written is added. What comes out is read again: what would not be a policy
/// is refused with the reason, as is a path that leads nowhere.
pub fn set(
    origin: &str,
    text: &str,
    selector: &Selector,
    path: &str,
    value: &str,
    comment: Option<&str>,
) -> Result<String, TextErrors> {
    let mut findings = Findings::new(super::source::texts());
    let documents = super::read_documents(origin, text, &mut findings);
    let named = documents.iter().find(|document| {
        document.kind == document::DocumentKind::Policy && document.services.iter().any(|(one, _)| one == selector)
    });
    let place = named.and_then(|document| place_of(&document.node, path));
    let (Some(place), true) = (place, findings.no_errors()) else {
        if findings.no_errors() {
            let message = format!("no policy for {selector} in this file has a place for `{path}`");
            let help = "`ballast policy show` lists the paths; a list is counted from 1";
            findings.whole_file(findings.texts.first(), Kind::Missing, message, help);
        }
        return Err(TextErrors(findings.sorted()));
    };
    let edited = place.write(text, value);
    let edited = comment.map_or_else(|| edited.clone(), |comment| place.comment(&edited, comment));
    super::parse(origin, &edited).map(|_| edited)
}

/// Where a setting is written, or would be.
enum Written {
    /// Here.
    At(Place),
    /// Before this key of a map in braces, under these keys.
    InBraces(Place, Vec<String>),
    /// Before this key of a map with a key a line, under these keys.
    OnALine(Place, Vec<String>),
}

impl Written {
    fn write(&self, text: &str, value: &str) -> String {
        let (start, end, new) = match self {
            Self::At(place) => (place.start, place.end, value.to_owned()),
            Self::InBraces(key, keys) => (key.start, key.start, format!("{}, ", nested(keys, value))),
            Self::OnALine(key, keys) => {
                let indent = " ".repeat(key.column.saturating_sub(1));
                (key.start, key.start, format!("{}\n{indent}", nested(keys, value)))
            }
        };
        format!("{}{new}{}", &text[..start], &text[end..])
    }

    /// A comment above the line, as far indented as that.
    fn comment(&self, text: &str, comment: &str) -> String {
        let (Self::At(place) | Self::InBraces(place, _) | Self::OnALine(place, _)) = self;
        let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
        let indent: String = text[start..].chars().take_while(|c| *c == ' ').collect();
        format!("{}{indent}# {comment}\n{}", &text[..start], &text[start..])
    }
}

/// `key: value`, the value in braces where keys lie between.
fn nested(keys: &[String], value: &str) -> String {
    let Some((first, rest)) = keys.split_first() else { return value.to_owned() };
    let inner = match rest {
        [] => value.to_owned(),
        rest => format!("{{ {} }}", nested(rest, value)),
    };
    format!("{first}: {inner}")
}

/// Where `path` is written below `node`; `None` where it cannot be.
fn place_of(node: &Node, path: &str) -> Option<Written> {
    let keys: Vec<&str> = path.split('.').collect();
    let mut node = node;
    // The longest key that a map has comes first: names of signals may have dots.
    let mut rest = keys.as_slice();
    while !rest.is_empty() {
        match &node.value {
            Value::Map(entries) => {
                let found = (1..=rest.len()).rev().find_map(|count| {
                    let key = rest[..count].join(".");
                    let entry = entries.iter().find(|entry| entry.key == key)?;
                    Some((count, &entry.value))
                });
                let Some((count, value)) = found else {
                    let first = entries.first()?;
                    let keys = rest.iter().map(|key| (*key).to_owned()).collect();
                    let in_braces = node.place.start < first.key_place.start;
                    return Some(if in_braces {
                        Written::InBraces(first.key_place, keys)
                    } else {
                        Written::OnALine(first.key_place, keys)
                    });
                };
                node = value;
                rest = &rest[count..];
            }
            Value::List(items) => {
                let number: usize = rest[0].parse().ok()?;
                node = items.get(number.checked_sub(1)?)?;
                rest = &rest[1..];
            }
            Value::Text(_) | Value::Nothing => return None,
        }
    }
    matches!(node.value, Value::Text(_)).then_some(Written::At(node.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# the shop
service: shop/web
replicas: { min: 2, max: 10 } # not more
signals:
  latency.p95: published
rules:
  - target: { signal: cpu, per_replica: 60% }
  # slow is worse
  - threshold:
      signal: latency.p95
      above: 250ms
      add: 1
guards:
  down: { stabilize: 5m }
";

    fn edited(path: &str, value: &str, comment: Option<&str>) -> Result<String, String> {
        let selector = Selector { host: None, project: "shop".to_owned(), service: "web".to_owned() };
        set("web.yaml", FILE, &selector, path, value, comment).map_err(|errors| errors.0[0].message.clone())
    }

    #[test]
    fn one_value_changes_and_everything_else_stays() {
        for (path, value, before, after) in [
            ("replicas.max", "12", "max: 10 } # not", "max: 12 } # not"),
            ("rules.1.target.per_replica", "70%", "per_replica: 60%", "per_replica: 70%"),
            ("rules.2.threshold.above", "300ms", "above: 250ms", "above: 300ms"),
            ("guards.down.stabilize", "10m", "stabilize: 5m", "stabilize: 10m"),
        ] {
            assert_eq!(edited(path, value, None), Ok(FILE.replace(before, after)), "{path}");
        }
    }

    #[test]
    fn what_is_not_written_is_added_where_it_belongs() {
        for (path, value, before, after) in [
            ("rules.1.target.window", "30s", "{ signal: cpu,", "{ window: 30s, signal: cpu,"),
            ("rules.2.threshold.for", "30s", "      signal: l", "      for: 30s\n      signal: l"),
            ("guards.down.cooldown", "2m", "{ stabilize", "{ cooldown: 2m, stabilize"),
            ("guards.up.cooldown", "15s", "  down: { s", "  up: { cooldown: 15s }\n  down: { s"),
        ] {
            assert_eq!(edited(path, value, None), Ok(FILE.replace(before, after)), "{path}");
        }
    }

    #[test]
    fn a_comment_stands_above_the_line() {
        let expected = FILE.replace(
            "  - target: { signal: cpu, per_replica: 60% }",
            "  # was 60%\n  - target: { signal: cpu, per_replica: 70% }",
        );
        assert_eq!(edited("rules.1.target.per_replica", "70%", Some("was 60%")), Ok(expected));
    }

    #[test]
    fn what_would_be_no_policy_and_what_leads_nowhere_is_refused() {
        for (path, value, said) in [
            ("replicas.max", "many", "`max`"),
            ("replicas.max", "1", "min"),
            ("rules.3.target.per_replica", "70%", "no policy for shop/web"),
            ("service.name", "x", "no policy for shop/web"),
            ("rules.1.target.wishes", "1", "unknown key `wishes`"),
        ] {
            let error = edited(path, value, None).expect_err(path);
            assert!(error.contains(said), "{path}: {error}");
        }
    }

    #[test]
    fn a_policy_among_several_is_found_by_the_service_that_it_names() {
        let file = "service: shop/api\nreplicas: { min: 1, max: 3 }\nrules: [{ target: { signal: cpu, per_replica: 50% } }]\n---\n";
        let selector = Selector { host: None, project: "shop".to_owned(), service: "web".to_owned() };
        let edited = set("web.yaml", &format!("{file}{FILE}"), &selector, "replicas.max", "12", None);
        assert_eq!(edited.ok(), Some(format!("{file}{}", FILE.replace("max: 10", "max: 12"))));
    }
}
