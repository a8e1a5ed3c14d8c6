//! Opening an object on the pool, value by value.

use std::sync::{Arc, OnceLock};

use sealed_api::{OpenedItem, SealedItems, SealedSecret};
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use crate::fair_pool::{FairPool, NoResult};
use crate::memory::KeySet;
use crate::opened_by::OpenedBy;
use crate::plan::Attempt;
use crate::record::InputDigest;
use crate::render::Renderer;
use crate::triage::KeyChoice;

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
}

impl Opener<'_> {
    /// Opens an object with the keys that [triage](crate::triage::triage) chose.
    ///
    /// The values wait in the line of the object's namespace, so that others are served between
    /// them. As soon as one is open, the rest try its key first.
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
                self.pool.reconcile(object.namespace(), move || {
                    let opened = item.open(&keyring, &beginning_with(neighbour.get(), &order));
                    if let Some(key) = opened.opened_with() {
                        neighbour.get_or_init(|| key);
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

fn beginning_with(key: Option<&Fingerprint>, order: &KeyOrder) -> KeyOrder {
    KeyOrder {
        first: key.into_iter().chain(&order.first).copied().collect(),
        ..order.clone()
    }
}

#[cfg(test)]
mod tests;
