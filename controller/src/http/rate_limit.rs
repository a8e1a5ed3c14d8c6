//! The rate limit of the two endpoints that make the controller decrypt.
//!
//! The algorithm is GCRA (generic cell rate algorithm): a key may have `burst + 1` requests at once, then one per
//! `1/rate` seconds. Headers and rounding are those of compat §6.1.
//!
//! Upstream's key is the first `X-Forwarded-For` element, which the caller writes. Here it is the peer's address with
//! the *last* element, which the nearest proxy (the API server, for `kubeseal`) appended, and whoever talks to us
//! directly and makes elements up runs into a cap for the peer as a whole. A cap and not one bucket, because
//! one API server speaks for many people.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How much more a peer may ask for than one client behind it.
const PEER_FACTOR: u32 = 10;

/// How many keys are remembered. Beyond it the key whose bucket is nearest to full is forgotten, which
/// gives the least away.
const MAX_KEYS: usize = 65_536;

/// How often a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Sustained requests per second, at least 1.
    pub rate: u32,
    /// Requests beyond the first that may come at once.
    pub burst: u32,
}

impl Quota {
    fn capacity(self) -> u32 {
        self.burst.saturating_add(1)
    }

    /// Time after which one more request is earned.
    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.rate.max(1)
    }

    fn times(self, factor: u32) -> Self {
        Self {
            rate: self.rate.saturating_mul(factor),
            burst: self.capacity().saturating_mul(factor).saturating_sub(1),
        }
    }

    /// Judges one request of a key whose bucket is full again at `full_at`.
    fn judge(self, full_at: Duration, now: Duration) -> Verdict {
        let window = self.interval() * self.capacity();
        let full_at = full_at.max(now);
        let next = full_at + self.interval();
        let wait = (next.saturating_sub(window)).saturating_sub(now);
        let full_at = if wait.is_zero() { next } else { full_at };
        let debt = full_at.saturating_sub(now);
        let remaining = window.saturating_sub(debt).as_nanos() / self.interval().as_nanos().max(1);
        Verdict {
            retry_after: (!wait.is_zero()).then_some(wait),
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_after: debt,
            full_at,
        }
    }
}

struct Verdict {
    retry_after: Option<Duration>,
    remaining: u32,
    reset_after: Duration,
    full_at: Duration,
}

