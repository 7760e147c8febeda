//! For tests only: a real NATS server, real Docker hosts, and Compose projects on them.
//!
//! `nats-server` and `docker` are found on the `PATH`, the Docker hosts by variables that `scripts/hosts env` prints.
//! Everything here panics with what to do when a part is missing: a test that needs a real part never passes without it.

mod docker;
mod nats;

use std::time::{Duration, Instant};

pub use docker::{DockerHost, Project};
pub use nats::NatsServer;

/// Waits until `condition` gives a value, asking every 20 ms.
///
/// # Panics
/// When it has not after `limit`; `what` says what was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
