//! How a text is written as a YAML scalar, so that every reader gets that text back.
//!
//! The choice of style and the place of line ends are those of Go's YAML library, so that a file written by
//! either side differs only where its content does. Quotes are added where another reader of YAML 1.1 or 1.2
//! would see something else than text.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::scalar::{Scalar, guess, is_decimal_float, is_timestamp};

/// Plain and quoted text is continued on the next line behind this column.
const BEST_WIDTH: usize = 80;

/// Where a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// A value in block style.
    Value,
    /// A key in block style, or a value that has to stay on its line.
    Line,
    /// Inside of `[]` or `{}`.
    Flow,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// The style for a text.
pub(crate) fn style(text: &str, context: Context) -> Style {
    let shape = Shape::of(text, context == Context::Flow);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if is_ambiguous(text) {
        Style::DoubleQuoted
    } else {
        Style::Plain
    };
    match wanted {
        Style::Literal if shape.literal && context == Context::Value => Style::Literal,
        Style::Plain if shape.plain => Style::Plain,
        Style::Plain if shape.single_quoted => Style::SingleQuoted,
        _ => Style::DoubleQuoted,
    }
}

/// Whether a text can be written in single quotes on one line.
pub(crate) fn fits_single_quotes(text: &str) -> bool {
    Shape::of(text, false).single_quoted
}

/// Which styles can hold a text.
struct Shape {
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

impl Shape {
    fn of(text: &str, in_flow: bool) -> Self {
        if is_base64(text) {
            return Self {
                plain: !text.is_empty(),
                single_quoted: true,
                literal: !text.is_empty(),
            };
        }
        let marks_document = text.starts_with("---") || text.starts_with("...");
        let (mut block_mark, mut flow_mark) = (marks_document, marks_document);
        let (mut special, mut line_end, mut space_then_end, mut end_then_space) =
            (false, false, false, false);
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let blank_follows = matches!(characters.peek(), None | Some(' ' | '\t' | '\n'));
            match (character, previous) {
                (
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                    None,
                ) => {
                    (block_mark, flow_mark) = (true, true);
                }
                ('?' | ':', _) if previous.is_none() || character == ':' => {
                    flow_mark = true;
                    block_mark |= blank_follows;
                }
                ('-', None) if blank_follows => (block_mark, flow_mark) = (true, true),
                // `-[` at the beginning is text to some readers of flow style, an error to others.
                ('-', None) | (',' | '?' | '[' | ']' | '{' | '}', _) => flow_mark = true,
                ('#', Some(' ' | '\t' | '\n')) => (block_mark, flow_mark) = (true, true),
                _ => {}
            }
            special |= !is_printable(character);
            line_end |= character == '\n';
            space_then_end |= character == '\n' && previous == Some(' ');
            end_then_space |= character == ' ' && previous == Some('\n');
            previous = Some(character);
        }
        let edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let quoted_only = special || space_then_end;
        let plain = !edge && !end_then_space && !quoted_only && !line_end && !text.is_empty();
        Self {
            plain: plain && !block_mark && !(in_flow && flow_mark),
            single_quoted: !end_then_space && !quoted_only && !line_end,
            literal: !text.is_empty() && !text.ends_with(' ') && !quoted_only,
        }
    }
}

/// Whether a text has the letters of base64 alone, of which none means anything to YAML. Most of the bytes that are ever written
/// are such values, and this tells them at a fraction of what looking at each character costs.
fn is_base64(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'/' | b'=');
    // Without a branch for each byte, so that many are looked at in one instruction.
    let are_letters = |part: &[u8]| part.iter().fold(true, |all, byte| all & is_letter(byte));
    text.as_bytes().chunks(64).all(are_letters)
}

/// What may stand in a YAML text without an escape. Characters beyond the basic plane, and those that
/// YAML 1.1 takes for line ends, are escaped.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
        && !matches!(character, '\u{FEFF}' | '\u{2028}' | '\u{2029}')
}

/// Whether some reader of YAML 1.1 or 1.2 takes the plain text for a number, a date, a word such as `yes`, a
/// merge key or a default value.
fn is_ambiguous(text: &str) -> bool {
    if !matches!(guess(Cow::Borrowed(text)), Scalar::Text(_)) || matches!(text, "=" | "<<") {
        return true;
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let joined = unsigned.replace('_', "");
    is_timestamp(text) || is_decimal_float(&joined) || is_sexagesimal(&joined) || is_radix(&joined)
}

/// `12:30:45`, `190:20:30.15`.
fn is_sexagesimal(unsigned: &str) -> bool {
    unsigned.contains(':')
        && unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
}

/// `0b…`, `0o…`, `0x…`, also with digits of a larger base or none at all, which readers treat differently.
fn is_radix(unsigned: &str) -> bool {
    let prefixed = ["0b", "0B", "0o", "0O", "0x", "0X"]
        .iter()
        .any(|prefix| unsigned.starts_with(prefix));
    prefixed && unsigned[2..].bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Writes a scalar behind what `out` holds. Further lines are indented by `indent` columns.
pub(crate) fn write(out: &mut String, text: &str, style: Style, indent: usize, context: Context) {
    let wrap = context == Context::Value;
    match style {
        Style::Plain => fold(out, text, indent, wrap, false),
        Style::SingleQuoted => {
            out.push('\'');
            fold(out, text, indent, wrap, true);
            out.push('\'');
        }
        Style::DoubleQuoted => double_quoted(out, text, indent, wrap),
        Style::Literal => literal(out, text, indent),
    }
}

fn column(out: &str) -> usize {
    let line = out.rfind('\n').map_or(0, |at| at + 1);
    out[line..].chars().count()
}

fn new_line(out: &mut String, indent: usize) -> usize {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    indent
}

/// Plain or single-quoted text: a single space may become a line end, which readers fold into a space again.
fn fold(out: &mut String, text: &str, indent: usize, wrap: bool, quoted: bool) {
    if is_base64(text) {
        out.push_str(text);
        return;
    }
    let mut column = column(out);
    let mut previous = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let single = character == ' '
            && !matches!(previous, None | Some(' '))
            && !matches!(characters.peek(), None | Some(' '));
        previous = Some(character);
        if wrap && single && column > BEST_WIDTH {
            column = new_line(out, indent);
            continue;
        }
        if quoted && character == '\'' {
            out.push('\'');
            column += 1;
        }
        out.push(character);
        column += 1;
    }
}

fn double_quoted(out: &mut String, text: &str, indent: usize, wrap: bool) {
    out.push('"');
    let mut column = column(out);
    let mut previous = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let first_space = character == ' '
            && !matches!(previous, None | Some(' '))
            && characters.peek().is_some();
        previous = Some(character);
        if wrap && first_space && column > BEST_WIDTH {
            column = new_line(out, indent);
            if characters.peek() == Some(&' ') {
                // Without it, leading blanks of the line would be lost.
                out.push('\\');
                column += 1;
            }
            continue;
        }
        let before = out.len();
        if is_printable(character) && !matches!(character, '"' | '\\' | '\n') {
            out.push(character);
            column += 1;
        } else {
            escape(out, character);
            column += out.len() - before;
        }
    }
    out.push('"');
}

