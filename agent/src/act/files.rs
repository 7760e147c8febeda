//! Files that Compose copies into each container before it starts, and that no inspection shows: secrets and configs
//! with `content:` or `environment:`.
//!
//! How they are told from files that the application wrote: Compose sends them as an archive, whose times are whole
//! seconds, just before the start. What an application writes carries fractions of a second.

use bytes::Bytes;
use serde_json::Value;

use crate::{
    docker::{Engine, EngineError},
    instant::{now_ms, parse_ms},
};

/// Where Compose puts secrets.
const SECRETS: &str = "/run/secrets";
/// More are not looked at: each costs a call, and an application can write any number.
const MOST_LOOKED_AT: usize = 512;
/// From making a container to its first start. Compose may wait for other services in between.
const BEFORE_FIRST_START_MS: u64 = 30_000;
/// From copying the files to the start, and the rounding of the time to a second.
const BEFORE_A_START_MS: u64 = 5_000;
const ROUNDING_MS: u64 = 1_000;
/// What the engine's `GET /containers/{id}/changes` calls a file of the image that is another now, and an added one.
const CHANGED: [u64; 2] = [0, 1];
/// The bits of Go's file mode that make it something else than a plain file, as the engine sends it.
const NOT_A_FILE: u64 = 0x8f28_0000;

/// Copies them from `sibling` (as inspected) into the container `id`, which has not started yet.
pub(super) async fn copy(engine: &Engine, sibling: &Value, id: &str) -> Result<(), EngineError> {
    // Compose cannot write into these either.
    if sibling["HostConfig"]["ReadonlyRootfs"] == true {
        return Ok(());
    }
    let from = sibling["Id"].as_str().unwrap_or_default();
    let changes = engine.changes(from).await?;
    let candidates = candidates(&changes, sibling);
    if candidates.len() > MOST_LOOKED_AT {
        let name = sibling["Name"].as_str().unwrap_or_default();
        tracing::warn!(
            name,
            "it has changed {} files: of these, {MOST_LOOKED_AT} are searched for inline configs",
            candidates.len()
        );
    }
    for path in candidates.into_iter().take(MOST_LOOKED_AT) {
        let Some(stat) = engine.path_stat(from, &path).await? else { continue };
        let is_secret = path.strip_prefix(SECRETS).is_some_and(|rest| rest.starts_with('/')) && is_file(&stat);
        if !is_secret && !is_from_compose(&stat, sibling) {
            continue;
        }
        let Some(tar) = engine.archive(from, &path).await?.and_then(|tar| touched(&tar)) else { continue };
        let folder = match path.rsplit_once('/') {
            None | Some(("", _)) => "/",
            Some((folder, _)) => folder,
        };
        make_folder(engine, id, folder).await?;
        engine.put_archive(id, folder, tar).await?;
    }
    Ok(())
}

/// Files that were added to the image or replace one of it, outside of mounts; secrets first, should there be too many.
fn candidates(changes: &Value, sibling: &Value) -> Vec<String> {
    let list = |value: &Value, field: &str| -> Vec<String> {
        let entries = value.as_array().into_iter().flatten();
        entries.filter_map(|entry| entry[field].as_str().map(str::to_owned)).collect()
    };
    let counts = |change: &&Value| change["Kind"].as_u64().is_some_and(|kind| CHANGED.contains(&kind));
    let entries: Value = changes.as_array().into_iter().flatten().filter(counts).cloned().collect();
    let written = list(&entries, "Path");
    let mounts = list(&sibling["Mounts"], "Destination");
    let is_folder =
        |path: &str| written.iter().any(|other| other.strip_prefix(path).is_some_and(|r| r.starts_with('/')));
    let mut files: Vec<String> =
        written.iter().filter(|path| !is_folder(path) && !mounts.contains(path)).cloned().collect();
    files.sort_by_key(|path| !path.starts_with(SECRETS));
    files
}

