//! A record as the message of its condition: `v1 terms=… opened-by=SHA256:…*3 …`.
//!
//! Words that a person can read and `grep`; programs that only want to know which keys an object needs read
//! `opened-by`. Keys are written in full, or by the first characters where many would not fit.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealed_crypto::{Fingerprint, MAC_LEN};

use super::digest::{InputDigest, TERMS_LEN, Terms};

/// The longest record.
pub(super) const LONGEST: usize = 512;

const VERSION: &str = "v1";
const SIGNATURE: &str = " mac=";
const PREFIX: &str = "SHA256:";
/// So many characters of a fingerprint name a key: 48 bits. Only who may add sealing keys could make two alike.
const SHORT: usize = 8;

/// Which Secret, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) uid: String,
    pub(super) resource_version: String,
}

/// The beginning of a fingerprint, without `SHA256:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn full(key: Fingerprint) -> Self {
        let text = key.to_string();
        Self(text.strip_prefix(PREFIX).unwrap_or_default().to_owned())
    }

    pub(super) fn short(key: Fingerprint) -> Self {
        let Self(mut name) = Self::full(key);
        name.truncate(SHORT);
        Self(name)
    }

    pub(super) fn names(&self, key: Fingerprint) -> bool {
        Self::full(key).0.starts_with(&self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        (text.len() >= SHORT).then(|| Self(text.to_owned()))
    }
}

/// Everything a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// Under what circumstances the outcome holds.
    pub(super) terms: Terms,
    /// How many values each key opened.
    pub(super) opened_by: Vec<(Name, u32)>,
    /// The key that signs, unless it is the first that opened something.
    pub(super) signer: Option<Name>,
    /// The keys there were.
    pub(super) tried: Option<Vec<Name>>,
    /// What the outcome is about; without it the outcome is not to be taken over.
    pub(super) input: Option<InputDigest>,
    /// What the Secret was made of, if not of that.
    pub(super) made: Option<InputDigest>,
    /// The Secret as the pass left or found it.
    pub(super) secret: Option<Version>,
    /// Whether that Secret is ours although nothing on it need say so.
    pub(super) held: bool,
    /// The MAC of what it held.
    pub(super) content: Option<[u8; MAC_LEN]>,
}

impl Fields {
    /// The text without its signature; `None` when a word of it would be ambiguous.
    pub(super) fn unsigned(&self) -> Option<String> {
        let mut text = format!("{VERSION} terms={}", URL_SAFE_NO_PAD.encode(self.terms.0));
        if !self.opened_by.is_empty() {
            let keys = self.opened_by.iter();
            let keys: Vec<_> = keys
                .map(|(Name(name), count)| format!("{PREFIX}{name}*{count}"))
                .collect();
            write!(text, " opened-by={}", keys.join(",")).ok()?;
        }
        if let Some(Name(signer)) = &self.signer {
            write!(text, " signer={PREFIX}{signer}").ok()?;
        }
        if let Some(tried) = &self.tried {
            let tried: Vec<_> = tried.iter().map(|Name(name)| name.as_str()).collect();
            write!(text, " tried={}", tried.join(",")).ok()?;
        }
        if let Some(InputDigest(input)) = &self.input {
            write!(text, " input={}", URL_SAFE_NO_PAD.encode(input)).ok()?;
        }
        if let Some(InputDigest(made)) = &self.made {
            write!(text, " made={}", URL_SAFE_NO_PAD.encode(made)).ok()?;
        }
        if let Some(secret) = &self.secret {
            let Version {
                uid,
                resource_version,
            } = secret;
            if !is_word(uid) || !is_word(resource_version) {
                return None;
            }
            write!(text, " secret={uid}@{resource_version}").ok()?;
        }
        if self.held {
            text.push_str(" held=1");
        }
        if let Some(content) = &self.content {
            write!(text, " content={}", URL_SAFE_NO_PAD.encode(content)).ok()?;
        }
        Some(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next() != Some(VERSION) {
            return None;
        }
        let (name, terms) = words.next()?.split_once('=')?;
        if name != "terms" {
            return None;
        }
        let mut fields = Self {
            terms: Terms(bytes::<TERMS_LEN>(terms)?),
            opened_by: Vec::new(),
            signer: None,
            tried: None,
            input: None,
            made: None,
            secret: None,
            held: false,
            content: None,
        };
        for word in words {
            let (name, value) = word.split_once('=')?;
            match name {
                "opened-by" => {
                    fields.opened_by = value.split(',').map(counted).collect::<Option<_>>()?;
                }
                "signer" => fields.signer = Some(Name::parse(value.strip_prefix(PREFIX)?)?),
                "tried" => {
                    fields.tried = Some(value.split(',').map(Name::parse).collect::<Option<_>>()?);
                }
                "input" => fields.input = Some(InputDigest(bytes(value)?)),
                "made" => fields.made = Some(InputDigest(bytes(value)?)),
                "secret" => {
                    let (uid, resource_version) = value.split_once('@')?;
                    fields.secret = Some(Version {
                        uid: uid.to_owned(),
                        resource_version: resource_version.to_owned(),
                    });
                }
                "held" => fields.held = true,
                "content" => fields.content = Some(bytes(value)?),
                _ => return None,
            }
        }
        Some(fields)
    }
}

fn counted(text: &str) -> Option<(Name, u32)> {
    let (name, count) = text.strip_prefix(PREFIX)?.split_once('*')?;
    Some((Name::parse(name)?, count.parse().ok()?))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Whether a text can stand in a record: what API servers use for uids and versions can.
fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.')
}

/// Adds the signature.
pub(super) fn signed(unsigned: &str, tag: &[u8]) -> String {
    format!("{unsigned}{SIGNATURE}{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The text that is signed, what it says, and the signature.
pub(super) fn parse(message: &str) -> Option<(&str, Fields, [u8; MAC_LEN])> {
    if message.len() > LONGEST {
        return None;
    }
    let (unsigned, tag) = message.rsplit_once(SIGNATURE)?;
    Some((unsigned, Fields::parse(unsigned)?, bytes(tag)?))
}
