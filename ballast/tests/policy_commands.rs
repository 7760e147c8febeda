//! `ballast policy show`, `diff`, `fmt` and `schema`, as a user runs them.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const OLD: &str = "\
service: shop/web
replicas: {max: 10,   min: 2}   # as measured in May
rules:
  - target: {per_replica: 70%, signal: cpu}
  - threshold: { signal: memory, above: 80%, for: 3m, add: 1 }
";
const NEW: &str = "\
service: shop/web
replicas: { min: 2, max: 20 }
rules:
  - target: { signal: cpu, per_replica: 60% }
  - threshold: { signal: memory, above: 80%, for: 180s, add: 1 }
  - threshold: { signal: memory, below: 30%, for: 20m, remove: 1 }
guards: { down: { cooldown: 5m } }
";

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").args(args).output()?)
}

/// Standard output of a command that works.
fn told(folder: &Path, args: &[&str]) -> Result<String> {
    let output = ballast(folder, args)?;
    assert!(output.status.success(), "{args:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("old.yaml"), OLD)?;
    fs::write(folder.path().join("new.yaml"), NEW)?;
    Ok(folder)
}

#[test]
fn diff_says_what_differs_in_words_and_nothing_of_what_is_only_written_otherwise() -> Result {
    let folder = folder()?;
    insta::assert_snapshot!("diff", told(folder.path(), &["policy", "diff", "old.yaml", "new.yaml"])?);
    assert_eq!(told(folder.path(), &["policy", "diff", "old.yaml", "old.yaml"])?, "nothing differs in what they say\n");
    let json: serde_json::Value =
        serde_json::from_str(&told(folder.path(), &["policy", "diff", "old.yaml", "new.yaml", "--json"])?)?;
    assert_eq!(json[0]["services"], "shop/web");
    Ok(())
}

#[test]
fn fmt_lays_out_and_keeps_comments_and_check_only_tells() -> Result {
    let folder = folder()?;
    let check = ballast(folder.path(), &["policy", "fmt", "--check", "old.yaml"])?;
    assert_eq!(check.status.code(), Some(1), "{check:?}");
    assert_eq!(fs::read_to_string(folder.path().join("old.yaml"))?, OLD, "it only tells");
    assert_eq!(told(folder.path(), &["policy", "fmt", "old.yaml"])?, "old.yaml\n");
    insta::assert_snapshot!("fmt", fs::read_to_string(folder.path().join("old.yaml"))?);
    assert_eq!(told(folder.path(), &["policy", "fmt", "--check", "old.yaml"])?, "");
    Ok(())
}

#[test]
fn show_names_the_origin_of_every_value() -> Result {
    let folder = folder()?;
    fs::write(
        folder.path().join("defaults.yaml"),
        "defaults: shop/*\nguards: { down: { stabilize: 10m } }\nmode: observe\n",
    )?;
    let mut command = Command::cargo_bin("ballast")?;
    let output = command
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .env("BALLAST_POLICY__SHOP__WEB__REPLICAS__MAX", "5")
        .args(["policy", "show", "shop/web", "--policies", "new.yaml", "defaults.yaml"])
        .output()?;
    assert!(output.status.success(), "{output:?}");
    insta::assert_snapshot!("show", String::from_utf8(output.stdout)?);
    Ok(())
}

#[test]
fn show_of_a_service_that_nothing_names_is_an_error() -> Result {
    let folder = folder()?;
    let output = ballast(folder.path(), &["policy", "show", "shop/db", "--policies", "new.yaml"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr)?.contains("none of these files names shop/db"));
    Ok(())
}

#[test]
fn schema_is_the_one_that_is_committed() -> Result {
    let folder = folder()?;
    let committed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/policy.schema.json"))?;
    assert_eq!(told(folder.path(), &["policy", "schema"])?, committed);
    Ok(())
}
