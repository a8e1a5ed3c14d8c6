//! Opening the values of an object that a stranger sent.
//!
//! Everything costly runs in the HTTP line of the RSA pool, value by value, so that other requests and the
//! cluster get their turn in between; the first value that does not open ends the request; and one
//! request may not cost more than a number of private-key operations, since whoever has the certificate
//! can seal thousands of values in one object.

use sealed_api::{DecodeError, ItemFault, OpenedItem, SealedItems, SealedSecret};
use sealed_crypto::KeyOrder;
use sealed_manifest::{Documents, Limits, ReadError, ReadErrorKind};

use super::body::MAX_BODY;
use super::endpoints::Sources;
use crate::fair_pool::NoResult;

/// Private-key operations of one request: seconds of one thread with RSA-4096, and more values than any real object has.
const MAX_TRIALS: u32 = 1024;

/// What is read of a body. 3 MiB of zeros in a list are 1.5 million nodes, and 150 MB while they are read. A real object
/// has about ten for each value, with those of its template and of `managedFields`, and no more values than
/// [`MAX_TRIALS`] are opened.
const LIMITS: Limits = Limits {
    document_bytes: MAX_BODY,
    alias_bytes: 1024 * 1024,
    nodes: 20_000,
};

/// Why a request body is not a SealedSecret.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAnObject {
    #[error("cannot decode the SealedSecret")]
    Decode(#[source] DecodeError),
    #[error("the request body is empty")]
    Empty,
    #[error("the request body holds more than one document")]
    Several,
    #[error(transparent)]
    Syntax(ReadError),
    #[error(transparent)]
    TooCostly(ReadError),
}

impl NotAnObject {
    fn of(error: ReadError) -> Self {
        match error.kind() {
            ReadErrorKind::AliasLimit { .. } | ReadErrorKind::NodeLimit { .. } => {
                Self::TooCostly(error)
            }
            _ => Self::Syntax(error),
        }
    }
}

/// Why an object does not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// Too much is waiting for the keys.
    #[error(transparent)]
    NoResult(#[from] NoResult),
    /// It would cost more than one request may.
    #[error("the values take more than {MAX_TRIALS} private-key operations")]
    TooCostly,
    /// A value does not open; the key of the value, and upstream's text.
    #[error("{1} ({0})")]
    Value(String, ItemFault),
}

/// How many documents a body may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// The first one counts.
    First,
    /// A second one is an error.
    One,
}

/// The SealedSecret in a body of JSON or YAML.
pub(super) fn read_object(body: &[u8], stream: Stream) -> Result<SealedSecret, NotAnObject> {
    let mut documents = Documents::with_limits(body, "request body", LIMITS);
    let document = documents
        .next()
        .ok_or(NotAnObject::Empty)?
        .map_err(NotAnObject::of)?;
    if stream == Stream::One && documents.next().is_some() {
        return Err(NotAnObject::Several);
    }
    SealedSecret::decode_typed(document.into_value()).map_err(NotAnObject::Decode)
}

/// Opens every value, or says why not.
pub(super) async fn open(
    sources: &Sources,
    items: SealedItems,
) -> Result<Vec<OpenedItem>, NotOpened> {
    let mut order = KeyOrder::default();
    let mut trials: u32 = 0;
    let mut opened = Vec::with_capacity(items.items.len());
    for item in items.items {
        if trials >= MAX_TRIALS {
            return Err(NotOpened::TooCostly);
        }
        let keyring = sources.keyring.borrow().clone();
        let its_order = order.clone();
        let item = sources
            .pool
            .http(move || item.open(&keyring, &its_order))
            .await?;
        sources.metrics.rsa_decryptions(item.trials());
        trials = trials.saturating_add(item.trials());
        if let Some(fault) = item.fault() {
            let key = item.key().unwrap_or_default();
            return Err(NotOpened::Value(key.to_owned(), fault.clone()));
        }
        item.opened_with().inspect(|key| order.prefer(*key));
        opened.push(item);
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, stream: Stream) -> Result<SealedSecret, String> {
        read_object(text.as_bytes(), stream)
            .map_err(|error| format!("{:#}", anyhow::Error::new(error)))
    }

    const YAML: &str = "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n  namespace: b\nspec:\n  encryptedData: {}\n";

    #[test]
    fn json_and_yaml_are_read() {
        let json = r#"{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a","namespace":"b"},"spec":{"encryptedData":{}}}"#;
        let from_yaml = read(YAML, Stream::One).unwrap();
        assert_eq!(from_yaml.name(), "a");
        assert_eq!(read(json, Stream::One).unwrap(), from_yaml);
    }

    #[test]
    fn a_second_document_counts_for_verify_only() {
        let two = format!("{YAML}{YAML}");
        assert!(
            read(&two, Stream::One)
                .unwrap_err()
                .contains("more than one document")
        );
        assert_eq!(read(&two, Stream::First).unwrap().name(), "a");
    }

    #[test]
    fn other_bodies_are_errors_that_do_not_repeat_them() {
        for text in [
            "",
            "hunter2",
            "a: [hunter2",
            "{\"kind\": \"Secret\", \"data\": \"hunter2\"}",
            "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nspec: hunter2\n",
        ] {
            let error = read(text, Stream::First).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn no_body_becomes_many_times_as_much() {
        let many = "0,".repeat(MAX_BODY / 2 - 100);
        let (text, aliases) = ("x".repeat(2000), "*a,".repeat(1000));
        for text in [
            format!("{{\"a\": [{many}0]}}"),
            format!("[{many}0]"),
            "- 0\n".repeat(100_000),
            format!("{{a: &a {text}, b: [{aliases}]}}"),
        ] {
            let error = read_object(text.as_bytes(), Stream::First).unwrap_err();
            assert!(matches!(error, NotAnObject::TooCostly(_)), "{error}");
        }
    }
}
