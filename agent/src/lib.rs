//! One agent per Docker host: `measure` publishes samples, `inventory` keeps what runs, `act` reconciles the
//! services under a policy towards their targets.

pub mod act;
pub mod docker;
mod instant;
pub mod inventory;
pub mod measure;
pub mod model;
pub mod publish;
mod run;

pub use run::{AgentError, Config, run};
