//! How many sealed values each key opens: what is left to do before a key can be retired.

use std::collections::BTreeMap;

use sealed_crypto::Fingerprint;

use super::Done;

/// The sums over all objects whose last pass came so far. Every key in it opened something.
#[derive(Debug, Default)]
pub(super) struct Items(BTreeMap<Fingerprint, u64>);

impl Items {
    pub(super) fn by_key(&self) -> &BTreeMap<Fingerprint, u64> {
        &self.0
    }

    /// Counts what a pass opened.
    pub(super) fn add(&mut self, done: &Done) {
        for (key, count) in done.opened_by.iter() {
            let sum = self.0.entry(key).or_default();
            *sum = sum.saturating_add(count.into());
        }
    }

    /// Counts it no longer: there is another pass, or the object is gone.
    pub(super) fn remove(&mut self, done: Option<&Done>) {
        for (key, count) in done.into_iter().flat_map(|done| done.opened_by.iter()) {
            if let Some(sum) = self.0.get_mut(&key) {
                *sum = sum.saturating_sub(count.into());
            }
        }
        self.0.retain(|_, sum| *sum > 0);
    }
}
