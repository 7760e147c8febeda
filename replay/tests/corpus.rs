//! Replays what fuzzing starts from and what it has found, with any compiler. `fuzz/` has the targets.

#[path = "../../fuzz/replay_targets.rs"]
mod targets;

use std::{error::Error, fs, path::Path};

/// Each text of a target's corpus; an empty or missing one would prove nothing.
fn replay(target: &str, run: fn(&[u8])) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&folder)? {
        run(&fs::read(entry?.path())?);
        replayed += 1;
    }
    assert!(replayed > 20, "{} has only {replayed} texts", folder.display());
    Ok(())
}

#[test]
fn scenarios_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("scenario", targets::scenario)
}

#[test]
fn journals_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("journal", targets::journal)
}

#[test]
fn imports_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("imported", targets::imported)
}
