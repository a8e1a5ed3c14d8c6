//! `seal keys list`: which keys there are, and what they are good for.

use jiff::Timestamp;
use sealed_crypto::Keyring;
use sealed_pflag::{Flag, Matches};
use serde::Serialize;

use super::objects::{self, Objects};
use super::source::{self, Source};
use crate::cluster::CONTROLLER_VARIABLES;
use crate::drill::{Report, Use};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::kept_keys::{KeptKey, KeyFacts, day, head};
use crate::output::Output;
use crate::progress::Progress;
use crate::verbs::{Outcome, Verb};

const SYNOPSIS: &str = "\
Usage: seal keys list [SOURCE...] [flags]

Lists the sealing keys of the cluster, or of SOURCE (what `seal keys backup` takes): fingerprint, label, validity of the
certificate, the last backup, which one is sealed for. With --count, --dir or --git also how many values each opens, found
out by opening them.

Examples: seal keys list
          seal keys list --count --git .                  what still needs which key
          seal keys list keys.age -i identity.txt --json

JSON: keys: fingerprint, namespace, name, label, notBefore, notAfter, backedUp, current, and where counted objects, values

";

/// `seal keys list`.
pub(in crate::verbs) const VERB: Verb = Verb {
    name: "keys list",
    does: "list sealing keys: age, end, last backup, what they open",
    synopsis: SYNOPSIS,
    flags,
    variables: CONTROLLER_VARIABLES,
    run: |matches, environment, streams| {
        run(&Request::of(matches)?, environment, streams)?;
        Ok(Outcome::Done)
    },
};

/// What is asked for.
struct Request {
    source: Source,
    objects: Objects,
    counts: bool,
    json: bool,
}

fn flags() -> Vec<Flag> {
    let mut flags = source::flags();
    flags.extend(objects::flags());
    flags.extend([
        Flag::bool("count", false, "Count what each key opens in the cluster"),
        Flag::bool("json", false, "Report as JSON"),
    ]);
    flags
}

impl Request {
    fn of(matches: &Matches) -> Result<Self, Failure> {
        let source = Source::of(matches);
        let counts = matches.bool("count");
        if counts && !source.is_cluster() {
            return Err(
                Failure::usage("--count looks at the cluster, and the keys are of files")
                    .hint("--dir and --git count in files"),
            );
        }
        Ok(Self {
            source,
            objects: Objects::of(matches),
            counts,
            json: matches.bool("json"),
        })
    }
}

fn run(request: &Request, environment: &Environment, streams: Streams<'_>) -> Result<(), Failure> {
    let Streams { stdout, stderr, .. } = streams;
    let mut talk = Talk(stderr);
    let found = request.source.read(environment, &mut talk)?;
    let counted = if request.counts || !request.objects.is_empty() {
        let store = found.store.as_ref();
        let store = store.filter(|_| request.counts);
        let keyring = Keyring::new(found.kept.iter().flat_map(|one| one.keys.iter().cloned()));
        let mut stream = request.objects.stream(store)?;
        let mut drill = request.objects.drill(&keyring);
        let progress = Progress::of(environment, &mut talk);
        drill.run(|| stream.next(), progress)?;
        for unread in stream.into_unread() {
            talk.say(&format!(
                "warning: not counted: {}",
                unread.words(crate::Name::Seal)
            ));
        }
        Some(drill.finish())
    } else {
        None
    };
    let list = List::of(&found.kept, counted.as_ref(), environment.now);
    let mut output = Output::stdout(stdout);
    if request.json {
        output.report(&list)?;
    } else {
        output.lines(&list.lines())?;
    }
    output.commit()
}

#[derive(Serialize)]
struct List {
    keys: Vec<Listed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(flatten)]
    key: KeyFacts,
    /// Whether it is what everybody seals for.
    current: bool,
    /// Where that was counted.
    #[serde(flatten)]
    opens: Option<Use>,
}

impl List {
    fn of(keys: &[KeptKey], counted: Option<&Report>, now: Timestamp) -> Self {
        let in_use = keys.iter().filter(|key| key.is_in_use());
        let keyring = Keyring::new(in_use.flat_map(|one| one.keys.iter().cloned()));
        let current = keyring.current(now).map(|key| key.fingerprint());
        let listed = keys.iter().map(|one| Listed {
            key: one.facts(),
            current: one.is_in_use() && one.fingerprints().any(|name| Some(name) == current),
            opens: counted.map(|counted| counted.use_of(one.fingerprints())),
        });
        Self {
            keys: listed.collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let counted = self.keys.iter().any(|one| one.opens.is_some());
        let opens = |text: &str| {
            if counted {
                format!("{text:>7}  ")
            } else {
                String::new()
            }
        };
        let mut lines = vec![format!(
            "{}  {:<10}  {}",
            opens("OPENS"),
            "BACKED UP",
            head()
        )];
        lines.extend(self.keys.iter().map(|one| {
            let backed_up = one.key.backed_up.map_or_else(|| "never".to_owned(), day);
            let values = one
                .opens
                .map(|opens| opens.values.to_string())
                .unwrap_or_default();
            let mark = if one.current { '*' } else { ' ' };
            format!(
                "{}{mark} {:<10}  {}",
                opens(&values),
                backed_up,
                one.key.line()
            )
        }));
        lines
    }
}
