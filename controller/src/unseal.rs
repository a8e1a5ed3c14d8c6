//! Opening an object on the pool, value by value.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sealed_api::{OpenedItem, SealedItems, SealedSecret};
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use crate::fair_pool::{FairPool, NoResult};
use crate::memory::KeySet;
use crate::opened_by::OpenedBy;
use crate::plan::Attempt;
use crate::record::InputDigest;
use crate::render::Renderer;
use crate::triage::KeyChoice;

/// The key that opened a value last, of whichever object.
///
/// At a cold start many values wait at a time, and each was given its order of keys before any was open. Where one of
/// many keys sealed everything, only the first values have to search for it.
#[derive(Clone, Debug, Default)]
pub struct LatestKey(Arc<Mutex<Option<Fingerprint>>>);

impl LatestKey {
    fn opened(&self, key: Fingerprint) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    fn known(&self) -> Option<Fingerprint> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How to open objects.
#[derive(Clone, Copy)]
pub struct Opener<'a> {
    /// Where private keys are used.
    pub pool: &'a FairPool,
    /// The keys.
    pub keyring: &'a Keyring,
    /// `--accept-deprecated-v1-data`.
    pub accept_v1_data: bool,
    /// What renders templates.
    pub renderer: &'a Renderer,
    /// The key to try after those that something about the object speaks for.
    pub latest: &'a LatestKey,
}

impl Opener<'_> {
    /// Opens an object with the keys that [triage](crate::triage::triage) chose.
    ///
    /// The values wait in the line of the object's namespace, so that others are served between
    /// them. As soon as one is open, the rest try its key first, and other objects theirs before the
    /// keys that nothing speaks for.
    ///
    /// # Errors
    ///
    /// When the pool lost a value, by a panic or because the process ends: the pass is repeated.
    pub async fn open(
        &self,
        object: &SealedSecret,
        order: KeyOrder,
        choice: &KeyChoice,
    ) -> Result<Attempt, NoResult> {
        let keys = KeySet::from(self.keyring);
        let input = InputDigest::of(object);
        let items = match SealedItems::of(object, self.accept_v1_data) {
            Ok(items) => items.items,
            Err(failure) => {
                return Ok(Attempt {
                    unsealed: Err(failure),
                    opened_by: OpenedBy::default(),
                    keys,
                    input,
                });
            }
        };
        let keyring = choice.of(self.keyring);
        let order = Arc::new(order);
        let neighbour = Arc::new(OnceLock::new());
        let waiting: Vec<_> = items
            .into_iter()
            .map(|item| {
                let (keyring, order) = (keyring.clone(), Arc::clone(&order));
                let neighbour = Arc::clone(&neighbour);
                let latest = self.latest.clone();
                self.pool.reconcile(object.namespace(), move || {
                    let order = with(neighbour.get(), &order, &keyring, latest.known());
                    let opened = item.open(&keyring, &order);
                    if let Some(key) = opened.opened_with() {
                        neighbour.get_or_init(|| key);
                        latest.opened(key);
                    }
                    opened
                })
            })
            .collect();
        let mut opened = Vec::with_capacity(waiting.len());
        for item in waiting {
            opened.push(item.await?);
        }
        Ok(Attempt {
            opened_by: opened.iter().filter_map(OpenedItem::opened_with).collect(),
            unsealed: self.renderer.assemble(object, opened).await?,
            keys,
            input,
        })
    }
}

/// The order of an object, with what was learnt since it was made. When it was written says more of the object than what
/// opened others.
fn with(
    neighbour: Option<&Fingerprint>,
    order: &KeyOrder,
    keyring: &Keyring,
    latest: Option<Fingerprint>,
) -> KeyOrder {
    let first = neighbour.into_iter().chain(&order.first).copied();
    let newest_then = order.written_at.and_then(|then| keyring.newest_at(then));
    let newest_then = newest_then.map(|key| key.fingerprint());
    KeyOrder {
        first: first.chain(newest_then).chain(latest).collect(),
        ..order.clone()
    }
}

#[cfg(test)]
mod tests;
