//! Streams: what buckets and logs are kept in.

use async_nats::jetstream::{
    ErrorCode,
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, Stream},
};
use tokio::time::timeout;

use super::{CALL_LIMIT, Inner};
use crate::transport::BusError;

impl Inner {
    /// The stream named in `config`, made by it where there is none; `what` it is for is said in errors.
    pub(super) async fn get_or_make_stream(&self, config: Config, what: &str) -> Result<Stream, BusError> {
        let name = config.name.clone();
        let missing = |code: ErrorCode| code == ErrorCode::STREAM_NOT_FOUND;
        match self.jetstream.get_stream(&name).await {
            Ok(stream) => return Ok(stream),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(answer) if missing(answer.error_code()) => {}
                _ => return Err(self.no_jetstream(what, &error)),
            },
        }
        match self.jetstream.create_stream(config).await {
            Ok(stream) => Ok(stream),
            // Somebody else was faster, with another configuration of the same: then that one holds.
            Err(error) => match error.kind() {
                CreateStreamErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NAME_EXIST => {
                    self.jetstream.get_stream(&name).await.map_err(|error| self.failure(&error))
                }
                _ => Err(self.no_jetstream(what, &error)),
            },
        }
    }

    /// Waits for a call to JetStream, but not for ever.
    pub(super) async fn within_limit<T>(&self, call: impl Future<Output = T>) -> Result<T, BusError> {
        timeout(CALL_LIMIT, call).await.map_err(|_| match self.require_link() {
            Ok(()) => BusError::TimedOut(CALL_LIMIT),
            Err(down) => down,
        })
    }

    fn no_jetstream(&self, what: &str, error: &(dyn std::error::Error + 'static)) -> BusError {
        match self.failure(error) {
            BusError::Other(text) => BusError::Other(format!(
                "cannot open {what}: {text}; the NATS server needs JetStream (-js), and these credentials the right to use it"
            )),
            down => down,
        }
    }
}
