//! What travels between agents and controllers: [subjects](subject), [payloads](payload), and the two
//! [transports](transport), NATS and in-process.
//!
//! This crate knows nothing of the decisions; the controller turns payloads into events, so that wire and
//! decisions change apart.
//!
//! # Subjects
//!
//! `fleet`, `host` and the like are [escaped](subject) to one token each. What is published is heard only by those
//! who listen at that moment: it is repeated, or numbered so that a loss shows.
//!
//! | subject | payload | from → to |
//! |---|---|---|
//! | `ballast.<fleet>.samples.<host>` | [`Samples`](payload::Samples) | agent → controller, each second |
//! | `ballast.<fleet>.inventory.<host>` | [`Inventory`](payload::Inventory) | agent → controller, on each change and every few seconds |
//! | `ballast.<fleet>.outcome.<host>` | [`Outcome`](payload::Outcome) | agent → controller, after each target |
//! | `ballast.<fleet>.signal.<project>.<service>.<signal>` | [`PublishedValue`](payload::PublishedValue), or a bare number | application → controller |
//! | `ballast.<fleet>.ask.<question>` | [`Question`](payload::Question), answered with [`Status`](payload::Status), `history` with [`History`](payload::History) | command line → controller |
//!
//! # Buckets
//!
//! What has to be there for those who come later. On NATS a bucket is the key-value bucket `ballast-<fleet>-<bucket>`,
//! in process a part of one SQLite file.
//!
//! | bucket | key | value | written by → read by |
//! |---|---|---|---|
//! | `assignments` | `<host>.<project>.<service>` | [`Assignment`](payload::Assignment) | controller → agent |
//! | `targets` | `<host>.<project>.<service>` | [`Target`](payload::Target) | controller → agent |
//! | `memory` | `<host>.<project>.<service>` | what guards remember, with the newest target | controller → controller |
//! | `decisions` | `<host>.<project>.<service>` | what was decided | controller → controller |
//! | `controllers` | `term` | the term of the controller in charge | controller → controller |
//!
//! # Logs
//!
//! What happened, in chunks by key and time, for as long as there is room. On NATS a log is the stream
//! `ballast-<fleet>-<log>`, in process a table of the same SQLite file.
//!
//! | log | key | chunks | written by → read by |
//! |---|---|---|---|
//! | `history` | `<host>.<project>.<service>` | what a service's decisions were told and when they were made, packed | controller → controller |
//!
//! # What to count on
//!
//! Both transports keep one contract, promise by promise in `tests/contract/promises.rs`:
//! - A slow reader of a [`Subscription`] loses the oldest messages and is told exactly how many; a slow reader of a
//!   [watch](Bucket::watch) is told the newest value of each key and nothing else.
//! - A write with a revision happens only if nobody wrote in between. A write that
//!   [timed out](BusError::TimedOut) may still have happened, or happen a moment later.
//! - While the link is [down](BusError::Down) everything fails at once and nothing is sent later, but subscriptions
//!   and watches can be opened and come to life with the link.
//! - A field or variant that a reader does not know does no harm: see [`payload::decode`].

mod changes;
pub mod local;
pub mod nats;
pub mod payload;
mod queue;
pub mod subject;
pub mod transport;

pub use transport::{
    Bucket, Bus, BusError, Change, Chunk, Delivery, Entry, Keep, Link, Log, Message, Reply, Subscription, Transport,
};
