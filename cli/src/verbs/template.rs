//! `seal template`: what the templates of a SealedSecret render, on this machine.
//!
//! The values come from private keys, from the command line, or are made up: then each is its own name, so that
//! the result shows where it ends up.

mod args;
mod notes;
mod values;

use std::collections::BTreeMap;

use sealed_api::{
    Code, Render as _, Rendered, SecretView, Templates, Texts, Unsealed, Values, Wiping, preview,
};
use sealed_manifest::Format;
use sealed_sprig::System;
use zeroize::Zeroize as _;

use self::args::{Objects, Request, Source};
use self::values::Opener;
use super::{Outcome, Verb};
use crate::failure::Failure;
use crate::faults;
use crate::input::{Input, documents_of, format_of};
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::{Output, serialize};
use crate::prompt::Terminal;
use crate::sealed_input::{self, Found, Kind, no_sealed_secrets};

/// `seal template`.
pub(super) const VERB: Verb = Verb {
    name: "template",
    does: "render the templates of a SealedSecret, to see what the Secret will be",
    synopsis: args::SYNOPSIS,
    flags: args::flags,
    variables: &[args::KEYS_VARIABLE],
    run: |matches, environment, streams| {
        run(
            &Request::of(matches, environment)?,
            environment.terminal,
            streams,
        )?;
        Ok(Outcome::Done)
    },
};

fn run(request: &Request, terminal: Terminal, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    let input = Input::open(request.input.as_deref())?;
    let origin = input.origin().to_owned();
    let text = input.text(stdin)?;
    let rendering = Rendering {
        templates: Templates::new(System::new()),
        given: &request.values,
        origin: &origin,
        terminal,
    };
    let mut output = Output::stdout(stdout);
    match &request.source {
        Source::Text { name } => {
            let rendered = rendering.text(name, &text, &mut talk)?;
            output.write(&rendered.output)?;
        }
        Source::Objects(objects) => {
            let (secrets, format) = rendering.objects(objects, &text, &mut talk)?;
            // Nothing is written before everything is rendered: a part is easily taken for the whole.
            for (made, found) in secrets {
                match &objects.entry {
                    Some(key) => output.write(entry_of(&made, key, &found)?)?,
                    None => {
                        output.write(serialize(&SecretView(&readable(made)), format).as_bytes())?;
                    }
                }
            }
        }
    }
    output.commit()
}

/// What every rendering of one input has.
struct Rendering<'r> {
    templates: Templates<System>,
    given: &'r Values,
    origin: &'r str,
    terminal: Terminal,
}

impl Rendering<'_> {
    /// A template that stands by itself, over the given values alone.
    fn text(&self, name: &str, text: &[u8], talk: &mut Talk<'_>) -> Result<Rendered, Failure> {
        let text = std::str::from_utf8(text).map_err(|_| {
            Failure::new(Code::MalformedInput, format!("`{name}` is not UTF-8 text"))
        })?;
        let mut results = self
            .templates
            .render(&Texts::from([(name, text)]), self.given);
        let rendered = match results.pop() {
            Some((_, Ok(rendered))) => rendered,
            Some((_, Err(error))) => return Err(faults::cannot_render(&error, name, text)),
            None => return Err(Failure::new(Code::TemplateFailed, "nothing was rendered")),
        };
        notes::of_text(name, &rendered, self.given, talk);
        Ok(rendered)
    }

    /// The Secrets of the SealedSecrets in `text`, and the format to print them in.
    fn objects(
        &self,
        objects: &Objects,
        text: &[u8],
        talk: &mut Talk<'_>,
    ) -> Result<(Vec<(Unsealed, Found)>, Format), Failure> {
        let opener = Opener::load(&objects.keys, &objects.unlock, self.terminal, talk)?;
        let nothing = no_sealed_secrets(self.origin);
        let documents = documents_of(text, self.origin, &nothing)?;
        documents
            .iter()
            .try_for_each(sealed_input::refuse_broken_json)?;
        let format = objects.format.resolve(format_of(&documents))?;
        let found = sealed_input::decode(documents, Name::Seal, Kind::Stated, nothing)?;
        if objects.entry.is_some() && found.len() > 1 {
            return Err(Failure::usage(format!(
                "--entry prints a value of one Secret, and {} holds {} SealedSecrets",
                self.origin,
                found.len()
            )));
        }
        values::refuse_unknown(self.given, &found, self.origin)?;
        let mut secrets = Vec::with_capacity(found.len());
        for one in found {
            let made = self.object(&one, &opener, talk)?;
            secrets.push((made, one));
        }
        Ok((secrets, format))
    }

    fn object(
        &self,
        found: &Found,
        opener: &Opener,
        talk: &mut Talk<'_>,
    ) -> Result<Unsealed, Failure> {
        let cannot = |verb: &str, failure| {
            faults::cannot(verb, &failure, found, self.origin, opener.keyring())
        };
        let values = opener
            .values(&found.sealed, self.given)
            .map_err(|failure| match failure.reports() {
                [first, ..] if first.key.is_some() => {
                    let key = first.key.as_deref().unwrap_or_default();
                    cannot("open", failure.clone())
                        .hint(format!("--value {key}=VALUE gives a sample instead"))
                }
                _ => cannot("render", failure.clone()),
            })?;
        notes::made_up(&values.made_up, &found.sealed, talk);
        let made = preview(&found.sealed, values.values, &self.templates).map_err(|failure| {
            let told = cannot("render", failure);
            match values.made_up.first() {
                Some(key) => told.hint(format!(
                    "some values are made up, and the template may want others: --value {key}=VALUE gives one"
                )),
                None => told,
            }
        })?;
        notes::of_object(&made, &found.sealed, talk);
        Ok(made)
    }
}

fn entry_of<'a>(made: &'a Unsealed, key: &str, found: &Found) -> Result<&'a [u8], Failure> {
    let data = made.secret.data.as_ref();
    let value = data.and_then(|data| data.get(key));
    value.map(|value| value.0.as_slice()).ok_or_else(|| {
        let keys: Vec<String> = data
            .into_iter()
            .flatten()
            .map(|(key, _)| format!("`{key}`"))
            .collect();
        let failure =
            Failure::new(Code::NotFound, format!("the Secret has no key `{key}`")).at(&found.place);
        let failure = if keys.is_empty() {
            failure.hint("it has no keys at all")
        } else {
            failure.hint(format!("its keys are {}", keys.join(", ")))
        };
        if std::path::Path::new(key).exists() {
            failure.hint(format!(
                "`{key}` is a file: --recovery-private-key takes files with private keys"
            ))
        } else {
            failure
        }
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
