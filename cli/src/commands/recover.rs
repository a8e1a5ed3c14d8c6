//! `--recovery-unseal`: back to plain Secrets with nothing but private keys.

use std::path::PathBuf;

use sealed_api::names::annotations;
use sealed_api::{Code, SecretView, Templates, UnsealFailure, unseal};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_manifest::Document;
use sealed_sprig::System;

use super::Context;
use crate::failure::Failure;
use crate::input::{documents_of, format_of, place};
use crate::name::Name;
use crate::output::render;
use crate::recovery_keys;
use crate::sealed_input::{self, Found, Kind, is_broken_json, no_sealed_secrets};

pub(super) fn run(mut context: Context<'_>, key_files: &[PathBuf]) -> Result<(), Failure> {
    let name = context.name();
    let keyring = recovery_keys::load(key_files, name, &mut context.talk)?;
    if name == Name::Seal && keyring.is_empty() {
        return Err(no_key(key_files));
    }
    let origin = context.input.origin().to_owned();
    let nothing = no_sealed_secrets(&origin);
    let text = context.input.text(context.stdin)?;
    let documents = documents_of(&text, &origin, &nothing)?;
    check(&documents, &text, name)?;
    let input_format = format_of(&documents);
    let found = sealed_input::decode(documents, name, Kind::Stated, nothing)?;

    // Everything is opened before anything is written: half of a recovery is easily taken for the whole.
    let templates = Templates::new(System::new());
    let mut secrets = Vec::with_capacity(found.len());
    for one in &found {
        let unsealed = unseal(
            &one.sealed,
            &keyring,
            &KeyOrder::default(),
            false,
            Some(&templates),
        )
        .map_err(|failure| unopened(&failure, one, &keyring))?;
        secrets.push(unsealed.secret);
    }
    let format = context.format.resolve(input_format)?;
    for secret in &secrets {
        context
            .output
            .write(render(&SecretView(secret), format).as_bytes())?;
    }
    context.output.commit()
}

/// What the existing tool reads differently here than when it seals.
fn check(documents: &[Document], text: &[u8], name: Name) -> Result<(), Failure> {
    if let Some(document) = documents.iter().find(|document| is_broken_json(document)) {
        return Err(Failure::new(
            Code::MalformedInput,
            "it begins like JSON and is not valid JSON",
        )
        .at(place(document))
        .kubeseal("couldn't get version/kind; json parse error: invalid JSON"));
    }
    if name == Name::Seal {
        return Ok(());
    }
    // The existing tool looks at the first document only, even where it is empty or others follow.
    let one_only = |document: &Document| {
        Failure::new(
            Code::MalformedInput,
            format!(
                "{}: kubeseal unseals the first document of a file; seal unseals all",
                place(document)
            ),
        )
    };
    match documents {
        [_, second, ..] => Err(one_only(second)),
        [first] if has_separator(text.get(..first.offset()).unwrap_or_default()) => {
            Err(one_only(first))
        }
        _ => Ok(()),
    }
}

fn has_separator(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"---"))
}

fn unopened(failure: &UnsealFailure, found: &Found, keyring: &Keyring) -> Failure {
    let (namespace, name) = (found.sealed.namespace(), found.sealed.name());
    let told = Failure::new(
        failure.code(),
        format!("cannot unseal {namespace}/{name}: {}", by_fault(failure)),
    )
    .at(&found.place)
    .kubeseal(failure.whole().expose());
    match failure.code() {
        Code::WrongKey => told.hint(tried(found, keyring)).hint(format!(
            "the scope is {}: a value opens only where it was sealed for",
            found.sealed.scope()
        )),
        _ => told,
    }
}

/// The faults with the items that have them, in one line.
fn by_fault(failure: &UnsealFailure) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for report in failure.reports() {
        // Whoever holds the keys may see what a template was doing with which value.
        let text = match (&report.detail, &report.whole) {
            (Some(detail), _) => format!("{} ({detail})", report.text),
            (None, Some(whole)) => whole.expose().to_owned(),
            (None, None) => report.text.clone(),
        };
        let item = report.key.as_ref().map(|key| format!("`{key}`"));
        match groups.iter_mut().find(|(fault, _)| *fault == text) {
            Some((_, items)) => items.extend(item),
            None => groups.push((text, item.into_iter().collect())),
        }
    }
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(fault, items)| {
            if items.is_empty() {
                fault
            } else {
                format!("{}: {fault}", items.join(", "))
            }
        })
        .collect();
    groups.join("; ")
}

/// Without a key every value would be told to be damaged or sealed for another, and the fault is neither.
fn no_key(key_files: &[PathBuf]) -> Failure {
    let message = "no private key to open with";
    if key_files.is_empty() {
        Failure::usage(message).hint("--recovery-private-key names the files with the private keys")
    } else {
        Failure::new(Code::BadKey, message)
            .hint("a private key is RSA, in PEM or in a key Secret as YAML or JSON")
    }
}

/// The keys that were tried, next to those that the object says it was sealed for.
fn tried(found: &Found, keyring: &Keyring) -> String {
    let count = match keyring.len() {
        1 => "1 private key was tried".to_owned(),
        count => format!("{count} private keys were tried"),
    };
    let own = found.sealed.metadata.annotations.as_ref();
    let sealed_for = own
        .and_then(|all| all.get(annotations::KEYS))
        .filter(|keys| !keys.is_empty())
        .map(|keys| format!("; its annotation {} names {keys}", annotations::KEYS));
    format!(
        "{count}: {}{}",
        fingerprints(keyring),
        sealed_for.unwrap_or_default()
    )
}

fn fingerprints(keyring: &Keyring) -> String {
    let all: Vec<String> = keyring.fingerprints().map(|one| one.to_string()).collect();
    all.join(", ")
}
