//! What is asked, over the real socket, and what is made of the answer.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use assert_cmd::cargo::CommandCargoExt;
use bus::{
    Bus, Delivery,
    local::{LocalBus, SocketServer, serve_socket},
    payload::{DecisionStatus, Question, ServiceStatus, Status, VERSION, decode, encode},
    subject::Subjects,
};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn status_prints_a_page_or_json() {
    let controller = Controller::start(fleet(&["web", "worker"])).await;
    let page = controller.ballast(&["status"]);
    assert_eq!(page.status.code(), Some(0));
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("shop/web") && page.contains("shop/worker"), "{page}");
    assert!(!page.contains('\x1b'), "no colours where it is no terminal: {page}");

    let json = controller.ballast(&["status", "--json"]).stdout;
    assert_eq!(serde_json::from_slice::<Status>(&json).expect("JSON"), fleet(&["web", "worker"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_prints_one_service() {
    let controller = Controller::start(fleet(&["web"])).await;
    let output = controller.ballast(&["explain", "web"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("shop/web on alpha\n"), "{output:?}");
    assert_eq!(controller.questions(), ["ballast.default.ask.explain web"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_ambiguous_service_is_exit_code_1_with_candidates() {
    let said = Status { error: Some("no service is named wep; did you mean web?".to_owned()), ..Status::default() };
    for (answer, expected) in [
        (said, "no service is named wep; did you mean web?"),
        (fleet(&[]), "no service is named wep; `ballast status` lists all"),
        (fleet(&["a", "b"]), "wep may be any of alpha/shop/a, alpha/shop/b; name one in full"),
    ] {
        let controller = Controller::start(answer).await;
        let output = controller.ballast(&["explain", "wep"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("error: {expected}\n"));
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_fleet_is_not_answered() {
    let controller = Controller::start(fleet(&["web"])).await;
    let output = controller.ballast(&["status", "--fleet", "other"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("ballast.other.ask.status") && error.contains("--fleet"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_piped_prints_a_line_for_each_change() {
    let controller = Controller::start(fleet(&["web"])).await;
    let mut child = controller
        .command(&["status", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("start ballast");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "00:00:00Z  shop/web  2/2 (no policy)");

    let mut changed = fleet(&["web"]);
    changed.services[0].decision = Some(DecisionStatus {
        evaluation: 2,
        at_ms: 1000,
        from: 2,
        to: 4,
        sentence: "scale 2 → 4: cpu is work for 4".to_owned(),
        ..DecisionStatus::default()
    });
    controller.answer_from_now_on(changed);
    assert_eq!(line(), "00:00:01Z  shop/web  scale 2 → 4: cpu is work for 4");

    let ended = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().expect("send the signal");
    assert!(ended.success());
    assert_eq!(child.wait().expect("the end").code(), Some(0));
}

fn fleet(services: &[&str]) -> Status {
    let services = services.iter().map(|name| ServiceStatus {
        host: "alpha".to_owned(),
        project: "shop".to_owned(),
        service: (*name).to_owned(),
        running: 2,
        ready: 2,
        ..ServiceStatus::default()
    });
    Status { v: VERSION, services: services.collect(), ..Status::default() }
}

/// Answers every question with the same status, over a socket as `ballast run` serves it.
struct Controller {
    dir: TempDir,
    shared: Arc<Mutex<Shared>>,
    _socket: SocketServer,
}

struct Shared {
    answer: Status,
    questions: Vec<String>,
}

impl Controller {
    async fn start(answer: Status) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let bus: Bus = LocalBus::in_memory().expect("a bus");
        let mut asked = bus.subscribe(&Subjects::new("default").every("ask"), 16).await.expect("subscribe");
        let shared = Arc::new(Mutex::new(Shared { answer, questions: Vec::new() }));
        let socket = serve_socket(Arc::clone(&bus), dir.path().join("ballast.sock")).await.expect("a socket");
        let seen = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Some(Delivery::Message(message)) = asked.next().await {
                let question: Question = decode(&message.payload).expect("a question");
                let mut seen = seen.lock().expect("not poisoned");
                seen.questions.push(format!("{} {}", message.subject, question.service.unwrap_or_default()));
                message.reply.expect("a request").send(encode(&seen.answer));
            }
        });
        Self { dir, shared, _socket: socket }
    }

    fn answer_from_now_on(&self, answer: Status) {
        self.shared.lock().expect("not poisoned").answer = answer;
    }

    fn questions(&self) -> Vec<String> {
        self.shared.lock().expect("not poisoned").questions.clone()
    }

    fn ballast(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("run ballast")
    }

    fn command(&self, args: &[&str]) -> Command {
        let socket = self.dir.path().join("ballast.sock");
        let mut command = Command::cargo_bin("ballast").expect("the binary is built");
        command.env_clear().stdin(Stdio::null()).args(args).args([Path::new("--socket"), &socket]);
        command
    }
}
