//! `--fetch-cert`: the certificate, byte for byte. It is not looked at, so an expired one comes through, for inspection.

use super::Context;
use crate::certificate;
use crate::failure::Failure;
use crate::request::CertificateSource;

pub(super) fn run(mut context: Context<'_>, source: &CertificateSource) -> Result<(), Failure> {
    let bytes = certificate::fetch(
        source,
        context.environment,
        context.stdin,
        &mut context.talk,
    )?;
    context.output.write(&bytes)?;
    context.output.commit()
}
