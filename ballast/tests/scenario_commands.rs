//! `ballast scenario draw` and `import`, as a user runs them.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const LOG: &str = r#"10.0.0.1 - - [21/Nov/2025:12:00:00 +0200] "GET / HTTP/1.1" 200 512
10.0.0.1 - - [21/Nov/2025:12:00:13 +0200] "GET / HTTP/1.1" 503 512
something else
"#;

const FLASH: [&str; 12] = [
    "scenario",
    "draw",
    "--lasts",
    "2h",
    "--seed",
    "7",
    "--level",
    "40/s",
    "--flash",
    "at=20m rise=30s by=360/s fade=20m",
    "--noise",
    "10%",
];

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").args(args).output()?)
}

#[test]
fn a_drawn_scenario_is_printed_or_written_and_never_over_another() -> Result {
    let folder = tempfile::tempdir()?;
    let printed = ballast(folder.path(), &FLASH)?;
    let printed = String::from_utf8(printed.stdout)?;
    assert!(printed.contains("- flash: { at: 20m, rise: 30s, by: 360/s, fade: 20m }"), "{printed}");
    let to_file = [&FLASH[..], &["-o", "flash.yaml"]].concat();
    assert!(ballast(folder.path(), &to_file)?.status.success());
    assert_eq!(fs::read_to_string(folder.path().join("flash.yaml"))?, printed);

    let again = ballast(folder.path(), &to_file)?;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stderr)?.contains("--force"));
    Ok(())
}

#[test]
fn a_chart_is_shown_where_it_is_asked_for() -> Result {
    let folder = tempfile::tempdir()?;
    let shown = ballast(folder.path(), &[&FLASH[..], &["--show"]].concat())?;
    let shown = String::from_utf8(shown.stdout)?;
    assert!(shown.contains('█') && shown.contains("mean") && !shown.contains("scenario: 1"), "{shown}");
    Ok(())
}

#[test]
fn a_mistake_in_a_part_is_told() -> Result {
    let folder = tempfile::tempdir()?;
    let output = ballast(folder.path(), &["scenario", "draw", "--flash", "at=20m raise=30s by=1 fade=20m"])?;
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr)?;
    assert!(told.contains("there is no `raise`; did you mean `rise`?"), "{told}");
    Ok(())
}

#[test]
fn a_log_becomes_a_scenario_and_what_was_left_out_is_told() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("access.log"), LOG)?;
    let output =
        ballast(folder.path(), &["scenario", "import", "access.log", "--service", "shop/web", "-o", "shop.yaml"])?;
    let told = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{told}");
    assert!(told.contains("access.log: 3 read, 2 used, 1 left out"), "{told}");
    assert!(told.contains("1 of 2 steps are marked as censored"), "{told}");
    assert_eq!(
        fs::read_to_string(folder.path().join("shop.csv"))?,
        "timestamp_s,value,errors,censored\n0,0.1,0,0\n10,0.1,0.1,1\n"
    );
    let scenario = fs::read_to_string(folder.path().join("shop.yaml"))?;
    assert!(scenario.contains("# left out 1: the line is not in Common or Combined Log Format"), "{scenario}");
    Ok(())
}

#[test]
fn an_import_never_writes_over_its_input_nor_a_name_that_no_scenario_may_have() -> Result {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("access.log"), LOG)?;
    let import = |service: &str, output: &str| {
        ballast(folder.path(), &["scenario", "import", "access.log", "--service", service, "-o", output, "--force"])
    };
    for output in ["access.log", "./access.log"] {
        let refused = import("shop/web", output)?;
        assert_eq!(refused.status.code(), Some(1), "{output}");
        assert!(String::from_utf8(refused.stderr)?.contains("access.log is the input"), "{output}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("access.log"))?, LOG);
    for service in ["bad service", "shop/bad service", "web"] {
        let refused = import(service, "shop.yaml")?;
        assert_eq!(refused.status.code(), Some(2), "{service}");
        let drawn = ballast(folder.path(), &["scenario", "draw", "--level", "4/s", "--service", service])?;
        assert_eq!(drawn.status.code(), Some(2), "{service}");
    }
    Ok(())
}