/// Whether a file, by what the engine says of it, was put there by Compose.
fn is_from_compose(stat: &Value, sibling: &Value) -> bool {
    let time = stat["mtime"].as_str().unwrap_or_default();
    let Some(written_ms) = parse_ms(time).filter(|_| is_file(stat) && !time.contains('.')) else { return false };
    let moment = |value: &Value| value.as_str().and_then(parse_ms);
    let within = |moment_ms: Option<u64>, before_ms: u64, after_ms: u64| {
        moment_ms.is_some_and(|at| (at.saturating_sub(before_ms)..=at + after_ms).contains(&written_ms))
    };
    within(moment(&sibling["Created"]), ROUNDING_MS, BEFORE_FIRST_START_MS)
        || within(moment(&sibling["State"]["StartedAt"]), BEFORE_A_START_MS, ROUNDING_MS)
}

fn is_file(stat: &Value) -> bool {
    stat["mode"].as_u64().is_some_and(|mode| mode & NOT_A_FILE == 0)
}

/// The archive with its file written now, so that the copy can be told as the original can.
fn touched(tar: &Bytes) -> Option<Bytes> {
    let mut archive = tar::Archive::new(tar.as_ref());
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let mut header = entry.header().clone();
    let path = entry.path().ok()?.into_owned();
    header.set_mtime(now_ms() / 1000);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, path, &mut entry).ok()?;
    builder.into_inner().ok().map(Bytes::from)
}

/// Makes what is missing of `folder`: the engine unpacks only into folders that are there.
async fn make_folder(engine: &Engine, id: &str, folder: &str) -> Result<(), EngineError> {
    let mut missing = Vec::new();
    for ancestor in ancestors(folder) {
        if engine.path_stat(id, &format!("/{ancestor}")).await?.is_none() {
            missing.push(ancestor);
        }
    }
    match folders(&missing) {
        Some(tar) if !missing.is_empty() => engine.put_archive(id, "/", tar).await,
        _ => Ok(()),
    }
}

fn folders(paths: &[&str]) -> Option<Bytes> {
    let mut builder = tar::Builder::new(Vec::new());
    for path in paths {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        header.set_mtime(now_ms() / 1000);
        builder.append_data(&mut header, format!("{path}/"), std::io::empty()).ok()?;
    }
    builder.into_inner().ok().map(Bytes::from)
}

/// `a`, `a/b`, `a/b/c` of `/a/b/c`.
fn ancestors(folder: &str) -> Vec<&str> {
    let folder = folder.trim_matches('/');
    let mut ends: Vec<usize> = folder.match_indices('/').map(|(at, _)| at).collect();
    ends.push(folder.len());
    ends.into_iter().map(|end| &folder[..end]).filter(|path| !path.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_compose_wrote_is_told_from_what_the_application_wrote() {
        let sibling = json!({
            "Created": "2026-11-21T09:00:00.4Z", "State": { "StartedAt": "2026-11-21T10:00:00.2Z" }
        });
        for (time, mode, from_compose, why) in [
            ("2026-11-21T09:00:01Z", 0o444, true, "written before the first start"),
            ("2026-11-21T10:00:00Z", 0o444, true, "written before a later start"),
            ("2026-11-21T09:00:01.25Z", 0o444, false, "a fraction of a second: the application's"),
            ("2026-11-21T09:30:00Z", 0o444, false, "in between"),
            ("2020-01-01T00:00:00Z", 0o644, false, "unpacked by the application"),
            ("2026-11-21T09:00:01Z", 0o20_000_000_755_u64, false, "a folder"),
            ("", 0o444, false, "no time"),
        ] {
            assert_eq!(is_from_compose(&json!({ "mtime": time, "mode": mode }), &sibling), from_compose, "{why}");
        }
    }

    #[test]
    fn only_added_files_outside_of_mounts_are_looked_at() {
        let changes = json!([
            { "Path": "/app", "Kind": 0 }, { "Path": "/app/config.yaml", "Kind": 1 }, { "Path": "/bin/sh", "Kind": 2 },
            { "Path": "/run", "Kind": 1 }, { "Path": "/run/secrets", "Kind": 1 }, { "Path": "/run/secrets/token", "Kind": 1 },
            { "Path": "/data", "Kind": 1 },
        ]);
        let sibling = json!({ "Mounts": [{ "Destination": "/data" }] });
        assert_eq!(candidates(&changes, &sibling), ["/run/secrets/token", "/app/config.yaml"]);
    }

    #[test]
    fn ancestors_come_from_the_top() {
        assert_eq!(ancestors("/a/b/c"), ["a", "a/b", "a/b/c"]);
        assert!(ancestors("/").is_empty());
    }
}
