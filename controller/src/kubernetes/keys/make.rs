//! Making a sealing key: exactly one, however many controllers do it at the same time and however often it is tried.
//!
//! The name of the new Secret follows from the keys there are, so two makers want the same name and the API server
//! lets one of them have it; the other lists again and finds the key (no lease, no lock, no waiting).

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::core::params::ListParams;
use sealed_api::names::labels;
use sealed_crypto::{Certificate, KeyEncodingError, PrivateKey};
use tracing::warn;

use super::escrow::{self, NotInEscrow};
use super::known::Place;
use crate::config::KeyConfig;
use crate::key_marks::{KeyMarks, RenewRequest, note_answers};
use crate::key_secret::{self, next_name};
use crate::kubernetes::client::{ApiError, Cluster};
use crate::new_key::{self, NewKeyError};
use crate::renewal::Occasion;
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
    /// It has to be in escrow before it is used, and is not.
    #[error("the new sealing key is not used, because it is not in escrow")]
    Escrow(#[from] NotInEscrow),
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

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The time.
    pub(super) now: Timestamp,
    /// What the key is made for.
    pub(super) occasion: Occasion,
    /// The wishes for a new key that stand.
    pub(super) requests: BTreeSet<RenewRequest>,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Made {
    /// A key was made.
    Here(Box<New>),
    /// Somebody else has made one, or several: their Secrets.
    Elsewhere(Vec<Secret>),
    /// These wishes were met long ago, by a key that is retired by now.
    Answered(BTreeSet<RenewRequest>),
}

/// A key that was made here.
#[derive(Debug)]
pub(super) struct New {
    /// Its Secret.
    pub(super) secret: Place,
    /// The same as the API server stored it.
    pub(super) stored: Secret,
    /// Its certificate.
    pub(super) certificate: Certificate,
    /// The ConfigMap of its escrow, if it has one.
    pub(super) escrow: Option<String>,
}

/// A key that is not stored yet. It is kept from one attempt to the next, or each would leave another escrow behind.
#[derive(Debug)]
pub(super) struct Prepared {
    name: String,
    key: PrivateKey,
    certificate: Certificate,
}

/// Makes and stores a key, or finds that somebody else just has.
///
/// `known` tells whether a Secret in use is one that this process already counts on: of those that it does not, any
/// is the new key.
pub(super) async fn make(
    cluster: &Cluster,
    recipe: &Recipe,
    order: &Order,
    prepared: &mut Option<Prepared>,
    known: impl Fn(&str) -> bool,
) -> Result<Made, MakeError> {
    for attempt in 0..ATTEMPTS {
        let mut existing = list(cluster, &recipe.namespace).await?;
        let found = found(&mut existing, recipe, order, &known);
        let Recipe { namespace, config } = recipe;
        let name = next_name(&config.prefix, namespace, &existing, attempt);
        existing.iter_mut().for_each(wipe);
        if let Some(found) = found {
            unused(prepared.take(), recipe, &found);
            return Ok(found);
        }
        let ready = match prepared.take() {
            // The escrow holds the Secret as it is stored, its name included.
            Some(ready) if ready.name == name || config.escrow.is_none() => ready,
            earlier => {
                unused(earlier, recipe, &Made::Elsewhere(Vec::new()));
                generate(recipe, name.clone(), order.now).await?
            }
        };
        let Prepared {
            key, certificate, ..
        } = prepared.insert(ready);
        let mut secret = key_secret::secret(namespace, name, config, key, certificate)?;
        note_answers(&mut secret.metadata, &order.requests);
        let created = publish_and_store(cluster, recipe, &secret, certificate).await;
        wipe(&mut secret);
        match created {
            Ok((stored, escrow)) => {
                let new = New {
                    secret: Place::of(&stored.metadata),
                    stored,
                    certificate: certificate.clone(),
                    escrow,
                };
                *prepared = None;
                return Ok(Made::Here(Box::new(new)));
            }
            Err(MakeError::Api(error)) if error.is_conflict() => {}
            Err(error) => return Err(error),
        }
    }
    Err(MakeError::NamesTaken(ATTEMPTS))
}

/// First the escrow, then the Secret: there is never a key in use that Git and an offline identity cannot bring back.
async fn publish_and_store(
    cluster: &Cluster,
    recipe: &Recipe,
    secret: &Secret,
    certificate: &Certificate,
) -> Result<(Secret, Option<String>), MakeError> {
    let Recipe { namespace, config } = recipe;
    let escrow = match &config.escrow {
        Some(recipients) => Some(
            escrow::publish(
                cluster,
                namespace,
                recipients,
                secret,
                certificate.fingerprint(),
            )
            .await?,
        ),
        None => None,
    };
    Ok((store(cluster, namespace, secret).await?, escrow))
}

/// Whether there already is what was asked for.
fn found(
    existing: &mut Vec<Secret>,
    recipe: &Recipe,
    order: &Order,
    known: &impl Fn(&str) -> bool,
) -> Option<Made> {
    // Also those that are retired by now.
    let answers: BTreeSet<RenewRequest> = existing
        .iter()
        .flat_map(|secret| KeyMarks::of(&secret.metadata).answers)
        .collect();
    let others = unknown(existing, &recipe.config, known);
    if !others.is_empty() {
        return Some(Made::Elsewhere(others));
    }
    let met = order.occasion == Occasion::Request && order.requests.is_subset(&answers);
    met.then_some(Made::Answered(answers))
}

/// Says that an escrow was published for nothing.
fn unused(prepared: Option<Prepared>, recipe: &Recipe, found: &Made) {
    let Some(prepared) = prepared.filter(|_| recipe.config.escrow.is_some()) else {
        return;
    };
    let key = prepared.certificate.fingerprint();
    // Its Secret was stored after all, and the answer was lost.
    let stored = match found {
        Made::Elsewhere(secrets) => secrets.iter().any(|secret| {
            let loaded = key_secret::load(secret, recipe.config.order);
            loaded.is_ok_and(|loaded| loaded.key.fingerprint() == key)
        }),
        Made::Here(_) | Made::Answered(_) => false,
    };
    if !stored {
        warn!(
            configmap = crate::escrow::name(key),
            "a key was not used in the end; if its escrow was published, it can be deleted"
        );
    }
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
async fn generate(recipe: &Recipe, name: String, now: Timestamp) -> Result<Prepared, MakeError> {
    let config = recipe.config.clone();
    let made = tokio::task::spawn_blocking(move || new_key::generate(&config, now)).await;
    let (key, certificate) = made.map_err(|_panic| MakeError::Lost)??;
    Ok(Prepared {
        name,
        key,
        certificate,
    })
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
