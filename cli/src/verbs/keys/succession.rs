//! Which key everybody would seal for after a restore, and whether it may be that one.
//!
//! Whoever owns that key reads what is sealed from then on. A backup for an age recipient does not tell who made it: the
//! recipient is public, and so is often the repository that escrow is committed to. So the newest key of such a source needs
//! somebody's word. Older keys need none: they only open what was sealed for them.

use jiff::Timestamp;
use sealed_api::Code;
use sealed_crypto::{Fingerprint, Keyring};
use sealed_pflag::{Flag, Matches};

use crate::confirm;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::kept_keys::KeptKey;

/// What the command line says about it.
pub(super) struct Word {
    /// The keys that may become the newest; without any, that has to be said otherwise.
    expected: Vec<Fingerprint>,
    /// Whether any may.
    yes: bool,
}

/// The flags for it.
pub(super) fn flags() -> [Flag; 2] {
    [
        Flag::strings(
            "expect",
            "Fingerprint that the newest key must have, if the restore brings one that everybody would seal for",
        ),
        Flag::bool(
            "yes",
            false,
            "Do not ask whether everybody shall seal for the newest key from now on",
        ),
    ]
}

/// A key that is to be created and that everybody would seal for, now or once its certificate begins.
#[derive(Clone, Copy)]
pub(super) struct Heir<'k> {
    pub(super) fingerprint: Fingerprint,
    pub(super) secret: &'k KeptKey,
}

/// Finds them. `there` is what the target holds already.
pub(super) fn heirs<'k>(
    create: &[&'k KeptKey],
    there: &[KeptKey],
    now: Timestamp,
) -> Vec<Heir<'k>> {
    let keyring = |keys: &mut dyn Iterator<Item = &KeptKey>| {
        let in_use = keys.filter(|key| key.is_in_use());
        Keyring::new(in_use.flat_map(|one| one.keys.iter().cloned()))
    };
    let before = keyring(&mut there.iter());
    let after = keyring(&mut there.iter().chain(create.iter().copied()));
    let mut heirs: Vec<Heir<'k>> = Vec::new();
    for secret in create.iter().copied().filter(|key| key.is_in_use()) {
        for key in &secret.keys {
            let fingerprint = key.fingerprint();
            let Some(certificate) = key.certificate() else {
                continue;
            };
            let then = certificate.not_before().max(now);
            // Of two that are equally new the controller may offer either.
            let is_newest = certificate.is_offerable_at(then)
                && after
                    .current(then)
                    .is_some_and(|newest| newest.ordering_time() <= key.ordering_time());
            let inherits =
                is_newest && before.current(then).map(|key| key.fingerprint()) != Some(fingerprint);
            if inherits && heirs.iter().all(|heir| heir.fingerprint != fingerprint) {
                heirs.push(Heir {
                    fingerprint,
                    secret,
                });
            }
        }
    }
    heirs
}

impl Word {
    pub(super) fn of(matches: &Matches) -> Result<Self, Failure> {
        let expected = matches.list("expect").iter().map(|text| {
            text.parse()
                .map_err(|_| Failure::usage("--expect takes a fingerprint, SHA256:…"))
        });
        Ok(Self {
            expected: expected.collect::<Result<_, _>>()?,
            yes: matches.bool("yes"),
        })
    }

    /// Refuses heirs that nobody answers for. In a dry run nobody is asked.
    pub(super) fn check(
        &self,
        heirs: &[Heir<'_>],
        dry_run: bool,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<(), Failure> {
        for heir in heirs {
            let (fingerprint, place) = (heir.fingerprint, &heir.secret.place);
            talk.say(&format!(
                "note: what everybody seals for would be {fingerprint}, of {place}"
            ));
            if self.expected.contains(&fingerprint) {
                continue;
            }
            if !self.expected.is_empty() {
                return Err(Failure::new(
                    Code::UnexpectedKey,
                    format!("everybody would seal for {fingerprint}, which is not the key that --expect names"),
                )
                .hint(NOTHING));
            }
            if self.yes || dry_run || heir.secret.is_vouched {
                continue;
            }
            let question = "Is that the fingerprint of your newest key? (yes: restore)";
            if environment.stderr_is_terminal && confirm::agrees(question)? {
                continue;
            }
            return Err(Failure::new(
                Code::UnexpectedKey,
                format!("everybody would seal for {fingerprint}, and nothing shows whose key it is: anybody can encrypt one to a public recipient"),
            )
            .hint(NOTHING)
            .hint("--expect FINGERPRINT, if you know the fingerprint from somewhere else; --yes, if only you can write to the source"));
        }
        Ok(())
    }
}

const NOTHING: &str = "nothing was written";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::Secret;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use sealed_api::names::labels;
    use sealed_crypto::{CertificateRequest, PrivateKey, SealingKey};

    use super::*;

    fn key(pem: &str, label: &str, from: &str) -> KeptKey {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        let text = std::fs::read(format!("{folder}{pem}.pkcs1.pem")).unwrap();
        let private = PrivateKey::from_pem(&text).unwrap();
        let not_before: Timestamp = from.parse().unwrap();
        let certificate = private
            .self_signed(&CertificateRequest {
                common_name: String::new(),
                not_before,
                not_after: "2100-01-01T00:00:00Z".parse().unwrap(),
            })
            .unwrap();
        KeptKey {
            place: String::new(),
            secret: Secret {
                metadata: ObjectMeta {
                    name: Some(pem.to_owned()),
                    labels: Some([(labels::SEALING_KEY.to_owned(), label.to_owned())].into()),
                    ..ObjectMeta::default()
                },
                ..Secret::default()
            }
            .into(),
            keys: vec![Arc::new(SealingKey::new(
                private,
                Some(certificate),
                not_before,
            ))],
            uid: None,
            note: None,
            is_vouched: false,
        }
    }

    #[test]
    fn the_newest_in_use_inherits_now_or_when_its_certificate_begins() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let old = key("rsa2048-a", "active", "2024-01-01T00:00:00Z");
        let new = key("rsa2048-b", "active", "2026-01-01T00:00:00Z");
        let retired = key("rsa2048-e3", "retired", "2026-05-01T00:00:00Z");
        let names = |create: &[&KeptKey], there: &[KeptKey]| -> Vec<String> {
            let heirs = heirs(create, there, now);
            heirs
                .iter()
                .map(|heir| heir.secret.name().to_owned())
                .collect()
        };
        assert_eq!(names(&[&old, &new, &retired], &[]), ["rsa2048-b"]);
        let there = [key("rsa2048-b", "active", "2026-01-01T00:00:00Z")];
        assert!(names(&[&old, &retired], &there).is_empty());
        // The same key in another Secret changes nothing.
        assert!(names(&[&new], &there).is_empty());
        let equal = key("rsa2056-a", "active", "2026-01-01T00:00:00Z");
        assert_eq!(names(&[&new, &equal], &[]), ["rsa2048-b", "rsa2056-a"]);
        assert_eq!(names(&[&equal], &there), ["rsa2056-a"]);
        let future = key("rsa2056-a", "active", "2027-01-01T00:00:00Z");
        assert_eq!(names(&[&old, &future], &there), ["rsa2056-a"]);
    }
}
