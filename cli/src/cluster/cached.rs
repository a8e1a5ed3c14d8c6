//! The controller's certificate for times without a cluster: kept on request, used only where no answer comes, and never in
//! silence.
//!
//! The cluster is asked each time. A cache that saved the question would seal for an old key after a renewal, and would not
//! see that the controller was made anew; who wants no question has `--cert FILE`. So whatever the cluster answers is right,
//! a refusal included.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use sealed_api::Code;
use sealed_crypto::Certificate;
use serde::{Deserialize, Serialize};

use super::elsewhere;
use super::remembered::{ClusterId, Remembered, ServiceId};
use super::{ApiServer, Controller, Service, connect};
use crate::certificate;
use crate::distance::span;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;

/// How long a certificate that was fetched may be used. Somebody who works with the cluster fetches it more often, and what is
/// sealed for a key that was given up meanwhile should not go on for long.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(DAYS * 24);
const DAYS: i64 = 7;

/// The name of the file.
const FILE: &str = "certificates.json";

/// A certificate of the controller, fetched now or earlier.
pub(crate) struct Cached {
    /// In PEM, as it was served.
    pub(crate) pem: Vec<u8>,
    /// The controller's Service.
    pub(crate) service: ServiceId,
    /// The cluster.
    pub(crate) server: ApiServer,
    /// When it was fetched, if that was not now.
    pub(crate) fetched: Option<Timestamp>,
}

/// A certificate that was fetched, and all that must be the same for it to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    question: Question,
    service: ServiceId,
    fetched: Timestamp,
    fingerprint: String,
    certificate: String,
}

/// Whose certificate was asked for. How the Service is found depends on it, so another question has another answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    cluster: ClusterId,
    namespace: String,
    /// The name of the Service, where somebody gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Why a certificate that was kept is not used.
#[derive(Debug, PartialEq, Eq)]
enum Miss {
    /// There is none.
    Absent,
    /// It is not the one that was fetched.
    Damaged,
    /// It was fetched later than now.
    Future(Timestamp),
    /// It was fetched too long ago.
    Old(SignedDuration),
    /// The Service is another one now.
    Remade,
}

impl Cached {
    /// Fetches the certificate and keeps it. Where no answer comes, it is the one that was kept.
    pub(crate) fn fetch(
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let server = connect(controller, environment, talk)?;
        let question = Question {
            cluster: server.id().clone(),
            namespace: controller.namespace.clone(),
            name: controller.is_named.then(|| controller.name.clone()),
        };
        let (failure, service) = match Service::find(&server, controller, environment, talk) {
            Err(failure) => (failure, None),
            Ok(found) => match found.certificate(&server) {
                Ok(pem) => {
                    let service = found.id();
                    if let Err(failure) = keep(question, &service, &pem, environment, talk) {
                        talk.say(&format!(
                            "warning: the certificate is not kept: {}",
                            failure.words(Name::Seal)
                        ));
                    }
                    return Ok(Self {
                        pem,
                        service,
                        server,
                        fetched: None,
                    });
                }
                Err(failure) => (failure, Some(found.id())),
            },
        };
        if failure.code() != Code::Unreachable {
            return Err(failure);
        }
        match recall(&question, service.as_ref(), environment) {
            Err(hint) => Err(failure.hint(hint)),
            Ok(kept) => {
                talk.say(&format!("warning: {}", failure.words(Name::Seal)));
                talk.say(&format!(
                    "warning: using the certificate that the Service `{}` in namespace `{}` gave {} ago: {}",
                    kept.service.name,
                    kept.service.namespace,
                    span(environment.now.duration_since(kept.fetched)),
                    kept.fingerprint
                ));
                Ok(Self {
                    pem: kept.certificate.into_bytes(),
                    service: kept.service,
                    server,
                    fetched: Some(kept.fetched),
                })
            }
        }
    }
}

/// Keeps a certificate that can be sealed with, instead of the one before.
fn keep(
    question: Question,
    service: &ServiceId,
    pem: &[u8],
    environment: &Environment,
    talk: &mut Talk<'_>,
) -> Result<(), Failure> {
    let now = environment.now;
    let read = certificate::read(pem, "the controller")?;
    certificate::refuse_expired(&read, "the controller", now)?;
    let path = file(environment).ok_or_else(no_place)?;
    let mut kept = Remembered::<Entry>::load(path.clone()).unwrap_or_else(|failure| {
        let cause = failure.words(Name::Seal);
        talk.say(&format!("warning: {cause}; it is written anew"));
        Remembered::empty(path)
    });
    kept.all
        .retain(|entry| entry.question != question && judged(Some(entry), None, now).is_ok());
    kept.all.push(Entry {
        question,
        service: service.clone(),
        fetched: now,
        fingerprint: read.fingerprint().to_string(),
        certificate: String::from_utf8_lossy(pem).into_owned(),
    });
    kept.save()
}

