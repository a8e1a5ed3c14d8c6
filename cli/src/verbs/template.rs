//! `seal template`: what the templates of a SealedSecret render, on this machine.
//!
//! The values come from private keys, from the command line, or are made up: then each is its own name, so that
//! the result shows where it ends up.

mod args;
mod report;

use std::collections::BTreeMap;
use std::process::ExitCode;

use sealed_api::{
    Code, OpenedItem, Render as _, SealedItems, SealedSecret, SecretView, Templates, Texts,
    Unsealed, Values, Wiping, preview,
};
use sealed_crypto::{KeyOrder, Keyring};
use sealed_sprig::System;
use zeroize::{Zeroize as _, Zeroizing};

use self::args::{Request, Source, Wish};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::{Input, documents_of, format_of};
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{Output, render};
use crate::recovery_keys;
use crate::sealed_input::{self, Found, Kind, no_sealed_secrets};

/// Runs the verb.
pub(super) fn main(
    words: Vec<String>,
    environment: &Environment,
    streams: Streams<'_>,
) -> ExitCode {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let done = match Wish::of(words, environment) {
        Ok(Wish::Help(text)) => {
            let mut output = Output::stdout(stdout);
            output.write(text.as_bytes()).and_then(|()| output.commit())
        }
        Ok(Wish::Do(request)) => {
            let streams = Streams {
                stdin,
                stdout,
                stderr: &mut *stderr,
            };
            run(&request, streams)
        }
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // That nobody can read it is no reason to do anything else.
            drop(stderr.write_all(failure.text(Name::Seal).as_bytes()));
            failure.exit_code(Name::Seal)
        }
    }
}

fn run(request: &Request, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    let mut output = Output::stdout(stdout);
    let templates = Templates::new(System::new());
    let input = Input::open(request.input.as_deref())?;
    let origin = input.origin().to_owned();
    let text = input.text(stdin)?;
    match &request.source {
        Source::Text { name } => {
            let rendered = render_text(&templates, name, &text, &request.values)?;
            output.write(&rendered)?;
        }
        Source::Objects { keys, entry } => {
            let keyring = recovery_keys::load(keys, Name::Seal, &mut talk)?;
            let nothing = no_sealed_secrets(&origin);
            let documents = documents_of(&text, &origin, &nothing)?;
            let format = request.format.resolve(format_of(&documents))?;
            let found = sealed_input::decode(documents, Name::Seal, Kind::Assumed, nothing)?;
            for one in &found {
                let values = values(one, &keyring, &request.values, &mut talk)?;
                let made = preview(&one.sealed, values, &templates)
                    .map_err(|failure| report::failed(&failure, one))?;
                tell_volatile(&made, &mut talk);
                match entry {
                    Some(key) => output.write(entry_of(&made, key, one)?)?,
                    None => {
                        output.write(render(&SecretView(&readable(made)), format).as_bytes())?;
                    }
                }
            }
        }
    }
    output.commit()
}

/// A template that stands by itself, over the values alone.
fn render_text(
    templates: &Templates<System>,
    name: &str,
    text: &[u8],
    values: &Values,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = std::str::from_utf8(text)
        .map_err(|_| Failure::new(Code::MalformedInput, format!("`{name}` is not UTF-8 text")))?;
    let texts = Texts::from([(name, text)]);
    let mut rendered = templates.render(&texts, values);
    match rendered.pop() {
        Some((_, Ok(rendered))) => Ok(rendered.output),
        Some((_, Err(error))) => Err(report::of_text(&error, name, text)),
        None => Ok(Zeroizing::default()),
    }
}

/// The values of an object's items: given on the command line, opened, or made up.
fn values(
    found: &Found,
    keyring: &Keyring,
    given: &Values,
    talk: &mut Talk<'_>,
) -> Result<Values, Failure> {
    let object = &found.sealed;
    refuse_unknown(object, given, found)?;
    let mut values = Values::new();
    let mut made_up = Vec::new();
    let items = SealedItems::of(object, false)
        .map_err(|failure| report::failed(&failure, found))?
        .items;
    let mut unopened = Vec::new();
    for item in items {
        let Some(key) = item.key().map(str::to_owned) else {
            continue;
        };
        if let Some(value) = given.get(&key) {
            values.insert(key, value.clone());
        } else if keyring.is_empty() {
            values.insert(key.clone(), format!("<{key}>").into_bytes().into());
            made_up.push(key);
        } else {
            let opened = item.open(keyring, &KeyOrder::default());
            match opened.plaintext() {
                Some(plaintext) => {
                    values.insert(key, plaintext.to_vec().into());
                }
                None => unopened.push(opened),
            }
        }
    }
    if !unopened.is_empty() {
        return Err(cannot_open(&unopened, found));
    }
    if !made_up.is_empty() {
        talk.say(&format!(
            "note: made-up values for {} of {}; --value {}=VALUE gives one, --recovery-private-key opens them all",
            made_up.join(", "),
            report::called(object),
            made_up[0],
        ));
    }
    Ok(values)
}

/// A value for an item that is not there is a misspelt name.
fn refuse_unknown(object: &SealedSecret, given: &Values, found: &Found) -> Result<(), Failure> {
    let items = &object.spec.encrypted_data;
    match given.keys().find(|key| !items.contains_key(*key)) {
        None => Ok(()),
        Some(key) => {
            let names: Vec<&str> = items.keys().map(String::as_str).collect();
            let failure = Failure::usage(format!(
                "{}: a value for `{key}`, which is no sealed item",
                found.place
            ));
            Err(if names.is_empty() {
                failure
            } else {
                failure.hint(format!("the sealed items are {}", names.join(", ")))
            })
        }
    }
}

fn cannot_open(unopened: &[OpenedItem], found: &Found) -> Failure {
    let keys: Vec<_> = unopened.iter().filter_map(OpenedItem::key).collect();
    let code = unopened
        .iter()
        .find_map(|item| item.fault())
        .map_or(Code::WrongKey, sealed_api::ItemFault::code);
    Failure::new(
        code,
        format!(
            "cannot open {} of {}: none of the keys opens it",
            keys.join(", "),
            report::called(&found.sealed)
        ),
    )
    .at(&found.place)
    .hint(format!("--value {}=VALUE gives a sample instead", keys[0]))
}

fn tell_volatile(made: &Unsealed, talk: &mut Talk<'_>) {
    if !made.volatile.is_empty() {
        let keys: Vec<&str> = made.volatile.iter().map(String::as_str).collect();
        talk.say(&format!(
            "note: {} is different each time; the controller keeps what it made first until the SealedSecret changes",
            keys.join(", ")
        ));
    }
}

fn entry_of<'a>(made: &'a Unsealed, key: &str, found: &Found) -> Result<&'a [u8], Failure> {
    let data = made.secret.data.as_ref();
    let value = data.and_then(|data| data.get(key));
    value.map(|value| value.0.as_slice()).ok_or_else(|| {
        let keys: Vec<&str> = data
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        Failure::new(Code::NotFound, format!("the Secret has no key `{key}`"))
            .at(&found.place)
            .hint(format!("its keys are {}", keys.join(", ")))
    })
}

/// The Secret with its text as text: this is for reading.
fn readable(made: Unsealed) -> Wiping {
    let mut secret = made.secret;
    let mut texts = BTreeMap::new();
    if let Some(data) = &mut secret.data {
        data.retain(|key, value| match std::str::from_utf8(&value.0) {
            Ok(text) => {
                texts.insert(key.clone(), text.to_owned());
                value.0.zeroize();
                false
            }
            Err(_) => true,
        });
    }
    secret.string_data = Some(texts);
    secret
}
