//! Reading one file after the other.

use std::sync::Arc;

use jiff::Timestamp;
use sealed_api::{Code, Origin, Wiping, decode_secret, names};
use sealed_crypto::{Certificate, PrivateKey, PrivateKeyError, SealingKey, base64};
use sealed_custody::{Manifest, protection};
use sealed_manifest::Documents;
use serde_json::Value;
use zeroize::Zeroizing;

use super::source::Source;
use super::{Found, KeySecret};
use crate::failure::{Failure, one_line};
use crate::input::{place, read_file};
use crate::io::Talk;
use crate::name::Name;
use crate::sealed_input::entries;
use crate::unlock::Unlock;
use crate::walk::{Listed, Walked};

/// Texts of which one is in every file of a directory that may hold keys. The second is also in the label of key Secrets.
const TRACES: [&[u8]; 4] = [
    names::labels::ESCROW.as_bytes(),
    names::key_secret::DEFAULT_PREFIX.as_bytes(),
    b"-----BEGIN ",
    b"age-encryption.org/v1\n",
];

/// Reads files with keys.
pub(super) struct Reader<'r, 'io> {
    name: Name,
    is_strict: bool,
    unlock: &'r mut Unlock,
    talk: &'r mut Talk<'io>,
    pending: Vec<Pending>,
    /// Of PEM files, for the keys of PEM files.
    certificates: Vec<Certificate>,
    backups: Vec<(String, Manifest)>,
}

/// Keys whose certificates may still come.
struct Pending {
    place: String,
    secret: Option<Wiping>,
    keys: Vec<PrivateKey>,
    is_vouched: bool,
}

impl<'r, 'io> Reader<'r, 'io> {
    pub(super) fn new(name: Name, unlock: &'r mut Unlock, talk: &'r mut Talk<'io>) -> Self {
        Self {
            name,
            is_strict: false,
            unlock,
            talk,
            pending: Vec::new(),
            certificates: Vec::new(),
            backups: Vec::new(),
        }
    }

    /// A named file that does not open becomes an error, and a key Secret without a usable key is kept.
    pub(super) fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Reads what was found.
    pub(super) fn files(&mut self, walked: &Walked) -> Result<(), Failure> {
        for failure in &walked.unlisted {
            self.pass_over(failure.clone())?;
        }
        walked.files.iter().try_for_each(|listed| self.file(listed))
    }

    /// In a disaster every key counts, so what nobody named and cannot be read stops nothing, unless all is to be kept.
    fn pass_over(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.is_strict {
            return Err(failure);
        }
        self.talk
            .say(&format!("warning: {}", failure.words(self.name)));
        Ok(())
    }

    /// Reads one file.
    fn file(&mut self, listed: &Listed) -> Result<(), Failure> {
        let bytes = match read_file(&listed.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(failure) if listed.named => return Err(failure),
            Err(failure) => return self.pass_over(failure),
        };
        if !listed.named && !has_trace(&bytes) {
            return Ok(());
        }
        let shown = listed.path.display().to_string();
        let source = Source::file(&shown, listed.named);
        let before = self.held();
        if self.name == Name::Seal && protection(&bytes).is_some() {
            self.encrypted(&bytes, &source)?;
        } else {
            // Whoever gives an identity expects what is encrypted, and names files of a clone with a `*`.
            let is_vouched = source.is_vouched && !self.unlock.has_identities();
            let source = Source {
                is_vouched,
                ..source
            };
            self.plain(&bytes, &source)?;
        }
        if listed.named && self.held() == before {
            let nothing = format!("`{shown}` holds no private key that can be used");
            return self.fault(&source, Failure::new(Code::NoKeys, nothing));
        }
        Ok(())
    }

    /// Something of a source cannot be used: an error where it is to be kept whole, and else told.
    fn fault(&mut self, source: &Source<'_>, failure: Failure) -> Result<(), Failure> {
        if self.is_strict && source.named {
            return Err(failure);
        }
        self.talk
            .say(&format!("warning: {}", failure.words(self.name)));
        Ok(())
    }

