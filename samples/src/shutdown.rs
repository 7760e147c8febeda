//! Being told to end.

use anyhow::Context;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Becomes true when this process is asked to end, by SIGTERM or Ctrl-C. Alone in a container, a process that does not
/// ask for SIGTERM does not get it.
pub(crate) fn asked() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
    });
    Ok(receiver)
}

/// Waits until it is.
pub(crate) async fn wait(asked: &mut watch::Receiver<bool>) {
    // the sender lives until it has sent, so this cannot fail before
    drop(asked.wait_for(|asked| *asked).await);
}
