//! Words within names: `camelcase`, `snakecase`, `kebabcase`.

use sealed_template::unicode::is_letter;
use sealed_template::{Buffer, Functions, Str, utf8};

use crate::unicode::{NUMBER, PUNCTUATION, UPPER, to_lower, to_upper};

pub(super) fn register(functions: &mut Functions) {
    functions
        .add("camelcase", |text: Str| camelcase(&text))
        .add("kebabcase", |text: Str| lower_words(&text, '-'))
        .add("snakecase", |text: Str| lower_words(&text, '_'));
}

fn is_connector(char: char) -> bool {
    matches!(char, '-' | '_') || char.is_whitespace()
}

/// Letters that make words: not those of the most common ideographs.
fn is_alphabetic(char: char) -> bool {
    let is_ideograph = matches!(char,
        '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}');
    is_letter(char) && !is_ideograph
}

/// Words run together, each with an upper-case letter first. The rest of a word is in lower case as long as it
/// was in capitals. Of several connectors in a row, one goes; those in front stay.
fn camelcase(text: &[u8]) -> Str {
    let mut out = Buffer::with_capacity(text.len());
    let mut chars = utf8::runes(text).map(|(char, _)| char).peekable();
    let mut connector = None;
    while let Some(char) = chars.next_if(|char| is_connector(*char)) {
        utf8::push(&mut out, char);
        connector = Some(char);
    }
    let Some(first) = chars.next() else {
        // Go writes the last one twice when there is nothing else.
        if let Some(char) = connector {
            utf8::push(&mut out, char);
        }
        return out.into();
    };
    let mut is_in_capitals = UPPER.contains(first);
    let mut previous = to_upper(first);
    for mut char in chars {
        if !is_connector(previous) {
            utf8::push(&mut out, previous);
            is_in_capitals = is_in_capitals && UPPER.contains(char);
            if is_in_capitals {
                char = to_lower(char);
            }
        } else if is_connector(char) {
            utf8::push(&mut out, previous);
        } else {
            is_in_capitals = UPPER.contains(char);
            char = to_upper(char);
        }
        previous = char;
    }
    utf8::push(&mut out, previous);
    out.into()
}

/// Words in lower case with `connector` between them and in place of every other connector.
///
/// Numbers belong to the word before them (`Bld4Floor`: `bld4_floor`), unless lower-case letters follow, which
/// they then begin a word with (`HTTP20xOK`: `http_20x_ok`).
fn lower_words(text: &[u8], connector: char) -> Str {
    let mut out = Buffer::with_capacity(text.len());
    let mut words = Words(text).peekable();
    while let Some(word) = words.next() {
        word.write(&mut out, connector);
        let mut takes_letters = word.kind == Kind::Number;
        if matches!(word.kind, Kind::Capitalized | Kind::Letters | Kind::Other)
            && let Some(number) = words.next_if(|next| next.kind == Kind::Number)
        {
            takes_letters = words.peek().is_some_and(|next| next.kind == Kind::Letters);
            if takes_letters {
                utf8::push(&mut out, connector);
            }
            number.write(&mut out, connector);
        }
        while takes_letters
            && let Some(part) =
                words.next_if(|next| matches!(next.kind, Kind::Letters | Kind::Number))
        {
            part.write(&mut out, connector);
        }
        let is_separate = |kind| matches!(kind, Kind::Connector | Kind::Punctuation);
        if !is_separate(word.kind) && words.peek().is_some_and(|next| !is_separate(next.kind)) {
            utf8::push(&mut out, connector);
        }
    }
    out.into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Capitals, or one capital and the small letters after it.
    Capitalized,
    Connector,
    /// Letters without capitals.
    Letters,
    Number,
    Other,
    Punctuation,
}

#[derive(Clone, Copy)]
struct Word<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

impl Word<'_> {
    fn write(self, out: &mut Buffer, connector: char) {
        if !matches!(self.kind, Kind::Capitalized | Kind::Connector) {
            out.extend_from_slice(self.bytes);
            return;
        }
        for (char, _) in utf8::runes(self.bytes) {
            let char = match char {
                char if is_connector(char) => connector,
                char if UPPER.contains(char) => to_lower(char),
                char => char,
            };
            utf8::push(out, char);
        }
    }
}

