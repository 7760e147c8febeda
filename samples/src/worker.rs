//! A worker: one job at a time, acknowledged when it is done.

use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt;
use tokio::{sync::watch, time::sleep};

use crate::{cpu, queue::Queue, shutdown};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    queue: Queue,
    /// How long a job takes
    #[arg(long, default_value = "100ms", value_parser = humantime::parse_duration)]
    takes: Duration,
    /// CPU time within that
    #[arg(long, default_value = "10ms", value_parser = humantime::parse_duration)]
    cost: Duration,
}

/// How long a worker asks for a job at a time. It ends only between two questions: a job handed to somebody who no
/// longer listens would be lost until the server gives up on it.
const ASK: Duration = Duration::from_secs(1);

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut asked = shutdown::asked()?;
    let context = options.queue.connect().await?;
    let give_up = (options.takes * 10).max(Duration::from_secs(10));
    let mut done: u64 = 0;
    println!("worker | jobs of {}", humantime::format_duration(options.takes));
    while !*asked.borrow() {
        let worked = match options.queue.consumer(&context, give_up).await {
            Ok(consumer) => work(&consumer, &options, &asked, &mut done).await,
            Err(error) => Err(error),
        };
        if let Err(error) = worked {
            eprintln!("worker | {error:#}; trying again");
            tokio::select! {
                () = sleep(Duration::from_secs(1)) => {}
                () = shutdown::wait(&mut asked) => {}
            }
        }
    }
    // an acknowledgement may still be on its way out; a server that is away does not keep the worker
    drop(tokio::time::timeout(ASK, context.client().flush()).await);
    println!("worker | {done} jobs done, ended");
    Ok(())
}

async fn work(
    consumer: &Consumer<pull::Config>,
    options: &Options,
    asked: &watch::Receiver<bool>,
    done: &mut u64,
) -> anyhow::Result<()> {
    while !*asked.borrow() {
        let mut jobs = consumer.fetch().max_messages(1).expires(ASK).messages().await?;
        while let Some(job) = jobs.next().await {
            let job = job.map_err(|error| anyhow::anyhow!("no job: {error}"))?;
            let cost = options.cost;
            tokio::task::spawn_blocking(move || cpu::burn(cost)).await?;
            sleep(options.takes.saturating_sub(cost)).await;
            job.ack().await.map_err(|error| anyhow::anyhow!("not acknowledged: {error}"))?;
            *done += 1;
        }
    }
    Ok(())
}
