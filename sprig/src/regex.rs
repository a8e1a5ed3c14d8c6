//! Functions for regular expressions.
//!
//! Patterns are those of Go's `regexp`. A parser of ours takes what Go takes and refuses the rest in Go's words;
//! what it makes of a pattern is run by `regex-automata`, which searches like Go: leftmost-first, and in time
//! linear in the text.
//!
//! # Differences
//!
//! * A pattern that takes too many steps to compile, or an automaton of more than 10 MiB, ends in a limit,
//!   `\pL{1000}` for one. Go has no such bounds.
//! * Go puts beginnings that alternatives share in front of them before it looks how deep and large a pattern
//!   is, so that its bounds on both are met by other patterns, near to a depth of 1000 and a size of three
//!   million.

mod cursor;
mod error;
mod expand;
mod haystack;
mod node;
mod parse;
mod program;
mod unicode;

use std::ops::Range;

use regex_automata::util::captures::Captures;
use sealed_template::{Buffer, CallError, Context, Functions, Slice, Str, Value, strconv};

use self::error::Failure;
use self::expand::{Replacement, append};
use self::haystack::Haystack;
use self::parse::{Pattern, parse};
use self::program::Regexp;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("mustRegexFind", binary(parsed, find))
        .add("mustRegexFindAll", ternary(parsed, find_all))
        .add("mustRegexMatch", binary(parsed, is_match))
        .add("mustRegexReplaceAll", ternary(parsed, replace_all))
        .add(
            "mustRegexReplaceAllLiteral",
            ternary(parsed, replace_all_literal),
        )
        .add("mustRegexSplit", ternary(parsed, split))
        .add("regexFind", binary(must_parse, find))
        .add("regexFindAll", ternary(must_parse, find_all))
        .add("regexMatch", regex_match)
        .add("regexQuoteMeta", quote_meta)
        .add("regexReplaceAll", ternary(must_parse, replace_all))
        .add(
            "regexReplaceAllLiteral",
            ternary(must_parse, replace_all_literal),
        )
        .add("regexSplit", ternary(must_parse, split));
}

type Parse = fn(&mut Context<'_>, &[u8]) -> Result<Pattern, CallError>;

/// A function of a pattern and a text.
fn binary<R>(
    parse: Parse,
    body: fn(&mut Context<'_>, Pattern, &[u8]) -> Result<R, CallError>,
) -> impl Fn(&mut Context<'_>, Str, Str) -> Result<R, CallError> {
    move |context, pattern, text| {
        let pattern = parse(context, &pattern)?;
        body(context, pattern, &text)
    }
}

/// A function of a pattern, a text and something else.
fn ternary<A, R>(
    parse: Parse,
    body: fn(&mut Context<'_>, Pattern, &[u8], A) -> Result<R, CallError>,
) -> impl Fn(&mut Context<'_>, Str, Str, A) -> Result<R, CallError> {
    move |context, pattern, text, argument| {
        let pattern = parse(context, &pattern)?;
        body(context, pattern, &text, argument)
    }
}

/// A pattern, or the error of Go's `regexp.Compile`, which the functions with `must` return.
fn parsed(context: &mut Context<'_>, pattern: &[u8]) -> Result<Pattern, CallError> {
    parse(context, pattern).map_err(|failure| match failure {
        Failure::Limit(error) => error,
        Failure::Syntax(error) => CallError::new(error.to_bytes()),
    })
}

/// A pattern, or the panic of Go's `regexp.MustCompile`, which the functions without `must` end in.
fn must_parse(context: &mut Context<'_>, pattern: &[u8]) -> Result<Pattern, CallError> {
    parse(context, pattern).map_err(|failure| match failure {
        Failure::Limit(error) => error,
        Failure::Syntax(error) => {
            let quoted = if strconv::can_backquote(pattern) {
                [b"`", pattern, b"`"].concat().into()
            } else {
                strconv::quote(pattern)
            };
            let error = error.to_bytes();
            CallError::new([&b"regexp: Compile("[..], &quoted, b"): ", &error].concat())
        }
    })
}

/// Whether the pattern is found in the text. One that is wrong is found nowhere.
fn regex_match(context: &mut Context<'_>, pattern: Str, text: Str) -> Result<bool, CallError> {
    match parse(context, &pattern) {
        Ok(pattern) => is_match(context, pattern, &text),
        Err(Failure::Limit(error)) => Err(error),
        Err(Failure::Syntax(_)) => Ok(false),
    }
}

fn is_match(context: &mut Context<'_>, pattern: Pattern, text: &[u8]) -> Result<bool, CallError> {
    let regexp = Regexp::new(context, pattern, false)?;
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack)?;
    Ok(search.next(context)?.is_some())
}

/// The first match, the empty text if there is none.
fn find(context: &mut Context<'_>, pattern: Pattern, text: &[u8]) -> Result<Str, CallError> {
    let regexp = Regexp::new(context, pattern, false)?;
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack)?;
    let found = search.next(context)?.and_then(Captures::get_match);
    let found = found.map(|found| haystack.get(found.range()));
    Ok(found.unwrap_or_default().into())
}

/// Up to `count` matches, all if it is negative; the nil slice if there is none.
fn find_all(
    context: &mut Context<'_>,
    pattern: Pattern,
    text: &[u8],
    count: isize,
) -> Result<Slice<Str>, CallError> {
    let haystack = Haystack::new(context, text)?;
    let ranges = ranges(context, pattern, &haystack, count)?;
    if ranges.is_empty() {
        return Ok(Slice::nil());
    }
    let texts = ranges.into_iter().map(|range| haystack.get(range));
    slice(context, texts.collect())
}

/// The text with each match replaced by `by`, in which `$1` is what a group matched.
fn replace_all(
    context: &mut Context<'_>,
    pattern: Pattern,
    text: &[u8],
    by: Str,
) -> Result<Str, CallError> {
    let replacement = Replacement::new(context, &by, &pattern.names)?;
    replace(context, pattern, text, &replacement)
}

/// The text with each match replaced by `by` as it stands.
fn replace_all_literal(
    context: &mut Context<'_>,
    pattern: Pattern,
    text: &[u8],
    by: Str,
) -> Result<Str, CallError> {
    replace(context, pattern, text, &Replacement::literal(&by))
}

fn replace(
    context: &mut Context<'_>,
    pattern: Pattern,
    text: &[u8],
    replacement: &Replacement<'_>,
) -> Result<Str, CallError> {
    let regexp = Regexp::new(context, pattern, replacement.has_groups())?;
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack)?;
    let mut replaced = Buffer::new();
    let mut end = 0;
    while let Some(captures) = search.next(context)? {
        let Some(found) = captures.get_match() else {
            break;
        };
        append(context, &mut replaced, haystack.get(end..found.start()))?;
        replacement.write(context, &mut replaced, &haystack, captures)?;
        end = found.end();
    }
    append(
        context,
        &mut replaced,
        haystack.get(end..haystack.as_bytes().len()),
    )?;
    Ok(replaced.into())
}

