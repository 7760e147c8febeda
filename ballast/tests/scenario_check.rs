//! `ballast scenario check`, as a user runs it.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const GOOD: &str = "\
scenario: 1
service: shop/web
lasts: 1h
replicas: { max: 10 }
policy: web.policy.yaml
load: { requests: { csv: { file: web.csv } }, service: { takes: 20ms } }
";
const POLICY: &str = "\
service: shop/web
replicas: { min: 1, max: 10 }
rules: [{ target: { signal: cpu, per_replica: 70% } }]
";

fn check(folder: &Path, args: &[&str]) -> Result<(Output, String)> {
    let mut command = Command::cargo_bin("ballast")?;
    let output = command.current_dir(folder).env("NO_COLOR", "1").args(["scenario", "check"]).args(args).output()?;
    let told = String::from_utf8(output.stdout.clone())?;
    Ok((output, told))
}

fn folder(csv: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("shop"))?;
    for (name, text) in [("good.yaml", GOOD), ("web.policy.yaml", POLICY), ("web.csv", csv)] {
        fs::write(folder.path().join("shop").join(name), text)?;
    }
    Ok(folder)
}

#[test]
fn a_folder_is_checked_with_what_stands_beside_its_scenarios() -> Result {
    let folder = folder("time,value\n0,40\n60,50\n")?;
    let (output, told) = check(folder.path(), &["shop"])?;
    assert_eq!((output.status.code(), told.as_str()), (Some(0), "ok: 1 scenario in 1 file\n"));
    let (_, told) = check(folder.path(), &["shop", "--json"])?;
    let json: serde_json::Value = serde_json::from_str(&told)?;
    assert_eq!((json["files"].as_u64(), json["scenarios"].as_u64()), (Some(1), Some(1)));
    Ok(())
}

#[test]
fn what_is_wrong_is_told_by_the_file_that_it_is_in() -> Result {
    let folder = folder("time,value\n0,40\n0,50\n")?;
    let (output, told) = check(folder.path(), &["shop/good.yaml", "nowhere.yaml"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("error: shop/web.csv:3:1: the moment `0` is that of line 2 again"), "{told}");
    assert!(told.contains("error: nowhere.yaml: "), "{told}");
    assert!(told.ends_with("failed: 2 errors in 1 file\n") || told.ends_with("failed: 2 errors in 2 files\n"), "{told}");
    Ok(())
}

#[test]
fn a_folder_without_a_scenario_is_said_to_be_one() -> Result {
    let folder = folder("")?;
    fs::remove_file(folder.path().join("shop/good.yaml"))?;
    let (output, told) = check(folder.path(), &["shop"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("the folder holds no scenario"), "{told}");
    Ok(())
}