    /// How much there is that a file can add to.
    fn held(&self) -> usize {
        let keys: usize = self.pending.iter().map(|one| one.keys.len()).sum();
        if self.is_strict {
            keys + self.certificates.len() + self.pending.len()
        } else {
            keys
        }
    }

    /// Gives each key its certificate.
    pub(super) fn finish(self) -> Found {
        let (name, certificates) = (self.name, self.certificates);
        let joined = self.pending.into_iter().map(|pending| KeySecret {
            keys: pending
                .keys
                .into_iter()
                .map(|key| {
                    let key = match &pending.secret {
                        // Which key is newer does not show, so the order on the command line is the order of trials.
                        _ if name == Name::Kubeseal => {
                            SealingKey::new(key, None, Timestamp::UNIX_EPOCH)
                        }
                        Some(secret) => of_secret(key, secret),
                        None => of_pem(key, &certificates),
                    };
                    Arc::new(key)
                })
                .collect(),
            place: pending.place,
            secret: pending.secret,
            is_vouched: pending.is_vouched,
        });
        Found {
            secrets: joined.collect(),
            backups: self.backups,
        }
    }

    fn encrypted(&mut self, file: &[u8], source: &Source<'_>) -> Result<(), Failure> {
        match self.unlock.open(file, source.shown) {
            Ok(text) => self.plain(&text, &source.inside(protection(file))),
            Err(failure) => self.fault(source, failure),
        }
    }

    fn plain(&mut self, bytes: &[u8], source: &Source<'_>) -> Result<(), Failure> {
        let certificates = Certificate::all_from_pem(bytes);
        let labelled = count_key_blocks(bytes);
        if labelled > 0 {
            self.pem(bytes, labelled, source)?;
        } else if certificates.is_empty() || self.name == Name::Kubeseal {
            self.documents(bytes, source)?;
        }
        self.certificates.extend(certificates);
        Ok(())
    }

    fn pem(&mut self, bytes: &[u8], labelled: usize, source: &Source<'_>) -> Result<(), Failure> {
        let shown = source.shown;
        if self.is_strict && !source.is_meant {
            self.talk.say(&format!(
                "note: `{shown}` is a private key in PEM, which counts only where the file itself is named"
            ));
            return Ok(());
        }
        let read = match self.name {
            Name::Kubeseal => PrivateKey::from_pem(bytes).map(|key| vec![key]),
            Name::Seal => PrivateKey::all_from_pem(bytes),
        };
        let keys = match read {
            Ok(keys) => keys,
            Err(error) => {
                let unusable = Failure::new(Code::BadKey, format!("`{shown}`: {error}"));
                return self.fault(source, unusable);
            }
        };
        if keys.len() < labelled {
            let unused = labelled - keys.len();
            let unused = format!("{unused} of {labelled} private keys in `{shown}` are not used");
            self.fault(source, Failure::new(Code::BadKey, unused))?;
        }
        self.pending.extend(keys.into_iter().map(|key| Pending {
            place: shown.to_owned(),
            secret: None,
            keys: vec![key],
            is_vouched: source.is_vouched,
        }));
        Ok(())
    }

    /// Key Secrets as YAML or JSON: one, several documents, or a List.
    fn documents(&mut self, bytes: &[u8], source: &Source<'_>) -> Result<(), Failure> {
        let shown = source.shown;
        for document in Documents::new(bytes, shown) {
            let Ok(document) = document else {
                // Not a backup at all, or one that ends in the middle: what was found counts, unless all of it has to.
                let cut = format!("`{shown}` cannot be read to its end as YAML or JSON");
                self.fault(source, Failure::new(Code::MalformedInput, cut))?;
                break;
            };
            let place = place(&document);
            let value = document.into_value();
            if is_cut(&value) {
                let cut = format!("`{shown}` ends in the middle of a List");
                self.fault(source, Failure::new(Code::MalformedInput, cut))?;
            }
            self.backups
                .extend(Manifest::of(&value).map(|manifest| (shown.to_owned(), manifest)));
            let objects = match objects_of(value, &place, self.name) {
                Ok(objects) => objects,
                Err(failure) => {
                    self.fault(source, failure)?;
                    continue;
                }
            };
            for entry in objects {
                if let Some(file) = escrow_of(&entry).filter(|_| self.name == Name::Seal) {
                    let place = format!("{shown}: ConfigMap {}", name_of(&entry));
                    let escrow = Source {
                        shown: &place,
                        ..*source
                    };
                    self.encrypted(file.as_bytes(), &escrow)?;
                } else if source.is_meant || is_marked(&entry) {
                    self.entry(entry, source)?;
                }
            }
        }
        Ok(())
    }

