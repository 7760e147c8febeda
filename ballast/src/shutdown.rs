//! Ending: the first SIGINT or SIGTERM asks every part to finish, the second ends the process at once.

use std::{future::Future, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long parts may take to finish after the first signal.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// 128 + SIGINT, as shells report it.
const INTERRUPTED: i32 = 130;

/// A token that is cancelled by the first SIGINT or SIGTERM.
pub(crate) fn on_signal() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping; once more to stop at once");
        cancelled.cancel();
        either(&mut interrupt, &mut terminate).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

/// Runs `work` to its end; once `shutdown` is cancelled, for at most [`PATIENCE`] more. `None`: it took longer.
pub(crate) async fn within_patience<T>(shutdown: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = async {
            shutdown.cancelled().await;
            tokio::time::sleep(PATIENCE).await;
        } => None,
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
