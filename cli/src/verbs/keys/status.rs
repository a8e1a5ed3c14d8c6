//! `seal keys status`: in a few lines, whether the sealing keys are in order.

use jiff::Timestamp;
use sealed_api::Code;
use sealed_crypto::{Certificate, Keyring, SealingKey};
use sealed_manifest::to_json;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::source::{self, Source};
use crate::cluster::CONTROLLER_VARIABLES;
use crate::distance::relative;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts};
use crate::output::Output;
use crate::problem::Problem;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys status [SOURCE...] [flags]

Says in a few lines whether the sealing keys of the cluster, or of SOURCE (what `seal keys backup` takes), are in order: which one is
sealed for and how old it is, how often keys were renewed, how old the backups are. The exit code is 3 if there is no key
to seal for, or if a key in use is in no backup.

Examples: seal keys status
          seal keys status --json        for a job that watches

JSON: keys, inUse (how many); current: fingerprint, name, since, until; renewals, lastRenewal; oldestBackup; problems: code,
      message, hints

";

/// `seal keys status`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys status",
    does: "say whether there is a key to seal for, and whether all are backed up",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run,
};

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.push(Flag::bool("json", false, "Report as JSON"));
    flags
}

fn run(
    matches: &Matches,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let found = Source::of(matches).read(environment, &mut Talk(stderr))?;
    let saved = found.backups.iter().map(|(_, backup)| backup.made).min();
    let status = Status::of(&found.kept, saved, environment.now);
    let mut output = Output::stdout(stdout);
    if matches.bool("json") {
        output.write(to_json(&status).as_bytes())?;
    } else {
        output.lines(&status.lines(environment.now))?;
    }
    output.commit()?;
    Ok(if status.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Problems
    })
}

/// Whether keys are in order.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    keys: usize,
    in_use: usize,
    /// The one that everybody seals for.
    current: Option<Current>,
    renewals: usize,
    last_renewal: Option<Timestamp>,
    oldest_backup: Option<Timestamp>,
    problems: Vec<Problem>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    fingerprint: String,
    /// Of its Secret.
    name: String,
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Status {
    /// `saved` is when the backup was made that the keys were read from, if they were.
    fn of(keys: &[KeptKey], saved: Option<Timestamp>, now: Timestamp) -> Self {
        let in_use: Vec<&KeptKey> = keys.iter().filter(|key| key.is_in_use()).collect();
        let keyring = Keyring::new(in_use.iter().flat_map(|one| one.keys.iter().cloned()));
        let current = keyring.current(now).and_then(|key| current(key, &in_use));
        let mut problems = Vec::new();
        if current.is_none() {
            let problem = Problem::new(Code::NoKeys, "there is no key to seal for");
            problems.push(if in_use.is_empty() {
                problem.hint("a controller that starts without any makes one, unless --auto-first-key=false; `seal keys restore` brings those of a backup")
            } else {
                problem.hint("`seal keys renew` has the controller make one")
            });
        }
        let facts: Vec<KeyFacts> = in_use.iter().map(|key| key.facts()).collect();
        let backup = |key: &KeyFacts| key.backed_up.or(saved);
        for key in facts.iter().filter(|key| backup(key).is_none()) {
            problems.push(
                Problem::new(
                    Code::NotBackedUp,
                    format!("{}/{} is in no backup", key.namespace, key.name),
                )
                .hint("`seal keys backup` saves all keys in one encrypted file, and marks them"),
            );
        }
        let renewals = keys.len().saturating_sub(1);
        let newest = keys.iter().map(KeptKey::time).max();
        Self {
            keys: keys.len(),
            in_use: in_use.len(),
            current,
            renewals,
            last_renewal: newest.filter(|_| renewals > 0),
            oldest_backup: facts.iter().filter_map(backup).min(),
            problems,
        }
    }

    fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = vec![format!("keys: {}, in use: {}", self.keys, self.in_use)];
        if let Some(current) = &self.current {
            lines.push(format!(
                "sealed for: {}, {}, since {} ({})",
                current.fingerprint,
                current.name,
                current.since,
                relative(current.since, now)
            ));
            let until = current.until.map(|until| format!("valid until: {until}"));
            lines.extend(until);
        }
        lines.push(match self.last_renewal {
            Some(last) => format!(
                "renewals: {}, the last {}",
                self.renewals,
                relative(last, now)
            ),
            None => "renewals: none".to_owned(),
        });
        lines.push(match self.oldest_backup {
            Some(oldest) => format!("oldest backup: {oldest} ({})", relative(oldest, now)),
            None => "oldest backup: none".to_owned(),
        });
        lines.extend(self.problems.iter().flat_map(Problem::lines));
        lines
    }
}

