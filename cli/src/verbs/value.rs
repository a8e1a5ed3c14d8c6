//! `seal value`: one value, sealed by itself: for Helm values, and for whatever else writes the SealedSecret around it.

use sealed_pflag::{Flag, Matches};

use super::single::{self, Single};
use super::{Outcome, Verb};
use crate::args::{Connection, SEALING_VARIABLES};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::{Streams, Talk};
use crate::name::Name;
use crate::output::Output;
use crate::placement::Placer;
use crate::sealing;
use crate::target::{self, Target};

const SYNOPSIS: &str = "\
Usage: seal value --namespace NAMESPACE --name NAME [flags]

Seals one value, and prints what stands under spec.encryptedData of a SealedSecret of that namespace and name. The value is
standard input, every byte of it, unless a flag says otherwise.

Examples: seal value -n web --name db --prompt
          printf %s \"$TOKEN\" | seal value -n web --name db --cert cert.pem
          seal value -n web --scope namespace-wide --from-file id_ed25519
          seal value -n web --name db --generate password,length=40

";

/// `seal value`.
pub(super) const VERB: Verb = Verb {
    name: "value",
    does: "seal one value, such as one for a Helm chart",
    synopsis: SYNOPSIS,
    flags,
    variables: SEALING_VARIABLES,
    run,
};

fn flags() -> Vec<Flag> {
    let mut flags = target::flags();
    flags.extend(single::flags());
    flags.push(
        Flag::text(
            "name",
            "",
            "Name of the SealedSecret; needed in the scope strict",
        )
        .without_env(),
    );
    flags
}

fn run(
    matches: &Matches,
    environment: &Environment,
    streams: Streams<'_>,
) -> Result<Outcome, Failure> {
    if !matches.positionals().is_empty() {
        // It may be the value, so it is not shown.
        return Err(Failure::usage(
            "a value stands on no command line, where every process could read it",
        )
        .hint("--prompt asks for it, --from-file reads it, or it comes from standard input"));
    }
    let mut target = Target::of(matches, "cert", Connection::of(matches), environment, None);
    target.place.name = Some(matches.text("name").to_owned()).filter(|name| !name.is_empty());
    let target = target.under_rules(None, Name::Seal)?;
    let single = Single::of(matches)?;
    target.check_stdin(single.is_stdin())?;
    let Streams {
        stdin,
        stdout,
        stderr,
    } = streams;
    let mut talk = Talk(stderr);
    let certificate = target.load_certificate(environment, stdin, &mut talk)?;
    let label = Placer::new(&target.place, true, environment).label("a value", &mut talk)?;
    let value = single.read("value", environment, stdin, &mut talk)?;
    let sealed = sealing::seal_value(&value, &label, &certificate)?;
    let mut output = Output::stdout(stdout);
    output.write(format!("{sealed}\n").as_bytes())?;
    output.commit()?;
    Ok(Outcome::Done)
}
