//! `seal set` and `seal unset`: one item of a SealedSecret, and no other byte of its file.

use std::path::{Path, PathBuf};

use sealed_api::Code;
use sealed_api::names::annotations;
use sealed_crypto::Label;
use sealed_pflag::{Flag, Matches};

use super::single::{self, Single};
use super::{Outcome, Verb};
use crate::args::{Connection, SEALING_VARIABLES};
use crate::edited::{Edited, Site, keys_with, not_sealed, refuse_deprecated, sites};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::faults::called;
use crate::input::{documents_of, read_target, refuse_changed};
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::object_name;
use crate::output::Output;
use crate::sealed_input::no_sealed_secrets;
use crate::sealing;
use crate::suggest;
use crate::target::{self, Target};

const SET_SYNOPSIS: &str = "\
Usage: seal set FILE KEY [flags]

Seals one value into a SealedSecret that stands in FILE: a new item, or another value for one that is there. It is sealed for
the namespace, name and scope of the SealedSecret. No other byte of the file changes: comments, order and documents stay, and
nobody needs to know the other values. The value is standard input, every byte of it, unless a flag says otherwise.

Examples: seal set sealed.yaml password --prompt
          printf %s \"$TOKEN\" | seal set sealed.yaml token --cert cert.pem
          seal set sealed.yaml password --generate password,length=40

";

const UNSET_SYNOPSIS: &str = "\
Usage: seal unset FILE KEY [flags]

Removes one item of a SealedSecret that stands in FILE. No other byte of the file changes. Exits with 4 if there is no such
item.

Examples: seal unset sealed.yaml token
          seal unset all.yaml token --namespace web --name db

";

/// `seal set`.
pub(super) const SET: Verb = Verb {
    name: "set",
    does: "add or replace one item of a SealedSecret in its file",
    synopsis: SET_SYNOPSIS,
    flags: || {
        let mut flags = target::flags();
        flags.extend(single::flags());
        flags.push(name_flag());
        flags
    },
    variables: SEALING_VARIABLES,
    run: set,
};

/// `seal unset`.
pub(super) const UNSET: Verb = Verb {
    name: "unset",
    does: "remove one item of a SealedSecret in its file",
    synopsis: UNSET_SYNOPSIS,
    flags: || {
        vec![
            name_flag(),
            Flag::text(
                "namespace",
                "",
                "Namespace of the SealedSecret, where the file holds several",
            )
            .short('n')
            .without_env(),
        ]
    },
    variables: &[],
    run: unset,
};

fn name_flag() -> Flag {
    Flag::text(
        "name",
        "",
        "Name of the SealedSecret, where the file holds several",
    )
    .without_env()
}

