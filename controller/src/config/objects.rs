//! Which SealedSecrets are handled and how.

use std::time::Duration;

use jiff::SignedDuration;
use sealed_api::dns1123;

use super::{reader::Reader, selector};
use crate::drift::DriftRule;
use crate::retain::RetainRule;

/// Secrets that lose their SealedSecrets within a minute are looked at together.
const SHORTEST_RETENTION: SignedDuration = SignedDuration::from_mins(1);

/// Where SealedSecrets are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// Everywhere.
    All,
    /// In the controller's own namespace and in these.
    OwnAnd(Vec<String>),
}

/// Which SealedSecrets are handled and how.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the command line"
)]
pub struct ObjectConfig {
    /// Whether the deprecated `spec.data` opens.
    pub accept_v1_data: bool,
    /// Where.
    pub namespaces: Namespaces,
    /// Only those that match; `None` means all.
    pub label_selector: Option<String>,
    /// How long Secrets outlive their SealedSecrets; `None` leaves them to the garbage collector.
    pub retain: Option<RetainRule>,
    /// Whether everything is looked at before anything is written.
    pub rehearse: Rehearse,
    /// What is done about hand edits of Secrets.
    pub drift: DriftRule,
    /// Quick retries before slow ones.
    pub max_unseal_retries: u32,
    /// Whether our Secret is deleted with its SealedSecret instead of left to the garbage collector.
    pub old_gc_behavior: bool,
    /// Whether Secrets are not watched.
    pub skip_recreate: bool,
    /// Whether the status is written.
    pub update_status: bool,
}

/// Whether everything is looked at before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearse {
    /// No: objects are worked on as they come.
    No,
    /// Nothing is ever written.
    Observe,
    /// Writing begins if the data of at most so many Secrets would change.
    AtMost(usize),
}

/// Reads the flags.
pub(super) fn objects(read: &mut Reader<'_>) -> ObjectConfig {
    let matches = read.matches;
    ObjectConfig {
        accept_v1_data: matches.bool("accept-deprecated-v1-data"),
        namespaces: namespaces(read),
        label_selector: label_selector(read),
        retain: retain(read),
        rehearse: rehearse(read),
        drift: drift(read),
        max_unseal_retries: u32::try_from(matches.int("max-unseal-retries").max(0))
            .unwrap_or(u32::MAX),
        old_gc_behavior: matches.bool("old-gc-behavior"),
        skip_recreate: matches.bool("skip-recreate"),
        update_status: matches.bool("update-status"),
    }
}

/// One that the API server would refuse at every list is a fault of the command line.
fn label_selector(read: &mut Reader<'_>) -> Option<String> {
    let text = read.non_empty("label-selector")?;
    if let Err(why) = selector::check(&text) {
        read.fault("label-selector", why);
    }
    Some(text)
}

fn retain(read: &mut Reader<'_>) -> Option<RetainRule> {
    let grace = read.duration("retain-deleted");
    if grace.is_zero() {
        return None;
    }
    if grace < SHORTEST_RETENTION {
        read.fault(
            "retain-deleted",
            "must be at least 1m, or many losses could not be told from one; 0 retains nothing",
        );
    }
    for flag in ["old-gc-behavior", "skip-recreate"] {
        if read.matches.bool(flag) {
            read.fault("retain-deleted", format!("has no meaning with --{flag}"));
        }
    }
    Some(RetainRule {
        grace: Duration::try_from(grace).unwrap_or_default(),
        per_minute: usize::try_from(read.within("retain-deleted-max-per-minute", 0, 1_000_000))
            .unwrap_or(usize::MAX),
    })
}

fn rehearse(read: &mut Reader<'_>) -> Rehearse {
    let limit = read.matches.int("max-startup-changes");
    let observes = read.matches.bool("observe");
    if observes && limit >= 0 {
        read.fault(
            "max-startup-changes",
            "has no meaning with --observe, which writes nothing at all",
        );
    }
    match usize::try_from(limit) {
        _ if observes => Rehearse::Observe,
        Ok(limit) => Rehearse::AtMost(limit),
        Err(_) => Rehearse::No,
    }
}

fn drift(read: &mut Reader<'_>) -> DriftRule {
    match read.matches.text("drift") {
        "off" => DriftRule::Off,
        "report" => DriftRule::Report,
        "repair" => DriftRule::Repair,
        _ => {
            read.fault("drift", "must be report, repair or off");
            DriftRule::default()
        }
    }
}

fn namespaces(read: &mut Reader<'_>) -> Namespaces {
    let mut listed: Vec<String> = Vec::new();
    for name in read
        .matches
        .text("additional-namespaces")
        .split(',')
        .map(str::trim)
    {
        if name.is_empty() || listed.iter().any(|seen| seen == name) {
            continue;
        }
        if !dns1123::is_label(name) {
            read.fault(
                "additional-namespaces",
                "must be a comma-separated list of namespace names",
            );
        }
        listed.push(name.to_owned());
    }
    if listed.is_empty() && read.matches.bool("all-namespaces") {
        Namespaces::All
    } else {
        Namespaces::OwnAnd(listed)
    }
}
