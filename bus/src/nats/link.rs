//! Whether the link is up, and how often it came up: watches start anew with each time.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_nats::{Client, Event, connection::State};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::transport::Link;

/// Events that wait. Losing one is harmless: the state is also looked at every [`LOOK`].
const EVENTS: usize = 16;
const LOOK: Duration = Duration::from_secs(1);

/// The longest wait between two attempts to connect, before jitter.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Whether there is a link, and how many times one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connected {
    pub(super) up: bool,
    pub(super) times: u64,
}

/// The sending half goes into the client's callback.
pub(super) fn events() -> (mpsc::Sender<Event>, mpsc::Receiver<Event>) {
    mpsc::channel(EVENTS)
}

/// Follows the client's link until `stop`.
pub(super) fn follow(
    client: Client,
    mut events: mpsc::Receiver<Event>,
    stop: CancellationToken,
) -> (watch::Receiver<Connected>, watch::Receiver<Link>) {
    let first = look(&client, None);
    let (connected, connected_reader) = watch::channel(first);
    let (link, link_reader) = watch::channel(link_of(first));
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv() => event,
                () = tokio::time::sleep(LOOK) => None,
            };
            let now = look(&client, event.as_ref());
            connected.send_if_modified(|before| std::mem::replace(before, now) != now);
            let changed = link.send_if_modified(|before| std::mem::replace(before, link_of(now)) != link_of(now));
            if changed {
                tracing::info!(up = now.up, "link to NATS");
            }
            report(event.as_ref());
        }
    });
    (connected_reader, link_reader)
}

/// An event comes a moment before the client's own state follows, so it counts for more.
fn look(client: &Client, event: Option<&Event>) -> Connected {
    let up = match event {
        Some(Event::Connected) => true,
        Some(Event::Disconnected | Event::Closed) => false,
        _ => client.connection_state() == State::Connected,
    };
    Connected { up, times: client.statistics().connects.load(Ordering::Relaxed) }
}

fn link_of(connected: Connected) -> Link {
    if connected.up { Link::Up } else { Link::Down }
}

fn report(event: Option<&Event>) {
    match event {
        Some(Event::SlowConsumer(_)) => tracing::warn!("the NATS client dropped messages: this process is too busy"),
        Some(Event::ServerError(error)) => tracing::warn!(%error, "the NATS server complains"),
        Some(Event::ClientError(error)) => tracing::debug!(%error, "NATS client"),
        _ => {}
    }
}

/// Waits 0, 100 ms, 200 ms, … at most [`LONGEST_DELAY`], each times 0.5 to 1: a hundred agents that lost the
/// same server do not all come back in the same moment.
pub(super) fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(2)).unwrap_or(u32::MAX).min(10);
    let full = if attempts <= 1 { Duration::ZERO } else { Duration::from_millis(100 << doublings).min(LONGEST_DELAY) };
    // The clock's last digits differ enough between hosts, and nothing secret hangs on them.
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    full.mul_f64(0.5 + f64::from(nanos % 1000) / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_between_half_and_all_of_the_step_and_never_above_a_second() {
        for (attempts, full_ms) in [(0, 0), (1, 0), (2, 100), (3, 200), (5, 800), (6, 1000), (usize::MAX, 1000)] {
            let delay = reconnect_delay(attempts);
            let full = Duration::from_millis(full_ms);
            assert!(full / 2 <= delay && delay <= full, "attempt {attempts}: {delay:?}");
        }
    }
}
