//! What is said about each file in `broken` and `doubtful`, word by word.

use std::error::Error;

use autoscaler::text::{render, render_all};
use replay::scenario::{read, schema};

use super::{beside, root, texts};

#[test]
fn errors_read_so() -> Result<(), Box<dyn Error>> {
    for (name, text) in texts("broken")? {
        let errors = read(&format!("{name}.yaml"), &text, &beside).expect_err(&name);
        insta::assert_snapshot!(format!("broken-{name}"), render(&errors));
    }
    Ok(())
}

#[test]
fn warnings_read_so() -> Result<(), Box<dyn Error>> {
    for (name, text) in texts("doubtful")? {
        let read = read(&format!("{name}.yaml"), &text, &beside)?;
        insta::assert_snapshot!(format!("doubtful-{name}"), render_all(&read.warnings));
    }
    Ok(())
}

#[test]
fn every_error_has_a_place_and_a_cure() -> Result<(), Box<dyn Error>> {
    for (name, text) in texts("broken")? {
        for error in read(&format!("{name}.yaml"), &text, &beside).expect_err(&name).0 {
            assert!(error.line >= 1 && error.column >= 1, "{name}: {error}");
            assert!(error.help.is_some(), "{name}: without help: {error}");
        }
    }
    Ok(())
}

#[test]
fn the_schema_is_that_of_the_grammar() -> Result<(), Box<dyn Error>> {
    let path = root().join("scenarios/scenario.schema.json");
    let text = serde_json::to_string_pretty(&schema())? + "\n";
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &text)?;
    }
    let committed = std::fs::read_to_string(&path)?;
    assert!(committed == text, "scenarios/scenario.schema.json is old: run this test with UPDATE_GENERATED=1");
    Ok(())
}

#[test]
fn the_schema_accepts_what_is_read_and_refuses_misspelt_keys() -> Result<(), Box<dyn Error>> {
    let validator = jsonschema::validator_for(&schema())?;
    let right = serde_json::json!({
        "scenario": 1, "service": "shop/web", "lasts": "1h", "replicas": { "max": 5 },
        "load": { "requests": { "draw": [{ "level": "40/s" }] }, "service": { "takes": "20ms" } },
        "expect": [{ "changes": { "most": 3 } }],
    });
    assert!(validator.is_valid(&right));
    for (place, key) in [("", "lest"), ("/load", "request"), ("/load/service", "take")] {
        let mut wrong = right.clone();
        wrong.pointer_mut(place).and_then(|map| map.as_object_mut()).ok_or(place)?.insert(key.to_owned(), "x".into());
        assert!(!validator.is_valid(&wrong), "{place}/{key}");
    }
    Ok(())
}