/// The answer to one request, as the `X-Ratelimit-*` headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Requests that may come at once.
    pub limit: u32,
    /// Requests that may still come now.
    pub remaining: u32,
    /// When the bucket is full again.
    pub reset_after: Duration,
    /// `Some` when the request is refused: when to come back.
    pub retry_after: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Peer(&'static str, IpAddr),
    Client(&'static str, IpAddr, Option<IpAddr>),
}

/// Buckets of all clients seen lately.
#[derive(Debug)]
pub struct RateLimiter {
    quota: Quota,
    buckets: Mutex<Buckets>,
    max_keys: usize,
}

/// Only buckets that are not full are remembered: a missing one is a full one.
#[derive(Debug, Default)]
struct Buckets {
    full_at: BTreeMap<Key, Duration>,
    by_time: BTreeSet<(Duration, Key)>,
}

impl Buckets {
    fn full_at(&self, key: &Key) -> Duration {
        self.full_at.get(key).copied().unwrap_or_default()
    }

    fn set(&mut self, key: Key, full_at: Duration) {
        if let Some(old) = self.full_at.insert(key.clone(), full_at) {
            self.by_time.remove(&(old, key.clone()));
        }
        self.by_time.insert((full_at, key));
    }

    fn forget(&mut self, now: Duration, max_keys: usize) {
        while let Some((full_at, _)) = self.by_time.first()
            && (*full_at <= now || self.full_at.len() > max_keys)
            && let Some((_, key)) = self.by_time.pop_first()
        {
            self.full_at.remove(&key);
        }
    }
}

impl RateLimiter {
    /// A limiter that gives each client `quota`.
    pub fn new(quota: Quota) -> Self {
        Self {
            quota,
            buckets: Mutex::default(),
            max_keys: MAX_KEYS,
        }
    }

    /// Judges a request to `path` at `now`, a time on any clock that never goes back. A refused request costs nothing.
    pub fn check(
        &self,
        path: &'static str,
        peer: IpAddr,
        forwarded_for: Option<IpAddr>,
        now: Duration,
    ) -> Decision {
        // A dual-stack listener shows IPv4 callers as ::ffff:a.b.c.d.
        let peer = peer.to_canonical();
        let peer_key = Key::Peer(path, peer);
        let client_key = Key::Client(path, peer, forwarded_for.map(|ip| ip.to_canonical()));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let client = self.quota.judge(buckets.full_at(&client_key), now);
        let whole = self
            .quota
            .times(PEER_FACTOR)
            .judge(buckets.full_at(&peer_key), now);
        let retry_after = client.retry_after.max(whole.retry_after);
        if retry_after.is_none() {
            buckets.set(client_key, client.full_at);
            buckets.set(peer_key, whole.full_at);
        }
        buckets.forget(now, self.max_keys);
        Decision {
            limit: self.quota.capacity(),
            remaining: if retry_after.is_some() {
                0
            } else {
                client.remaining
            },
            reset_after: client.reset_after.max(retry_after.unwrap_or_default()),
            retry_after,
        }
    }
}

/// The last element of the last `X-Forwarded-For` line, if it is an address; anything else counts as none.
pub(super) fn last_forwarded_for(headers: &http::HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all("x-forwarded-for").iter().next_back()?;
    line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { rate: 2, burst: 2 };
    const PATH: &str = "/v1/verify";

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn burst_plus_one_at_once_then_one_per_interval() {
        let limiter = RateLimiter::new(QUOTA);
        let at = |now| limiter.check(PATH, ip(1), None, ms(now));
        let allowed = |remaining, reset| Decision {
            limit: 3,
            remaining,
            reset_after: ms(reset),
            retry_after: None,
        };
        assert_eq!(at(10_000), allowed(2, 500));
        assert_eq!(at(10_000), allowed(1, 1000));
        assert_eq!(at(10_000), allowed(0, 1500));
        assert_eq!(
            at(10_100),
            Decision {
                limit: 3,
                remaining: 0,
                reset_after: ms(1400),
                retry_after: Some(ms(400)),
            }
        );
        // The refused request consumed nothing.
        assert_eq!(at(10_500), allowed(0, 1500));
        assert_eq!(at(60_000), allowed(2, 500));
    }

    #[test]
    fn paths_peers_and_proxied_clients_have_their_own_buckets() {
        let limiter = RateLimiter::new(Quota { rate: 1, burst: 0 });
        let asks = |path, peer, client| {
            limiter
                .check(path, peer, client, ms(0))
                .retry_after
                .is_none()
        };
        assert!(asks("/v1/verify", ip(1), None));
        assert!(!asks("/v1/verify", ip(1), None));
        assert!(asks("/v1/rotate", ip(1), None));
        assert!(asks("/v1/verify", ip(2), None));
        assert!(asks("/v1/verify", ip(1), Some(ip(9))));
        assert!(!asks("/v1/verify", ip(1), Some(ip(9))));
    }

    #[test]
    fn made_up_forwarding_headers_run_into_the_peers_cap() {
        let limiter = RateLimiter::new(QUOTA);
        let allowed = (0..=255)
            .filter(|n| {
                limiter
                    .check(PATH, ip(1), Some(ip(*n)), ms(0))
                    .retry_after
                    .is_none()
            })
            .count();
        assert_eq!(allowed, 30, "10 times the three of one client");
    }

    #[test]
    fn the_same_address_in_both_families_is_one_client() {
        let limiter = RateLimiter::new(Quota { rate: 1, burst: 0 });
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(limiter.check(PATH, ip(1), None, ms(0)).retry_after, None);
        assert_ne!(limiter.check(PATH, mapped, None, ms(0)).retry_after, None);
    }

    #[test]
    fn memory_is_bounded_and_full_buckets_are_forgotten() {
        let mut limiter = RateLimiter::new(QUOTA);
        limiter.max_keys = 10;
        for n in 0..=255 {
            limiter.check(PATH, ip(n), None, ms(u64::from(n)));
        }
        {
            let buckets = limiter.buckets.lock().unwrap();
            assert!(buckets.full_at.len() <= 10, "{}", buckets.full_at.len());
            assert_eq!(buckets.full_at.len(), buckets.by_time.len());
        }
        limiter.check(PATH, ip(1), None, ms(3_600_000));
        assert_eq!(limiter.buckets.lock().unwrap().full_at.len(), 2);
    }

    #[test]
    fn extreme_quotas_do_not_overflow() {
        let quota = Quota {
            rate: u32::MAX,
            burst: u32::MAX,
        };
        let limiter = RateLimiter::new(quota);
        for _ in 0..3 {
            assert_eq!(limiter.check(PATH, ip(1), None, ms(1)).retry_after, None);
        }
    }

    #[test]
    fn only_the_last_forwarded_element_counts() {
        let mut headers = http::HeaderMap::new();
        assert_eq!(last_forwarded_for(&headers), None);
        headers.append("x-forwarded-for", "192.0.2.7, 192.0.2.8".parse().unwrap());
        assert_eq!(last_forwarded_for(&headers), Some(ip(8)));
        headers.append("x-forwarded-for", "made up, 192.0.2.9".parse().unwrap());
        assert_eq!(last_forwarded_for(&headers), Some(ip(9)));
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(last_forwarded_for(&headers), None);
    }
}
