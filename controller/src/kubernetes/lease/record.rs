//! What stands in a Lease: written as Kubernetes' own components write it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use crate::election::Claim;

/// What the Lease says, as far as the election is concerned.
pub(super) fn claim(lease: &Lease) -> Claim {
    let Some(spec) = &lease.spec else {
        return Claim::default();
    };
    Claim {
        holder: spec.holder_identity.clone().filter(|it| !it.is_empty()),
        lasts: spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs),
        renewed: spec.renew_time.as_ref().map(|time| time.0),
        transitions: spec.lease_transitions.unwrap_or_default(),
    }
}

/// The Lease with `identity` as its holder: a new one, or a change of the one `before`.
pub(super) fn held(
    before: Option<Lease>,
    name: &str,
    identity: &str,
    lasts: Duration,
    now: Timestamp,
) -> Lease {
    let before = before.unwrap_or_else(|| Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    });
    let earlier = before.spec.unwrap_or_default();
    let stays = earlier.holder_identity.as_deref() == Some(identity);
    let first = earlier.renew_time.is_none();
    let transitions = earlier.lease_transitions.unwrap_or_default();
    Lease {
        metadata: before.metadata,
        spec: Some(LeaseSpec {
            acquire_time: if stays {
                earlier.acquire_time
            } else {
                Some(MicroTime(now))
            },
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
            lease_transitions: Some(transitions.saturating_add(i32::from(!stays && !first))),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    }
}

/// The Lease without a holder.
pub(super) fn released(before: Lease, now: Timestamp) -> Lease {
    let transitions = before.spec.and_then(|spec| spec.lease_transitions);
    Lease {
        metadata: before.metadata,
        spec: Some(LeaseSpec {
            acquire_time: Some(MicroTime(now)),
            holder_identity: Some(String::new()),
            // For those who wait for the end of what a Lease says, whoever held it.
            lease_duration_seconds: Some(1),
            lease_transitions: transitions,
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn spec(lease: &Lease) -> &LeaseSpec {
        lease.spec.as_ref().unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let lease = held(None, "lease", "a", LASTS, at(5));
        assert_eq!(lease.metadata.name.as_deref(), Some("lease"));
        assert_eq!(
            claim(&lease),
            Claim {
                holder: Some("a".to_owned()),
                lasts: Some(LASTS),
                renewed: Some(at(5)),
                transitions: 0,
            }
        );
    }

    #[test]
    fn a_renewal_keeps_when_it_was_acquired_and_a_change_counts() {
        let first = held(None, "lease", "a", LASTS, at(5));
        let renewed = held(Some(first.clone()), "lease", "a", LASTS, at(7));
        assert_eq!(spec(&renewed).acquire_time, spec(&first).acquire_time);
        assert_eq!(spec(&renewed).lease_transitions, Some(0));
        let taken = held(Some(renewed), "lease", "b", LASTS, at(30));
        assert_eq!(spec(&taken).acquire_time, Some(MicroTime(at(30))));
        assert_eq!(spec(&taken).lease_transitions, Some(1));
    }

    #[test]
    fn a_released_lease_is_nobodys_and_the_next_holder_counts_on() {
        let taken = held(None, "lease", "a", LASTS, at(5));
        let free = released(taken, at(6));
        assert_eq!(claim(&free).holder, None);
        let next = held(Some(free), "lease", "b", LASTS, at(7));
        assert_eq!(spec(&next).lease_transitions, Some(1));
    }

    #[test]
    fn labels_that_somebody_gave_it_stay() {
        let mut lease = held(None, "lease", "a", LASTS, at(5));
        lease.metadata.labels = Some([("team".to_owned(), "x".to_owned())].into());
        let renewed = held(Some(lease.clone()), "lease", "a", LASTS, at(7));
        assert_eq!(renewed.metadata, lease.metadata);
    }
}
