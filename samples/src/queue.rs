//! The queue that `load` fills and `worker` drains: a stream with one consumer that all workers share.

use std::time::Duration;

use anyhow::Context;
use async_nats::{
    ConnectOptions,
    jetstream::{
        self,
        consumer::{Consumer, pull},
        stream::{self, Stream},
    },
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Queue {
    /// The NATS server
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub(crate) nats: String,
    /// The stream; made where it is missing
    #[arg(long, default_value = "JOBS")]
    pub(crate) stream: String,
    /// The stream's subject
    #[arg(long, default_value = "jobs")]
    pub(crate) subject: String,
    /// The consumer that all workers share; made where it is missing
    #[arg(long, default_value = "workers")]
    pub(crate) consumer: String,
}

impl Queue {
    /// A connection that waits for a server that is not there yet.
    pub(crate) async fn connect(&self) -> anyhow::Result<jetstream::Context> {
        let client = ConnectOptions::new()
            .retry_on_initial_connect()
            .connect(&self.nats)
            .await
            .with_context(|| format!("{} is not the address of a NATS server", self.nats))?;
        Ok(jetstream::new(client))
    }

    /// The stream. A job stays in it until a worker has acknowledged it.
    pub(crate) async fn stream(&self, context: &jetstream::Context) -> anyhow::Result<Stream> {
        let config = stream::Config {
            name: self.stream.clone(),
            subjects: vec![self.subject.clone()],
            retention: stream::RetentionPolicy::WorkQueue,
            max_messages: 1_000_000,
            ..Default::default()
        };
        context.get_or_create_stream(config).await.with_context(|| format!("no stream {}", self.stream))
    }

    /// The consumer. A job that is not acknowledged within `give_up` is handed to another worker.
    pub(crate) async fn consumer(
        &self,
        context: &jetstream::Context,
        give_up: Duration,
    ) -> anyhow::Result<Consumer<pull::Config>> {
        let config =
            pull::Config { durable_name: Some(self.consumer.clone()), ack_wait: give_up, ..Default::default() };
        let stream = self.stream(context).await?;
        let consumer = stream.get_or_create_consumer(&self.consumer, config).await;
        consumer.with_context(|| format!("no consumer {}", self.consumer))
    }
}
