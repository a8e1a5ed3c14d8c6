//! Functions for random strings, numbers and UUIDs.

use sealed_template::{Buffer, CallError, Context, Functions, Str, utf8};
use zeroize::Zeroizing;

use crate::base64;

pub(crate) fn register(functions: &mut Functions) {
    for (name, alphabet) in [
        ("randAlpha", &[b'A'..=b'Z', b'a'..=b'z'][..]),
        ("randAlphaNum", &[b'A'..=b'Z', b'a'..=b'z', b'0'..=b'9']),
        ("randAscii", &[b' '..=b'~']),
        ("randNumeric", &[b'0'..=b'9']),
    ] {
        let alphabet: Vec<u8> = alphabet.iter().cloned().flatten().collect();
        functions.add(name, move |context: &mut Context<'_>, count: isize| {
            chosen(context, &alphabet, count)
        });
    }
    functions
        .add("randBytes", rand_bytes)
        .add("randInt", rand_int)
        .add("shuffle", shuffle)
        .add("uuidv4", uuidv4);
}

/// A number below `bound`, each as likely as the others.
fn below(context: &mut Context<'_>, bound: u64) -> Result<u64, CallError> {
    // Above the last multiple of the bound are too few numbers to be fair with.
    let fair = u64::MAX
        .checked_div(bound)
        .unwrap_or(0)
        .saturating_mul(bound);
    loop {
        context.spend(1)?;
        let mut bytes = [0; 8];
        context.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < fair {
            return Ok(number.checked_rem(bound).unwrap_or(0));
        }
    }
}

/// An index into something of so many items.
fn index(context: &mut Context<'_>, len: usize) -> Result<usize, CallError> {
    let index = below(context, len as u64)?;
    Ok(usize::try_from(index).unwrap_or(0))
}

/// So many bytes of `alphabet`; none for a negative count.
fn chosen(context: &mut Context<'_>, alphabet: &[u8], count: isize) -> Result<Str, CallError> {
    let count = usize::try_from(count).unwrap_or(0);
    context.charge(count)?;
    let mut out = Buffer::with_capacity(count);
    for _ in 0..count {
        let index = index(context, alphabet.len())?;
        out.extend(alphabet.get(index));
    }
    Ok(out.into())
}

fn rand_bytes(context: &mut Context<'_>, count: isize) -> Result<Str, CallError> {
    let count = usize::try_from(count)
        .map_err(|_| CallError::new("runtime error: makeslice: len out of range"))?;
    context.charge(count.saturating_mul(3))?;
    let mut bytes = Zeroizing::new(vec![0; count]);
    context.random(&mut bytes);
    Ok(base64::encode(&bytes).into())
}

fn rand_int(context: &mut Context<'_>, min: isize, max: isize) -> Result<isize, CallError> {
    // The difference may wrap around, as Go's does.
    let count = u64::try_from(max.wrapping_sub(min)).unwrap_or(0);
    if count == 0 {
        return Err(CallError::new("invalid argument to Intn"));
    }
    let number = below(context, count)?;
    Ok(min.wrapping_add_unsigned(usize::try_from(number).unwrap_or(0)))
}

/// The characters in any order; invalid bytes become U+FFFD.
fn shuffle(context: &mut Context<'_>, text: Str) -> Result<Str, CallError> {
    context.charge(text.len().saturating_mul(size_of::<char>()))?;
    let mut chars: Zeroizing<Vec<char>> =
        Zeroizing::new(utf8::runes(&text).map(|(char, _)| char).collect());
    for last in (1..chars.len()).rev() {
        let other = index(context, last.saturating_add(1))?;
        chars.swap(last, other);
    }
    let mut out = Buffer::with_capacity(text.len());
    chars.iter().for_each(|char| utf8::push(&mut out, *char));
    Ok(out.into())
}

fn uuidv4(context: &mut Context<'_>) -> Str {
    let mut bytes = [0; 16];
    context.random(&mut bytes);
    let version = (0xF << 76, 4 << 76);
    let variant = (0b11 << 62, 0b10 << 62);
    let bits = [version, variant]
        .into_iter()
        .fold(u128::from_be_bytes(bytes), |bits, (mask, value)| {
            bits & !mask | value
        });
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xFFFF,
        bits >> 64 & 0xFFFF,
        bits >> 48 & 0xFFFF,
        bits & 0xFFFF_FFFF_FFFF
    )
    .into()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::time::{Duration, SystemTime};

    use sealed_template::{Budget, Environment};

    use super::*;

    /// Where random bytes come from.
    struct Source<F>(F);

    impl<F: Fn() -> u8> Environment for Source<F> {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&self, bytes: &mut [u8]) {
            bytes.fill_with(&self.0);
        }
    }

    /// Runs `work` with a weak generator, which gives the same numbers every time.
    fn with_randomness<R>(work: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let state = Cell::new(1_u64);
        let source = Source(|| {
            let next = state.get().wrapping_mul(6_364_136_223_846_793_005);
            state.set(next.wrapping_add(1));
            next.to_be_bytes()[0]
        });
        work(&mut Context::new(&source, &mut Budget::default()))
    }

    #[test]
    fn every_number_below_the_bound_is_as_likely() {
        let counts = with_randomness(|context| {
            let mut counts = BTreeMap::new();
            for _ in 0..60_000 {
                *counts.entry(below(context, 6).unwrap()).or_insert(0) += 1;
            }
            counts
        });
        assert_eq!(
            counts.keys().copied().collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5]
        );
        assert!(
            counts.values().all(|count| (9_500..10_500).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_generator_that_is_never_fair_ends_in_an_error() {
        let ones = Source(|| 0xFF);
        let result = below(&mut Context::new(&ones, &mut Budget::default()), 6);
        assert!(result.is_err_and(|error| error.passed_limit().is_some()));
    }

    #[test]
    fn a_string_has_all_of_its_alphabet_and_nothing_else() {
        with_randomness(|context| {
            let text = chosen(context, b"abc", 1000).unwrap();
            assert_eq!(text.len(), 1000);
            for byte in b"abc" {
                assert!(text.contains(byte));
            }
            assert!(text.iter().all(|byte| b"abc".contains(byte)));
            assert!(chosen(context, b"abc", -1).unwrap().is_empty());
        });
    }

    #[test]
    fn numbers_are_within_their_range() {
        with_randomness(|context| {
            for _ in 0..1000 {
                let number = rand_int(context, -3, 4).unwrap();
                assert!((-3..4).contains(&number), "{number}");
            }
            for (min, max) in [(1, 1), (2, 1), (isize::MIN, isize::MAX)] {
                let error = rand_int(context, min, max).unwrap_err();
                assert_eq!(error.text(), b"invalid argument to Intn", "{min} {max}");
            }
        });
    }

    #[test]
    fn a_shuffled_text_has_the_same_characters() {
        with_randomness(|context| {
            let text = shuffle(context, "añb€c😀dé".into()).unwrap();
            let mut chars: Vec<char> = text.to_text().chars().collect();
            assert_ne!(text.to_text(), "añb€c😀dé");
            chars.sort_unstable();
            assert_eq!(String::from_iter(chars), "abcdéñ€😀");
        });
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        with_randomness(|context| {
            for _ in 0..100 {
                let uuid = uuidv4(context);
                let lengths: Vec<usize> =
                    uuid.split(|byte| *byte == b'-').map(<[u8]>::len).collect();
                assert_eq!(lengths, [8, 4, 4, 4, 12]);
                assert_eq!(uuid[14], b'4');
                assert!(b"89ab".contains(&uuid[19]));
            }
        });
    }
}
