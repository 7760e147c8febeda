//! The decisions: from samples and a policy to a replica count, with the reasons.
//!
//! ```text
//! event → window → signal → rule → recommendation → combine → guard → decision
//! ```
//!
//! Nothing here waits, reads a clock, draws a random number or touches the outside; `clippy.toml` beside this crate
//! keeps that. The live controller and the replay drive the same [`Autoscaler`].

mod autoscaler;
mod by_replica;
pub mod calendar;
mod combine;
pub mod evaluation;
pub mod event;
pub mod explain;
pub mod formula;
pub mod guard;
pub mod journal;
pub mod memory;
mod missing;
pub mod policy;
pub mod policy_file;
pub mod quantity;
pub mod rule;
mod signal;
pub mod state;
pub mod text;
pub mod time;

pub use autoscaler::{Autoscaler, Hypothesis, Snapshot, Supposed};
pub use evaluation::{Evaluation, Verdict, Wakeup};
pub use event::Event;
pub use memory::{Forecasts, Learned, Memory};
pub use policy::Policy;
pub use time::Timestamp;
