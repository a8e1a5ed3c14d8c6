//! What costly work spends of the budget.
//!
//! A step of the engine stands for a tenth of a microsecond, at which the two million steps of the default
//! budget would last for three password hashes. Here a step stands for 5 µs instead, so that all of the
//! default budget buys what fits into its ten seconds, and no more:
//!
//! | work | about | steps |
//! |---|---|---|
//! | bcrypt | 60 ms | 12,000 |
//! | scrypt | 200 ms | 40,000 |
//! | RSA key of 2048 bits | 100 ms, varying threefold | 20,000 |
//! | RSA key of 4096 bits | 1.2 s, varying threefold | 240,000 |
//! | one candidate of about a hundred for the prime of a DSA key | 9 ms | 1,800 |
//! | reading an RSA key and signing with it | 2 ms at 2048 bits, 50 ms at 8192 | 400 to 10,000 |
//! | an ECDSA or Ed25519 key or signature | 1 ms | 200 |
//!
//! A certificate authority, two certificates, three password hashes, a derived password and an RSA key for
//! something else come to less than a fifth.

use sealed_template::{CallError, Context};

/// Steps for `time` milliseconds.
pub(super) const fn milliseconds(time: u64) -> u64 {
    time.saturating_mul(200)
}

pub(super) const BCRYPT: u64 = milliseconds(60);
pub(super) const SCRYPT: u64 = milliseconds(200);

/// Does `work` if the budget has `steps` for it and the deadline has not passed, and looks at the deadline
/// again afterwards.
pub(super) fn costly<R>(
    context: &mut Context<'_>,
    steps: u64,
    work: impl FnOnce() -> R,
) -> Result<R, CallError> {
    context.spend(steps)?;
    context.check_time()?;
    let result = work();
    context.check_time()?;
    Ok(result)
}
