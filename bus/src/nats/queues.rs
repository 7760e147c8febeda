//! How long queues are, on servers that need not be Ballast's own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_nats::{
    Client,
    jetstream::{self, context::ConsumerInfoErrorKind, context::ContextBuilder},
};
use tokio::{sync::OnceCell, time::timeout};

use super::{CALL_LIMIT, NatsOptions, chain, failure, options::redact, require_link};
use crate::transport::BusError;

/// Servers whose connections are kept; beyond that the one asked least recently is closed.
const SERVERS: usize = 16;

type Connection = Arc<OnceCell<(Client, jetstream::Context)>>;

/// Connections to servers that hold queues, each kept and used again.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    connections: Mutex<VecDeque<(String, Connection)>>,
}

impl Queues {
    /// Messages waiting or not acknowledged in a consumer of `server`.
    pub(crate) async fn length(&self, server: &str, stream: &str, consumer: &str) -> Result<u64, BusError> {
        let connection = self.connection(server);
        let (client, jetstream) = connection
            .get_or_try_init(|| async {
                let options = NatsOptions { name: "ballast queue length".into(), ..NatsOptions::new(server) };
                // Nobody listens to the events of this connection; its state is asked for each time.
                let (client, _) = options.connect().await?;
                let jetstream = ContextBuilder::new().timeout(CALL_LIMIT).build(client.clone());
                Ok::<_, BusError>((client, jetstream))
            })
            .await?;
        length(client, jetstream, stream, consumer).await.map_err(|error| match error {
            BusError::Other(text) => BusError::Other(format!("{}: {text}", redact(server))),
            other => other,
        })
    }

    fn connection(&self, server: &str) -> Connection {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = connections.iter().position(|(name, _)| name == server).and_then(|at| connections.remove(at));
        let (name, connection) = kept.unwrap_or_else(|| (server.to_owned(), Connection::default()));
        connections.push_front((name, Arc::clone(&connection)));
        connections.truncate(SERVERS);
        connection
    }
}

/// Messages waiting or not acknowledged in a consumer.
pub(super) async fn length(
    client: &Client,
    jetstream: &jetstream::Context,
    stream: &str,
    consumer: &str,
) -> Result<u64, BusError> {
    require_link(client)?;
    let ask = async {
        let stream = jetstream.get_stream_no_info(stream).await;
        let stream = stream.map_err(|error| BusError::Other(chain(&error)))?;
        Ok(stream.consumer_info(consumer).await)
    };
    let answer = timeout(CALL_LIMIT, ask).await.map_err(|_| BusError::TimedOut(CALL_LIMIT))??;
    match answer {
        Ok(info) => Ok(info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX)),
        Err(error) => Err(match error.kind() {
            ConsumerInfoErrorKind::NotFound => {
                BusError::Other(format!("the stream {stream} has no consumer {consumer}"))
            }
            ConsumerInfoErrorKind::StreamNotFound => BusError::Other(format!("there is no stream {stream}")),
            ConsumerInfoErrorKind::NoResponders => BusError::Other("the NATS server has no JetStream (-js)".into()),
            ConsumerInfoErrorKind::TimedOut => BusError::TimedOut(CALL_LIMIT),
            _ => failure(client, &error),
        }),
    }
}
