//! Changing SealedSecrets where they stand: every byte that is not meant stays, comments and order too.

use sealed_api::names::annotations;
use sealed_api::{Code, SealedSecret};
use sealed_crypto::Fingerprint;
use sealed_manifest::Document;
use sealed_manifest::edit::{self, Change};

use crate::failure::Failure;
use crate::input::place;
use crate::sealed_input::{Found, Kind, decode_one, entries, is_sealed_secret, no_sealed_secrets};

/// A text and what is to be changed in it.
pub(crate) struct Edited {
    text: String,
    origin: String,
    /// With the numbers of their documents.
    changes: Vec<(usize, Change)>,
}

/// Where a SealedSecret stands in a text.
pub(crate) struct Site {
    /// What was read.
    pub(crate) found: Found,
    document: usize,
    /// From the root of the document, which may be a List.
    path: Vec<String>,
}

impl Site {
    fn path_to<'p>(&'p self, path: &[&'p str]) -> Vec<&'p str> {
        let own = self.path.iter().map(String::as_str);
        own.chain(path.iter().copied()).collect()
    }

    /// Whether it has this name and namespace, as far as they are asked for.
    pub(crate) fn is_called(&self, name: Option<&str>, namespace: Option<&str>) -> bool {
        let own = &self.found.sealed.metadata;
        name.is_none_or(|name| own.name.as_deref() == Some(name))
            && namespace.is_none_or(|namespace| own.namespace.as_deref() == Some(namespace))
    }
}

impl Edited {
    /// A text that was read already.
    pub(crate) fn new(text: Vec<u8>, origin: &str) -> Result<Self, Failure> {
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
            .hint("save it as UTF-8; --merge-into and --re-encrypt write it anew with -o yaml or -o json")),
        }
    }

    /// Takes note of changes at a site; their paths begin at the object.
    pub(crate) fn change(&mut self, site: &Site, changes: &[(Vec<&str>, String)]) {
        for (path, value) in changes {
            let change = Change::set(&site.path_to(path), value.as_str());
            self.changes.push((site.document, change));
        }
    }

    /// Takes note that an entry of a site goes away.
    pub(crate) fn remove(&mut self, site: &Site, path: &[&str]) {
        let change = Change::remove(&site.path_to(path));
        self.changes.push((site.document, change));
    }

    /// The text with the changes.
    pub(crate) fn into_text(self) -> Result<String, Failure> {
        // All at once: each call reads the whole text.
        edit::apply(&self.text, &self.origin, &self.changes).map_err(|error| {
            Failure::new(Code::MalformedInput, error.to_string())
                .hint("write it out by hand there; --re-encrypt writes the object anew with -o yaml or -o json")
        })
    }
}

/// The SealedSecrets of documents, in Lists too. What is of another kind is passed over.
pub(crate) fn sites(documents: &[Document]) -> Result<Vec<Site>, Failure> {
    let mut sites = Vec::new();
    for document in documents {
        let place = place(document);
        for entry in entries(document.value().clone(), &place)? {
            if !is_sealed_secret(&entry.value) {
                continue;
            }
            let path = entry.index.map_or_else(Vec::new, |index| {
                vec!["items".to_owned(), index.to_string()]
            });
            let place = entry.place(&place);
            sites.push(Site {
                found: decode_one(entry.value, place, Kind::Assumed)?,
                document: document.index(),
                path,
            });
        }
    }
    Ok(sites)
}

/// Refuses an object in the deprecated form: with items beside its one value it would open nowhere.
pub(crate) fn refuse_deprecated(found: &Found) -> Result<(), Failure> {
    if found.sealed.spec.data.is_none() {
        return Ok(());
    }
    Err(Failure::new(
        Code::DeprecatedData,
        "the deprecated spec.data holds all items in one value, and takes none beside it",
    )
    .at(&found.place)
    .hint("`seal --re-encrypt -o yaml -w FILE` has the controller write the object anew, with encryptedData"))
}

/// The failure of a file without any SealedSecret, with what it holds instead and what to do about that.
pub(crate) fn not_sealed(documents: &[Document], shown: &str, hint: &str) -> Failure {
    let kind = documents
        .iter()
        .find_map(|document| document.value().get("kind")?.as_str());
    match kind {
        None => no_sealed_secrets(shown),
        Some(kind) => {
            let kind: String = kind.chars().take(80).collect();
            Failure::new(
                Code::WrongKind,
                format!("{shown}: there is no SealedSecret in it, but `{kind}`"),
            )
            .hint(hint)
        }
    }
}

/// The annotation that names the keys, with one more; none where it is not kept or names the key already.
pub(crate) fn keys_with(sealed: &SealedSecret, key: Fingerprint) -> Option<String> {
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
