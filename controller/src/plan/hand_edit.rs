//! What to do about a Secret that was in sync and has been edited since.

use k8s_openapi::api::core::v1::Secret;

use super::{Decision, Noticed, Observed, Write};
use crate::drift::{DriftRule, Drifted, Edits, Handling, restored};
use crate::memory::Facts;
use crate::outcome::Outcome;
use crate::ownership::{Ownership, Standing};
use crate::retain::is_orphaned;
use crate::secret_diff;
use sealed_api::wipe;

/// The Secret that is there, beside what it would be replaced by if its SealedSecret had changed.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) existing: &'a Secret,
    pub(super) wanted: &'a Secret,
    pub(super) next: &'a Secret,
    pub(super) standing: Standing,
    pub(super) ownership: Ownership,
}

/// Whether what is sealed is what was synced last, so that any difference is somebody else's doing.
///
/// A new value of the annotation that asks for a pass asks for what is sealed, too.
pub(super) fn is_same_as_synced(observed: &Observed<'_>, synced_before: bool) -> bool {
    let Some(last) = observed.last else {
        return synced_before;
    };
    let same = last.synced_from == Some(observed.attempt.input);
    last.resynced == Facts::of(&observed.object.metadata).resync && (synced_before || same)
}

/// Decides, if it is a matter of hand edits: the Secret is ours, and the SealedSecret is what it was
/// when they were in sync.
///
/// Whose it is and whether it is retained follow from flags and from the SealedSecret alone: that is
/// put right in any case, and is no reason to touch what somebody edited.
pub(super) fn decide(
    observed: &Observed<'_>,
    found: Found<'_>,
    synced_before: bool,
) -> Option<Decision> {
    let Found {
        existing,
        wanted,
        next,
        standing,
        ownership,
    } = found;
    let rule = observed.rules.drift;
    if rule == DriftRule::Off
        || ownership == Ownership::Foreign
        || standing.is_only_patched()
        || is_orphaned(&existing.metadata)
        || !is_same_as_synced(observed, synced_before)
    {
        return None;
    }
    let mut kept = secret_diff::belonging(existing, next);
    let write = if secret_diff::differs(existing, &kept) {
        Write::Replace(Box::new(kept.clone()))
    } else {
        Write::Nothing
    };
    let edits = Edits::between(&kept, wanted, ownership == Ownership::Patch);
    let decision = match rule {
        DriftRule::Report if !edits.is_empty() => Decision {
            write,
            outcome: Outcome::Drifted(Drifted {
                edits: edits.text(),
                handling: Handling::Left,
            }),
            noticed: Some(Noticed::Reported),
        },
        DriftRule::Repair if !edits.is_restored() => {
            let write = Write::Replace(Box::new(secret_diff::restored(&kept, wanted)));
            let edits = edits.text();
            let noticed = Some(Noticed::Repaired(restored(&edits)));
            let outcome = observed.contested.map_or(Outcome::Synced, |calm| {
                Outcome::Drifted(Drifted {
                    edits,
                    handling: Handling::Contested { calm },
                })
            });
            Decision {
                write,
                outcome,
                noticed,
            }
        }
        _ if write == Write::Nothing => in_place(observed),
        _ => Decision::sync(write),
    };
    wipe(&mut kept);
    Some(decision)
}

/// The Secret is as it should be. A contest goes on until the Secret has been left alone for long enough.
pub(super) fn in_place(observed: &Observed<'_>) -> Decision {
    let mut decision = Decision::confirm();
    if let Some(last) = observed.last
        && let Outcome::Drifted(Drifted {
            handling: Handling::Contested { .. },
            ..
        }) = last.outcome
        && observed.contested.is_some()
    {
        decision.outcome = last.outcome.clone();
    }
    decision
}
