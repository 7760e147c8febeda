//! Replays what fuzzing starts from and what it has found, with any compiler. `fuzz/` has the targets.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{error::Error, fs, path::Path};

/// Each text of a target's corpus; an empty or missing one would prove nothing.
#[expect(clippy::disallowed_methods, reason = "the test reads its own files; the core reads none")]
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
fn policy_texts_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("policy_text", targets::policy_text)
}

#[test]
fn labels_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("labels", targets::labels)
}

#[test]
fn states_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("state", targets::state)
}
