//! `--validate`: whether the controller can open a SealedSecret. Nothing is printed when it can.

use super::Context;
use crate::binding::refused;
use crate::cluster::{Cluster, Controller, Verdict};
use crate::failure::Failure;
use crate::sealed_input::{self, Kind, go_shaped, no_sealed_secrets};

pub(super) fn run(mut context: Context<'_>, controller: &Controller) -> Result<(), Failure> {
    let name = context.name();
    let cluster = Cluster::connect(controller, context.environment, &mut context.talk)?;
    let nothing = no_sealed_secrets(context.input.origin());
    let documents = context.input.documents(context.stdin, &nothing)?;
    let found = sealed_input::decode(documents, name, Kind::Assumed, nothing)
        .map_err(|failure| failure.kubeseal("unable to decrypt sealed secret"))?;
    for one in found {
        let problem = refused(&one.sealed);
        let sealed = go_shaped(one.sealed);
        match cluster
            .verify(&sealed)
            .map_err(|failure| failure.at(&one.place))?
        {
            Verdict::Accepted(()) => {}
            Verdict::Refused => {
                return Err(Failure::from(problem).at(&one.place).kubeseal(format!(
                    "unable to decrypt sealed secret: {}",
                    sealed.name()
                )));
            }
        }
    }
    Ok(())
}
