//! What replaces a match: a text with `$1`, `${1}`, `$name` and `$$` in it.

use std::ops::Range;

use regex_automata::util::captures::Captures;
use sealed_template::{Buffer, CallError, Context, unicode, utf8};

use super::haystack::Haystack;

/// A replacement, taken apart.
#[derive(Debug)]
pub(super) struct Replacement<'a>(Vec<Piece<'a>>);

#[derive(Debug)]
enum Piece<'a> {
    Text(&'a [u8]),
    /// The first of these groups that is part of the match.
    Group(Vec<usize>),
}

impl<'a> Replacement<'a> {
    /// A replacement that stands for itself.
    pub(super) fn literal(text: &'a [u8]) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// A replacement that may refer to groups.
    pub(super) fn new(
        context: &mut Context<'_>,
        text: &'a [u8],
        names: &[(Vec<u8>, usize)],
    ) -> Result<Self, CallError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(index) = rest.iter().position(|&byte| byte == b'$') {
            context.charge(size_of::<Piece<'_>>().saturating_mul(2))?;
            let (before, after) = rest.split_at_checked(index).unwrap_or_default();
            pieces.push(Piece::Text(before));
            let after = after.get(1..).unwrap_or_default();
            if let Some(after) = after.strip_prefix(b"$") {
                pieces.push(Piece::Text(b"$"));
                rest = after;
            } else if let Some((name, after)) = split_name(after) {
                pieces.push(Piece::Group(groups(context, name, names)?));
                rest = after;
            } else {
                pieces.push(Piece::Text(b"$"));
                rest = after;
            }
        }
        pieces.push(Piece::Text(rest));
        Ok(Self(pieces))
    }

    /// Whether it refers to groups.
    pub(super) fn has_groups(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Group(_)))
    }

    /// Appends what takes the place of a match.
    pub(super) fn write(
        &self,
        context: &mut Context<'_>,
        out: &mut Buffer,
        haystack: &Haystack<'_>,
        captures: &Captures,
    ) -> Result<(), CallError> {
        context.spend(u64::try_from(self.0.len()).unwrap_or(u64::MAX))?;
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => append(context, out, text)?,
                Piece::Group(groups) => {
                    let found = groups.iter().find_map(|&group| captures.get_group(group));
                    if let Some(span) = found {
                        let range: Range<usize> = span.range();
                        append(context, out, haystack.get(range))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Appends `text`, and accounts for it.
pub(super) fn append(
    context: &mut Context<'_>,
    out: &mut Buffer,
    text: &[u8],
) -> Result<(), CallError> {
    context.charge(text.len())?;
    out.extend_from_slice(text);
    Ok(())
}

/// Splits off the longest name, in braces or not, and returns it with what follows.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = text.strip_prefix(b"{");
    let text = open.unwrap_or(text);
    let letters = utf8::runes(text).take_while(|(char, _)| is_name(*char));
    let len = letters.fold(0_usize, |len, (_, bytes)| len.saturating_add(bytes.len()));
    let (name, rest) = text.split_at_checked(len)?;
    let rest = match open {
        Some(_) => rest.strip_prefix(b"}")?,
        None => rest,
    };
    (!name.is_empty()).then_some((name, rest))
}

fn is_name(char: char) -> bool {
    char == '_' || unicode::is_letter(char) || unicode::is_digit(char)
}

/// The groups that a name may mean: the one of a number, or all that have the name.
fn groups(
    context: &mut Context<'_>,
    name: &[u8],
    names: &[(Vec<u8>, usize)],
) -> Result<Vec<usize>, CallError> {
    if let Some(number) = number(name) {
        return Ok(vec![number]);
    }
    context.spend(u64::try_from(names.len()).unwrap_or(u64::MAX))?;
    let same = names.iter().filter(|(other, _)| other == name);
    let groups: Vec<_> = same.map(|(_, index)| *index).collect();
    context.charge(size_of_val(groups.as_slice()))?;
    Ok(groups)
}

/// The number that a name is: of at most nine digits, and without a needless zero in front.
fn number(name: &[u8]) -> Option<usize> {
    let is_number = match name {
        [b'0', _, ..] => false,
        digits => digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit),
    };
    let name = std::str::from_utf8(name).ok().filter(|_| is_number);
    name?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_as_long_as_it_can_be() {
        let split = |text: &'static str| {
            let (name, rest) = split_name(text.as_bytes())?;
            Some((str::from_utf8(name).unwrap(), str::from_utf8(rest).unwrap()))
        };
        assert_eq!(split("1x-"), Some(("1x", "-")));
        assert_eq!(split("{1}x"), Some(("1", "x")));
        assert_eq!(split("été_1!"), Some(("été_1", "!")));
        assert_eq!(split("{a"), None);
        assert_eq!(split("{a b}"), None);
        assert_eq!(split("{}"), None);
        assert_eq!(split("-"), None);
    }

    #[test]
    fn what_looks_like_no_number_is_a_name() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"999999999"), Some(999_999_999));
        assert_eq!(number(b"1000000000"), None);
        assert_eq!(number(b"01"), None);
        assert_eq!(number(b"1a"), None);
    }
}
