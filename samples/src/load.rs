//! A load generator. It sends when something is due, however long answers take: users do not wait for one another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use async_nats::jetstream;
use hyper::Uri;
use tokio::{
    sync::{Semaphore, watch},
    time::{interval, timeout},
};

use crate::{
    phases::{Flow, Phase},
    queue::Queue,
    requests::{Tally, Web},
    shutdown,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Send requests there, for example `http://web:8080/`
    #[arg(long)]
    web: Option<Uri>,
    /// Put jobs into the queue
    #[arg(long)]
    jobs: bool,
    #[command(flatten)]
    queue: Queue,
    /// How long there is little load
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    idle: Duration,
    /// How long load grows
    #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
    ramp: Duration,
    /// How long the most load lasts
    #[arg(long, default_value = "15s", value_parser = humantime::parse_duration)]
    spike: Duration,
    /// How long there is none
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    stop: Duration,
    /// Requests per second: when idle, at the end of the ramp, in the spike
    #[arg(long, num_args = 3, value_names = ["IDLE", "RAMP", "SPIKE"], default_values_t = [2.0, 70.0, 110.0])]
    requests_per_second: Vec<f64>,
    /// Jobs per second: when idle, at the end of the ramp, in the spike
    #[arg(long, num_args = 3, value_names = ["IDLE", "RAMP", "SPIKE"], default_values_t = [1.0, 20.0, 40.0])]
    jobs_per_second: Vec<f64>,
    /// End after so many rounds of idle, ramp, spike and stop; 0: never
    #[arg(long, default_value_t = 0)]
    cycles: u64,
    /// Play so many days instead, of requests alone, from midnight to midnight, and the evening before the first
    #[arg(long, default_value_t = 0)]
    days: usize,
    /// How long a day is
    #[arg(long, default_value = "100s", value_parser = humantime::parse_duration)]
    day: Duration,
    /// Requests per second: in the night, at noon
    #[arg(long, num_args = 2, value_names = ["NIGHT", "NOON"], default_values_t = [8.0, 90.0])]
    day_requests: Vec<f64>,
}

/// On their way at the same time; what is due beyond that is counted and not sent.
const MAX_IN_FLIGHT: usize = 2000;
/// Of a day.
const PIECES: u32 = 12;
/// The evening before the first day begins with this one.
const EVENING: usize = 9;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut asked = shutdown::asked()?;
    let phases = if options.days > 0 { days(&options)? } else { phases(&options)?.to_vec() };
    let cycles = if options.days > 0 { 1 } else { options.cycles };
    let mut sender = Sender::new(&options).await?;
    let mut cycle = 0;
    while cycles == 0 || cycle < cycles {
        cycle += 1;
        for phase in &phases {
            println!("load | {}", plan(phase, &options));
            let report = sender.play(phase, &mut asked).await;
            if options.days == 0 {
                println!("load | {} ended: {report}", phase.name);
            }
            if *asked.borrow() {
                return Ok(());
            }
        }
    }
    sender.finish().await;
    if sender.web.is_some() {
        println!("load | in all: {}", Tally::of_all(&sender.requests).describe("requests"));
    }
    Ok(())
}

fn phases(options: &Options) -> anyhow::Result<[Phase; 4]> {
    let (requests, jobs) = (rates(&options.requests_per_second)?, rates(&options.jobs_per_second)?);
    let phase =
        |name, lasts, flow: fn([f64; 3]) -> Flow| Phase { name, lasts, requests: flow(requests), jobs: flow(jobs) };
    Ok([
        phase("idle", options.idle, |[idle, ..]| Flow::steady(idle)),
        phase("ramp", options.ramp, |[from, to, _]| Flow { from, to }),
        phase("spike", options.spike, |[.., spike]| Flow::steady(spike)),
        phase("stop", options.stop, |_| Flow::steady(0.0)),
    ])
}

/// An evening, and days from midnight to midnight: a sine in twelve straight pieces.
fn days(options: &Options) -> anyhow::Result<Vec<Phase>> {
    let [night, noon]: [f64; 2] = options.day_requests.as_slice().try_into().context("two rates: night, noon")?;
    rates(&[night, noon, noon])?;
    let at = |piece: u32| {
        let angle = std::f64::consts::TAU * f64::from(piece) / f64::from(PIECES);
        (f64::midpoint(night, noon) - (noon - night) / 2.0 * angle.cos()).round()
    };
    let names = ["0:00", "2:00", "4:00", "6:00", "8:00", "10:00", "12:00", "14:00", "16:00", "18:00", "20:00", "22:00"];
    let day = (0..PIECES).zip(names).map(|(piece, name)| Phase {
        name,
        lasts: options.day / PIECES,
        requests: Flow { from: at(piece), to: at(piece + 1) },
        jobs: Flow::steady(0.0),
    });
    let of_a_day = PIECES as usize;
    Ok(day.cycle().skip(EVENING).take(of_a_day - EVENING + of_a_day * options.days).collect())
}

