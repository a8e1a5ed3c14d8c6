//! Changing SealedSecrets where they stand: every byte that is not meant stays, comments and order too.

use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret, names};
use sealed_crypto::Fingerprint;
use sealed_manifest::Document;
use sealed_manifest::edit::{self, Change};
use serde_json::Value;

use super::Context;
use crate::failure::Failure;
use crate::input::place;
use crate::name::Name;
use crate::output::FormatChoice;
use crate::sealed_input::{self, Found, Kind};

/// A text and what is to be changed in it.
pub(super) struct Edited {
    text: String,
    origin: String,
    /// With the numbers of their documents.
    changes: Vec<(usize, Change)>,
}

/// Where a SealedSecret stands in a text.
pub(super) struct Site {
    /// What was read.
    pub(super) found: Found,
    document: usize,
    /// From the root of the document, which may be a List.
    path: Vec<String>,
}

impl Edited {
    /// A text that was read already.
    pub(super) fn new(text: Vec<u8>, origin: &str) -> Result<Self, Failure> {
        match String::from_utf8(text) {
            Ok(text) => Ok(Self {
                text,
                origin: origin.to_owned(),
                changes: Vec::new(),
            }),
            Err(_) => Err(Failure::new(
                Code::MalformedInput,
                format!("{origin}: it is not UTF-8 text, and its bytes are to be kept"),
            )
            .hint("with -o yaml or -o json it is written anew")),
        }
    }

    /// Takes note of changes at a site; their paths begin at the object.
    pub(super) fn change(&mut self, site: &Site, changes: &[(Vec<&str>, String)]) {
        for (path, value) in changes {
            let path: Vec<&str> = site
                .path
                .iter()
                .map(String::as_str)
                .chain(path.iter().copied())
                .collect();
            let change = Change::set(&path, value.as_str());
            self.changes.push((site.document, change));
        }
    }

    /// The text with the changes.
    pub(super) fn into_text(self) -> Result<String, Failure> {
        // All at once: each call reads the whole text.
        edit::apply(&self.text, &self.origin, &self.changes).map_err(|error| {
            Failure::new(Code::MalformedInput, error.to_string())
                .hint("with -o yaml or -o json it is written anew")
        })
    }
}

/// Whether documents are to be changed where they stand: as `seal`, unless another format is asked for.
pub(super) fn is_wanted(context: &Context<'_>, documents: &[Document]) -> bool {
    let keeps_format = match context.format {
        FormatChoice::FollowInput => true,
        FormatChoice::Fixed(format) => documents
            .iter()
            .all(|document| document.format() == *format),
        FormatChoice::Unknown(_) => false,
    };
    context.name() == Name::Seal && keeps_format
}

/// The SealedSecrets of documents, in Lists too. What is of another kind is passed over.
pub(super) fn sites(documents: &[Document]) -> Result<Vec<Site>, Failure> {
    let mut sites = Vec::new();
    for document in documents {
        let value = document.value();
        if is_sealed_secret(value) {
            let found = sealed_input::decode_one(value.clone(), place(document), Kind::Assumed)?;
            sites.push(Site {
                found,
                document: document.index(),
                path: Vec::new(),
            });
        } else if let Some(items) = value.get("items").and_then(Value::as_array) {
            for (index, item) in items
                .iter()
                .enumerate()
                .filter(|(_, item)| is_sealed_secret(item))
            {
                let place = format!("{}, items[{index}]", place(document));
                let found = sealed_input::decode_one(item.clone(), place, Kind::Assumed)?;
                let path = vec!["items".to_owned(), index.to_string()];
                sites.push(Site {
                    found,
                    document: document.index(),
                    path,
                });
            }
        }
    }
    Ok(sites)
}

/// Objects without a kind are taken for SealedSecrets where one is looked for.
fn is_sealed_secret(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::as_str);
    value.is_object()
        && kind.map_or_else(|| value.get("items").is_none(), |kind| kind == names::KIND)
}

/// The annotation that names the keys, with one more; none where it is not kept or names the key already.
pub(super) fn keys_with(sealed: &SealedSecret, key: Fingerprint) -> Option<String> {
    let known = sealed
        .metadata
        .annotations
        .as_ref()?
        .get(annotations::KEYS)?;
    let key = key.to_string();
    let is_named = known.split([',', ' ']).any(|name| name == key);
    (!is_named).then(|| {
        if known.is_empty() {
            key
        } else {
            format!("{key},{known}")
        }
    })
}
