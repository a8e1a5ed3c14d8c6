//! The objects that wait for their pass with their body at hand.
//!
//! A watch delivers bodies for nothing, but ten thousand of them would not fit: so many wait, the others are read
//! again when it is their turn.

use std::collections::BTreeMap;

use sealed_api::{Decoded, SealedSecret};

use crate::object_key::ObjectKey;

/// Bodies that wait at most …
const BODIES: usize = 256;
/// … and what they may hold together. One object may have 1.5 MB.
const BYTES: usize = 4 * 1024 * 1024;
/// What a body costs besides its values: metadata, maps, the allocator.
const OVERHEAD: usize = 1024;

/// Bodies by object, newest only.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    bodies: BTreeMap<ObjectKey, (Decoded, usize)>,
    bytes: usize,
}

impl Waiting {
    /// Keeps a body if there is room; an older one of the same object goes in any case.
    pub(super) fn put(&mut self, key: &ObjectKey, body: Decoded) {
        self.forget(key);
        let size = size(&body);
        if self.bodies.len() < BODIES && self.bytes + size <= BYTES {
            self.bytes += size;
            self.bodies.insert(key.clone(), (body, size));
        }
    }

    /// The body of an object, if it waits.
    pub(super) fn take(&mut self, key: &ObjectKey) -> Option<Decoded> {
        let (body, size) = self.bodies.remove(key)?;
        self.bytes -= size;
        Some(body)
    }

    /// Whether the body of an object waits.
    pub(super) fn holds(&self, key: &ObjectKey) -> bool {
        self.bodies.contains_key(key)
    }

    /// Drops the body of an object.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        drop(self.take(key));
    }
}

fn size(body: &Decoded) -> usize {
    OVERHEAD
        + match body {
            Decoded::Sound(object) => values(object),
            Decoded::Malformed(_) => 0,
        }
}

fn values(object: &SealedSecret) -> usize {
    let spec = &object.spec;
    let sealed = spec
        .encrypted_data
        .iter()
        .map(|(key, value)| key.len() + value.len());
    let templates = spec
        .template
        .iter()
        .flat_map(|template| template.data.iter().flatten())
        .map(|(key, text)| key.len() + text.as_ref().map_or(0, String::len));
    let blob = spec.data.as_ref().map_or(0, |data| data.0.len());
    sealed.sum::<usize>() + templates.sum::<usize>() + blob
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> ObjectKey {
        ObjectKey::new("ns", number.to_string())
    }

    fn body(bytes: usize) -> Decoded {
        let mut object = SealedSecret::default();
        object
            .spec
            .encrypted_data
            .insert(String::new(), "x".repeat(bytes));
        Decoded::Sound(Box::new(object))
    }

    #[test]
    fn no_more_bodies_wait_than_allowed() {
        let mut waiting = Waiting::default();
        for number in 0..BODIES + 10 {
            waiting.put(&key(number), body(1));
        }
        assert_eq!(waiting.bodies.len(), BODIES);
        assert!(waiting.take(&key(0)).is_some());
        assert!(waiting.take(&key(0)).is_none());
        assert!(waiting.take(&key(BODIES)).is_none(), "there was no room");
    }

    #[test]
    fn large_bodies_leave_room_for_fewer() {
        let mut waiting = Waiting::default();
        waiting.put(&key(0), body(BYTES / 2));
        waiting.put(&key(1), body(BYTES / 2));
        assert!(waiting.take(&key(1)).is_none());
        waiting.forget(&key(0));
        assert_eq!(waiting.bytes, 0);
        waiting.put(&key(1), body(BYTES / 2));
        assert!(waiting.take(&key(1)).is_some());
    }

    #[test]
    fn an_old_body_never_outlives_the_news_of_a_newer_one() {
        let mut waiting = Waiting::default();
        waiting.put(&key(0), body(1));
        waiting.put(&key(0), body(2 * BYTES));
        assert!(waiting.take(&key(0)).is_none(), "it is read again");
        assert_eq!(waiting.bytes, 0);
    }
}
