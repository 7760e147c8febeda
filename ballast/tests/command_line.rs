//! The command line as a user meets it: help, output, exit codes.

use std::{
    fs,
    io::Read,
    process::{Command, Output, Stdio},
    time::Duration,
};

use assert_cmd::cargo::CommandCargoExt;
use testbed::wait_for;

const UP_AND_DOWN_LIMIT: Duration = Duration::from_secs(10);

#[test]
fn help_of_every_command() {
    let whole = [
        "",
        "run",
        "agent",
        "controller",
        "status",
        "explain",
        "decide",
        "whatif",
        "compare",
        "replay",
        "test",
        "tune",
        "policy",
        "completions",
    ];
    let of_policies = ["policy check", "policy show", "policy diff", "policy fmt", "policy schema"];
    let of_scenarios =
        ["scenario", "scenario check", "scenario draw", "scenario import", "scenario record", "scenario schema"];
    for command in whole.into_iter().chain(of_policies).chain(of_scenarios) {
        let args: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let name = format!("help {command}").trim_end().replace(' ', "_");
        insta::assert_snapshot!(name, shown(&args));
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for args in [
        &[][..],
        &["scale"],
        &["status", "--socket", "/s", "--nats", "nats://n"],
        &["agent"],
        &["agent", "--nats", "nats://n", "--user", "me"],
        &["run", "--interval", "1ms"],
        &["policy", "check"],
        &["explain"],
    ] {
        let output = ballast(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}: talk belongs on standard error");
    }
}

#[test]
fn nobody_to_ask_says_what_was_tried_and_what_helps() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let socket = dir.path().join("ballast.sock");
    let socket = socket.to_str().expect("a path in UTF-8");
    insta::assert_snapshot!("no_socket", shown(&["status", "--socket", socket]).replace(socket, "SOCKET"));
    // Port 9 is `discard`; nobody serves it on a machine of today.
    insta::assert_snapshot!("no_nats", shown(&["explain", "web", "--nats", "nats://me:secret@127.0.0.1:9"]));
}

#[test]
fn policy_check_finds_everything_with_its_place() {
    let check = |args: &[&str]| {
        let mut command = command(&["policy", "check"]);
        all_of(&command.args(args).current_dir("tests/policies").output().expect("run ballast"))
    };
    insta::assert_snapshot!("policy_good", check(&["good"]));
    insta::assert_snapshot!("policy_broken", check(&["good", "broken.yaml", "absent.yaml"]));
    insta::assert_snapshot!("policy_broken_json", check(&["--json", "broken.yaml"]));
    insta::assert_snapshot!("policy_doubtful", check(&["doubtful.yaml"]));
    insta::assert_snapshot!("policy_empty_folder", check(&["empty"]));
}

#[test]
fn policy_check_reads_standard_input() {
    let file = fs::File::open("tests/policies/good/web.yaml").expect("the file");
    let output = command(&["policy", "check", "-"]).stdin(file).output().expect("run ballast");
    assert_eq!(all_of(&output), "exit code 0\n----- stdout -----\nok: 1 policy in 1 file\n");
}

#[test]
fn policy_check_refuses_what_is_no_text_or_too_long() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("binary.yaml"), [0xff, 0xfe]).expect("write");
    fs::write(dir.path().join("long.yaml"), "ä".repeat(600 * 1024)).expect("write");
    let output = command(&["policy", "check", "."]).current_dir(dir.path()).output().expect("run ballast");
    assert_eq!(output.status.code(), Some(1));
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        found.contains("./binary.yaml: it is not UTF-8") && found.contains("long.yaml:1:1: the file is longer than"),
        "{found}"
    );
}

#[test]
fn completions_are_for_the_binary() {
    for shell in ["bash", "zsh", "fish"] {
        let output = ballast(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("explain"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child =
        command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start ballast");
    // The script is larger than a pipe holds, so that the write meets the closed end.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("wait for ballast");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn run_answers_on_its_socket_and_ends_on_a_signal() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let socket = dir.path().join("run/ballast.sock");
    let mut child = command(&["--log-format", "json", "run", "--host", "alpha"])
        .current_dir(dir.path())
        .args(["--state".as_ref(), dir.path().join("state/state.db").as_os_str()])
        .args(["--socket".as_ref(), socket.as_os_str()])
        .args(["--docker", "unix:///nowhere/docker.sock"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("start ballast");
    wait_for("the socket", UP_AND_DOWN_LIMIT, || socket.exists().then_some(()));

    signal(&child, "TERM");
    let status = wait_for("the end", UP_AND_DOWN_LIMIT, || child.try_wait().expect("ask for the end"));
    assert_eq!(status.code(), Some(0));
    assert!(!socket.exists(), "the socket goes with the process");
    let mut log = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("read the log");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(log.contains("./policies"), "it says that it only measures: {log}");
}

/// Runs the command and shows all that a user would see.
fn shown(args: &[&str]) -> String {
    all_of(&ballast(args))
}

fn all_of(output: &Output) -> String {
    let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let err = if err.is_empty() { String::new() } else { format!("\n----- stderr -----\n{err}") };
    format!("exit code {code}\n----- stdout -----\n{out}{err}")
}

fn ballast(args: &[&str]) -> Output {
    command(args).output().expect("run ballast")
}

/// The binary, with nothing of this test's own environment.
fn command(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("ballast").expect("the binary is built");
    command.env_clear().env("HOME", "/nonexistent").env("COLUMNS", "100").stdin(Stdio::null()).args(args);
    command
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("send the signal");
    assert!(sent.success());
}
