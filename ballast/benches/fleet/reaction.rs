//! From a sample that breaches to a replica that serves, by the clocks of those who do it: the engine's events carry its
//! time in nanoseconds, and on one machine that is the time by which the sample was sent.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bus::{
    Bus, Delivery,
    nats::{NatsBus, NatsOptions},
    payload::{Inventory, PublishedValue, VERSION, decode, encode},
    subject::Subjects,
};
use serde_json::Value;
use testbed::{DockerHost, Project};
use tokio::runtime::Runtime;

use crate::{
    fleet::{Fleet, HOST, Process},
    table,
};

const PROJECT: &str = "ballast-bench-reaction";
/// Every second one has a health check.
const SERVICES: u32 = 4;
/// Steps of each service, from one replica up.
const STEPS: u32 = 28;
/// From one breach to the next, of another service, so that each is carried out alone.
const BETWEEN: Duration = Duration::from_millis(900);
/// How often the services' values are published: more often than the policies' window needs.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);
/// What one replica carries.
const PER_REPLICA: u32 = 10;
const LIMIT: Duration = Duration::from_secs(20);

/// What became of one replica, each as the time since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) created: Option<Duration>,
    pub(crate) started: Option<Duration>,
    pub(crate) healthy: Option<Duration>,
    told_ready: Option<Duration>,
}

/// What a listener has to say.
pub(crate) enum News {
    Engine { id: String, service: String, action: String, at: Duration },
    Ready { id: String, at: Duration },
}

/// A breach, and the replica that it brought.
struct Step {
    breach: Duration,
    replica: String,
    has_health: bool,
}

/// Lets services grow by one replica at a time, again and again.
pub(crate) fn print(host: &DockerHost) {
    let image = host.busybox();
    let project = Project::new(host, PROJECT, &compose(&image));
    project.compose(&["up", "--detach", "--wait"]);
    let fleet = Fleet::start(host, &policies());
    let (news_in, news) = mpsc::channel();
    let _events = follow_engine(host, PROJECT, news_in.clone());
    let application = Application::start(&fleet.nats.url(), news_in);
    wait_until_settled(&news);

    let mut lives = BTreeMap::new();
    let mut steps = Vec::new();
    for step in 0..STEPS {
        for service in 0..SERVICES {
            let start = Instant::now();
            let breach = application.carries(service, PER_REPLICA * (step + 2));
            let replica = wait_for_create(&news, &mut lives, &name(service));
            steps.push(Step { breach, replica, has_health: has_health(service) });
            thread::sleep(BETWEEN.saturating_sub(start.elapsed()));
        }
    }
    let end = Instant::now() + LIMIT;
    let serves = |step: &Step, lives: &BTreeMap<String, Life>| {
        lives.get(&step.replica).is_some_and(|life| life.told_ready.is_some() && life.started.is_some())
    };
    while !steps.iter().all(|step| serves(step, &lives)) {
        let left = end.saturating_duration_since(Instant::now());
        note(&mut lives, &news.recv_timeout(left).expect("each replica serves in the end"));
    }
    print_table(&steps, &lives);
}

fn print_table(steps: &[Step], lives: &BTreeMap<String, Life>) {
    let row = |what: &str, with_health: Option<bool>, when: fn(&Life) -> Option<Duration>| {
        let counts = |step: &&Step| with_health.is_none_or(|wanted| step.has_health == wanted);
        let span = |step: &Step| Some(when(lives.get(&step.replica)?)?.saturating_sub(step.breach));
        let spans: Vec<_> = steps.iter().filter(counts).filter_map(span).collect();
        [vec![what.to_owned()], table::spread(&spans).to_vec()].concat()
    };
    let rows = vec![
        row("the engine's `create` event", None, |life| life.created),
        row("its `start` event", None, |life| life.started),
        row("`health_status: healthy`, checked every second", Some(true), |life| life.healthy),
        row("the controller is told that it serves, with that health check", Some(true), |life| life.told_ready),
        row("the controller is told that it serves, without a health check", Some(false), |life| life.told_ready),
    ];
    table::print("Reaction", &["from the sample that breaches to", "n", "p50", "p99", "max"], rows);
}

fn name(service: u32) -> String {
    format!("s{service}")
}

fn has_health(service: u32) -> bool {
    service % 2 == 1
}

fn compose(image: &str) -> String {
    let mut text = String::from("services:\n");
    for service in 0..SERVICES {
        // Each check is a process: fifty of them a second, of replicas that were found healthy long ago, would be a load of
        // its own. So there is one a second until the first success, as there is with `interval: 1s`, and then no more.
        let health = "    healthcheck: { test: [CMD, \"true\"], interval: 1h, start_period: 1m, start_interval: 1s }\n";
        let health = if has_health(service) { health } else { "" };
        let name = name(service);
        writeln!(text, "  {name}:\n    image: {image}\n    command: [sleep, infinity]\n    init: true\n{health}")
            .expect("a string takes all");
    }
    text
}

/// The first sample above what there is calls for exactly one replica more, whatever else is in the window.
fn policies() -> String {
    format!(
        "service: {PROJECT}/*\nreplicas: {{ min: 1, max: 99 }}\nsignals: {{ load: published }}\nrules:\n  \
         - target: {{ signal: load, per_replica: {PER_REPLICA}, window: 1s, tolerance: 0% }}\n\
         guards: {{ warm_up: 0s }}\n"
    )
}

