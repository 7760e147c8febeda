//! The whole fleet on real parts: agents and a controller as processes, a real NATS server, real Docker Engines, Compose.
//!
//! What drives the decisions is a value that the test itself publishes, so that each test says exactly how many replicas
//! there shall be: 10 are one replica's worth.

mod alone;
mod faults;
mod harness;
mod hosts;
mod policies;
