//! `ballast compare`, as a user runs it.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").args(args).output()?)
}

fn csv(header: &str, steps: u32, value: impl Fn(u32) -> f64) -> String {
    let mut text = format!("{header}\n");
    for k in 0..steps {
        let _ = writeln!(text, "{},{:.3}", k * 60, value(k));
    }
    text
}

#[test]
fn the_table_of_a_folder_is_printed_and_written() -> Result {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("recordings"))?;
    let wave = |k: u32| 30.0 + 20.0 * (f64::from(k) / 8.0).sin() + f64::from(k * 7919 % 5);
    fs::write(folder.path().join("recordings/wave.csv"), csv("timestamp_s,value", 80, wave))?;
    fs::write(folder.path().join("recordings/notes.txt"), "not a recording")?;
    // The commands of docs/forecast.md.
    let first =
        ballast(folder.path(), &["compare", "recordings", "--markdown", "forecast.md", "--json", "table.json"])?;
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let printed = String::from_utf8(first.stdout)?;
    assert!(printed.contains("\nwave           1 ") && printed.contains("\nwave           3 "), "{printed}");
    assert!(printed.contains("mean over recordings (geometric), start-up 1: "), "{printed}");
    let page = fs::read_to_string(folder.path().join("forecast.md"))?;
    assert!(page.contains("| wave | 1 min | 1 |"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(folder.path().join("table.json"))?)?;
    assert_eq!(json["recordings"][0]["name"], "wave");
    let again = ballast(folder.path(), &["compare", "recordings", "--jobs", "1", "--starts", "1,3"])?;
    assert_eq!(String::from_utf8(again.stdout)?, printed, "however many run at a time");

    fs::write(
        folder.path().join("web.yaml"),
        "service: shop/web\nreplicas: { min: 1, max: 200 }\nrules:\n  - target: { signal: cpu, per_replica: 70% }\n",
    )?;
    let other = ["compare", "recordings", "--policy", "web.yaml", "--starts", "2", "--idle-per-missing", "30"];
    let other = String::from_utf8(ballast(folder.path(), &other)?.stdout)?;
    assert!(
        other.starts_with("cost of the second half over the clairvoyant plan's, 30 idle for one missing; web.yaml"),
        "{other}"
    );
    Ok(())
}

#[test]
fn what_is_not_judged_as_it_was_asked_for_is_said() -> Result {
    let folder = tempfile::tempdir()?;
    let saw = |k: u32| 5.0 + f64::from(k % 7);
    fs::write(folder.path().join("saw.csv"), csv("timestamp_s,value", 40, saw))?;
    let rules = "service: shop/web\nreplicas: { min: 1, max: 200 }\nsignals: { requests: published }\nrules:\n";
    for (name, rule, said) in [
        (
            "misses",
            "forecast: { signal: requests, per_replica: 5/s, misses: 5% }",
            "`misses: 5 %` is judged as `idle_per_missing: 10`",
        ),
        (
            "another knob",
            "forecast: { signal: requests, per_replica: 5/s, idle_per_missing: 30 }",
            "`idle_per_missing: 30` is judged as `idle_per_missing: 10`",
        ),
        ("the same knob", "forecast: { signal: requests, per_replica: 5/s, idle_per_missing: 10 }", ""),
        (
            "so many each",
            "target: { signal: requests, per_replica: 50/s }",
            "requests is for 50/s each in every recording",
        ),
        ("a share each", "target: { signal: cpu, per_replica: 70% }", ""),
    ] {
        fs::write(folder.path().join("web.yaml"), format!("{rules}  - {rule}\n"))?;
        let output = ballast(folder.path(), &["compare", ".", "--policy", "web.yaml", "--starts", "1,2,1"])?;
        let (notes, printed) = (String::from_utf8(output.stderr)?, String::from_utf8(output.stdout)?);
        assert!(output.status.success(), "{name}: {notes}");
        let notes: Vec<&str> = notes.lines().filter(|line| line.starts_with("note: web.yaml: rule 1: ")).collect();
        assert!(
            if said.is_empty() { notes.is_empty() } else { notes.len() == 1 && notes[0].contains(said) },
            "{name}: {notes:?}"
        );
        assert_eq!(printed.matches("\nsaw ").count(), 2, "{name}: one row for each start: {printed}");
    }
    Ok(())
}

/// Of a policy without a forecast, so that the page changes with the table and not with how well is forecast.
#[test]
fn the_table_in_a_terminal_looks_so() -> Result {
    let folder = tempfile::tempdir()?;
    let recordings = folder.path().join("recordings");
    fs::create_dir(&recordings)?;
    let wave = |k: u32| 30.0 + 20.0 * (f64::from(k) / 8.0).sin() + f64::from(k * 7919 % 5);
    let shop = |k: u32| if k % 18 < 7 { 12.5 } else { 0.25 };
    fs::write(recordings.join("wave.csv"), csv("timestamp_s,value", 80, wave))?;
    fs::write(recordings.join("shop-on-and-off.csv"), csv("timestamp_s,value", 90, shop))?;
    let policy = "service: shop/web\nreplicas: { min: 1, max: 200 }\nguards: none\n\
                  rules:\n  - target: { signal: cpu, per_replica: 70%, tolerance: 0% }\n";
    fs::write(folder.path().join("web.yaml"), policy)?;
    let output = ballast(folder.path(), &["compare", "recordings", "--policy", "web.yaml"])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(String::from_utf8(output.stdout)?);
    Ok(())
}

#[test]
fn what_is_wrong_with_a_folder_is_said() -> Result {
    let folder = tempfile::tempdir()?;
    let says = |args: &[&str], said: &str| -> Result {
        let output = ballast(folder.path(), args)?;
        assert!(!output.status.success(), "{args:?}");
        let error = String::from_utf8(output.stderr)?;
        assert!(error.contains(said), "{args:?}: {error}");
        Ok(())
    };
    says(&["compare", "nowhere"], "cannot read the folder nowhere")?;
    says(&["compare", "."], "holds no *.csv file; each recording is one, with the columns timestamp_s and value")?;
    fs::write(folder.path().join("load.csv"), csv("when,load", 40, f64::from))?;
    says(&["compare", "."], "timestamp_s")?;
    says(&["compare", ".", "--peak", "0"], "allowed is 1 to 150")?;
    fs::write(folder.path().join("load.csv"), csv("timestamp_s,value", 40, |_| -1.0))?;
    says(&["compare", "."], "load.csv: none of its 40 steps has a value from 0 on")?;
    fs::write(folder.path().join("load.csv"), csv("timestamp_s,value", 40, f64::from) + "soon,1\n")?;
    says(&["compare", "."], "load.csv:42")?;
    fs::write(folder.path().join("load.csv"), csv("timestamp_s,value", 40, f64::from))?;
    fs::write(folder.path().join("page.md"), "no marks\n")?;
    says(&["compare", ".", "--starts", "1", "--markdown", "page.md"], "has no `<!-- table: recordings -->`")?;
    Ok(())
}
