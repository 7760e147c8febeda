//! Notices when policy files change.
//!
//! What is watched are folders: a watch on a file sees nothing any more once an editor has put a new file in its place, or
//! a link has been turned. A hint only leads to a look, which compares contents; a look every few seconds finds
//! what no hint came for.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{PolicyFiles, PolicySet};

/// From the first hint to the look: an editor writes in several steps.
const SETTLING: Duration = Duration::from_millis(100);
/// Between the look that misses a file and the one that takes it as gone.
const GONE_FOR: Duration = Duration::from_millis(500);
/// Between looks without a hint.
const POLL: Duration = Duration::from_secs(5);
/// The same where hints are not to be had.
const POLL_BLIND: Duration = Duration::from_millis(500);

/// Sends what is in force each time that it changes, until `shutdown` or until nobody listens. When reading ends
/// unexpectedly, the channel is closed before that.
pub(crate) async fn watch(mut files: PolicyFiles, changes: mpsc::Sender<PolicySet>, shutdown: CancellationToken) {
    let (hint, mut hints) = mpsc::channel(1);
    let mut folders = Folders::new(hint);
    let mut pause = folders.follow(files.folders());
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(()) = hints.recv() => {
                tokio::time::sleep(SETTLING).await;
                while hints.try_recv().is_ok() {}
            }
            () = tokio::time::sleep(pause) => {}
        }
        let read = tokio::task::spawn_blocking(move || {
            let look = files.look();
            let folders = files.folders();
            (files, look, folders)
        });
        let Ok((looked, look, watched)) = read.await else {
            return;
        };
        files = looked;
        pause = folders.follow(watched);
        if look.again {
            pause = pause.min(GONE_FOR);
        }
        if look.changed && changes.send(files.set()).await.is_err() {
            return;
        }
    }
}

/// The folders that are watched.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    complained: bool,
}

impl Folders {
    fn new(hint: mpsc::Sender<()>) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                // A full channel holds a hint already.
                let _ = hint.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(tell);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "policy files cannot be watched: they are read every {POLL_BLIND:?} instead");
        }
        Self { watcher: watcher.ok(), watched: BTreeSet::new(), complained: false }
    }

    /// Watches these folders and no others. Gives how long to wait for a hint.
    fn follow(&mut self, folders: BTreeSet<PathBuf>) -> Duration {
        let Some(watcher) = &mut self.watcher else { return POLL_BLIND };
        for left in self.watched.difference(&folders) {
            // One that was deleted is not watched any more, which is what is wanted.
            drop(watcher.unwatch(left));
        }
        let mut blind = false;
        self.watched.retain(|folder| folders.contains(folder));
        for folder in folders {
            if self.watched.contains(&folder) || !folder.is_dir() {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(folder)),
                Err(error) => {
                    blind = true;
                    if !std::mem::replace(&mut self.complained, true) {
                        let folder = folder.display();
                        tracing::warn!(%folder, %error, "cannot be watched: it is read every {POLL_BLIND:?} instead");
                    }
                }
            }
        }
        if blind { POLL_BLIND } else { POLL }
    }
}

/// Reading a file is an event as well, and must not lead to the next look.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