/// What stands between the matches: at most `count` parts, all if it is negative, the nil slice if it is zero.
fn split(
    context: &mut Context<'_>,
    pattern: Pattern,
    text: &[u8],
    count: isize,
) -> Result<Slice<Str>, CallError> {
    if count == 0 {
        return Ok(Slice::nil());
    }
    if text.is_empty() && !pattern.is_blank {
        return Ok(Slice::new([Str::from("")]));
    }
    let haystack = Haystack::new(context, text)?;
    // The last part has no match after it.
    let splits = usize::try_from(count).map_or(usize::MAX, |count| count.saturating_sub(1));
    let mut parts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for found in ranges(context, pattern, &haystack, count)? {
        if parts.len() >= splits {
            break;
        }
        end = found.start;
        // An empty match at the very beginning splits nothing off.
        if found.end > 0 {
            parts.push(haystack.get(start..end));
        }
        start = found.end;
    }
    // Nor does one at the very end.
    let len = haystack.as_bytes().len();
    if end < len {
        parts.push(haystack.get(start..len));
    }
    slice(context, parts)
}

/// Where up to `count` matches are, all if it is negative.
fn ranges(
    context: &mut Context<'_>,
    pattern: Pattern,
    haystack: &Haystack<'_>,
    count: isize,
) -> Result<Vec<Range<usize>>, CallError> {
    let regexp = Regexp::new(context, pattern, false)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut search = regexp.search(context, haystack)?;
    let mut ranges = Vec::new();
    while ranges.len() < count
        && let Some(captures) = search.next(context)?
    {
        context.charge(size_of::<Range<usize>>().saturating_mul(2))?;
        ranges.extend(captures.get_match().map(|found| found.range()));
    }
    Ok(ranges)
}

fn slice(context: &mut Context<'_>, texts: Vec<&[u8]>) -> Result<Slice<Str>, CallError> {
    for text in &texts {
        context.charge(
            text.len()
                .saturating_add(size_of::<Value>().saturating_mul(2)),
        )?;
    }
    Ok(Slice::new(texts.into_iter().map(Str::from)))
}