fn rates(given: &[f64]) -> anyhow::Result<[f64; 3]> {
    let rates = given.try_into().context("three rates are needed: idle, ramp, spike")?;
    for rate in given {
        anyhow::ensure!((0.0..=100_000.0).contains(rate), "a rate is from 0 to 100000 per second, not {rate}");
    }
    Ok(rates)
}

fn plan(phase: &Phase, options: &Options) -> String {
    if options.days > 0 {
        return format!("{}: {} requests/s", phase.name, phase.requests);
    }
    let mut flows = Vec::new();
    for (wanted, flow, what) in
        [(options.web.is_some(), phase.requests, "requests/s"), (options.jobs, phase.jobs, "jobs/s")]
    {
        if wanted {
            flows.push(format!("{flow} {what}"));
        }
    }
    format!("{} for {}: {}", phase.name, humantime::format_duration(phase.lasts), flows.join(", "))
}

struct Sender {
    web: Option<Arc<Web>>,
    jobs: Option<(jetstream::Context, Queue)>,
    places: Arc<Semaphore>,
    /// Whether the rounds end.
    bounded: bool,
    /// Of each phase so far, where they do.
    requests: Vec<Arc<Tally>>,
}

impl Sender {
    async fn new(options: &Options) -> anyhow::Result<Self> {
        anyhow::ensure!(options.web.is_some() || options.jobs, "nothing to do: give --web URL, --jobs, or both");
        let web = options.web.clone().map(Web::new).transpose()?;
        let jobs = if options.jobs {
            let context = options.queue.connect().await?;
            timeout(Duration::from_mins(1), make_stream(&context, &options.queue))
                .await
                .with_context(|| format!("no queue at {} within a minute", options.queue.nats))?;
            Some((context, options.queue.clone()))
        } else {
            None
        };
        Ok(Self {
            web,
            jobs,
            places: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            bounded: options.cycles > 0 || options.days > 0,
            requests: Vec::new(),
        })
    }

    /// Plays one phase, or as much of it as there is until `asked`, and says how it went.
    async fn play(&mut self, phase: &Phase, asked: &mut watch::Receiver<bool>) -> String {
        let (requests, jobs) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
        // without an end nobody asks for the sum
        if self.bounded {
            self.requests.push(Arc::clone(&requests));
        }
        let (mut requests_sent, mut jobs_sent) = (0, 0);
        let start = Instant::now();
        let mut tick = interval(Duration::from_millis(5));
        loop {
            let elapsed = start.elapsed();
            while requests_sent < phase.requests.due(elapsed, phase.lasts) {
                requests_sent += 1;
                self.request(&requests);
            }
            while jobs_sent < phase.jobs.due(elapsed, phase.lasts) {
                jobs_sent += 1;
                self.job(&jobs);
            }
            if elapsed >= phase.lasts {
                break;
            }
            tokio::select! {
                _ = tick.tick() => {}
                () = shutdown::wait(asked) => break,
            }
        }
        let mut reports = Vec::new();
        if self.web.is_some() {
            reports.push(requests.describe("requests"));
        }
        if self.jobs.is_some() {
            reports.push(jobs.describe("jobs"));
        }
        reports.join(", ")
    }

    /// Waits until nothing is on its way any more, though not for long.
    async fn finish(&self) {
        let all = u32::try_from(MAX_IN_FLIGHT).unwrap_or(u32::MAX);
        drop(timeout(Duration::from_secs(10), self.places.acquire_many(all)).await);
    }

    fn request(&self, tally: &Arc<Tally>) {
        if let Some(web) = &self.web {
            let web = Arc::clone(web);
            self.send(tally, async move { web.get().await });
        }
    }

    fn job(&self, tally: &Arc<Tally>) {
        if let Some((context, queue)) = &self.jobs {
            let (context, subject) = (context.clone(), queue.subject.clone());
            self.send(tally, async move {
                let stored = context.publish(subject, "job".into()).await.context("not published")?;
                stored.await.context("not stored")?;
                Ok(())
            });
        }
    }

    fn send(&self, tally: &Arc<Tally>, one: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return tally.dropped() };
        tally.sent();
        let tally = Arc::clone(tally);
        tokio::spawn(async move {
            let start = Instant::now();
            tally.ended(&one.await, start);
            drop(place);
        });
    }
}

/// Tries until it works: NATS may well start later than this.
async fn make_stream(context: &jetstream::Context, queue: &Queue) {
    while let Err(error) = queue.stream(context).await {
        eprintln!("load | {error:#}; trying again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