    /// Reads one key Secret.
    pub(super) fn entry(&mut self, entry: Value, source: &Source<'_>) -> Result<(), Failure> {
        let shown = source.shown;
        let called = format!("Secret {}", name_of(&entry));
        let (keys, secret) = match self.name {
            Name::Kubeseal => (keys_of_data(&entry), None),
            Name::Seal => match decode_secret(entry, Origin::Yaml) {
                Ok(secret) => {
                    let secret = Wiping::from(secret);
                    (keys_of_secret(&secret), Some(secret))
                }
                Err(error) => {
                    let undecodable =
                        Failure::undecodable(&error, &called).at(format!("`{shown}`"));
                    return self.fault(source, undecodable);
                }
            },
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(failure) if self.name == Name::Kubeseal => return Err(failure.at(shown)),
            Err(failure) => {
                let words = failure.words(self.name);
                self.talk
                    .say(&format!("warning: `{shown}`: {called}: {words}"));
                Vec::new()
            }
        };
        let is_kept = self.is_strict && secret.as_ref().is_some_and(KeySecret::is_key_secret);
        if !keys.is_empty() || is_kept {
            self.pending.push(Pending {
                place: format!("{shown}: {called}"),
                secret,
                keys,
                is_vouched: source.is_vouched,
            });
        }
        Ok(())
    }
}

fn has_trace(bytes: &[u8]) -> bool {
    TRACES
        .iter()
        .any(|trace| bytes.windows(trace.len()).any(|part| part == *trace))
}

/// How many PEM blocks begin at the start of a line and call themselves a private key.
fn count_key_blocks(bytes: &[u8]) -> usize {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(b"PRIVATE KEY-----")
        })
        .count()
}

/// The objects of a List, or the one object. A List may lack its kind: that is how a plain dump of the API's answer looks.
fn objects_of(value: Value, place: &str, name: Name) -> Result<Vec<Value>, Failure> {
    if !value.is_object() {
        return Ok(Vec::new());
    }
    let is_secret_list =
        value.get("kind").and_then(Value::as_str) == Some(names::secret::SECRET_LIST_KIND);
    if name == Name::Kubeseal && is_secret_list {
        return Ok(vec![value]);
    }
    let entries = entries(value, place)?;
    Ok(entries.into_iter().map(|entry| entry.value).collect())
}

/// Whether the end of a List is missing: what prints one sorts its fields, and what stands behind the items is their kind.
fn is_cut(value: &Value) -> bool {
    let has = |field: &str| value.get(field).is_some();
    has("apiVersion") && has("items") && !has("kind")
}

fn name_of(entry: &Value) -> String {
    let name = entry.pointer("/metadata/name").and_then(Value::as_str);
    one_line(name.unwrap_or("without a name"))
}

/// The age file of an escrow object.
fn escrow_of(entry: &Value) -> Option<String> {
    let labels = entry.pointer("/metadata/labels")?;
    let label = labels.get(names::labels::ESCROW)?.as_str()?;
    let file = entry.get("data")?.get(names::escrow::AGE_FILE)?.as_str()?;
    (label == names::labels::SEALING_KEY_ESCROW).then(|| file.to_owned())
}

/// Whether an object that nobody named is a key Secret: others hold private keys, too.
fn is_marked(entry: &Value) -> bool {
    let has_label = entry
        .pointer("/metadata/labels")
        .is_some_and(|labels| labels.get(names::labels::SEALING_KEY).is_some());
    let kind = entry.get("kind").and_then(Value::as_str);
    kind == Some(names::secret::KIND)
        && (has_label || name_of(entry) == names::key_secret::DEFAULT_PREFIX)
}

