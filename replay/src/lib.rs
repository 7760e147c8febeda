//! The second driver of the decisions: recorded load, a simulated clock, simulated services.
//!
//! The room is empty. What it is for: a policy edit can be judged before it is trusted. A scenario is text, versioned
//! and editable by hand, and either plays recorded signals back (`signals:`, the open loop) or gives demand and a model
//! of the service (`load:`, the closed loop: what one replica carries, how long it takes to start, what fails when), so
//! that scaling changes what is measured. The report compares what users felt and what it cost.
//!
//! What keeps it honest: it drives the same `autoscaler::Autoscaler` as the live controller, step by step from one
//! `next_wakeup` to the next, and it knows neither Docker nor NATS, so that it builds in seconds and runs in anybody's CI.