fn current(key: &SealingKey, in_use: &[&KeptKey]) -> Option<Current> {
    let kept = in_use
        .iter()
        .find(|one| one.fingerprints().any(|name| name == key.fingerprint()))?;
    Some(Current {
        fingerprint: key.fingerprint().to_string(),
        name: format!("{}/{}", kept.namespace(), kept.name()),
        since: key.ordering_time(),
        until: key.certificate().map(Certificate::not_after),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealed_api::Wiping;
    use sealed_crypto::PrivateKey;
    use serde_json::{Value, json};

    use super::*;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn kept(name: &str, since: &str, metadata: &Value) -> KeptKey {
        let key = PrivateKey::from_pem(&vector(&format!("{name}.pkcs1.pem"))).unwrap();
        let certificate = Certificate::from_pem(&vector(&format!("{name}.crt.pem"))).unwrap();
        let secret: k8s_openapi::api::core::v1::Secret =
            serde_json::from_value(json!({"metadata": metadata})).unwrap();
        let key = SealingKey::new(key, Some(certificate), since.parse().unwrap());
        KeptKey {
            place: name.to_owned(),
            secret: Wiping::from(secret),
            keys: vec![Arc::new(key)],
            uid: None,
            note: None,
            is_vouched: true,
        }
    }

    #[test]
    fn a_key_in_use_without_a_backup_is_a_problem_and_a_retired_one_is_none() {
        let label = |value: &str| json!({"sealedsecrets.bitnami.com/sealed-secrets-key": value});
        let old = kept(
            "rsa2048-a",
            "2026-01-01T00:00:00Z",
            &json!({"name": "old", "namespace": "kube-system", "labels": label("active"),
                "annotations": {"seal-tool/backed-up": "2026-02-01T00:00:00Z"}}),
        );
        let out = kept(
            "rsa2048-b",
            "2026-02-01T00:00:00Z",
            &json!({"name": "out", "namespace": "kube-system", "labels": label("retired")}),
        );
        let new = kept(
            "rsa4096-a",
            "2026-03-01T00:00:00Z",
            &json!({"name": "new", "namespace": "kube-system", "labels": label("active")}),
        );
        let now: Timestamp = "2026-03-11T12:00:00Z".parse().unwrap();
        let fingerprint = new.facts().fingerprint.unwrap();
        let status = Status::of(&[old, out, new], None, now);
        assert_eq!(
            status.lines(now)[..],
            [
                "keys: 3, in use: 2".to_owned(),
                format!(
                    "sealed for: {fingerprint}, kube-system/new, since 2026-03-01T00:00:00Z (10 days ago)"
                ),
                format!(
                    "valid until: {}",
                    status.current.as_ref().unwrap().until.unwrap()
                ),
                "renewals: 2, the last 10 days ago".to_owned(),
                "oldest backup: 2026-02-01T00:00:00Z (38 days ago)".to_owned(),
                "problem[not-backed-up]: kube-system/new is in no backup".to_owned(),
                "hint: `seal keys backup` saves all keys in one encrypted file, and marks them"
                    .to_owned(),
            ]
        );
        // Read from a backup, they are in one.
        let saved = Some("2026-03-02T00:00:00Z".parse().unwrap());
        let of_backup = kept(
            "rsa4096-a",
            "2026-03-01T00:00:00Z",
            &json!({"name": "new", "namespace": "kube-system", "labels": label("active")}),
        );
        assert!(Status::of(&[of_backup], saved, now).problems.is_empty());
        let none = Status::of(&[], None, now);
        assert_eq!(none.problems.len(), 1);
        assert_eq!(none.problems[0].code, Code::NoKeys);
    }
}
