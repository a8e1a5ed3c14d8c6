//! What costly work spends of the budget.
//!
//! A step of the engine stands for a tenth of a microsecond, at which the two million steps of the default
//! budget would last for three password hashes. Here a step stands for 5 µs instead, so that all of the
//! default budget buys ten seconds of work, and no more. That is the default of
//! [`Limits::time`](sealed_template::Limits::time); whoever allows less, as the controller does with five, or runs
//! on a slower machine, has the clock end the work earlier:
//!
//! | work | about | steps |
//! |---|---|---|
//! | bcrypt | 60 ms | 12,000 |
//! | scrypt | 200 ms | 40,000 |
//! | scrypt: each byte of its salt, which it hashes 64 times | 0.06 µs where the CPU has instructions for SHA-256 | 1 |
//! | RSA key of 2048 bits | 100 ms, varying threefold | 20,000 |
//! | RSA key of 4096 bits | 1.2 s, varying threefold | 240,000 |
//! | DSA key: one of about 90 candidates for its prime that have no small factor | 8 ms | 1,600 |
//! | DSA key: any other candidate for it | 0.1 ms | 20 |
//! | DSA key: one of about 90 candidates for the order of its group | 0.2 ms | 40 |
//! | reading an RSA key, or signing with it | 1 ms at 2048 bits, 60 ms at 8192 | 800 to 12,800 |
//! | reading or making an ECDSA or Ed25519 key, or signing with it | 1 ms | 200 |
//!
//! Only reading is paid as elsewhere, with a step for 32 bytes of base64, PEM or AES, or of a master password.
//!
//! A certificate authority, two certificates, three password hashes, a derived password and an RSA key for
//! something else come to a fifth.

use sealed_template::{CallError, Context};

pub(super) const BCRYPT: u64 = milliseconds(60);
pub(super) const SCRYPT: u64 = milliseconds(200);
pub(super) const RSA_2048: u64 = milliseconds(100);
pub(super) const RSA_4096: u64 = milliseconds(1_200);
pub(super) const DSA_DRAW: u64 = 20;
pub(super) const DSA_CANDIDATE: u64 = milliseconds(8);
pub(super) const DSA_ORDER: u64 = 40;
pub(super) const ELLIPTIC: u64 = milliseconds(1);

/// For the salt of scrypt. Far more than it takes, because it cannot be interrupted: what all of the default
/// budget buys ends in less than a second.
pub(super) fn scrypt_salt(salt: &[u8]) -> u64 {
    u64::try_from(salt.len()).unwrap_or(u64::MAX)
}

/// For a use of an RSA key whose modulus has so many bits.
pub(super) fn rsa_use(bits: usize) -> u64 {
    let kilobits = u64::try_from(bits.div_ceil(1024)).unwrap_or(u64::MAX);
    milliseconds(kilobits.saturating_mul(kilobits))
}

/// For reading a text.
pub(super) fn reading(text: &[u8]) -> u64 {
    u64::try_from(text.len() / 32).unwrap_or(u64::MAX)
}

const fn milliseconds(time: u64) -> u64 {
    time.saturating_mul(200)
}

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
