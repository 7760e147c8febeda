//! Replays the texts of the corpus with any compiler, for the crates whose targets they are.

use std::{error::Error, fs, path::Path};

/// Each text of a target's corpus; an empty or missing one would prove nothing.
pub(crate) fn replay(target: &str, run: fn(&[u8])) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&folder)? {
        run(&fs::read(entry?.path())?);
        replayed += 1;
    }
    assert!(replayed > 20, "{} has only {replayed} texts", folder.display());
    Ok(())
}
