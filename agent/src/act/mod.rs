//! Brings the services under a policy to their targets, and keeps them there.

pub mod clone;
pub mod preflight;
