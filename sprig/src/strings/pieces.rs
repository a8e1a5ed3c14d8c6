//! Taking strings apart and putting the pieces together.

use std::iter;

use memchr::memmem::Finder;
use sealed_template::{CallError, Context, Functions, Mapping, Slice, Str, utf8};

pub(super) fn register(functions: &mut Functions) {
    functions
        .add(
            "indent",
            |context: &mut Context<'_>, spaces: isize, text: Str| {
                indented(context, b"", spaces, &text)
            },
        )
        .add(
            "nindent",
            |context: &mut Context<'_>, spaces: isize, text: Str| {
                indented(context, b"\n", spaces, &text)
            },
        )
        .add(
            "repeat",
            |context: &mut Context<'_>, count: isize, text: Str| repeated(context, &text, count),
        )
        .add("replace", replace)
        .add(
            "split",
            |context: &mut Context<'_>, separator: Str, text: Str| {
                numbered(context, Pieces::new(&text, &separator))
            },
        )
        .add(
            "splitList",
            |context: &mut Context<'_>, separator: Str, text: Str| {
                let pieces = Pieces::new(&text, &separator);
                charge_pieces(context, pieces.clone())?;
                Ok(Slice::new(pieces.map(Str::from)))
            },
        )
        .add(
            "splitn",
            |context: &mut Context<'_>, separator: Str, count: isize, text: Str| {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                numbered(context, Pieces::new(&text, &separator).at_most(count))
            },
        );
}

/// The pieces of a text between separators; with an empty separator, its characters.
#[derive(Clone)]
struct Pieces<'a> {
    rest: Option<&'a [u8]>,
    separator: Finder<'a>,
    left: usize,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a [u8], separator: &'a [u8]) -> Self {
        Self {
            rest: (!text.is_empty() || !separator.is_empty()).then_some(text),
            separator: Finder::new(separator),
            left: usize::MAX,
        }
    }

    /// At most so many pieces: the last holds what is left.
    fn at_most(self, count: usize) -> Self {
        Self {
            left: count,
            ..self
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let rest = self.rest.take()?;
        let separator = self.separator.needle().len();
        let end = match separator {
            _ if self.left == 0 => None,
            0 => utf8::decode(rest)
                .map(|(_, len)| len)
                .filter(|len| *len < rest.len()),
            _ => self.separator.find(rest),
        };
        let Some((piece, rest)) = end.and_then(|end| rest.split_at_checked(end)) else {
            return Some(rest);
        };
        self.rest = rest.get(separator..);
        Some(piece)
    }
}

/// `pieces` with `separator` between them.
pub(super) fn joined<'a>(
    context: &mut Context<'_>,
    pieces: impl Iterator<Item = &'a [u8]> + Clone,
    separator: &'a [u8],
) -> Result<Str, CallError> {
    let separators = iter::once(&[][..]).chain(iter::repeat(separator));
    concatenated(context, separators.zip(pieces).flat_map(<[_; 2]>::from))
}

fn concatenated<'a>(
    context: &mut Context<'_>,
    parts: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<Str, CallError> {
    let size = parts
        .clone()
        .fold(0, |size: usize, part| size.saturating_add(part.len()));
    context.charge(size)?;
    let mut out = Vec::with_capacity(size);
    parts.for_each(|part| out.extend_from_slice(part));
    Ok(out.into())
}

fn repeated(context: &mut Context<'_>, text: &[u8], count: isize) -> Result<Str, CallError> {
    let count =
        usize::try_from(count).map_err(|_| CallError::new("strings: negative Repeat count"))?;
    let size = text
        .len()
        .checked_mul(count)
        .filter(|size| isize::try_from(*size).is_ok());
    let size = size.ok_or_else(|| CallError::new("strings: Repeat output length overflow"))?;
    context.charge(size)?;
    Ok(text.repeat(count).into())
}

/// `start`, and the text with spaces before each line.
fn indented(
    context: &mut Context<'_>,
    start: &[u8],
    spaces: isize,
    text: &[u8],
) -> Result<Str, CallError> {
    let pad = repeated(context, b" ", spaces)?;
    let separator = concatenated(context, [b"\n", pad.as_bytes()].into_iter())?;
    let text = joined(context, Pieces::new(text, b"\n"), &separator)?;
    concatenated(context, [start, &pad, &text].into_iter())
}

fn replace(context: &mut Context<'_>, old: Str, new: Str, text: Str) -> Result<Str, CallError> {
    let pieces = Pieces::new(&text, &old);
    if old.is_empty() {
        // An empty text stands before each character and at the end.
        let end = || iter::once(&[][..]);
        return joined(context, end().chain(pieces).chain(end()), &new);
    }
    joined(context, pieces, &new)
}

/// The pieces under the names `_0`, `_1` …
fn numbered(context: &mut Context<'_>, pieces: Pieces<'_>) -> Result<Mapping<Str>, CallError> {
    charge_pieces(context, pieces.clone())?;
    let named = pieces
        .enumerate()
        .map(|(index, piece)| (format!("_{index}").into(), piece.into()));
    Ok(Mapping::new(named))
}

/// Pieces can be empty, so what they take is far more than what they hold.
fn charge_pieces(context: &mut Context<'_>, pieces: Pieces<'_>) -> Result<(), CallError> {
    const COST: usize = 128;
    let size = pieces.fold(0, |size: usize, piece| {
        size.saturating_add(piece.len()).saturating_add(COST)
    });
    context.charge(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, separator: &str, count: usize) -> Vec<String> {
        let pieces = Pieces::new(text.as_bytes(), separator.as_bytes()).at_most(count);
        pieces
            .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn pieces_are_those_of_a_split() {
        for (text, separator, count, expected) in [
            ("a,b,,c", ",", 9, &["a", "b", "", "c"][..]),
            ("a,b,,c", ",", 2, &["a", "b,,c"]),
            ("a,b", ",", 1, &["a,b"]),
            ("a,b", ",", 0, &[]),
            ("", ",", 9, &[""]),
            ("aé€", "", 9, &["a", "é", "€"]),
            ("aé€", "", 2, &["a", "é€"]),
            ("", "", 9, &[]),
        ] {
            assert_eq!(
                pieces(text, separator, count),
                expected,
                "{text:?} {separator:?} {count}"
            );
        }
    }
}
