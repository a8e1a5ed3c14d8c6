//! The objects that wait for their pass with their body at hand.
//!
//! A watch delivers bodies for nothing, but ten thousand of them would not fit: so many wait, the others are read
//! again when it is their turn.

use std::collections::BTreeMap;
use std::io;

use sealed_api::Decoded;

use crate::object_key::ObjectKey;

/// Bodies that wait at most …
const BODIES: usize = 256;
/// … and what they may be together, written as JSON: in memory, a multitude of tiny fields takes several times that. One
/// object may have 1.5 MB.
const BYTES: usize = 4 * 1024 * 1024;
/// What a body costs besides its texts: maps, the allocator.
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
        if self.bodies.len() >= BODIES {
            return;
        }
        if let Some(size) = size(&body, BYTES - self.bytes) {
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

/// What a body costs, if that is at most `room`.
fn size(body: &Decoded, room: usize) -> Option<usize> {
    let mut left = Room(room.checked_sub(OVERHEAD)?);
    let fits = match body {
        Decoded::Sound(object) => serde_json::to_writer(&mut left, object),
        Decoded::Malformed(object) => {
            serde_json::to_writer(&mut left, &(&object.metadata, &object.status))
        }
    };
    fits.is_ok().then_some(room - left.0)
}

/// Takes so many bytes, and keeps none of them.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len());
        self.0 = left.ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sealed_api::SealedSecret;
    use serde_json::{Value, json};

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
    fn whatever_of_a_body_is_large_counts() {
        let large = "x".repeat(BYTES);
        let sealed = |metadata: &Value, template: &Value, status: &Value| {
            json!({
                "metadata": metadata,
                "spec": { "encryptedData": {}, "template": template },
                "status": { "conditions": [status] },
            })
        };
        let none = json!({});
        let labels = json!({ "labels": { "a": large } });
        for body in [
            sealed(&labels, &none, &none),
            sealed(&json!({ "annotations": { "a": large } }), &none, &none),
            sealed(&none, &json!({ "metadata": labels }), &none),
            sealed(&none, &json!({ "type": large }), &none),
            sealed(&none, &none, &json!({ "message": large })),
            sealed(&labels, &json!({ "data": "malformed" }), &none),
        ] {
            let mut waiting = Waiting::default();
            waiting.put(&key(0), Decoded::from_value(body));
            assert_eq!(waiting.bodies.len(), 0);
        }
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
