//! `ballast replay`, as a user runs it.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SCENARIO: &str = "\
scenario: 1
about: Many come at once and go slowly.
service: shop/web
lasts: 20m
every: 5s
seed: 3
replicas: { start: 2, min: 1, max: 20 }
policy: web.yaml
objective: { latency: { p95: 250ms } }
load:
  requests:
    draw:
      - level: 40/s
      - flash: { at: 5m, rise: 30s, by: 160/s, fade: 5m }
  service: { takes: 50ms, cpu_limit: 1, start: { boot: 5s } }
faults:
  - { at: 12m, for: 1m, agent: silent }
expect:
  - changes: { most: 40 }
  - lost: { most: 0% }
";

fn policy(service: &str, per_replica: &str) -> String {
    format!(
        "service: {service}\nreplicas: {{ min: 1, max: 20 }}\nsignals: {{ requests: published }}\n\
         rules:\n  - target: {{ signal: requests, per_replica: {per_replica} }}\n"
    )
}

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("crowd.yaml", SCENARIO)?;
    write("web.yaml", &policy("shop/web", "10/s"))?;
    write("tight.yaml", &policy("shop/*", "15/s"))?;
    write("other.yaml", &policy("shop/api", "15/s"))?;
    Ok(folder)
}

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").arg("replay").args(args).output()?)
}

/// Standard output of a command that works.
fn told(folder: &Path, args: &[&str]) -> Result<String> {
    let output = ballast(folder, args)?;
    assert!(output.status.success(), "{args:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Standard error of a command that fails.
fn refused(folder: &Path, args: &[&str]) -> Result<String> {
    let output = ballast(folder, args)?;
    assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{args:?}: talk belongs on standard error");
    Ok(String::from_utf8(output.stderr)?)
}

const TWO: [&str; 7] = ["crowd.yaml", "--policy", "web.yaml", "--policy", "tight.yaml", "--baseline", "hpa,none"];

#[test]
fn who_is_better_and_by_how_much_comes_first() -> Result {
    let folder = folder()?;
    insta::assert_snapshot!("replay", told(folder.path(), &TWO)?);
    insta::assert_snapshot!("replay_all", told(folder.path(), &[&TWO[..], &["--all"]].concat())?);
    Ok(())
}

#[test]
fn a_scenario_that_names_its_policy_needs_no_other() -> Result {
    let folder = folder()?;
    let told = told(folder.path(), &["crowd.yaml", "--no-plan", "--format", "json"])?;
    let report: serde_json::Value = serde_json::from_str(&told)?;
    assert_eq!(report["v"], 1);
    let contenders = report["scenarios"][0]["contenders"].as_array().ok_or("contenders")?;
    assert_eq!(contenders.len(), 1);
    assert_eq!(contenders[0]["name"], "web.yaml");
    assert_eq!(contenders[0]["expectations"][0]["met"], true);
    Ok(())
}

#[test]
fn results_and_pictures_are_the_same_to_the_byte_whatever_the_number_of_jobs() -> Result {
    let folder = folder()?;
    fs::copy(folder.path().join("crowd.yaml"), folder.path().join("crowd-2.yaml"))?;
    let run = |jobs: &str| -> Result<(String, [Vec<u8>; 3])> {
        let more = ["crowd-2.yaml", "--seeds", "2", "--jobs", jobs, "--html", "a.html", "--svg", "a.svg"];
        let told = told(folder.path(), &[&TWO[..], &more, &["--png", "a.png", "--dark"]].concat())?;
        let file = |name: &str| fs::read(folder.path().join(name));
        Ok((told, [file("a.html")?, file("a.svg")?, file("a.png")?]))
    };
    let (one, four) = (run("1")?, run("4")?);
    assert!(one == four);
    assert!(one.1[2].starts_with(b"\x89PNG"));
    assert!(one.0.contains("OVER ALL SCENARIOS"), "{}", one.0);
    Ok(())
}

#[test]
fn a_policy_of_another_service_and_an_unknown_baseline_say_what_there_is() -> Result {
    let folder = folder()?;
    insta::assert_snapshot!("replay_other_service", refused(folder.path(), &["crowd.yaml", "--policy", "other.yaml"])?);
    let unknown = refused(folder.path(), &["crowd.yaml", "--baseline", "kpaa"])?;
    assert!(unknown.contains("did you mean `kpa`?") && unknown.contains("`aws-target`"), "{unknown}");
    fs::write(folder.path().join("broken.yaml"), SCENARIO.replace("lasts:", "last:"))?;
    let broken = refused(folder.path(), &["broken.yaml", "crowd.yaml"])?;
    assert!(broken.contains("broken.yaml:4:1") && broken.contains("lasts"), "{broken}");
    Ok(())
}

#[test]
fn a_signal_that_the_scenario_does_not_give_is_warned_of() -> Result {
    let folder = folder()?;
    let only_queue = SCENARIO.replace("  service: {", "  emits: { queue.jobs: waiting }\n  service: {");
    fs::write(folder.path().join("queue.yaml"), only_queue)?;
    let output = ballast(folder.path(), &["queue.yaml", "--no-plan"])?;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains("warning: web.yaml reads `requests`, which the scenario queue does not give"), "{said}");
    Ok(())
}