/// The pattern that matches the text and nothing else.
fn quote_meta(context: &mut Context<'_>, text: Str) -> Result<Str, CallError> {
    let mut pattern = Vec::with_capacity(text.len());
    context.charge(text.len().saturating_mul(2))?;
    for &byte in text.as_bytes() {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    Ok(pattern.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;

    fn texts(arguments: &[&str]) -> Vec<Value> {
        arguments.iter().map(|&text| Value::from(text)).collect()
    }

    fn show(value: &Value) -> String {
        match value {
            Value::String(text) => text.to_text().into_owned(),
            Value::Bool(bool) => bool.to_string(),
            Value::List(list) if list.is_nil() => "nil".to_owned(),
            Value::List(list) => {
                let items: Vec<_> = list.items().iter().map(show).collect();
                format!("{items:?}")
            }
            other => format!("{other:?}"),
        }
    }

    fn text(name: &str, arguments: &[&str]) -> String {
        show(&call(name, texts(arguments)).unwrap())
    }

    fn error(name: &str, arguments: &[&str]) -> String {
        let error = call(name, texts(arguments)).unwrap_err();
        error.to_text().into_owned()
    }

    fn parts(name: &str, pattern: &str, text: &str, count: i64) -> String {
        let mut arguments = texts(&[pattern, text]);
        arguments.push(Value::int(count));
        show(&call(name, arguments).unwrap())
    }

    #[test]
    fn a_wrong_pattern_is_told_in_three_ways() {
        let error_text = "error parsing regexp: missing closing ): `a(`";
        assert_eq!(error("mustRegexFind", &["a(", ""]), error_text);
        let panic = format!("regexp: Compile(`a(`): {error_text}");
        assert_eq!(error("regexFind", &["a(", ""]), panic);
        assert_eq!(
            error("regexFind", &["`(", ""]),
            r#"regexp: Compile("`("): error parsing regexp: missing closing ): ``(`"#
        );
        assert_eq!(text("regexMatch", &["a(", "a("]), "false");
    }

    #[test]
    fn the_dialect_is_that_of_go() {
        for (pattern, haystack, expected) in [
            (r"\d+", "٣3", "3"),
            (r"\w+", "é_1", "_1"),
            (r"\bé", "é é", ""),
            (r"a\b", "aé", "a"),
            (r"[a&&b]+", "&a", "&a"),
            (r"[[a]+", "[a", "[a"),
            (r"a{,2}", "aa a{,2}", "a{,2}"),
            (r"\Q.*\E+", "..**", ".**"),
            (r"\101\x41\x{41}", "AAA", "AAA"),
            (r"a$", "a\n", ""),
            (r"(?m)a$", "a\n", "a"),
            (r"[^a]+", "a\n", "\n"),
            (r"a.", "a\n", ""),
            (r"(?s)a.", "a\n", "a\n"),
            (r"(?i)k+", "kK\u{212A}", "kK\u{212A}"),
            (r"(?i)[^K]", "k\u{212A}", ""),
            (r"(?i)\W", "s\u{17F}", ""),
            (r"(?U)a+", "aaa", "a"),
            (r"(?U)a+?", "aaa", "aaa"),
            (r"((?i)a)a", "Aa AA", "Aa"),
            (r"a|ab", "ab", "a"),
            (r"\p{^Lu}\P{greek}", "ABαx", "αx"),
            (r"\x{D800}|b", "b", "b"),
            (r"(|a)+b", "aab", "aab"),
        ] {
            assert_eq!(
                text("regexFind", &[pattern, haystack]),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn an_empty_match_does_not_follow_a_match() {
        assert_eq!(parts("regexFindAll", "a*", "baac", -1), r#"["", "aa", ""]"#);
        assert_eq!(text("regexReplaceAll", &["a*", "baac", "x"]), "xbxcx");
        assert_eq!(parts("regexFindAll", "a*", "baac", 2), r#"["", "aa"]"#);
        assert_eq!(parts("regexFindAll", "a", "b", -1), "nil");
        assert_eq!(parts("regexFindAll", "a", "a", 0), "nil");
    }

    #[test]
    fn texts_are_split_as_in_go() {
        for (pattern, text, count, expected) in [
            (
                "a*",
                "abaabaccadaaae",
                5,
                r#"["", "b", "b", "c", "cadaaae"]"#,
            ),
            ("", "abc", -1, r#"["a", "b", "c"]"#),
            ("", "abc", 2, r#"["a", "bc"]"#),
            ("", "", -1, "[]"),
            (",", "", -1, r#"[""]"#),
            (",", "a,b,", -1, r#"["a", "b", ""]"#),
            (",", "a,b,", 1, r#"["a,b,"]"#),
            (",", "a,b", 0, "nil"),
        ] {
            assert_eq!(
                parts("regexSplit", pattern, text, count),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn replacements_refer_to_groups() {
        let replace = |by| text("regexReplaceAll", &["(?P<n>a)(?P<m>x)?(?<m>b)", "-ab-", by]);
        assert_eq!(replace("<$0$n${n}$3>"), "-<abaab>-");
        // The first of a name that is part of the match.
        assert_eq!(replace("$m"), "-b-");
        assert_eq!(replace("$1x$9$absent"), "--");
        assert_eq!(replace("${1}x $$1 $ ${"), "-ax $1 $ ${-");
        assert_eq!(text("regexReplaceAllLiteral", &["a", "a", "$0"]), "$0");
    }

    #[test]
    fn a_quoted_text_matches_itself() {
        let all: String = (' '..='~').collect();
        let pattern = text("regexQuoteMeta", &[&all]);
        assert_eq!(text("regexFind", &[&pattern, &all]), all);
        assert_eq!(text("regexQuoteMeta", &["a.é-/"]), r"a\.é-/");
    }
}
