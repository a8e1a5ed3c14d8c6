//! Leader election: which of several replicas reconciles and makes keys.
//!
//! The replicas agree through one Lease that each of them changes only as it last saw it. Whoever has written its name
//! there leads for [`Timing::renew_deadline`] from the moment it *sent* that write; everybody else waits until the
//! Lease has not changed for [`Timing::lease`] since the moment they *received* it. The write lies between both
//! moments, so a leader has stopped before anybody can follow it, whatever the clocks of the machines say: no time of
//! one is ever compared with a time of another. What has to hold is that their clocks run about equally fast, by less
//! than the ratio of the two spans.
//!
//! A Lease does not stop a process that was paused in the middle of a write. That no such write does harm is the
//! business of the writes: docs/high-availability.md.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// After so many refusals in a row the Lease counts as forbidden, if it was not before: an API server that starts
/// refuses everything for a moment.
const REFUSALS: u32 = 2;

/// How long things take. The same for all replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A Lease that has not changed for so long may be taken over.
    pub lease: Duration,
    /// A leader that could not renew for so long leads no more. Well below [`lease`](Self::lease): in between, what it
    /// had under way ends.
    pub renew_deadline: Duration,
    /// Between two requests.
    pub retry: Duration,
}

impl Timing {
    /// What this controller uses.
    pub const DEFAULT: Self = Self {
        lease: Duration::from_secs(10),
        renew_deadline: Duration::from_secs(6),
        retry: Duration::from_secs(2),
    };
}

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Who leads; `None` when it was given back.
    pub holder: Option<String>,
    /// How long its holder may be silent.
    pub lasts: Option<Duration>,
    /// When the holder renewed it, by its own clock: compared with nothing but what it said before.
    pub renewed: Option<Timestamp>,
    /// How often the holder has changed.
    pub transitions: i32,
}

/// Who a candidate is: the text that stands in the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    text: String,
    /// What the texts of everybody begin with who runs in our place: at most one at a time.
    place: Option<String>,
}

impl Identity {
    /// The identity of the process `own` on `host`. With `place`, the uid of a pod, it is known that whoever ran there
    /// before is dead; a host's name says less, since two may have the same.
    pub fn new(host: &str, place: Option<&str>, own: &str) -> Self {
        match place {
            None => Self {
                text: format!("{host}_{own}"),
                place: None,
            },
            Some(place) => {
                let place = format!("{host}_{place}_");
                Self {
                    text: format!("{place}{own}"),
                    place: Some(place),
                }
            }
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether that one ran in our place before us.
    fn succeeds(&self, other: &str) -> bool {
        let place = self.place.as_ref();
        other != self.text && place.is_some_and(|place| other.starts_with(place))
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Read the Lease: nothing is known of it.
    Look,
    /// Try to write our name, as nobody's is there that counts. We do not lead.
    Acquire,
    /// Somebody else leads. Look again meanwhile; unless something changes, acquire then.
    Follow {
        /// When the Lease runs out.
        until: Instant,
    },
    /// We lead.
    Lead {
        /// Not beyond this moment.
        until: Instant,
        /// Renew from this moment on.
        renew_at: Instant,
    },
    /// Elections are forbidden: we lead, as if there were no others. Look from time to time whether that has changed.
    LeadUnelected,
}

impl Step {
    /// How long we lead, if we do.
    pub fn tenure(self) -> Option<Tenure> {
        match self {
            Self::Look | Self::Acquire | Self::Follow { .. } => None,
            Self::Lead { until, .. } => Some(Tenure::Until(until)),
            Self::LeadUnelected => Some(Tenure::Unelected),
        }
    }
}

/// How long a leader leads, unless something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenure {
    /// Not beyond this moment.
    Until(Instant),
    /// There are no elections.
    Unelected,
}

impl Tenure {
    /// Whether it has not ended yet.
    pub fn holds(self, now: Instant) -> bool {
        match self {
            Self::Until(end) => now < end,
            Self::Unelected => true,
        }
    }
}

/// One replica's view of the election.
#[derive(Clone, Debug)]
pub struct Election {
    identity: Identity,
    timing: Timing,
    known: Known,
    /// Refusals since the last answer.
    refusals: u32,
}

/// What is known of the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// It was not read yet.
    Nothing,
    /// It may not be read or written.
    Forbidden,
    /// There is none, it was given back, or its holder is dead.
    Free,
    /// Somebody else's, and when we first saw it say this.
    Theirs { claim: Claim, since: Instant },
    /// Ours, and when the last write that is known to have succeeded was sent. `None`: the answer to the write that
    /// made it ours was lost.
    Ours { sent: Option<Instant> },
}

impl Election {
    /// A replica that knows nothing yet. Its identity must be its own, also among its predecessors.
    pub fn new(identity: Identity, timing: Timing) -> Self {
        Self {
            identity,
            timing,
            known: Known::Nothing,
            refusals: 0,
        }
    }

    /// The name it writes into the Lease.
    pub fn identity(&self) -> &str {
        self.identity.as_str()
    }

    /// How long things take.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Who leads, if it is somebody else.
    pub fn leader(&self) -> Option<&str> {
        match &self.known {
            Known::Theirs { claim, .. } => claim.holder.as_deref(),
            Known::Nothing | Known::Forbidden | Known::Free | Known::Ours { .. } => None,
        }
    }

    /// The Lease was read: it says this, or there is none. `received` is the moment of the answer.
    pub fn saw(&mut self, claim: Option<Claim>, received: Instant) {
        self.refusals = 0;
        let Some((claim, holder)) = claim.and_then(|claim| {
            let holder = claim.holder.clone()?;
            let counts = !holder.is_empty() && !self.identity.succeeds(&holder);
            counts.then_some((claim, holder))
        }) else {
            self.known = Known::Free;
            return;
        };
        match &self.known {
            // A write of ours whose answer did not come: what is known of an earlier one still counts.
            Known::Ours { .. } if holder == self.identity.text => {}
            _ if holder == self.identity.text => self.known = Known::Ours { sent: None },
            Known::Theirs { claim: before, .. } if *before == claim => {}
            _ => {
                self.known = Known::Theirs {
                    claim,
                    since: received,
                }
            }
        }
    }

    /// Our name was written, by a request that was sent at this moment.
    pub fn wrote(&mut self, sent: Instant) {
        self.refusals = 0;
        self.known = Known::Ours { sent: Some(sent) };
    }

    /// The Lease may not be read or written.
    pub fn refused(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
        if self.known == Known::Nothing || self.refusals >= REFUSALS {
            self.known = Known::Forbidden;
        }
    }

    /// What to do at this moment. Whoever led and is told anything else than to lead must stop at once.
    pub fn step(&self, now: Instant) -> Step {
        let Timing {
            lease,
            renew_deadline,
            retry,
        } = self.timing;
        match &self.known {
            Known::Nothing => Step::Look,
            Known::Forbidden => Step::LeadUnelected,
            Known::Theirs { claim, since } => {
                // A holder that asks for more time gets it; one that asks for less may be of another mind than we.
                let lasts = claim.lasts.map_or(lease, |lasts| lasts.max(lease));
                match since.checked_add(lasts) {
                    Some(until) if now < until => Step::Follow { until },
                    Some(_) => Step::Acquire,
                    // Beyond all times.
                    None => Step::Follow { until: now + lease },
                }
            }
            Known::Ours { sent: Some(sent) } if now < *sent + renew_deadline => Step::Lead {
                until: *sent + renew_deadline,
                renew_at: *sent + retry,
            },
            Known::Free | Known::Ours { .. } => Step::Acquire,
        }
    }
}

#[cfg(test)]
mod tests;
