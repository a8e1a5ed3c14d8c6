//! Whether this process leads at the moment, as its tasks see it.

use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::election::Tenure;
use crate::queue::now;

/// Where this process stands in the election.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It is not known yet.
    Undecided,
    /// Somebody else leads, or nobody.
    Follows,
    /// This process leads.
    Leads(Term),
}

/// The time from gaining leadership to losing it.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// How long it lasts; longer with every renewal.
    pub(super) tenure: Tenure,
    /// Cancelled at its end.
    pub(super) over: CancellationToken,
}

/// Tells the tasks of this process whether it leads. Clones tell the same.
#[derive(Clone, Debug)]
pub(super) struct Leadership(watch::Receiver<Standing>);

impl Leadership {
    /// Whoever decides about it, and those who are told.
    pub(super) fn new(standing: Standing) -> (watch::Sender<Standing>, Self) {
        let (sender, receiver) = watch::channel(standing);
        (sender, Self(receiver))
    }

    /// Where this process stands.
    pub(super) fn standing(&self) -> Standing {
        self.0.borrow().clone()
    }

    /// Whether this process leads at this very moment. After a pause of the process it may not, though nobody has
    /// found that out yet.
    pub(super) fn leads(&self) -> bool {
        self.0.borrow().leads(now())
    }

    /// Returns when this process leads.
    pub(super) async fn begun(&self) {
        self.comes_to(|standing| standing.leads(now())).await;
    }

    /// Returns when it is known whether this process leads.
    pub(super) async fn decided(&self) {
        self.comes_to(|standing| !matches!(standing, Standing::Undecided))
            .await;
    }

    async fn comes_to(&self, wanted: impl Fn(&Standing) -> bool) {
        let mut receiver = self.0.clone();
        let came = receiver.wait_for(wanted).await.is_ok();
        if !came {
            never().await;
        }
    }

    /// Returns when there is another standing than at the last call, a renewed term included.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            never().await;
        }
    }
}

impl Standing {
    fn leads(&self, now: Instant) -> bool {
        match self {
            Self::Undecided | Self::Follows => false,
            Self::Leads(term) => !term.over.is_cancelled() && term.tenure.holds(now),
        }
    }
}

/// Nobody decides any more: all stays as it is.
async fn never() {
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_term_ends_by_itself_though_nobody_says_so() {
        let term = Term {
            tenure: Tenure::Until(now() + Duration::from_secs(6)),
            over: CancellationToken::new(),
        };
        let (_elector, leadership) = Leadership::new(Standing::Leads(term.clone()));
        leadership.begun().await;
        assert!(leadership.leads());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!leadership.leads());
    }

    #[tokio::test]
    async fn whoever_waits_for_leadership_learns_of_it_once() {
        let (elector, leadership) = Leadership::new(Standing::Undecided);
        let waiting = tokio::spawn({
            let leadership = leadership.clone();
            async move { leadership.begun().await }
        });
        elector.send_replace(Standing::Follows);
        assert!(!leadership.leads());
        let over = CancellationToken::new();
        elector.send_replace(Standing::Leads(Term {
            tenure: Tenure::Unelected,
            over: over.clone(),
        }));
        waiting.await.unwrap();
        over.cancel();
        assert!(!leadership.leads());
    }
}
