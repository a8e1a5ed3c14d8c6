//! `--recovery-unseal`: back to plain Secrets with nothing but private keys.

use std::path::PathBuf;

use sealed_api::{Code, SecretView, Templates, unseal};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_manifest::Document;
use sealed_sprig::System;
use zeroize::Zeroizing;

use super::Context;
use crate::failure::Failure;
use crate::faults;
use crate::input::{documents_of, format_of, place};
use crate::name::Name;
use crate::output::serialize;
use crate::recovery::Recovery;
use crate::recovery_keys;
use crate::sealed_input::{self, Kind, no_sealed_secrets};
use crate::unlock::Unlock;

pub(super) fn run(mut context: Context<'_>, key_files: &[PathBuf]) -> Result<(), Failure> {
    let name = context.name();
    let mut unlock = Unlock::asking(context.environment.terminal);
    let keyring = recovery_keys::load(key_files, name, &mut unlock, &mut context.talk)?;
    match name {
        Name::Seal if keyring.is_empty() => Err(no_key(key_files)),
        Name::Seal => all(context, &keyring),
        Name::Kubeseal => one(context, &keyring),
    }
}

/// As `seal unseal`, of one input.
fn all(context: Context<'_>, keyring: &Keyring) -> Result<(), Failure> {
    let mut recovery = Recovery::new(keyring, context.format.clone(), context.output, false);
    let read = recovery.read(context.input, context.stdin, |_| ());
    recovery.finish(read).map(drop)
}

/// As the existing tool, which looks at the first document only, even where it is empty or others follow: then it is an error
/// here.
fn one(mut context: Context<'_>, keyring: &Keyring) -> Result<(), Failure> {
    let origin = context.input.origin().to_owned();
    let nothing = no_sealed_secrets(&origin);
    let text = context.input.text(context.stdin)?;
    let documents = documents_of(&text, &origin, &nothing)?;
    check(&documents, &text)?;
    let input_format = format_of(&documents);
    let found = sealed_input::decode(documents, Name::Kubeseal, Kind::Stated, nothing)?;
    let format = context.format.resolve(input_format)?;
    let templates = Templates::new(System::new());
    for one in &found {
        let order = KeyOrder::default();
        let unsealed = unseal(&one.sealed, keyring, &order, false, Some(&templates))
            .map_err(|failure| faults::cannot("unseal", &failure, one, &origin, keyring))?;
        let text = serialize(&SecretView(&unsealed.secret), format);
        context.output.write(Zeroizing::new(text).as_bytes())?;
    }
    context.output.commit()
}

fn check(documents: &[Document], text: &[u8]) -> Result<(), Failure> {
    documents
        .iter()
        .try_for_each(sealed_input::refuse_broken_json)?;
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

/// The failure of an empty keyring.
fn no_key(key_files: &[PathBuf]) -> Failure {
    if key_files.is_empty() {
        Failure::usage("no private key to open with")
            .hint("--recovery-private-key names the files with the private keys")
    } else {
        faults::no_key()
    }
}
