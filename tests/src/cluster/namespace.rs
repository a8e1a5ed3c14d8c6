//! A namespace for each test.

use std::sync::atomic::Ordering;

use anyhow::Result;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use super::Cluster;

/// A label value may have 63 characters; some are for the number.
const LONGEST: usize = 50;

impl Cluster {
    /// Runs `test` with a client that has all rights, in a fresh namespace that is named after the test. When it fails,
    /// by an error or a panic, the ends of all logs are shown and the namespace stays.
    pub async fn with_namespace<T>(
        &self,
        test: impl AsyncFnOnce(Client, &str) -> Result<T>,
    ) -> Result<T> {
        let on_panic = ReportOnPanic(self);
        let client = self.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let name = self.namespace_name();
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        namespaces
            .create(&PostParams::default(), &namespace)
            .await?;
        let result = test(client, &name).await;
        drop(on_panic);
        if result.is_ok() {
            // The controller manager empties it while other tests go on.
            namespaces.delete(&name, &DeleteParams::default()).await?;
        } else {
            self.report();
        }
        result
    }

    fn namespace_name(&self) -> String {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::current();
        format!("{}-{number}", label_value(thread.name().unwrap_or("test")))
    }
}

/// The harness names the thread after the test.
fn label_value(test: &str) -> String {
    let words: String = test
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(LONGEST)
        .collect();
    words.trim_matches('-').to_owned()
}

struct ReportOnPanic<'a>(&'a Cluster);

impl Drop for ReportOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.report();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::label_value;

    #[test]
    fn names_of_tests_become_names_of_namespaces() {
        assert_eq!(label_value("keys::a_key_is_Born"), "keys--a-key-is-born");
        assert_eq!(
            label_value(&"long_".repeat(20)),
            "long-".repeat(10).trim_end_matches('-')
        );
    }
}
