//! Who holds the connections of a port.
//!
//! A port has so many and no more, since each takes a file descriptor and memory. A newcomer is never turned away: whoever
//! fills the port with idle connections would shut out the kubelet's probes too, and the kubelet would kill the process.
//! Instead the peer that holds most, the newcomer counted, loses the connection that has waited longest for it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The open connections of one port.
#[derive(Clone)]
pub(super) struct Connections {
    limit: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// A clock that ticks at every change: what waits longest has the lowest.
    ticks: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    peer: IpAddr,
    /// Whether it is our turn, or that of the peer: to send a request, or to take an answer.
    is_answering: bool,
    since: u64,
    evicted: CancellationToken,
}

impl Connections {
    /// So many at most.
    pub(super) fn of(limit: usize) -> Self {
        Self {
            limit,
            state: Arc::default(),
        }
    }

    /// A place for a new connection of `peer`, in exchange for an old one if there is no other.
    pub(super) fn admit(&self, peer: IpAddr) -> Slot {
        let mut state = self.state();
        if state.open.len() >= self.limit {
            state.evict_for(peer);
        }
        let evicted = CancellationToken::new();
        let id = state.tick();
        let open = Open {
            peer,
            is_answering: false,
            since: id,
            evicted: evicted.clone(),
        };
        state.open.insert(id, open);
        drop(state);
        Slot {
            connections: self.clone(),
            id,
            peer,
            evicted,
        }
    }

    fn turn(&self, id: u64, is_answering: bool) {
        let mut state = self.state();
        let since = state.tick();
        if let Some(open) = state.open.get_mut(&id) {
            open.is_answering = is_answering;
            open.since = since;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    fn evict_for(&mut self, newcomer: IpAddr) {
        let mut held = BTreeMap::from([(newcomer, 1_usize)]);
        for open in self.open.values() {
            *held.entry(open.peer).or_default() += 1;
        }
        let rank = |open: &Open| {
            let most_first = Reverse(held.get(&open.peer).copied());
            (most_first, open.is_answering, open.since)
        };
        let first = self.open.iter().min_by_key(|(_, open)| rank(open));
        if let Some(id) = first.map(|(id, _)| *id)
            && let Some(open) = self.open.remove(&id)
        {
            open.evicted.cancel();
        }
    }
}

/// The place of one connection, free again when it is dropped.
pub(super) struct Slot {
    connections: Connections,
    id: u64,
    peer: IpAddr,
    evicted: CancellationToken,
}

impl Slot {
    /// Ends when the connection has to make room.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// Says that a request is being answered, until the returned value is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.connections.turn(self.id, true);
        Answering(Arc::clone(self))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.state().open.remove(&self.id);
    }
}

/// A request that is being answered.
pub(super) struct Answering(Arc<Slot>);

impl Answering {
    /// Who asks.
    pub(super) fn peer(&self) -> IpAddr {
        self.0.peer
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.connections.turn(self.0.id, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn admit(connections: &Connections, number: u8) -> Arc<Slot> {
        Arc::new(connections.admit(peer(number)))
    }

    /// Which of them had to go.
    fn evicted(slots: &[Arc<Slot>]) -> Vec<usize> {
        let gone = |slot: &Arc<Slot>| slot.evicted.is_cancelled();
        (0..slots.len()).filter(|&at| gone(&slots[at])).collect()
    }

    #[test]
    fn a_newcomer_gets_the_place_of_whoever_holds_most() {
        let connections = Connections::of(5);
        let held = [1, 2, 2, 2, 3].map(|number| admit(&connections, number));
        let newcomer = admit(&connections, 4);
        assert_eq!(evicted(&held), [1], "the oldest of the second peer");
        let other = admit(&connections, 4);
        assert_eq!(evicted(&held), [1, 2], "still the second peer");
        assert_eq!(connections.state().open.len(), 5);
        assert_eq!(evicted(&[newcomer, other]), [0; 0]);
    }

    #[test]
    fn a_peer_that_holds_as_much_as_any_makes_room_itself() {
        let connections = Connections::of(4);
        let held = [1, 1, 2, 2].map(|number| admit(&connections, number));
        let newcomer = admit(&connections, 2);
        assert_eq!(evicted(&held), [2]);
        assert!(!newcomer.evicted.is_cancelled());
    }

    #[test]
    fn what_waits_longest_goes_first_and_what_is_answered_last() {
        let connections = Connections::of(3);
        let held = [1, 1, 1].map(|number| admit(&connections, number));
        let answering = held[0].answering();
        drop(held[1].answering());
        let newcomers = [2, 3].map(|number| {
            let slot = admit(&connections, number);
            (slot, evicted(&held))
        });
        assert_eq!(newcomers[0].1, [2], "it never asked for anything");
        assert_eq!(newcomers[1].1, [1, 2], "the first is being answered");
        drop(answering);
    }

    #[test]
    fn a_request_that_is_answered_makes_room_too_if_nothing_else_can() {
        let connections = Connections::of(2);
        let held = [1, 1].map(|number| admit(&connections, number));
        let answering = [held[1].answering(), held[0].answering()];
        drop(admit(&connections, 2));
        assert_eq!(evicted(&held), [1], "it began first");
        drop(answering);
    }

    #[test]
    fn places_are_given_back() {
        let connections = Connections::of(2);
        let slot = admit(&connections, 1);
        drop(slot.answering());
        drop(slot);
        assert!(connections.state().open.is_empty());
        let held = [1, 2].map(|number| admit(&connections, number));
        assert_eq!(evicted(&held), [0; 0]);
    }
}
