//! Lines of a given width.

use sealed_template::{CallError, Context, Functions, Str};

use super::pieces::joined;

pub(super) fn register(functions: &mut Functions) {
    functions
        .add(
            "wrap",
            |context: &mut Context<'_>, width: isize, text: Str| {
                joined(context, Lines::new(&text, width, LongWords::Stay), b"\n")
            },
        )
        .add("wrapWith", wrap_with);
}

fn wrap_with(
    context: &mut Context<'_>,
    width: isize,
    separator: Str,
    text: Str,
) -> Result<Str, CallError> {
    let separator = if separator.is_empty() {
        Str::from("\n")
    } else {
        separator
    };
    joined(
        context,
        Lines::new(&text, width, LongWords::Break),
        &separator,
    )
}

/// What becomes of words that are longer than a line.
#[derive(Clone, Copy)]
enum LongWords {
    Stay,
    Break,
}

/// A text in lines of at most `width` bytes, broken at spaces.
#[derive(Clone)]
struct Lines<'a> {
    rest: Option<&'a [u8]>,
    width: usize,
    long_words: LongWords,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8], width: isize, long_words: LongWords) -> Self {
        Self {
            rest: Some(text),
            width: usize::try_from(width).unwrap_or(0).max(1),
            long_words,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest.take()?;
        // Spaces at the start of a line go, unless what is left fits.
        while let Some(trimmed) = rest.strip_prefix(b" ").filter(|_| rest.len() > self.width) {
            rest = trimmed;
        }
        let Some((line, after)) = rest
            .split_at_checked(self.width)
            .filter(|(_, after)| !after.is_empty())
        else {
            return Some(rest);
        };
        let is_space = |byte: &u8| *byte == b' ';
        // A space right behind the line ends it, too.
        let space = if after.first().is_some_and(is_space) {
            Some(self.width)
        } else {
            line.iter().rposition(is_space)
        };
        let end = space.or_else(|| match self.long_words {
            LongWords::Break => None,
            LongWords::Stay => {
                let more = after.iter().position(is_space).unwrap_or(after.len());
                Some(self.width.saturating_add(more))
            }
        });
        let Some((line, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
            self.rest = Some(after);
            return Some(line);
        };
        self.rest = after.strip_prefix(b" ");
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_or_break() {
        let lines = |text: &'static str, width, long_words| {
            let lines = Lines::new(text.as_bytes(), width, long_words);
            lines
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect::<Vec<_>>()
        };
        for (text, width, stay, break_) in [
            ("", 5, vec![""], vec![""]),
            (
                "one two three",
                5,
                vec!["one", "two", "three"],
                vec!["one", "two", "three"],
            ),
            ("  a  b", 2, vec!["a ", "b"], vec!["a ", "b"]),
            (
                "abcdef gh",
                3,
                vec!["abcdef", "gh"],
                vec!["abc", "def", "gh"],
            ),
            (
                "abcdef",
                0,
                vec!["abcdef"],
                vec!["a", "b", "c", "d", "e", "f"],
            ),
            ("abc ", 3, vec!["abc", ""], vec!["abc", ""]),
        ] {
            assert_eq!(
                lines(text, width, LongWords::Stay),
                stay,
                "{text:?} {width}"
            );
            assert_eq!(
                lines(text, width, LongWords::Break),
                break_,
                "{text:?} {width}"
            );
        }
    }
}
