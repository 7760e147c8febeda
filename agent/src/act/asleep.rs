//! How a stopped replica is known as Ballast's own doing after the agent was started anew: by a small file in it, which
//! says when it ended. Whoever starts and stops it later makes the file say nothing.

use std::{io::Read as _, time::Duration};

use bytes::Bytes;

use crate::docker::{Engine, EngineError};

const FOLDER: &str = "/";
const FILE: &str = ".ballast-asleep";
/// A listing waits for it.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// Marks a container that has ended at `finished`, as the engine writes it.
pub(crate) async fn mark(engine: &Engine, id: &str, finished: &str) -> Result<(), EngineError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(finished.len() as u64);
    header.set_mode(0o444);
    // No time at all: a time near the start would look like that of a file from Compose.
    header.set_mtime(0);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    // Nothing that is written to memory fails.
    let tar = builder.append_data(&mut header, FILE, finished.as_bytes()).and_then(|()| builder.into_inner());
    engine.put_archive(id, FOLDER, Bytes::from(tar.unwrap_or_default())).await
}

/// Whether the container is marked as having ended at `finished`; `None` when the engine does not tell just now.
pub(crate) async fn is_marked(engine: &Engine, id: &str, finished: &str) -> Option<bool> {
    let path = format!("{FOLDER}{FILE}");
    match tokio::time::timeout(READ_LIMIT, engine.archive(id, &path)).await {
        Ok(Ok(file)) => Some(file.and_then(|tar| content(&tar)).as_deref() == Some(finished)),
        Ok(Err(EngineError::Refused { .. })) => Some(false),
        Ok(Err(_)) | Err(_) => None,
    }
}

fn content(tar: &Bytes) -> Option<String> {
    let mut archive = tar::Archive::new(tar.as_ref());
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let mut text = String::new();
    entry.by_ref().take(100).read_to_string(&mut text).ok()?;
    Some(text)
}
