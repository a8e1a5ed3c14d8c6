//! Memory that requests hold: bounded for all together and for each peer, whatever they do with it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory for one purpose, shared by all requests.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    all: usize,
    of_peer: usize,
    held: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// Other requests, or others of the same peer, hold all the memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("other requests hold all the memory there is for them")]
pub(super) struct Exhausted;

impl Budget {
    /// So many bytes for all, and for one peer, so that it cannot shut the others out.
    pub(super) fn of(all: usize, of_peer: usize) -> Self {
        Self {
            all,
            of_peer,
            held: Arc::default(),
        }
    }

    /// A share of `peer`, of nothing yet.
    pub(super) fn share(&self, peer: IpAddr) -> Share {
        Share {
            budget: self.clone(),
            peer,
            size: 0,
        }
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    peer: IpAddr,
    size: usize,
}

impl Share {
    /// Takes `size` bytes more.
    pub(super) fn grow(&mut self, size: usize) -> Result<(), Exhausted> {
        let mut held = self.budget.held();
        let of_peer = held.get(&self.peer).copied().unwrap_or_default();
        // Few peers hold anything, so that adding up is cheap.
        let all: usize = held.values().sum();
        if of_peer.saturating_add(size) > self.budget.of_peer
            || all.saturating_add(size) > self.budget.all
        {
            return Err(Exhausted);
        }
        held.insert(self.peer, of_peer + size);
        drop(held);
        self.size += size;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.budget.held();
        match held.get_mut(&self.peer) {
            Some(size) if *size > self.size => *size -= self.size,
            _ => drop(held.remove(&self.peer)),
        }
    }
}

/// Bytes and their share of a budget.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    share: Share,
}

impl Held {
    /// Nothing yet, for `share` to grow with.
    pub(super) fn new(share: Share) -> Self {
        Self {
            bytes: Vec::new(),
            share,
        }
    }

    /// All of `bytes`, if `share` may hold them.
    pub(super) fn of(bytes: Vec<u8>, mut share: Share) -> Result<Self, Exhausted> {
        share.grow(bytes.len())?;
        Ok(Self { bytes, share })
    }

    /// Appends `bytes`.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Exhausted> {
        self.share.grow(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes, and the share for as long as something made of them is held.
    pub(super) fn into_parts(self) -> (Vec<u8>, Share) {
        (self.bytes, self.share)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn hold(budget: &Budget, number: u8, size: usize) -> Result<Held, Exhausted> {
        Held::of(vec![b'x'; size], budget.share(peer(number)))
    }

    #[test]
    fn all_share_one_budget_and_give_it_back() {
        let budget = Budget::of(100, 60);
        let first = hold(&budget, 1, 60).unwrap();
        assert_eq!(hold(&budget, 2, 41).unwrap_err(), Exhausted);
        drop(first);
        let second = hold(&budget, 2, 41).unwrap();
        drop(second);
        assert!(budget.is_whole());
    }

    #[test]
    fn one_peer_cannot_hold_the_whole_budget() {
        let budget = Budget::of(100, 60);
        let mut held = hold(&budget, 1, 30).unwrap();
        held.extend(&[b'x'; 30]).unwrap();
        assert_eq!(held.extend(b"x"), Err(Exhausted));
        assert!(hold(&budget, 2, 40).is_ok());
    }

    #[test]
    fn a_share_outlives_its_bytes() {
        let budget = Budget::of(100, 60);
        let (bytes, share) = hold(&budget, 1, 60).unwrap().into_parts();
        drop(bytes);
        assert!(hold(&budget, 1, 1).is_err());
        drop(share);
        assert!(budget.is_whole());
    }
}
