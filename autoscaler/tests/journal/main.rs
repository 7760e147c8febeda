//! The journal: what is written is read as the same, and decides the same.

mod errors;
mod replay;
mod text;
