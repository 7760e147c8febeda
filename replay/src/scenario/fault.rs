//! What goes wrong, or what somebody else does.

use std::time::Duration;

/// A fault, from a moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Since the beginning of the scenario.
    pub at: Duration,
    /// For so long; zero where it is over at once.
    pub lasts: Duration,
    /// What.
    pub what: What,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The host is gone with all replicas; they start again when it is back. Nothing is heard of it meanwhile.
    HostLost,
    /// The agent is not heard of; the service goes on.
    AgentSilent,
    /// Samples arrive so much later than they were taken.
    SamplesLate {
        /// So much.
        by: Duration,
    },
    /// There are no samples of these signals; none named: of any.
    SamplesMissing {
        /// Names.
        signals: Vec<String>,
    },
    /// The controller ends and starts again after the fault's span: what it remembers it has, its samples are gone.
    ControllerRestarted,
    /// No start succeeds: the image is broken.
    StartsFail,
    /// Somebody ran `docker compose up` with so many replicas in the file.
    ComposeUp {
        /// So many.
        replicas: u32,
    },
    /// All replicas are replaced, one after the other; from then on the model is another one.
    Deploy {
        /// Seconds that a request takes from then on; absent: as before.
        takes: Option<f64>,
        /// Core-seconds that it costs from then on; absent: as before.
        cpu: Option<f64>,
    },
    /// Something else on the host takes this share of what replicas could use, 0 to below 1.
    Neighbour {
        /// The share.
        share: f64,
    },
    /// So many replicas die; Docker starts them again.
    ReplicasDie {
        /// So many.
        count: u32,
    },
}
