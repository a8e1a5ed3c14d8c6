//! Sealing keys as they are kept outside a cluster: the Secret of each, ready to be created again, oldest first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::{annotations, key_secret, labels};
use sealed_api::{Code, Wiping};
use sealed_crypto::{Certificate, CertificateRequest, Fingerprint, SealingKey};
use serde::Serialize;

use crate::cluster::ObjectId;
use crate::failure::{Failure, one_line};
use crate::io::Talk;
use crate::recovery_keys::{Found, KeySecret};

/// Digits of the fingerprint in a name that is made up.
const NAME_DIGITS: usize = 5;

/// The validity of a certificate that only fills its place: nobody seals with one that ended then, and every key is newer.
const NO_VALIDITY: (Timestamp, Timestamp) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);

/// Whose annotations a restored key Secret keeps.
const OUR_ANNOTATIONS: [&str; 2] = ["seal-tool", "sealedsecrets.bitnami.com"];

/// The type of a Secret that is no pair of key and certificate.
const OPAQUE: &str = "Opaque";

/// A key Secret that is kept.
pub(crate) struct KeptKey {
    /// Where it was read, for messages.
    pub(crate) place: String,
    /// Without what only means something in the cluster it comes from.
    pub(crate) secret: Wiping,
    /// Its keys; none if the Secret holds none that can be used.
    pub(crate) keys: Vec<Arc<SealingKey>>,
    /// Of the object in the cluster that it comes from, if it is there still.
    pub(crate) uid: Option<String>,
    /// What to know of the Secret before it is kept.
    pub(crate) note: Option<String>,
    /// Whether somebody answers for where it comes from, as [`KeySecret`] says.
    pub(crate) is_vouched: bool,
}

/// What is told of a key Secret. It holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyFacts {
    /// The name of the key; none if the Secret holds no usable key.
    pub(crate) fingerprint: Option<String>,
    /// Namespace of the Secret.
    pub(crate) namespace: String,
    /// Name of the Secret.
    pub(crate) name: String,
    /// Value of the label that says whether the key is in use: `active`, or another.
    pub(crate) label: String,
    /// When its certificate begins and ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
    /// See there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_after: Option<Timestamp>,
    /// When it was last backed up, as its Secret says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backed_up: Option<Timestamp>,
}

impl KeptKey {
    /// The names of its keys.
    pub(crate) fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.keys.iter().map(|key| key.fingerprint())
    }

    /// Name of the Secret.
    pub(crate) fn name(&self) -> &str {
        self.secret.metadata.name.as_deref().unwrap_or_default()
    }

    /// Namespace of the Secret.
    pub(crate) fn namespace(&self) -> &str {
        self.secret
            .metadata
            .namespace
            .as_deref()
            .unwrap_or_default()
    }

    /// The object in the cluster that it comes from.
    pub(crate) fn object(&self) -> ObjectId {
        ObjectId {
            name: self.name().to_owned(),
            uid: self.uid.clone().unwrap_or_default(),
        }
    }

    /// Whether it is labelled as in use, or so old that it needs no label.
    pub(crate) fn is_in_use(&self) -> bool {
        let label = self.secret.metadata.labels.as_ref();
        let label = label.and_then(|all| all.get(labels::SEALING_KEY));
        label.is_some_and(|label| label == labels::ACTIVE)
            || self.name() == key_secret::DEFAULT_PREFIX
    }

    /// When its key came into use.
    pub(crate) fn time(&self) -> Timestamp {
        let times = self.keys.iter().map(|key| key.ordering_time());
        times.min().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// When its Secret was created.
    fn created(&self) -> Option<Timestamp> {
        let created = self.secret.metadata.creation_timestamp.as_ref();
        created.map(|time| time.0)
    }

    /// What is told of it.
    pub(crate) fn facts(&self) -> KeyFacts {
        let label = self.secret.metadata.labels.as_ref();
        let key = self.keys.first();
        let certificate = key.and_then(|key| key.certificate());
        let certificate =
            certificate.filter(|one| (one.not_before(), one.not_after()) != NO_VALIDITY);
        KeyFacts {
            fingerprint: key.map(|key| key.fingerprint().to_string()),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            label: label
                .and_then(|all| all.get(labels::SEALING_KEY).cloned())
                .unwrap_or_default(),
            not_before: certificate.map(Certificate::not_before),
            not_after: certificate.map(Certificate::not_after),
            backed_up: self
                .secret
                .metadata
                .annotations
                .as_ref()
                .and_then(|all| all.get(annotations::BACKED_UP)?.trim().parse().ok()),
        }
    }
}

