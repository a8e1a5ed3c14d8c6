//! The attempt to open one object.

use std::sync::{Mutex, PoisonError};

use sealed_api::{Code, ItemFault, SealedItems, SealedSecret};
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use crate::diagnosis::named_keys;

/// What the one value of the deprecated form is called: it has no key.
const BLOB: &str = "spec.data";

/// An object after the attempt.
#[derive(Default)]
pub(super) struct Tried {
    /// How many RSA operations it took.
    pub(super) trials: u64,
    /// The key of each value that opens.
    pub(super) opened: Vec<Fingerprint>,
    /// The items of these.
    pub(super) items: Vec<String>,
    /// What does not open, and why.
    pub(super) faults: Vec<Fault>,
}

/// Why something does not open.
pub(super) struct Fault {
    /// The item; none if it is the whole object.
    pub(super) item: Option<String>,
    pub(super) code: Code,
    pub(super) text: String,
}

impl Tried {
    /// Leaves of the faults those that do not say whether a key of `keyring` is needed: of what could not be tried at all, and
    /// of an object that names one of them and whose value does not open `elsewhere` either.
    pub(super) fn keep_undecided(
        &mut self,
        sealed: &SealedSecret,
        keyring: &Keyring,
        elsewhere: impl FnOnce() -> Self,
    ) {
        let is_wrong = |fault: &Fault| fault.code == Code::WrongKey;
        let is_named = named_keys(sealed).iter().any(|key| keyring.contains(key));
        if !is_named {
            self.faults.retain(|fault| !is_wrong(fault));
        } else if self.faults.iter().any(is_wrong) {
            let elsewhere = elsewhere().items;
            let opens = |item: &String| elsewhere.contains(item);
            self.faults
                .retain(|fault| !is_wrong(fault) || !fault.item.as_ref().is_some_and(opens));
        }
    }
}

/// Opens an object with the key that it names, or else with those that opened others. One without a namespace is opened as in
/// the first of `namespaces` in which any of it opens.
pub(super) fn try_object(
    sealed: &SealedSecret,
    keyring: &Keyring,
    namespaces: &[String],
    recent: &Mutex<KeyOrder>,
) -> Tried {
    let here = try_here(sealed, keyring, recent);
    let lacks_namespace = |fault: &Fault| fault.code == Code::MissingNamespace;
    if !here.faults.iter().any(lacks_namespace) {
        return here;
    }
    let mut last = here;
    for namespace in namespaces {
        let mut there = sealed.clone();
        there.metadata.namespace = Some(namespace.clone());
        let tried = try_here(&there, keyring, recent);
        last = Tried {
            trials: last.trials + tried.trials,
            ..tried
        };
        if !last.opened.is_empty() {
            break;
        }
    }
    last
}

/// Opens an object where it says that it is, each value first with the key of its neighbour.
fn try_here(sealed: &SealedSecret, keyring: &Keyring, recent: &Mutex<KeyOrder>) -> Tried {
    let mut tried = Tried::default();
    let items = match SealedItems::of(sealed, true) {
        Ok(items) => items.items,
        Err(failure) => {
            tried.faults.push(Fault {
                item: None,
                code: failure.code(),
                text: failure.to_string(),
            });
            return tried;
        }
    };
    let mut order = order_for(sealed, recent);
    for item in items {
        let opened = item.open(keyring, &order);
        tried.trials += u64::from(opened.trials());
        let item = opened.key().unwrap_or(BLOB).to_owned();
        match (opened.opened_with(), opened.fault()) {
            (Some(key), _) => {
                order.prefer(key);
                tried.opened.push(key);
                tried.items.push(item);
            }
            (None, fault) => tried.faults.push(Fault {
                item: Some(item),
                code: fault.map_or(Code::WrongKey, ItemFault::code),
                text: fault.map(words).unwrap_or_default(),
            }),
        }
    }
    if let Some(key) = tried.opened.last() {
        recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .prefer(*key);
    }
    tried
}

/// The existing programs say the same of a value without a place as of one that no key opens.
fn words(fault: &ItemFault) -> String {
    match fault {
        ItemFault::NoPlace(error) => error.to_string(),
        fault => fault.to_string(),
    }
}

/// The keys that an object names, and else those that opened something last.
pub(crate) fn order_for(sealed: &SealedSecret, recent: &Mutex<KeyOrder>) -> KeyOrder {
    let named = named_keys(sealed);
    if named.is_empty() {
        return recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
    }
    KeyOrder {
        first: named,
        written_at: None,
    }
}
