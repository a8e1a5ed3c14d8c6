//! Whether a text may hold SealedSecrets, told without reading it as documents: of what a repository holds, most is something else.

use std::io::{self, Read};

use crate::input::has_braces;
use crate::traces;

/// As much of a text is in memory as a whole.
pub(super) const SMALL: usize = 1 << 20;
/// What could be cut in two where a text is looked at in parts.
const OVERLAP: usize = 32;

/// What a glance at a text shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// The whole text, which may hold SealedSecrets.
    Small(Vec<u8>),
    /// It may hold them and is too long to keep.
    Large {
        /// Whether it looks like a template.
        has_braces: bool,
    },
    /// It holds none.
    Nothing,
}

impl Glance {
    /// Reads a text, and keeps it if it is no longer than `small`.
    pub(super) fn at(mut text: impl Read, small: usize) -> io::Result<Self> {
        let mut part = Vec::new();
        let mut read = |part: &mut Vec<u8>| {
            let limit = u64::try_from(small).unwrap_or(u64::MAX);
            text.by_ref().take(limit).read_to_end(part)
        };
        read(&mut part)?;
        if part.len() < small {
            return Ok(if traces::of_sealed_secrets(&part) {
                Self::Small(part)
            } else {
                Self::Nothing
            });
        }
        let (mut mentions, mut braces) = (false, false);
        loop {
            mentions |= traces::of_sealed_secrets(&part);
            braces |= has_braces(&part);
            part.drain(..part.len().saturating_sub(OVERLAP));
            if read(&mut part)? == 0 {
                break;
            }
        }
        Ok(if mentions {
            Self::Large { has_braces: braces }
        } else {
            Self::Nothing
        })
    }
}

#[cfg(test)]
mod tests {
    use sealed_api::names;

    use super::*;

    #[test]
    fn a_long_text_is_looked_at_in_parts_that_cut_no_word() {
        let small = 256;
        for before in 0..3 * small {
            let text = |word: &str| format!("{}{word}{}", "#".repeat(before), "#".repeat(small));
            let glance = |text: String| Glance::at(text.as_bytes(), small).unwrap();
            for word in [names::KIND, names::ITEMS] {
                assert_eq!(glance(text(word)), Glance::Large { has_braces: false });
            }
            let template = format!("{{{{ x }}}}{}", names::KIND);
            assert_eq!(glance(text(&template)), Glance::Large { has_braces: true });
            assert_eq!(glance(text("Secret")), Glance::Nothing);
        }
    }

    #[test]
    fn a_short_text_is_kept_if_it_may_hold_any() {
        let text = "kind: SealedSecret\n";
        let kept = Glance::Small(text.into());
        assert_eq!(Glance::at(text.as_bytes(), SMALL).unwrap(), kept);
        assert_eq!(
            Glance::at(&b"kind: Secret\n"[..], SMALL).unwrap(),
            Glance::Nothing
        );
        let utf16: &[u8] = b"\xff\xfek\0";
        assert_eq!(
            Glance::at(utf16, SMALL).unwrap(),
            Glance::Small(utf16.into())
        );
    }
}