fn set(
    matches: &Matches,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    let (path, key) = words(matches)?;
    object_name::check_data_key(&key)?;
    let output = Some(path.clone());
    let target = Target::of(
        matches,
        "cert",
        Connection::of(matches),
        environment,
        output,
    );
    let target = target.under_rules(None, Name::Seal)?;
    let single = Single::of(matches)?;
    target.check_stdin(single.is_stdin())?;
    let Streams { stdin, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let namespace = target.place.namespace.as_deref();
    let file = Opened::read(&path, asked(matches, "name"), namespace)?;
    let sealed = &file.site.found.sealed;
    refuse_deprecated(&file.site.found)?;
    if let Some(other) = target.place.scope.filter(|asked| *asked != sealed.scope()) {
        return Err(Failure::new(
            Code::ScopeConflict,
            format!("its scope is {}, and --scope is {other}", sealed.scope()),
        )
        .at(&file.site.found.place)
        .hint("items of another scope would not open in it; leave out --scope"));
    }
    let label = file.label(namespace)?;
    let certificate = target.load_certificate(environment, stdin, &mut talk)?;
    let value = single.read(&key, environment, stdin, &mut talk)?;
    let value = sealing::seal_value(&value, &label, &certificate)?;
    let mut changes = vec![(vec!["spec", "encryptedData", key.as_str()], value)];
    if let Some(keys) = keys_with(sealed, certificate.fingerprint()) {
        changes.push((vec!["metadata", "annotations", annotations::KEYS], keys));
    }
    let is_new = !sealed.spec.encrypted_data.contains_key(&key);
    let done = format!(
        "{}: {} `{key}` of {}",
        path.display(),
        if is_new { "added" } else { "replaced" },
        called(sealed)
    );
    file.save(&path, |text, site| text.change(site, &changes))?;
    talk.say(&done);
    Ok(Outcome::Done)
}

fn unset(matches: &Matches, _: &Environment, streams: Streams<'_>) -> Result<Outcome, Failure> {
    let (path, key) = words(matches)?;
    let Streams { stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let file = Opened::read(&path, asked(matches, "name"), asked(matches, "namespace"))?;
    let sealed = &file.site.found.sealed;
    let shown = path.display();
    if !sealed.spec.encrypted_data.contains_key(&key) {
        let keys = sealed.spec.encrypted_data.keys().map(String::as_str);
        let meant = suggest::nearest(&key, keys);
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        talk.say(&format!(
            "{shown}: {} has no item `{key}`{meant}",
            called(sealed)
        ));
        return Ok(Outcome::Unchanged);
    }
    let done = format!("{shown}: removed `{key}` of {}", called(sealed));
    file.save(&path, |text, site| {
        text.remove(site, &["spec", "encryptedData", &key]);
    })?;
    talk.say(&done);
    Ok(Outcome::Done)
}

/// A file, and the SealedSecret in it that is meant.
struct Opened {
    text: Vec<u8>,
    site: Site,
}

impl Opened {
    fn read(path: &Path, name: Option<&str>, namespace: Option<&str>) -> Result<Self, Failure> {
        const SWAPPED: &str = "`seal -f FILE` seals a Secret; this verb changes one that is sealed";
        let shown = path.display().to_string();
        let text = read_target(path)?;
        let documents = documents_of(&text, &shown, &no_sealed_secrets(&shown))?;
        let all = sites(&documents)?;
        if all.is_empty() {
            return Err(not_sealed(&documents, &shown, SWAPPED));
        }
        let site = choose(all, name, namespace, &shown)?;
        Ok(Self { text, site })
    }

    /// What a value is bound to that is to open here. A namespace that Kustomize sets, say, stands in no file, so it may be
    /// told.
    fn label(&self, namespace: Option<&str>) -> Result<Label, Failure> {
        let sealed = &self.site.found.sealed;
        let own = Some(sealed.namespace()).filter(|own| !own.is_empty());
        let namespace = own.or(namespace).unwrap_or_default();
        Label::for_scope(sealed.scope(), namespace, sealed.name()).map_err(|error| {
            let (code, hint) = if namespace.is_empty() {
                (
                    Code::MissingNamespace,
                    "--namespace says for which namespace to seal",
                )
            } else {
                (
                    Code::MissingName,
                    "its scope is strict, so its values are bound to its name",
                )
            };
            Failure::new(code, error.to_string())
                .at(&self.site.found.place)
                .hint(hint)
        })
    }

    fn save(self, path: &Path, change: impl FnOnce(&mut Edited, &Site)) -> Result<(), Failure> {
        let mut text = Edited::new(self.text.clone(), &path.display().to_string())?;
        change(&mut text, &self.site);
        let text = text.into_text()?;
        let mut output = Output::file(path, Name::Seal)?;
        output.write(text.as_bytes())?;
        refuse_changed(path, &self.text)?;
        output.commit()
    }
}

/// The SealedSecret that is meant: of this name and namespace, as far as they are asked for and it has them.
fn choose(
    all: Vec<Site>,
    name: Option<&str>,
    namespace: Option<&str>,
    shown: &str,
) -> Result<Site, Failure> {
    let count = all.len();
    let names: Vec<String> = all.iter().map(|site| called(&site.found.sealed)).collect();
    let names = names.join(", ");
    let fits = |site: &Site| {
        let has_namespace = !site.found.sealed.namespace().is_empty();
        site.is_called(name, namespace.filter(|_| has_namespace))
    };
    let mut fitting: Vec<Site> = all.into_iter().filter(fits).collect();
    match (fitting.len(), count) {
        (1, _) => Ok(fitting.remove(0)),
        (_, 1) => Err(Failure::new(
            Code::NotFound,
            format!("{shown}: its SealedSecret is {names}, and another is asked for"),
        )
        .hint("leave out --name and --namespace if it is meant")),
        (0, _) => Err(Failure::new(
            Code::NotFound,
            format!(
                "{shown}: none of its SealedSecrets is of the name and namespace asked for: {names}"
            ),
        )
        .hint("--name and --namespace say which is meant")),
        _ => Err(Failure::new(
            Code::NotFound,
            format!("{shown}: it is not said which of its SealedSecrets is meant: {names}"),
        )
        .hint("--name and --namespace say which")),
    }
}

/// `FILE KEY`.
fn words(matches: &Matches) -> Result<(PathBuf, String), Failure> {
    match matches.positionals() {
        [file, key] => Ok((PathBuf::from(file), key.clone())),
        // A word too many may be a value, so it is not shown.
        [_, _, ..] => Err(Failure::usage("there is more than a file and a key")
            .hint("a value stands on no command line, where every process could read it: --prompt, --from-file, or standard input")),
        _ => Err(Failure::usage("there is no file, or no key")
            .hint("`seal set FILE KEY`, `seal unset FILE KEY`")),
    }
}

fn asked<'m>(matches: &'m Matches, flag: &str) -> Option<&'m str> {
    Some(matches.text(flag)).filter(|text| !text.is_empty())
}