impl KeyFacts {
    /// As a line for people.
    pub(crate) fn line(&self) -> String {
        let day = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), day);
        format!(
            "{:<50}  {:<8}  {:<10}  {:<10}  {}/{}",
            self.fingerprint.as_deref().unwrap_or("no usable key"),
            self.label,
            day(self.not_before),
            day(self.not_after),
            self.namespace,
            self.name
        )
    }
}

/// The day of a time (UTC), for a column of a table.
pub(crate) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Tells what to know before keys are kept.
pub(crate) fn tell_notes(keys: &[KeptKey], talk: &mut Talk<'_>) {
    for note in keys.iter().filter_map(|key| key.note.as_ref()) {
        talk.say(note);
    }
}

/// What stands over the lines.
pub(crate) fn head() -> String {
    format!(
        "{:<50}  {:<8}  {:<10}  {:<10}  {}",
        "FINGERPRINT", "LABEL", "FROM", "UNTIL", "SECRET"
    )
}

/// The lines for several, under a head.
pub(crate) fn table(keys: &[KeyFacts]) -> Vec<String> {
    std::iter::once(head())
        .chain(keys.iter().map(KeyFacts::line))
        .collect()
}

/// The Secrets to keep of what was found, the oldest first, each once however many of the sources have it. One key may be in
/// several Secrets, of which each has a label of its own. A key from a PEM file that no Secret holds gets one in `namespace`.
pub(crate) fn keep(found: Found, namespace: &str) -> Result<Vec<KeptKey>, Failure> {
    let (secrets, bare): (Vec<KeySecret>, Vec<KeySecret>) = found
        .secrets
        .into_iter()
        .partition(|one| one.secret.is_some());
    let mut known = BTreeSet::new();
    let mut held: BTreeSet<Fingerprint> = BTreeSet::new();
    let mut kept: Vec<KeptKey> = Vec::with_capacity(secrets.len() + bare.len());
    for one in secrets {
        let one = kept_key(one, namespace)?;
        let keys: Vec<Fingerprint> = one.fingerprints().collect();
        held.extend(&keys);
        if keys.is_empty() || known.insert((one.name().to_owned(), keys)) {
            kept.push(one);
        }
    }
    for one in bare {
        let keys: Vec<Fingerprint> = one.keys.iter().map(|key| key.fingerprint()).collect();
        if !keys.iter().all(|key| held.contains(key)) {
            held.extend(keys);
            kept.push(kept_key(one, namespace)?);
        }
    }
    let mut places = BTreeMap::new();
    for one in &kept {
        let name = (one.namespace().to_owned(), one.name().to_owned());
        if let Some(other) = places.insert(name, &one.place) {
            return Err(Failure::new(
                Code::AlreadyExists,
                format!(
                    "two different keys are in Secrets of the name {}/{}: {other}; {}",
                    one_line(one.namespace()),
                    one_line(one.name()),
                    one.place
                ),
            )
            .hint("they are probably of two clusters, which need two backups"));
        }
    }
    kept.sort_by_key(|key| (key.time(), key.created()));
    Ok(kept)
}

fn kept_key(one: KeySecret, namespace: &str) -> Result<KeptKey, Failure> {
    let mut note = None;
    let mut secret = match (one.secret, one.keys.first()) {
        (Some(secret), _) => secret,
        (None, Some(key)) => {
            if key.certificate().is_none() {
                note = Some(format!(
                    "note: {}: {} has no certificate here; restored, it opens values, and nothing is sealed for it",
                    one.place,
                    key.fingerprint()
                ));
            }
            secret_for(key, namespace)
                .map_err(|why| Failure::new(Code::BadKey, why).at(&one.place))?
        }
        (None, None) => Wiping::default(),
    };
    let uid = secret.metadata.uid.take();
    strip(&mut secret.metadata);
    if secret.metadata.namespace.is_none() {
        secret.metadata.namespace = Some(namespace.to_owned());
    }
    if secret.metadata.name.is_none() {
        secret.metadata.name = one.keys.first().map(|key| made_up_name(key.fingerprint()));
    }
    Ok(KeptKey {
        place: one.place,
        secret,
        keys: one.keys,
        uid,
        note,
        is_vouched: one.is_vouched,
    })
}

/// Takes away what only means something in the cluster an object comes from: with it, no other takes it.
fn strip(metadata: &mut ObjectMeta) {
    metadata.resource_version = None;
    metadata.self_link = None;
    metadata.generation = None;
    metadata.managed_fields = None;
    metadata.owner_references = None;
    if let Some(all) = &mut metadata.annotations {
        // It repeats the whole Secret.
        all.remove(annotations::KUBECTL_LAST_APPLIED);
        if all.is_empty() {
            metadata.annotations = None;
        }
    }
}