/// Every container event of the project, as it happens.
pub(crate) fn follow_engine(host: &DockerHost, project: &str, news: mpsc::Sender<News>) -> Process {
    let mut command = Command::new("docker");
    let project = format!("label=com.docker.compose.project={project}");
    command.args(["events", "--filter", "type=container", "--filter", &project, "--format", "{{json .}}"]);
    command.env("DOCKER_HOST", host.socket()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("docker on the PATH");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).expect("events are JSON");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let service = text(&event["Actor"]["Attributes"]["com.docker.compose.service"]);
            let at = Duration::from_nanos(event["timeNano"].as_u64().unwrap_or_default());
            let heard = News::Engine { id: text(&event["id"]), service, action: text(&event["Action"]), at };
            if news.send(heard).is_err() {
                return;
            }
        }
    });
    Process::of(child)
}

/// The applications: they publish what they carry, and somebody among them listens to what the agent tells.
struct Application {
    runtime: Runtime,
    bus: Bus,
    values: Arc<Mutex<BTreeMap<u32, u32>>>,
}

impl Application {
    fn start(url: &str, news: mpsc::Sender<News>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let options = NatsOptions { servers: vec![url.to_owned()], ..NatsOptions::default() };
        let bus: Bus = runtime.block_on(NatsBus::connect(options)).expect("a link to NATS");
        let values = (0..SERVICES).map(|service| (service, PER_REPLICA)).collect();
        let application = Self { values: Arc::new(Mutex::new(values)), bus, runtime };
        application.publish_all();
        application.listen(news);
        application
    }

    /// From now on the service carries `value`. Returns when that was sent for the first time.
    fn carries(&self, service: u32, value: u32) -> Duration {
        self.values.lock().expect("nobody panicked").insert(service, value);
        let at = now();
        self.runtime.block_on(publish(&self.bus, service, value));
        at
    }

    fn publish_all(&self) {
        let (bus, values) = (Arc::clone(&self.bus), Arc::clone(&self.values));
        self.runtime.spawn(async move {
            let mut tick = tokio::time::interval(PUBLISH_EVERY);
            loop {
                tick.tick().await;
                let values = values.lock().expect("nobody panicked").clone();
                for (service, value) in values {
                    publish(&bus, service, value).await;
                }
            }
        });
    }

    fn listen(&self, news: mpsc::Sender<News>) {
        let subject = Subjects::new("default").inventory(HOST);
        let subscribed = self.runtime.block_on(self.bus.subscribe(&subject, 1024));
        let mut subscription = subscribed.expect("a subscription");
        self.runtime.spawn(async move {
            while let Some(delivery) = subscription.next().await {
                let Delivery::Message(message) = delivery else { continue };
                let Ok(inventory) = decode::<Inventory>(&message.payload) else { continue };
                let replicas = inventory.services.into_iter().flat_map(|service| service.replicas);
                for replica in replicas.filter(|replica| replica.ready_ms.is_some()) {
                    if news.send(News::Ready { id: replica.id, at: now() }).is_err() {
                        return;
                    }
                }
            }
        });
    }
}

async fn publish(bus: &Bus, service: u32, value: u32) {
    let subject = Subjects::new("default").signal(PROJECT, &name(service), "load");
    let payload = PublishedValue { v: VERSION, value: f64::from(value), at_ms: None, replica: None };
    bus.publish(&subject, encode(&payload)).await.expect("NATS takes it");
}

/// Until the agent has told of a replica of each service, and some seconds more, so that the windows are full.
fn wait_until_settled(news: &mpsc::Receiver<News>) {
    let end = Instant::now() + LIMIT;
    let mut ready = std::collections::BTreeSet::new();
    while ready.len() < SERVICES as usize {
        let left = end.saturating_duration_since(Instant::now());
        if let News::Ready { id, .. } = news.recv_timeout(left).expect("the agent tells what runs") {
            ready.insert(id);
        }
    }
    thread::sleep(Duration::from_secs(5));
    while news.try_recv().is_ok() {}
}

fn wait_for_create(news: &mpsc::Receiver<News>, lives: &mut BTreeMap<String, Life>, wanted: &str) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let item = news.recv_timeout(left).unwrap_or_else(|_| panic!("{wanted} did not grow"));
        note(lives, &item);
        if let News::Engine { id, service, action, .. } = item
            && action == "create"
        {
            assert_eq!(service, wanted, "only the service that breached grows");
            return id;
        }
    }
}

pub(crate) fn note(lives: &mut BTreeMap<String, Life>, news: &News) {
    match news {
        News::Engine { id, action, at, .. } => {
            let life = lives.entry(id.clone()).or_default();
            let when = match action.as_str() {
                "create" => &mut life.created,
                "start" => &mut life.started,
                "health_status: healthy" => &mut life.healthy,
                _ => return,
            };
            when.get_or_insert(*at);
        }
        News::Ready { id, at } => {
            lives.entry(id.clone()).or_default().told_ready.get_or_insert(*at);
        }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970")
}
