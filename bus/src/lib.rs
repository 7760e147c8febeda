//! What travels between agents and controllers: [subjects](subject), [payloads](payload), and the two
//! [transports](transport), NATS and in-process.
//!
//! This crate knows nothing of the decisions; the controller turns payloads into events, so that wire and
//! decisions change apart.

mod changes;
pub mod local;
pub mod nats;
pub mod payload;
mod queue;
pub mod subject;
pub mod transport;

pub use transport::{Bucket, Bus, BusError, Change, Delivery, Entry, Link, Message, Reply, Subscription, Transport};