/// A key Secret as a restore creates it: made anew of what makes a key Secret, so that nothing else comes along with one from a
/// stranger, such as a type or an annotation by which another controller writes into it, or a finalizer that keeps it for ever.
pub(crate) fn rebuilt(key: &KeptKey) -> Result<Wiping, Failure> {
    if !sealed_api::dns1123::is_subdomain(key.name()) {
        let message = format!("`{}` is no name of a Secret", one_line(key.name()));
        return Err(Failure::new(Code::BadName, message).at(&key.place));
    }
    let (own, data) = (&key.secret.metadata, key.secret.data.as_ref());
    let field = |name: &str| data.and_then(|data| data.get(name)).cloned();
    let certificate = match (field(key_secret::CERTIFICATE), key.keys.first()) {
        (None, Some(key_of_it)) => {
            let pem = expired_certificate(key_of_it)
                .map_err(|why| Failure::new(Code::BadKey, why).at(&key.place))?
                .to_pem();
            Some(ByteString(pem.into_bytes()))
        }
        (certificate, _) => certificate,
    };
    let entry = |name: &str, value: Option<ByteString>| Some((name.to_owned(), value?));
    let data: BTreeMap<String, ByteString> = [
        entry(key_secret::PRIVATE_KEY, field(key_secret::PRIVATE_KEY)),
        entry(key_secret::CERTIFICATE, certificate),
    ]
    .into_iter()
    .flatten()
    .collect();
    // Kubernetes refuses one of this type that lacks either.
    let is_pair = data.len() == 2;
    let is_ours = |name: &str| {
        OUR_ANNOTATIONS
            .iter()
            .any(|domain| name.split_once('/').is_some_and(|(own, _)| own == *domain))
    };
    let mut annotations = own.annotations.clone().unwrap_or_default();
    annotations.retain(|name, _| is_ours(name));
    Ok(Wiping::from(Secret {
        metadata: ObjectMeta {
            name: own.name.clone(),
            namespace: own.namespace.clone(),
            labels: own.labels.clone(),
            annotations: Some(annotations).filter(|all| !all.is_empty()),
            // By which keys in files may be ordered. A cluster goes by its own.
            creation_timestamp: own.creation_timestamp.clone(),
            ..ObjectMeta::default()
        },
        type_: Some(if is_pair { key_secret::TYPE } else { OPAQUE }.to_owned()),
        data: Some(data),
        ..Secret::default()
    }))
}

/// The Secret that the controller would have made for a key.
fn secret_for(key: &SealingKey, namespace: &str) -> Result<Wiping, String> {
    let pem = key.private_key().to_pkcs1_pem();
    let pem = pem.map_err(|error| error.to_string())?;
    let certificate = match key.certificate() {
        Some(certificate) => certificate.to_pem(),
        None => expired_certificate(key)?.to_pem(),
    };
    let entry = |key: &str, value: &[u8]| (key.to_owned(), ByteString(value.to_vec()));
    Ok(Wiping::from(Secret {
        metadata: ObjectMeta {
            name: Some(made_up_name(key.fingerprint())),
            namespace: Some(namespace.to_owned()),
            labels: Some([(labels::SEALING_KEY.to_owned(), labels::ACTIVE.to_owned())].into()),
            ..ObjectMeta::default()
        },
        type_: Some(key_secret::TYPE.to_owned()),
        data: Some(
            [
                entry(key_secret::PRIVATE_KEY, pem.as_bytes()),
                entry(key_secret::CERTIFICATE, certificate.as_bytes()),
            ]
            .into(),
        ),
        ..Secret::default()
    }))
}

/// Kubernetes wants a certificate in a Secret of this type, and the existing controller stops without one.
fn expired_certificate(key: &SealingKey) -> Result<Certificate, String> {
    let (not_before, not_after) = NO_VALIDITY;
    let request = CertificateRequest {
        common_name: String::new(),
        not_before,
        not_after,
    };
    let issued = key.private_key().self_signed(&request);
    issued.map_err(|error| error.to_string())
}

fn made_up_name(key: Fingerprint) -> String {
    let digits = key.as_bytes().iter().map(|byte| format!("{byte:02x}"));
    let digits: String = digits.collect();
    let digits = digits.get(..NAME_DIGITS).unwrap_or_default();
    format!("{}{digits}", key_secret::DEFAULT_PREFIX)
}
