//! News from the file system: something below `DIR` may have changed.
//!
//! News is a hint and no more. What is missed (a watch limit, a network file system) is found by the next regular sweep.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Watches a directory tree for as long as it lives.
pub(super) struct Changes {
    news: Arc<Notify>,
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Begins to watch. Where that is impossible, a warning is logged and there is never any news.
    pub(super) fn below(directory: &Path) -> Self {
        let news = Arc::new(Notify::new());
        let told = Arc::clone(&news);
        let on_event = move |event: notify::Result<Event>| {
            // An error means that events were lost: look.
            if event.map_or(true, |event| is_change(event.kind)) {
                told.notify_one();
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(on_event, config).and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "cannot watch the directory; changes are found only by looking regularly");
        }
        Self {
            news,
            _watcher: watcher.ok(),
        }
    }

    /// Waits for news. What came since the last call counts.
    pub(super) async fn next(&self) {
        self.news.notified().await;
    }
}

/// Reading is an event too, and our own sweeps read: they must not wake us.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_new_file_is_news_and_reading_it_is_not() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("a")).unwrap();
        let changes = Changes::below(top.path());
        let soon = Duration::from_secs(10);
        std::fs::write(top.path().join("a/x.yaml"), "x").unwrap();
        tokio::time::timeout(soon, changes.next()).await.unwrap();
        // The rest of the same burst.
        while tokio::time::timeout(Duration::from_millis(200), changes.next())
            .await
            .is_ok()
        {}
        std::fs::read(top.path().join("a/x.yaml")).unwrap();
        std::fs::read_dir(top.path().join("a")).unwrap().count();
        let quiet = tokio::time::timeout(Duration::from_millis(300), changes.next()).await;
        assert!(quiet.is_err());
        std::fs::rename(top.path().join("a/x.yaml"), top.path().join("a/y.yaml")).unwrap();
        tokio::time::timeout(soon, changes.next()).await.unwrap();
    }
}
