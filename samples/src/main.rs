//! Services to try Ballast on, in one static binary: what `docker-compose.scaling.yml` and the tests run.
//!
//! They know nothing of Ballast: a web server with Prometheus metrics and a worker on a queue, as anybody would write
//! them, and something that puts load on both.

mod cpu;
mod healthy;
mod load;
mod phases;
mod publish;
mod queue;
mod requests;
mod shutdown;
mod web;
mod web_metrics;
mod worker;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about = "Sample services to try Ballast on")]
struct Cli {
    #[command(subcommand)]
    service: Service,
}

#[derive(Subcommand)]
enum Service {
    /// Answers HTTP requests, each of which costs CPU time
    Web(web::Options),
    /// Takes jobs from a NATS JetStream queue
    Worker(worker::Options),
    /// Puts load on a web service and a queue: idle, ramp, spike, stop
    Load(Box<load::Options>),
    /// Exits with 0 when the web server on this machine answers: a health check for images without a shell
    Healthy(healthy::Options),
    /// Publishes a value of an application, for policies to read as a signal
    Publish(publish::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().service {
        Service::Web(options) => web::run(options).await,
        Service::Worker(options) => worker::run(options).await,
        Service::Load(options) => load::run(*options).await,
        Service::Healthy(options) => healthy::run(&options),
        Service::Publish(options) => publish::run(options).await,
    }
}
