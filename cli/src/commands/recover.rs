//! `--recovery-unseal`: back to plain Secrets with nothing but private keys.

use std::path::PathBuf;

use sealed_api::{Code, SecretView, Templates, unseal};
use sealed_crypto::KeyOrder;
use sealed_manifest::Document;
use sealed_sprig::System;

use super::Context;
use crate::failure::Failure;
use crate::faults;
use crate::input::{documents_of, format_of, place};
use crate::name::Name;
use crate::output::serialize;
use crate::recovery_keys;
use crate::sealed_input::{self, Kind, no_sealed_secrets};
use crate::unlock::Unlock;

pub(super) fn run(mut context: Context<'_>, key_files: &[PathBuf]) -> Result<(), Failure> {
    let name = context.name();
    let keyring = recovery_keys::load(key_files, name, &mut Unlock::asking(), &mut context.talk)?;
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
        .map_err(|failure| faults::cannot("unseal", &failure, one, &origin, &keyring))?;
        secrets.push(unsealed.secret);
    }
    let format = context.format.resolve(input_format)?;
    for secret in &secrets {
        context
            .output
            .write(serialize(&SecretView(secret), format).as_bytes())?;
    }
    context.output.commit()
}

/// What the existing tool reads differently here than when it seals.
fn check(documents: &[Document], text: &[u8], name: Name) -> Result<(), Failure> {
    sealed_input::refuse_broken_json(documents)?;
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

/// The failure of an empty keyring.
fn no_key(key_files: &[PathBuf]) -> Failure {
    if key_files.is_empty() {
        Failure::usage("no private key to open with")
            .hint("--recovery-private-key names the files with the private keys")
    } else {
        faults::no_key()
    }
}
