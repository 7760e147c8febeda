//! Hears what agents measured, decides by policy, and publishes how many replicas there shall be.
//!
//! ```text
//! bus → Inbox → Input → Fleet (hear, then settle) → Effect → Outbox → bus
//! files → PolicyFiles → PolicySet ↗   ↘ Status, when asked
//!                                      ↘ Chunk → Keeper → log of what happened
//! ```
//!
//! One task owns everything and there are no locks. The module `fleet` decides what
//! to do and does nothing; [`run()`] does it.
//! A decision leaves as a target, which is a level: it may be repeated, and only the newest counts.

mod clock;
mod config;
mod events;
mod fleet;
pub mod journal;
mod outbox;
mod policies;
mod run;
mod term;

pub use config::{Config, ControllerError};
pub use run::run;
