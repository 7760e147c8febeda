//! What docs/scenario.md shows is read as it says.
