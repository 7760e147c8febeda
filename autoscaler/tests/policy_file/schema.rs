//! The JSON Schema for editors: committed, and agreeing with the reader.

use std::{error::Error, fs, path::Path};

use autoscaler::policy_file::{parse, schema, tables};
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value, json};

#[test]
fn the_committed_schema_is_the_one_of_the_grammar() -> Result<(), Box<dyn Error>> {
    let path = root().join("../policies/policy.schema.json");
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema())?);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &generated)?;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "policies/policy.schema.json is old: run this test with UPDATE_GENERATED=1");
    Ok(())
}

#[test]
fn every_map_has_a_name_of_its_own() {
    let mut names: Vec<String> = tables().into_iter().map(|(name, _)| name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn what_the_reader_takes_the_schema_takes() -> Result<(), Box<dyn Error>> {
    let validator = jsonschema::draft202012::new(&schema())?;
    let mut count = 0;
    for folder in [
        "../policies",
        "../policies/examples",
        "../policies/demo",
        "../policies/demo-days",
        "tests/policy_file",
        "tests/policy_file/doubtful",
    ] {
        for entry in fs::read_dir(root().join(folder))? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            for document in documents(&fs::read_to_string(&path)?)? {
                let errors: Vec<String> =
                    validator.iter_errors(&document).map(|e| format!("{} at {}", e, e.instance_path())).collect();
                assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 8, "{count} documents");
    Ok(())
}

#[test]
fn what_a_schema_can_see_it_refuses() -> Result<(), Box<dyn Error>> {
    // These are wrong in what depends on other values, on the text's form beyond a pattern, or on YAML itself.
    let beyond =
        ["alias", "bracket", "nothing", "secret", "selves", "services", "star", "swapped", "tab", "units", "indent"];
    let validator = jsonschema::draft202012::new(&schema())?;
    for entry in fs::read_dir(root().join("tests/policy_file/broken"))? {
        let path = entry?.path();
        let name = path.file_stem().ok_or("a file has a name")?.to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let Ok(documents) = documents(&text) else { continue };
        let refused = documents.iter().any(|document| !validator.is_valid(document));
        assert!(refused || beyond.contains(&name.as_str()), "{name} is taken by the schema");
    }
    Ok(())
}

#[test]
fn single_mistakes_are_refused_by_both() -> Result<(), Box<dyn Error>> {
    let validator = jsonschema::draft202012::new(&schema())?;
    let good =
        "{ service: shop/web, replicas: { min: 1, max: 3 }, rules: [{ target: { signal: cpu, per_replica: 70% } }] }";
    assert!(documents(good)?.iter().all(|document| validator.is_valid(document)));
    for (from, to) in [
        ("service:", "servcie:"),
        ("min: 1", "min: -1"),
        ("min: 1", "min: one"),
        ("max: 3", "max: 3000000000"),
        ("max: 3", "max: 3, idle: a"),
        ("target:", "targt:"),
        ("signal: cpu,", ""),
        ("per_replica: 70%", ""),
        ("per_replica: 70%", "per_replica: 70%, total: 3"),
        ("per_replica: 70%", "per_replica: lots"),
        ("per_replica: 70%", "per_replica: 70%, window: 30"),
        ("}] }", "}, { threshold: { signal: cpu, add: 1, remove: 1, above: 80% } }] }"),
        ("}] }", "}], mode: acts }"),
        ("}] }", "}], guards: { down: { cooldown: 5 } } }"),
        ("}] }", "}], guards: { down: { at_most: 4 per } } }"),
        ("}] }", "}], signals: { q: { jetstream: { stream: JOBS } } } }"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        assert!(parse("web.yaml", &text).is_err(), "{text}");
        assert!(!documents(&text)?.iter().any(|document| validator.is_valid(document)), "{text}");
    }
    Ok(())
}

/// Every document as an editor sees it: by the core schema of YAML 1.2.
fn documents(text: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let value = match event?.0 {
            Event::SequenceStart(..) => {
                open.push((json!([]), None));
                continue;
            }
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().ok_or("it was begun")?.0,
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::Alias(_) => Value::Null,
            _ => continue,
        };
        match open.last_mut() {
            None => documents.push(value),
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(map), key)) => match key.take() {
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                Some(name) => drop(map.insert(name, value)),
            },
            Some(_) => {}
        }
    }
    Ok(documents)
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return json!(text);
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => json!(true),
        "false" => json!(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => json!(number),
            (Err(_), Ok(number)) if number.is_finite() => json!(number),
            _ => json!(text),
        },
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