fn escape(out: &mut String, character: char) {
    let short = match character {
        '\0' => '0',
        '\u{07}' => 'a',
        '\u{08}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{0B}' => 'v',
        '\u{0C}' => 'f',
        '\r' => 'r',
        '\u{1B}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{A0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(character);
            let result = match code {
                0..=0xFF => write!(out, "\\x{code:02X}"),
                0x100..=0xFFFF => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return result.expect("writing to a String cannot fail");
        }
    };
    out.push('\\');
    out.push(short);
}

/// A block with the mark of what happens to its last line end; ends with a line end itself.
fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        // The indentation cannot be told from the first line: two columns more than the parent.
        out.push('2');
    }
    match text.strip_suffix('\n') {
        None => out.push('-'),
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    out.push('\n');
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
    if !text.ends_with('\n') {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_reader_could_mistake_is_quoted() {
        for text in [
            "yes",
            "n",
            "on",
            "~",
            "null",
            "",
            "123",
            "1.5",
            "0x1F",
            "017",
            "+1",
            "2020-01-01",
            "12:30:45",
            "=",
            "<<",
            "1e400",
            "0o17",
            "1_000",
            ".5",
            ".inf",
            "0b2",
            "0x",
            "1__",
            "2001-12-14 21:59:43.10 -5",
            "190:20:30.15",
            "1e3",
            "+.5",
            "1.",
        ] {
            assert_eq!(style(text, Context::Value), Style::DoubleQuoted, "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_plain() {
        for text in [
            "a & b <c>",
            "a\\b",
            "say \"hi\"",
            "it's",
            "1.2.3",
            "v1.0",
            "a:b",
            "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq==",
            "é☃",
            "1,000",
            "-x",
            "?x",
            "10.0.0.1",
            "1a",
            "a#b",
            "_x",
            "1:2:x",
        ] {
            assert_eq!(style(text, Context::Value), Style::Plain, "{text}");
        }
    }

    #[test]
    fn marks_are_quoted() {
        for text in [
            "a: b", "a #b", "- a", "*x", "%x", "{a}", "  x", "x  ", "---", "? x", "a:", "'", "@x",
            "`", "&a", "!t", "[", "|",
        ] {
            assert_eq!(style(text, Context::Value), Style::SingleQuoted, "{text}");
        }
        for text in [
            "a\tb", "a\rb", "a\r\nb", "😀", "\u{7f}", "a\u{85}b", "\u{2028}", "\u{feff}",
        ] {
            assert_eq!(style(text, Context::Value), Style::DoubleQuoted, "{text:?}");
        }
    }

    #[test]
    fn lines_are_a_literal_where_one_can_hold_them() {
        for text in ["a\nb", "a\nb\n", "a\n\n", "\n", " a\nb", "a\n b"] {
            assert_eq!(style(text, Context::Value), Style::Literal, "{text:?}");
            assert_eq!(style(text, Context::Line), Style::DoubleQuoted, "{text:?}");
        }
        for text in ["a \nb", "a\n ", "a\tb\n", "a\r\nb"] {
            assert_eq!(style(text, Context::Value), Style::DoubleQuoted, "{text:?}");
        }
    }

    #[test]
    fn flow_style_allows_less() {
        for (text, wanted) in [
            ("a,b", Style::SingleQuoted),
            ("a:b", Style::SingleQuoted),
            ("ab", Style::Plain),
        ] {
            assert_eq!(style(text, Context::Flow), wanted, "{text}");
        }
    }

    #[test]
    fn long_text_continues_at_the_indentation() {
        let text = "word ".repeat(30);
        let text = text.trim_end();
        let mut out = "    long: ".to_owned();
        write(&mut out, text, Style::Plain, 6, Context::Value);
        assert!(out.lines().count() > 1);
        assert!(out.lines().all(|line| line.len() < 90));
        assert_eq!(
            out.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
            text
        );
        let mut key = String::new();
        write(&mut key, text, Style::Plain, 0, Context::Line);
        assert_eq!(key, text);
    }
}
