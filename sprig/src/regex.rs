//! Functions for regular expressions.
//!
//! Patterns are those of Go's `regexp`. A parser of ours takes what Go takes and refuses the rest in Go's words;
//! what it makes of a pattern is run by `regex-automata`, which searches like Go: leftmost-first, and in time
//! linear in the text.
//!
//! # Differences
//!
//! * A pattern whose automaton would take more than 10 MiB is refused, as one that takes too much memory. Go is
//!   content with more.
//! * Go puts beginnings that alternatives share in front of them before it looks how deep and large a pattern
//!   is, so that its bounds on both are met by other patterns, near to a depth of 1000 and a size of three
//!   million.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what can be registered takes its arguments by value"
)]

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
use sealed_template::{CallError, Context, Functions, Slice, Str, Value, strconv};

use self::error::Failure;
use self::expand::{Replacement, append};
use self::haystack::Haystack;
use self::program::Regexp;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("mustRegexFind", binary(compile, find))
        .add("mustRegexFindAll", ternary(compile, find_all))
        .add("mustRegexMatch", binary(compile, is_match))
        .add("mustRegexReplaceAll", ternary(compile, replace_all))
        .add(
            "mustRegexReplaceAllLiteral",
            ternary(compile, replace_all_literal),
        )
        .add("mustRegexSplit", ternary(compile, split))
        .add("regexFind", binary(must_compile, find))
        .add("regexFindAll", ternary(must_compile, find_all))
        .add("regexMatch", regex_match)
        .add("regexQuoteMeta", quote_meta)
        .add("regexReplaceAll", ternary(must_compile, replace_all))
        .add(
            "regexReplaceAllLiteral",
            ternary(must_compile, replace_all_literal),
        )
        .add("regexSplit", ternary(must_compile, split));
}

type Compile = fn(&mut Context<'_>, &[u8]) -> Result<Regexp, CallError>;

/// A function of a pattern and a text.
fn binary<R>(
    compile: Compile,
    body: fn(&mut Context<'_>, &Regexp, &[u8]) -> Result<R, CallError>,
) -> impl Fn(&mut Context<'_>, Str, Str) -> Result<R, CallError> {
    move |context, pattern, text| {
        let regexp = compile(context, &pattern)?;
        body(context, &regexp, &text)
    }
}

/// A function of a pattern, a text and something else.
fn ternary<A, R>(
    compile: Compile,
    body: fn(&mut Context<'_>, &Regexp, &[u8], A) -> Result<R, CallError>,
) -> impl Fn(&mut Context<'_>, Str, Str, A) -> Result<R, CallError> {
    move |context, pattern, text, argument| {
        let regexp = compile(context, &pattern)?;
        body(context, &regexp, &text, argument)
    }
}

/// Go's `regexp.Compile`, whose error the functions with `must` return.
fn compile(context: &mut Context<'_>, pattern: &[u8]) -> Result<Regexp, CallError> {
    Regexp::new(context, pattern).map_err(|failure| match failure {
        Failure::Limit(error) => error,
        Failure::Syntax(error) => CallError::new(error.to_bytes()),
    })
}

/// Go's `regexp.MustCompile`, which the functions without `must` panic in.
fn must_compile(context: &mut Context<'_>, pattern: &[u8]) -> Result<Regexp, CallError> {
    Regexp::new(context, pattern).map_err(|failure| match failure {
        Failure::Limit(error) => error,
        Failure::Syntax(error) => {
            let quoted = if strconv::can_backquote(pattern) {
                [b"`", pattern, b"`"].concat()
            } else {
                strconv::quote(pattern)
            };
            let error = error.to_bytes();
            CallError::new([b"regexp: Compile(", quoted.as_slice(), b"): ", &error].concat())
        }
    })
}

/// Whether the pattern is found in the text. One that is wrong is found nowhere.
fn regex_match(context: &mut Context<'_>, pattern: Str, text: Str) -> Result<bool, CallError> {
    match Regexp::new(context, &pattern) {
        Ok(regexp) => is_match(context, &regexp, &text),
        Err(Failure::Limit(error)) => Err(error),
        Err(Failure::Syntax(_)) => Ok(false),
    }
}

fn is_match(context: &mut Context<'_>, regexp: &Regexp, text: &[u8]) -> Result<bool, CallError> {
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack, false)?;
    Ok(search.next(context)?.is_some())
}

/// The first match, the empty text if there is none.
fn find(context: &mut Context<'_>, regexp: &Regexp, text: &[u8]) -> Result<Str, CallError> {
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack, false)?;
    let found = search.next(context)?.and_then(Captures::get_match);
    Ok(found
        .map(|found| haystack.get(found.range()))
        .unwrap_or_default()
        .into())
}

/// Up to `count` matches, all if it is negative; the nil slice if there is none.
fn find_all(
    context: &mut Context<'_>,
    regexp: &Regexp,
    text: &[u8],
    count: isize,
) -> Result<Slice<Str>, CallError> {
    let haystack = Haystack::new(context, text)?;
    let ranges = ranges(context, regexp, &haystack, count)?;
    if ranges.is_empty() {
        return Ok(Slice::nil());
    }
    let texts = ranges.into_iter().map(|range| haystack.get(range));
    slice(context, texts.collect())
}

/// The text with each match replaced by `by`, in which `$1` is what a group matched.
fn replace_all(
    context: &mut Context<'_>,
    regexp: &Regexp,
    text: &[u8],
    by: Str,
) -> Result<Str, CallError> {
    let replacement = Replacement::new(context, &by, regexp)?;
    replace(context, regexp, text, &replacement)
}

/// The text with each match replaced by `by` as it stands.
fn replace_all_literal(
    context: &mut Context<'_>,
    regexp: &Regexp,
    text: &[u8],
    by: Str,
) -> Result<Str, CallError> {
    replace(context, regexp, text, &Replacement::literal(&by))
}

fn replace(
    context: &mut Context<'_>,
    regexp: &Regexp,
    text: &[u8],
    replacement: &Replacement<'_>,
) -> Result<Str, CallError> {
    let haystack = Haystack::new(context, text)?;
    let mut search = regexp.search(context, &haystack, replacement.has_groups())?;
    let mut replaced = Vec::new();
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
    regexp: &Regexp,
    text: &[u8],
    count: isize,
) -> Result<Slice<Str>, CallError> {
    if count == 0 {
        return Ok(Slice::nil());
    }
    if text.is_empty() && !regexp.is_blank() {
        return Ok(Slice::new([Str::from("")]));
    }
    let haystack = Haystack::new(context, text)?;
    // The last part has no match after it.
    let splits = usize::try_from(count).map_or(usize::MAX, |count| count.saturating_sub(1));
    let mut parts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for found in ranges(context, regexp, &haystack, count)? {
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
    regexp: &Regexp,
    haystack: &Haystack<'_>,
    count: isize,
) -> Result<Vec<Range<usize>>, CallError> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut search = regexp.search(context, haystack, false)?;
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
