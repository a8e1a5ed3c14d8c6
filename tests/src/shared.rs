//! One cluster for all tests of a program, and the way to go without.

use anyhow::{Result, anyhow};
use tokio::sync::OnceCell;

use crate::Cluster;
use crate::cluster::Options;

/// What `SEALED_TESTS_SKIP` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// Tests that need a control plane or upstream's programs, and so Go and a network of their own.
    Cluster,
    /// Tests that need Go alone.
    Go,
}

/// Whether `SEALED_TESTS_SKIP` asks for going without; says so to the person who watches, with the test's name.
pub fn skipped(what: Skip) -> bool {
    let word = match what {
        Skip::Cluster => "cluster",
        Skip::Go => "go",
    };
    let skipped = names(
        &std::env::var("SEALED_TESTS_SKIP").unwrap_or_default(),
        word,
    );
    if skipped {
        let thread = std::thread::current();
        crate::announce(&format!(
            "NOT TESTED: {} (SEALED_TESTS_SKIP={word})",
            thread.name().unwrap_or("a test")
        ));
    }
    skipped
}

fn names(list: &str, word: &str) -> bool {
    list.split(',').any(|item| item.trim() == word)
}

/// The cluster that the tests of this program share, started by the first that asks; none when it is to be
/// [`skipped`]. It ends with the process.
pub async fn cluster() -> Result<Option<&'static Cluster>> {
    static SHARED: OnceCell<Result<Cluster>> = OnceCell::const_new();
    shared(&SHARED, Options::default()).await
}

/// The same for one with the types and the rights of an installed v0.40 instead of ours.
pub async fn installed_cluster() -> Result<Option<&'static Cluster>> {
    static SHARED: OnceCell<Result<Cluster>> = OnceCell::const_new();
    shared(&SHARED, Options::installed()).await
}

async fn shared(
    cell: &'static OnceCell<Result<Cluster>>,
    options: Options,
) -> Result<Option<&'static Cluster>> {
    if skipped(Skip::Cluster) {
        return Ok(None);
    }
    match cell.get_or_init(|| Cluster::start_with(options)).await {
        Ok(cluster) => Ok(Some(cluster)),
        // One attempt is enough: the others would fail alike, a minute later each.
        Err(error) => Err(anyhow!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn only_a_whole_word_skips() {
        assert!(names("cluster", "cluster"));
        assert!(names("docs, cluster", "cluster"));
        assert!(!names("", "cluster"));
        assert!(!names("clusters", "cluster"));
    }
}