fn keys_of_secret(secret: &Wiping) -> Result<Vec<PrivateKey>, Failure> {
    let field = names::key_secret::PRIVATE_KEY;
    let data = secret.data.as_ref();
    let pem = data.and_then(|data| data.get(field)).ok_or_else(no_field)?;
    PrivateKey::all_from_pem(&pem.0).map_err(unusable)
}

/// As the existing tool reads it: `stringData` is not looked at, and only base64 is decoded.
fn keys_of_data(entry: &Value) -> Result<Vec<PrivateKey>, Failure> {
    let field = names::key_secret::PRIVATE_KEY;
    let text = entry
        .get("data")
        .and_then(|data| data.get(field))
        .and_then(Value::as_str)
        .ok_or_else(no_field)?;
    let pem = base64::decode(text.as_bytes())
        .map(Zeroizing::new)
        .map_err(|error| {
            Failure::new(Code::BadKey, format!("`{field}`: {error}")).kubeseal(error.to_string())
        })?;
    PrivateKey::all_from_pem(&pem).map_err(unusable)
}

fn no_field() -> Failure {
    let field = names::key_secret::PRIVATE_KEY;
    Failure::new(Code::BadKey, format!("it has no `{field}` in its data"))
        .kubeseal("secret must contain a 'tls.data' key")
}

fn unusable(error: PrivateKeyError) -> Failure {
    let field = names::key_secret::PRIVATE_KEY;
    let failure = Failure::new(Code::BadKey, format!("`{field}`: {error}"));
    match error {
        PrivateKeyError::NotRsa => {
            failure.kubeseal("unexpected private key type: it is not an RSA key")
        }
        error => failure.kubeseal(error.to_string()),
    }
}

/// A key with the certificate beside it; without one, the Secret's age says how new it is.
fn of_secret(key: PrivateKey, secret: &Wiping) -> SealingKey {
    let field = names::key_secret::CERTIFICATE;
    let pem = secret.data.as_ref().and_then(|data| data.get(field));
    let certificate = pem.and_then(|pem| Certificate::from_pem(&pem.0).ok());
    let created = secret.metadata.creation_timestamp.as_ref();
    let time = match &certificate {
        Some(certificate) => Some(certificate.not_before()),
        None => created.map(|time| time.0),
    };
    SealingKey::new(key, certificate, time.unwrap_or(Timestamp::UNIX_EPOCH))
}

fn of_pem(key: PrivateKey, certificates: &[Certificate]) -> SealingKey {
    let certificate = certificates
        .iter()
        .find(|one| one.fingerprint() == key.fingerprint());
    let time = certificate.map_or(Timestamp::UNIX_EPOCH, Certificate::not_before);
    SealingKey::new(key, certificate.cloned(), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_costs_no_other_key_unless_all_is_to_be_kept() {
        let directory = tempfile::tempdir().unwrap();
        let listed = |name: &str, named| Listed {
            path: directory.path().join(name),
            named,
        };
        let key = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/keys/rsa2048-a.pkcs1.pem"
        );
        std::fs::copy(key, directory.path().join("key.pem")).unwrap();
        let walked = Walked {
            files: vec![listed("gone.pem", false), listed("key.pem", false)],
            unlisted: vec![Failure::new(Code::UnreadableFile, "cannot list `closed`")],
        };
        let (mut unlock, mut said) = (Unlock::asking(crate::prompt::Terminal::Absent), Vec::new());
        let mut talk = Talk(&mut said);
        let mut reader = Reader::new(Name::Seal, &mut unlock, &mut talk);
        reader.files(&walked).unwrap();
        assert_eq!(reader.finish().keyring().len(), 1);
        let mut reader = Reader::new(Name::Seal, &mut unlock, &mut talk);
        let named = Walked {
            files: vec![listed("gone.pem", true)],
            ..Walked::default()
        };
        assert!(reader.files(&named).is_err());
        let mut reader = Reader::new(Name::Seal, &mut unlock, &mut talk).strict();
        assert!(reader.files(&walked).is_err());
        let said = String::from_utf8(said).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert_eq!(lines[0], "warning: cannot list `closed`");
        assert!(lines[1].contains("gone.pem"), "{said}");
    }
}
