//! What is said about each file in `broken` and `doubtful`, word by word.

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use autoscaler::{
    policy_file::parse,
    text::{Kind, Severity, TextError, render, render_all},
};

#[test]
fn errors_read_so() -> Result<(), Box<dyn Error>> {
    for (name, text) in files("broken")? {
        let errors = parse(&format!("{name}.yaml"), &text).expect_err(&name);
        insta::assert_snapshot!(format!("broken-{name}"), render(&errors));
    }
    Ok(())
}

#[test]
fn warnings_read_so() -> Result<(), Box<dyn Error>> {
    for (name, text) in files("doubtful")? {
        let file = parse(&format!("{name}.yaml"), &text)?;
        insta::assert_snapshot!(format!("doubtful-{name}"), render_all(&file.warnings));
    }
    Ok(())
}

#[test]
fn errors_come_sorted_by_place_with_all_fields() -> Result<(), Box<dyn Error>> {
    for (name, finding) in all_findings()? {
        assert!(finding.line >= 1 && finding.column >= 1, "{name}: {finding}");
        assert_eq!(finding.severity, finding.kind.severity(), "{name}: {finding}");
        assert!(finding.help.is_some(), "{name}: without help: {finding}");
    }
    for (name, text) in files("broken")? {
        let errors = parse(&name, &text).expect_err(&name).0;
        assert!(errors.is_sorted_by_key(|error| (error.line, error.column)), "{name}");
    }
    Ok(())
}

#[test]
fn every_kind_is_shown_by_a_golden_file() -> Result<(), Box<dyn Error>> {
    let shown: BTreeSet<Kind> = all_findings()?.into_iter().map(|(_, finding)| finding.kind).collect();
    // Files too large for a golden one have tests of their own, in `traps`; labels have theirs in `layers`.
    // Series belong to scenarios.
    let elsewhere = [Kind::TooMuch, Kind::UnknownLabel, Kind::NoLimit, Kind::PartOfSeries];
    let missing: Vec<_> = Kind::ALL.into_iter().filter(|k| !elsewhere.contains(k) && !shown.contains(k)).collect();
    assert_eq!(missing, []);
    Ok(())
}

#[test]
fn every_kind_is_in_the_documentation_once() -> Result<(), Box<dyn Error>> {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md"))?;
    let (_, docs) = docs.split_once("\n## Errors\n").ok_or("it tells errors")?;
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::PartOfSeries) {
        let name = serde_json::to_value(kind)?;
        let row = format!("| `{}` | ", name.as_str().ok_or("a kind is a word")?);
        assert_eq!(docs.lines().filter(|line| line.starts_with(&row)).count(), 1, "{row}");
    }
    Ok(())
}

#[test]
fn as_json_a_finding_has_these_fields() {
    let errors = parse("web.yaml", "service: shop/web\nreplicas: { min: 1, max: 3 }\nrules: []").expect_err("no rule");
    insta::assert_json_snapshot!(errors, @r#"
    [
      {
        "severity": "error",
        "kind": "missing",
        "origin": "web.yaml",
        "line": 3,
        "column": 8,
        "message": "`rules` has no rule",
        "help": "such as `- target: { signal: cpu, per_replica: 70% }`",
        "excerpt": "3 | rules: []\n  |        ^"
      }
    ]
    "#);
}

#[test]
fn only_errors_keep_a_file_from_being_used() -> Result<(), Box<dyn Error>> {
    for (name, text) in files("doubtful")? {
        let file = parse(&name, &text)?;
        assert!(file.warnings.iter().all(|finding| finding.severity == Severity::Warning), "{name}");
    }
    Ok(())
}

fn all_findings() -> Result<Vec<(String, TextError)>, Box<dyn Error>> {
    let mut all = Vec::new();
    for folder in ["broken", "doubtful"] {
        for (name, text) in files(folder)? {
            let findings = parse(&name, &text).map_or_else(|errors| errors.0, |file| file.warnings);
            all.extend(findings.into_iter().map(|finding| (name.clone(), finding)));
        }
    }
    Ok(all)
}

/// Names without ending, and texts, by name.
fn files(folder: &str) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_file").join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().ok_or("a file has a name")?.to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(&path)?));
    }
    files.sort();
    Ok(files)
}
