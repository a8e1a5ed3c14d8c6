//! Making a sealing key: exactly one, however many controllers do it at the same time and however often it is tried.
//!
//! The name of the new Secret follows from the keys there are, so two makers want the same name and the API server
//! lets one of them have it; the other lists again and finds the key (no lease, no lock, no waiting).

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::core::params::ListParams;
use sealed_api::names::labels;
use sealed_crypto::{Certificate, KeyEncodingError, PrivateKey};
use tracing::info;

use crate::config::KeyConfig;
use crate::key_secret::{self, next_name};
use crate::kubernetes::client::{ApiError, Cluster};
use crate::new_key::{self, NewKeyError};
use sealed_api::wipe;

/// How often a name may turn out to belong to something that is no key, before that is an error.
const ATTEMPTS: u32 = 5;

/// Key Secrets to a page.
const PAGE: u32 = 50;

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// The existing key Secrets could not be listed, or the new one not be created.
    #[error("cannot store the new sealing key")]
    Api(#[from] ApiError),
    /// The key cannot be written as PEM.
    #[error("cannot make a sealing key")]
    Encoding(#[from] KeyEncodingError),
    /// The thread that made it panicked.
    #[error("cannot make a sealing key: its thread ended in a panic")]
    Lost,
    /// The key or its certificate could not be made.
    #[error("cannot make a sealing key")]
    Make(#[from] NewKeyError),
    /// Every name that was tried is taken by a Secret that is no key.
    #[error(
        "cannot store the new sealing key: {0} names are taken by Secrets that are no sealing keys"
    )]
    NamesTaken(u32),
}

/// What a new key is like, and where it is stored.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// The controller's namespace.
    pub(super) namespace: String,
    /// The flags.
    pub(super) config: KeyConfig,
}

/// Makes and stores a key, or finds that somebody else just has.
///
/// `known` tells whether a Secret in use is one that this process already counts on: of those that it does not, any
/// is the new key.
pub(super) async fn make(
    cluster: &Cluster,
    recipe: &Recipe,
    now: Timestamp,
    known: impl Fn(&str) -> bool,
) -> Result<Vec<Secret>, MakeError> {
    let mut fresh = None;
    for attempt in 0..ATTEMPTS {
        let mut existing = list(cluster, &recipe.namespace).await?;
        let others = unknown(&mut existing, &recipe.config, &known);
        if !others.is_empty() {
            existing.iter_mut().for_each(wipe);
            return Ok(others);
        }
        let Recipe { namespace, config } = recipe;
        let name = next_name(&config.prefix, namespace, &existing, attempt);
        existing.iter_mut().for_each(wipe);
        let (key, certificate) = match fresh.take() {
            Some(made) => made,
            None => generate(recipe, now).await?,
        };
        let mut secret = key_secret::secret(namespace, name, config, &key, &certificate)?;
        let created = store(cluster, namespace, &secret).await;
        wipe(&mut secret);
        match created {
            Ok(stored) => {
                told(&stored, &certificate);
                return Ok(vec![stored]);
            }
            Err(error) if error.is_conflict() => fresh = Some((key, certificate)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(MakeError::NamesTaken(ATTEMPTS))
}

/// Creates the Secret of a key. What is said of a failure quotes nothing.
async fn store(cluster: &Cluster, namespace: &str, secret: &Secret) -> Result<Secret, ApiError> {
    let stored = cluster
        .without_retry()
        .create_and_read(namespace, secret)
        .await;
    stored.map_err(ApiError::by_code_alone)
}

/// Takes out of `existing` what is in use, usable and not known yet.
fn unknown(
    existing: &mut Vec<Secret>,
    config: &KeyConfig,
    known: &impl Fn(&str) -> bool,
) -> Vec<Secret> {
    let mut others = Vec::new();
    existing.retain_mut(|secret| {
        let name = secret.metadata.name.as_deref().unwrap_or_default();
        let new = !known(name)
            && key_secret::is_in_use(secret, &config.prefix)
            && key_secret::load(secret, config.order).is_ok();
        if new {
            others.push(std::mem::take(secret));
        }
        !new
    });
    others
}

/// Every Secret that is or was a sealing key.
async fn list(cluster: &Cluster, namespace: &str) -> Result<Vec<Secret>, ApiError> {
    let mut parameters = ListParams::default()
        .labels(labels::SEALING_KEY)
        .limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = cluster.list::<Secret>(Some(namespace), &parameters).await?;
        all.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(all),
        }
    }
}

/// Off the runtime: it takes from a third of a second to several.
async fn generate(recipe: &Recipe, now: Timestamp) -> Result<(PrivateKey, Certificate), MakeError> {
    let config = recipe.config.clone();
    let made = tokio::task::spawn_blocking(move || new_key::generate(&config, now)).await;
    Ok(made.map_err(|_panic| MakeError::Lost)??)
}

/// The audit trail of key creation, in the words that log pipelines know.
fn told(stored: &Secret, certificate: &Certificate) {
    let metadata = &stored.metadata;
    info!(
        namespace = metadata.namespace.as_deref().unwrap_or_default(),
        name = metadata.name.as_deref().unwrap_or_default(),
        "New key written"
    );
    info!(certificate = certificate.to_pem(), "Certificate generated");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_text::error_text;

    #[tokio::test]
    async fn a_refused_key_is_told_by_the_code_of_the_answer_alone() {
        // The code stays, and with it what can be done: a right is missing, a quota is full.
        let refused = Cluster::refusing(403, "denied: -----BEGIN RSA PRIVATE KEY-----");
        let error = store(&refused, "kube-system", &Secret::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(403));
        let text = error_text(&MakeError::from(error));
        assert!(text.contains("403 Forbidden"), "{text}");
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}
