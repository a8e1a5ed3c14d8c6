//! Functions for semantic versions, which read and compare them as Masterminds' semver does.

mod constraint;
mod fault;
mod methods;
mod version;

use sealed_template::{CallError, Context, Functions, Str};

use self::constraint::Constraints;
use self::methods::Pointer;
use self::version::Version;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("semver", semver)
        .add("semverCompare", semver_compare);
}

fn semver(context: &mut Context<'_>, text: Str) -> Result<Pointer, CallError> {
    context.pass_over(text.len())?;
    Ok(Pointer::new(Version::parse(&text)?))
}

fn semver_compare(
    context: &mut Context<'_>,
    constraint: Str,
    version: Str,
) -> Result<bool, CallError> {
    let constraints = Constraints::parse(context, &constraint)?;
    context.pass_over(version.len())?;
    let version = Version::parse(&version)?;
    Ok(constraints.allow(&version))
}
