//! Stands in for the parts that are not there yet, in the shape that they will have.

pub(super) mod agent {
    use std::{path::PathBuf, time::Duration};

    use bus::Bus;
    use tokio_util::sync::CancellationToken;

    pub(in crate::commands) struct Config {
        pub(in crate::commands) fleet: String,
        pub(in crate::commands) host: String,
        pub(in crate::commands) engine: String,
        pub(in crate::commands) interval: Duration,
        pub(in crate::commands) proc_root: PathBuf,
        pub(in crate::commands) cgroup_root: PathBuf,
        pub(in crate::commands) ready_timeout: Duration,
        pub(in crate::commands) quiet: Duration,
    }

    pub(in crate::commands) async fn run(
        config: Config,
        _bus: Bus,
        shutdown: CancellationToken,
    ) -> Result<(), std::io::Error> {
        let Config { engine, interval, proc_root, cgroup_root, ready_timeout, quiet, .. } = config;
        tracing::debug!(engine, ?interval, ?proc_root, ?cgroup_root, ?ready_timeout, ?quiet, "not there yet");
        shutdown.cancelled().await;
        Ok(())
    }
}

pub(super) mod controller {
    use std::{path::PathBuf, time::Duration};

    use bus::Bus;
    use tokio_util::sync::CancellationToken;

    pub(in crate::commands) struct Config {
        pub(in crate::commands) fleet: String,
        pub(in crate::commands) policies: Vec<PathBuf>,
        pub(in crate::commands) host_lost_after: Duration,
    }

    impl Config {
        pub(in crate::commands) fn new(fleet: impl Into<String>, policies: Vec<PathBuf>) -> Self {
            Self { fleet: fleet.into(), policies, host_lost_after: Duration::ZERO }
        }
    }

    pub(in crate::commands) async fn run(
        config: Config,
        _bus: Bus,
        shutdown: CancellationToken,
    ) -> Result<(), std::io::Error> {
        tracing::debug!(?config.policies, ?config.host_lost_after, "not there yet");
        shutdown.cancelled().await;
        Ok(())
    }
}