/// The words of a text. Invalid bytes go with the character after them; at the end, with the last word.
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let (kind, len) = first_word(self.0)?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(Word { kind, bytes })
    }
}

/// The kind of the first word, and how many bytes it has.
fn first_word(text: &[u8]) -> Option<(Kind, usize)> {
    let Some((first, len)) = valid(text) else {
        return (!text.is_empty()).then_some((Kind::Other, text.len()));
    };
    let is_small = |char| is_alphabetic(char) && !UPPER.contains(char);
    let rest = text.get(len..)?;
    let (kind, more) = if is_connector(first) {
        (Kind::Connector, run(rest, is_connector))
    } else if PUNCTUATION.contains(first) {
        (
            Kind::Punctuation,
            run(rest, |char| PUNCTUATION.contains(char)),
        )
    } else if UPPER.contains(first) {
        let more = match valid(rest) {
            Some((second, _)) if !UPPER.contains(second) => run(rest, is_small),
            _ => capitals(rest),
        };
        (Kind::Capitalized, more)
    } else if is_alphabetic(first) {
        (Kind::Letters, run(rest, is_small))
    } else if NUMBER.contains(first) {
        (Kind::Number, run(rest, |char| NUMBER.contains(char)))
    } else {
        let is_other = |char| {
            let is_known = is_connector(char) || is_alphabetic(char);
            !is_known && !NUMBER.contains(char) && !PUNCTUATION.contains(char)
        };
        (Kind::Other, run(rest, is_other))
    };
    Some((kind, len.saturating_add(more)))
}

/// The first character that can be read, and how many bytes reach to its end.
fn valid(text: &[u8]) -> Option<(char, usize)> {
    let mut end: usize = 0;
    for (char, bytes) in utf8::runes(text) {
        end = end.saturating_add(bytes.len());
        if char != char::REPLACEMENT_CHARACTER {
            return Some((char, end));
        }
    }
    None
}

/// How many bytes at the start are such characters; all, if nothing else can be read.
fn run(text: &[u8], is_part: impl Fn(char) -> bool) -> usize {
    let mut end: usize = 0;
    let mut offset: usize = 0;
    for (char, bytes) in utf8::runes(text) {
        offset = offset.saturating_add(bytes.len());
        if char == char::REPLACEMENT_CHARACTER {
            continue;
        }
        if !is_part(char) {
            return end;
        }
        end = offset;
    }
    offset
}

/// As [`run`], for capitals: the last one belongs to the next word if small letters follow (`HTTPServer`).
fn capitals(text: &[u8]) -> usize {
    let mut before_last = 0;
    let mut end: usize = 0;
    while let Some((char, len)) = text.get(end..).and_then(valid) {
        if !UPPER.contains(char) {
            return if is_alphabetic(char) {
                before_last
            } else {
                end
            };
        }
        before_last = end;
        end = end.saturating_add(len);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camelcase_joins_words() {
        for (text, expected) in [
            ("http_server", "HttpServer"),
            ("HTTP_server", "HttpServer"),
            ("fooBar baz", "FooBarBaz"),
            ("_a__b_", "_A_B_"),
            ("__", "___"),
            ("", ""),
        ] {
            assert_eq!(camelcase(text.as_bytes()).to_text(), expected, "{text}");
        }
    }

    #[test]
    fn words_are_found_within_names() {
        for (text, expected) in [
            ("FirstName", "first_name"),
            ("HTTPServer", "http_server"),
            ("GO-PATH x", "go_path_x"),
            ("HTTP20xOK", "http_20x_ok"),
            ("Bld4Floor3rd", "bld4_floor_3rd"),
            ("Duration2m3s", "duration_2m3s"),
            ("abc123", "abc123"),
            ("a.B", "a.b"),
            ("_a", "_a"),
            ("中文A", "中文_a"),
        ] {
            assert_eq!(
                lower_words(text.as_bytes(), '_').to_text(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn invalid_bytes_are_kept_but_in_capitals() {
        assert_eq!(lower_words(b"a\xFFb", '_').as_bytes(), b"a\xFFb");
        assert_eq!(
            lower_words(b"A\xFFB", '_').as_bytes(),
            "a\u{FFFD}b".as_bytes()
        );
        assert_eq!(lower_words(b"\xFF", '_').as_bytes(), b"\xFF");
    }
}
