//! YAML and JSON streams: read as kubectl reads them, written cleanly, edited by span.
//!
//! This crate knows nothing of Kubernetes. It turns text into [`serde_json::Value`]s and back:
//!
//! * [`Documents`] reads a stream document by document, in memory that does not grow with their number. What
//!   it accepts, and how a scalar is understood, follows Go's `sigs.k8s.io/yaml` and the stream decoder of
//!   `k8s.io/apimachinery`, so that a file means here what it means to `kubectl apply`. Where those drop text
//!   without a word, this reader says which document is at fault and why.
//! * [`to_json`] and [`to_yaml`] write text that YAML 1.1 and YAML 1.2 readers understand alike.
//! * [`edit`] changes single values in an existing text and keeps every other byte of it.
//!
//! ```
//! use sealed_manifest::Documents;
//!
//! let stream = "kind: Secret\nport: 0x10\n---\n{\"kind\": \"Secret\"}\n";
//! let documents: Result<Vec<_>, _> = Documents::new(stream.as_bytes(), "secrets.yaml").collect();
//! let documents = documents?;
//! assert_eq!(documents.len(), 2);
//! assert_eq!(documents[0].value()["port"], 16);
//! assert_eq!(documents[1].line(), 4);
//! # Ok::<(), sealed_manifest::ReadError>(())
//! ```

mod convert;
mod document;
mod documents;
pub mod edit;
mod error;
mod float;
mod scalar;
mod tree;
mod write;

pub use document::{Document, Format};
pub use documents::{Documents, Limits};
pub use error::{ReadError, ReadErrorKind};
pub use write::{to_json, to_yaml};
