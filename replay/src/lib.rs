//! The second driver of the decisions: recorded or drawn load, a simulated clock, simulated services.
//!
//! ```text
//! scenario ─▶ simulation ◀─▶ scaler (a policy, a baseline, the clairvoyant plan)
//!                 │ segments and changes
//!                 ▼
//!     measures, expectations, pictures ─▶ report
//! ```
//!
//! What keeps it honest: a policy is judged by the same `autoscaler::Autoscaler` that decides live, told the same kinds of
//! events. One seed gives one result, to the byte: each purpose draws from a stream of random numbers of its own
//! ([`chance`]), nothing reads a clock, no map has a random order. It knows neither Docker nor NATS, so that it builds in
//! seconds and runs in anybody's CI. Texts come in and values go out; files and the terminal are `ballast`'s.

pub mod baseline;
pub mod chance;
pub mod comparison;
pub mod draw;
pub mod expectations;
pub mod fit;
pub mod forecasting;
pub mod import;
pub mod ladder;
pub mod measures;
pub mod parallel;
pub mod plan;
pub mod ranking;
pub mod recording;
pub mod recordings;
pub mod report;
pub mod scaler;
pub mod scenario;
pub mod service;
pub mod simulation;
pub mod tune;

pub use scaler::Scaler;
pub use scenario::Scenario;
