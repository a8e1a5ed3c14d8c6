//! `--raw`: one value, sealed for a place that the command line names.

use std::path::Path;

use sealed_api::Code;
use zeroize::Zeroizing;

use super::Context;
use crate::failure::Failure;
use crate::input::read_file;
use crate::placement::Placer;
use crate::sealing;
use crate::target::Target;

pub(super) fn run(
    mut context: Context<'_>,
    target: &Target,
    from_file: &[String],
) -> Result<(), Failure> {
    let certificate =
        target.load_certificate(context.environment, context.stdin, &mut context.talk)?;
    let label =
        Placer::new(&target.place, true, context.environment).label("--raw", &mut context.talk)?;
    let value = value(&mut context, from_file)?;
    let sealed = sealing::seal_value(&value, &label, &certificate)?;
    context.output.write(sealed.as_bytes())?;
    context.output.commit()
}

/// Every byte of standard input or of the one file counts, a line end at the end too.
fn value(context: &mut Context<'_>, from_file: &[String]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match from_file {
        [] => {
            let mut value = Zeroizing::new(Vec::new());
            context.stdin.read_to_end(&mut value).map_err(|error| {
                Failure::new(
                    Code::UnreadableFile,
                    format!("cannot read standard input: {error}"),
                )
            })?;
            Ok(value)
        }
        [file] => {
            let path = file.split_once('=').map_or(file.as_str(), |(_, path)| path);
            read_file(Path::new(path)).map(Zeroizing::new)
        }
        _ => Err(
            Failure::usage("--raw seals one value, so it takes one --from-file").kubeseal(
                "must provide only one --from-file when encrypting a single item with --raw",
            ),
        ),
    }
}