/// What was kept, or why it is not used. `service` is the one that is there, where that is known.
fn recall(
    question: &Question,
    service: Option<&ServiceId>,
    environment: &Environment,
) -> Result<Entry, String> {
    let words = |failure: Failure| failure.words(Name::Seal).to_owned();
    let path = file(environment).ok_or_else(no_place).map_err(words)?;
    let mut kept = Remembered::<Entry>::load(path).map_err(words)?;
    let entry = kept.all.iter().find(|entry| entry.question == *question);
    match judged(entry, service, environment.now) {
        Ok(entry) => {
            // The word of a person holds until it is taken back.
            if entry.service.namespace != question.namespace
                && !elsewhere::is_confirmed(
                    &question.cluster,
                    &entry.service,
                    &entry.fingerprint,
                    environment,
                )
                .map_err(words)?
            {
                return Err("the certificate that was kept is of a Service in another namespace, and is not the one that is confirmed".to_owned());
            }
            Ok(entry.clone())
        }
        Err(Miss::Remade) => {
            let told = Miss::Remade.told();
            // Without the cluster nobody could see it the next time.
            kept.all.retain(|entry| entry.question != *question);
            Err(match kept.save() {
                Ok(()) => told,
                Err(failure) => format!("{told}; {}", failure.words(Name::Seal)),
            })
        }
        Err(miss) => Err(miss.told()),
    }
}

/// Whether a certificate that was kept may be used; `service` is the one that is there, where that is known.
fn judged<'e>(
    entry: Option<&'e Entry>,
    service: Option<&ServiceId>,
    now: Timestamp,
) -> Result<&'e Entry, Miss> {
    let entry = entry.ok_or(Miss::Absent)?;
    let read = Certificate::from_pem(entry.certificate.as_bytes());
    if read.map_or(true, |read| {
        read.fingerprint().to_string() != entry.fingerprint
    }) {
        return Err(Miss::Damaged);
    }
    if service.is_some_and(|service| *service != entry.service) {
        return Err(Miss::Remade);
    }
    let age = now.duration_since(entry.fetched);
    if age.is_negative() {
        return Err(Miss::Future(entry.fetched));
    }
    if age > MAX_AGE {
        return Err(Miss::Old(age));
    }
    Ok(entry)
}

impl Miss {
    fn told(&self) -> String {
        match self {
            Self::Absent => {
                "no certificate of this controller is kept; --cache-cert keeps it when the cluster answers".to_owned()
            }
            Self::Damaged => "the certificate that was kept is damaged".to_owned(),
            Self::Future(fetched) => format!(
                "the certificate that was kept was fetched on {fetched}, which is later than the clock here says"
            ),
            Self::Old(age) => format!(
                "the certificate that was kept was fetched {} ago, and is used for {DAYS} days",
                span(*age)
            ),
            Self::Remade => {
                "the certificate that was kept is of another Service than the one that is there now, and is forgotten".to_owned()
            }
        }
    }
}

fn file(environment: &Environment) -> Option<PathBuf> {
    Some(environment.cache_directory()?.join(FILE))
}

fn no_place() -> Failure {
    Failure::new(
        Code::BadConfiguration,
        "there is no place to keep certificates: neither HOME nor XDG_CACHE_HOME is set",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is a time")
    }

    fn entry() -> Entry {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        let pem = std::fs::read_to_string(format!("{folder}rsa2048-a.crt.pem")).unwrap();
        let cluster = ClusterId {
            server: "https://192.0.2.1:6443".to_owned(),
            authority: "authority".to_owned(),
        };
        Entry {
            question: Question {
                cluster,
                namespace: "kube-system".to_owned(),
                name: None,
            },
            service: ServiceId {
                namespace: "kube-system".to_owned(),
                name: "sealed-secrets".to_owned(),
                uid: "first".to_owned(),
            },
            fetched: time("2026-03-01T12:00:00Z"),
            fingerprint: "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc".to_owned(),
            certificate: pem,
        }
    }

    fn miss(entry: &Entry, service: Option<&ServiceId>, now: &str) -> Option<Miss> {
        judged(Some(entry), service, time(now)).err()
    }

    #[test]
    fn a_week_is_enough() {
        let entry = entry();
        for now in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:00:01Z",
            "2026-03-08T12:00:00Z",
        ] {
            assert_eq!(miss(&entry, None, now), None, "{now}");
        }
        let old = miss(&entry, None, "2026-03-08T12:00:01Z");
        assert!(matches!(old, Some(Miss::Old(_))), "{old:?}");
        let future = miss(&entry, None, "2026-03-01T11:59:59Z");
        assert_eq!(future, Some(Miss::Future(entry.fetched)));
        assert_eq!(judged(None, None, entry.fetched), Err(Miss::Absent));
    }

    #[test]
    fn a_service_that_was_made_anew_is_another_one() {
        let entry = entry();
        let now = "2026-03-01T13:00:00Z";
        assert_eq!(miss(&entry, Some(&entry.service), now), None);
        let remade = ServiceId {
            uid: "second".to_owned(),
            ..entry.service.clone()
        };
        assert_eq!(miss(&entry, Some(&remade), now), Some(Miss::Remade));
    }

    #[test]
    fn a_certificate_that_is_not_the_one_that_was_fetched_is_none() {
        let now = "2026-03-01T13:00:00Z";
        let other = Entry {
            fingerprint: "SHA256:AAAA".to_owned(),
            ..entry()
        };
        assert_eq!(miss(&other, None, now), Some(Miss::Damaged));
        let cut = Entry {
            certificate: String::new(),
            ..entry()
        };
        assert_eq!(miss(&cut, None, now), Some(Miss::Damaged));
    }
}
