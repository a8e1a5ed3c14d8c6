//! Go's syntax of regular expressions, as `regexp.Compile` takes it.
//!
//! The parser keeps a stack of its own: it does not recurse, however deep a pattern nests.

mod class;
mod escape;
mod group;

use regex_syntax::hir::Look;
use sealed_template::Context;

use super::cursor::Cursor;
use super::error::{Failure, Fault};
use super::node::{Node, Repeat};
use super::unicode;

/// How deep operators may nest.
const MAX_HEIGHT: usize = 1000;
/// How many instructions Go would make.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// How often a part may be repeated.
const MAX_REPEAT: u32 = 1000;
/// About how much memory a part of a pattern takes.
const NODE_BYTES: usize = 512;

/// What a pattern means.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) node: Node,
    /// How many groups there are that can be referred to.
    pub(super) groups: u32,
    /// Those that have a name, which several may share.
    pub(super) names: Vec<(Vec<u8>, usize)>,
    /// Whether it is the empty text.
    pub(super) is_blank: bool,
}

/// Reads a pattern.
pub(super) fn parse(context: &mut Context<'_>, pattern: &[u8]) -> Result<Pattern, Failure> {
    let mut parser = Parser {
        context,
        pattern,
        cursor: Cursor::new(pattern),
        flags: Flags::default(),
        stack: Vec::new(),
        groups: 0,
        names: Vec::new(),
        nodes: 0,
        repeats: 1,
        has_posix_end: true,
    };
    parser.run()?;
    let node = parser.close()?;
    if !parser.stack.is_empty() {
        return Err(Fault::MissingParen.of(pattern));
    }
    Ok(Pattern {
        node,
        groups: parser.groups,
        names: parser.names,
        is_blank: pattern.is_empty(),
    })
}

struct Parser<'a, 'c, 'e> {
    context: &'c mut Context<'e>,
    pattern: &'a [u8],
    cursor: Cursor<'a>,
    flags: Flags,
    stack: Vec<Entry>,
    groups: u32,
    names: Vec<(Vec<u8>, usize)>,
    /// How many nodes were made.
    nodes: u64,
    /// The product of all counts of repetitions.
    repeats: u64,
    /// Whether there may be a `:]` ahead. There is none once it was sought in vain, so that it need not be again.
    has_posix_end: bool,
}

#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of Go's")]
struct Flags {
    /// `i`
    fold_case: bool,
    /// `m`
    multi_line: bool,
    /// `s`
    dot_newline: bool,
    /// `U`
    swap_greed: bool,
}

#[derive(Debug)]
enum Entry {
    /// A part that a repetition may follow.
    Node(Node),
    /// Characters, of which a repetition takes the last.
    Text(String),
    /// What stands before a vertical bar.
    Alternative(Node),
    /// An open parenthesis: the number of its group if it has one, and the flags that hold after it.
    Group(Option<u32>, Flags),
}

impl<'a> Parser<'a, '_, '_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut last_repeat = None;
        while let Some(byte) = self.cursor.peek() {
            let start = self.cursor;
            let mut repeat = None;
            match byte {
                b'*' | b'+' | b'?' => {
                    self.cursor.skip(1);
                    let range = match byte {
                        b'*' => Repeat { min: 0, max: None },
                        b'+' => Repeat { min: 1, max: None },
                        _ => Repeat {
                            min: 0,
                            max: Some(1),
                        },
                    };
                    self.repeat(range, start, last_repeat)?;
                    repeat = Some(start);
                }
                b'{' => match self.counts()? {
                    Some(range) => {
                        self.repeat(range, start, last_repeat)?;
                        repeat = Some(start);
                    }
                    None => self.literal()?,
                },
                _ => self.part(byte)?,
            }
            last_repeat = repeat;
        }
        Ok(())
    }

    /// Reads anything but a repetition.
    fn part(&mut self, byte: u8) -> Result<(), Failure> {
        match byte {
            b'(' => return self.open(),
            b'[' => return self.class(),
            b'\\' => return self.escape(),
            b'|' => {
                let node = self.concat()?;
                self.stack.push(Entry::Alternative(node));
            }
            b')' => {
                let node = self.close()?;
                let Some(Entry::Group(index, flags)) = self.stack.pop() else {
                    return Err(Fault::UnexpectedParen.of(self.pattern));
                };
                self.flags = flags;
                self.push(match index {
                    Some(index) => node.capture(index),
                    None => node,
                })?;
            }
            b'^' if self.flags.multi_line => self.push(Node::look(Look::StartLF))?,
            b'^' => self.push(Node::look(Look::Start))?,
            b'$' if self.flags.multi_line => self.push(Node::look(Look::EndLF))?,
            b'$' => self.push(Node::look(Look::End))?,
            b'.' => self.push(Node::any(self.flags.dot_newline))?,
            _ => return self.literal(),
        }
        self.cursor.skip(1);
        Ok(())
    }

    /// Reads a character that stands for itself.
    fn literal(&mut self) -> Result<(), Failure> {
        match self.cursor.next_char()? {
            Some(char) => self.push_char(char.into()),
            None => Ok(()),
        }
    }

    /// Adds a character, or the number of one that no text can hold.
    fn push_char(&mut self, number: u32) -> Result<(), Failure> {
        let Some(char) = char::from_u32(number) else {
            return self.push(Node::fail());
        };
        if self.flags.fold_case {
            let class = unicode::fold_char(char);
            if class.ranges().len() > 1 || class.iter().any(|range| range.len() > 1) {
                return self.push(Node::class(class));
            }
        }
        if let Some(Entry::Text(text)) = self.stack.last_mut() {
            text.push(char);
        } else {
            self.context.charge(NODE_BYTES)?;
            self.stack.push(Entry::Text(char.into()));
        }
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<(), Failure> {
        let node = self.check(node)?;
        self.stack.push(Entry::Node(node));
        Ok(())
    }

    /// Checks a node against what Go bounds.
    fn check(&mut self, node: Node) -> Result<Node, Failure> {
        self.context.charge(NODE_BYTES)?;
        self.nodes = self.nodes.saturating_add(1);
        // Go measures the size only of patterns that could be too large by this product.
        let could_be_large = self.nodes.saturating_mul(self.repeats) >= MAX_SIZE;
        if could_be_large && node.measures().size > MAX_SIZE {
            return Err(Fault::Large.of(self.pattern));
        }
        if node.measures().height > MAX_HEIGHT {
            return Err(Fault::NestingDepth.of(self.pattern));
        }
        Ok(node)
    }

    /// Joins all since the last parenthesis or vertical bar.
    fn concat(&mut self) -> Result<Node, Failure> {
        let is_end = |entry: &Entry| matches!(entry, Entry::Alternative(_) | Entry::Group(..));
        let end = self.stack.iter().rposition(is_end);
        let parts = self
            .stack
            .split_off(end.map_or(0, |end| end.saturating_add(1)));
        let nodes = parts.into_iter().filter_map(|entry| match entry {
            Entry::Node(node) => Some(node),
            Entry::Text(text) => Some(Node::text(&text)),
            Entry::Alternative(_) | Entry::Group(..) => None,
        });
        let nodes: Vec<_> = nodes.collect();
        self.check(if nodes.is_empty() {
            Node::empty()
        } else {
            Node::concat(nodes)
        })
    }

    /// Joins all since the last parenthesis.
    fn close(&mut self) -> Result<Node, Failure> {
        let mut nodes = vec![self.concat()?];
        while let Some(entry) = self.stack.pop() {
            match entry {
                Entry::Alternative(node) => nodes.push(node),
                other => {
                    self.stack.push(other);
                    break;
                }
            }
        }
        nodes.reverse();
        self.check(Node::alternate(nodes))
    }

    /// Repeats what was read last. The operator began at `start`; `last` is that of a repetition that ended
    /// right there.
    fn repeat(
        &mut self,
        range: Repeat,
        start: Cursor<'a>,
        last: Option<Cursor<'a>>,
    ) -> Result<(), Failure> {
        let greedy = self.cursor.eat(b"?") == self.flags.swap_greed;
        let operator = start.until(self.cursor);
        if let Some(last) = last {
            return Err(Fault::RepeatOp.of(last.until(self.cursor)));
        }
        let node = match self.stack.pop() {
            Some(Entry::Node(node)) => node,
            Some(Entry::Text(mut text)) => {
                let char = text.pop().unwrap_or_default();
                if !text.is_empty() {
                    self.stack.push(Entry::Text(text));
                }
                Node::text(char.encode_utf8(&mut [0; 4]))
            }
            Some(Entry::Alternative(_) | Entry::Group(..)) | None => {
                return Err(Fault::MissingRepeatArgument.of(operator));
            }
        };
        let count = range.max.unwrap_or(range.min);
        self.repeats = self.repeats.saturating_mul(count.max(1).into());
        let node = node.repeat(range, greedy);
        let copies = node.measures().copies;
        self.push(node)?;
        if copies > MAX_REPEAT.into() {
            return Err(Fault::RepeatSize.of(operator));
        }
        Ok(())
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`. None if what is there is not that: the brace stands for itself then.
    fn counts(&mut self) -> Result<Option<Repeat>, Failure> {
        let start = self.cursor;
        let mut cursor = self.cursor;
        cursor.skip(1);
        let Some(min) = count(&mut cursor) else {
            return Ok(None);
        };
        let max = if !cursor.eat(b",") {
            Some(min)
        } else if cursor.peek() == Some(b'}') {
            None
        } else if let Some(max) = count(&mut cursor) {
            Some(max)
        } else {
            return Ok(None);
        };
        if !cursor.eat(b"}") {
            return Ok(None);
        }
        self.cursor = cursor;
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Err(Fault::RepeatSize.of(start.until(cursor)));
        }
        Ok(Some(Repeat { min, max }))
    }
}

/// Reads a number that has no needless zero in front.
fn count(cursor: &mut Cursor<'_>) -> Option<u32> {
    let start = *cursor;
    while cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        cursor.skip(1);
    }
    match start.until(*cursor) {
        b"" | [b'0', _, ..] => None,
        digits => Some(digits.iter().fold(0, |number: u32, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u32::from(digit & 0xF))
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn error(pattern: &[u8]) -> Option<String> {
        match with_context(|context| parse(context, pattern)) {
            Ok(_) => None,
            Err(Failure::Syntax(error)) => {
                let text = error.to_bytes();
                let fault = text.strip_prefix(b"error parsing regexp: ").unwrap();
                Some(String::from_utf8_lossy(fault).into_owned())
            }
            Err(Failure::Limit(error)) => Some(format!("{:?}", error.passed_limit())),
        }
    }

    #[test]
    fn faults_are_told_with_the_part_that_go_shows() {
        for (pattern, expected) in [
            (r"a(b", r"missing closing ): `a(b`"),
            (r"a)b", r"unexpected ): `a)b`"),
            (r"x[a", r"missing closing ]: `[a`"),
            (r"[z-a]", r"invalid character class range: `z-a`"),
            (r"[[:foo:]]", r"invalid character class range: `[:foo:]`"),
            (r"\p{Foo}x", r"invalid character class range: `\p{Foo}`"),
            (r"\pX", r"invalid character class range: `\pX`"),
            (r"a\", r"trailing backslash at end of expression: ``"),
            (r"\8x", r"invalid escape sequence: `\8`"),
            (r"\x{11FFFFF}", r"invalid escape sequence: `\x{11FFFF`"),
            (r"[a-\d]", r"invalid escape sequence: `\d`"),
            (r"*a", r"missing argument to repetition operator: `*`"),
            (r"(|+?)", r"missing argument to repetition operator: `+?`"),
            (r"a**b", r"invalid nested repetition operator: `**`"),
            (r"a{2}??b", r"invalid nested repetition operator: `{2}??`"),
            (r"a{1001}", r"invalid repeat count: `{1001}`"),
            (r"a{2,1}?", r"invalid repeat count: `{2,1}`"),
            (r"(?:a{32}){32}?", r"invalid repeat count: `{32}?`"),
            (r"(?P<n-m>a)", r"invalid named capture: `(?P<n-m>`"),
            (r"(?P<n", r"invalid named capture: `(?P<n`"),
            (r"(?<=a)b", r"invalid named capture: `(?<=a)b`"),
            (r"(?i-)a", r"invalid or unsupported Perl syntax: `(?i-)`"),
            (r"(?=a)", r"invalid or unsupported Perl syntax: `(?=`"),
        ] {
            assert_eq!(
                error(pattern.as_bytes()).as_deref(),
                Some(expected),
                "{pattern}"
            );
        }
        let invalid = error(b"a\xFFb").unwrap();
        assert_eq!(invalid, "invalid UTF-8: `\u{FFFD}b`");
    }

    #[test]
    fn what_go_takes_is_taken() {
        for pattern in [
            "",
            "|",
            "()",
            "a{,2}",
            "a{2",
            "a{02}",
            "{",
            "a(?i)*",
            "a*(?i)*",
            "^*",
            r"\Q(\E*",
            r"\Q",
            "[]]",
            "[^]]",
            "[a-]",
            "[-a]",
            "[[:a]",
            "[&&~~]",
            r"\_",
            r"\0",
            r"\x{D800}",
            "(?P<n>a)(?<n>b)",
            "(?)a",
            "(?:a{31}){32}",
            "(?:a{1000}){0}",
        ] {
            assert_eq!(error(pattern.as_bytes()), None, "{pattern}");
        }
    }

    #[test]
    fn depth_is_bounded_as_in_go() {
        let nested = |open: &str, close: &str, depth: usize| {
            let pattern = open.repeat(depth) + "a" + &close.repeat(depth);
            error(pattern.as_bytes()).map(|error| error.split(':').next().map(str::to_owned))
        };
        let too_deep = Some(Some("expression nests too deeply".to_owned()));
        assert_eq!(nested("(", ")", 999), None);
        assert_eq!(nested("(", ")", 1000), too_deep);
        assert_eq!(nested("(?:", ")*", 999), None);
        assert_eq!(nested("(?:", ")*", 1000), too_deep);
        // These leave nothing behind that could nest.
        assert_eq!(nested("(?:", ")", 50_000), None);
    }

    #[test]
    fn a_vast_pattern_ends_in_a_limit() {
        for part in ["(", r"\pL"] {
            let error = error(part.repeat(300_000).as_bytes()).unwrap();
            assert!(error.starts_with("Some("), "{part}");
        }
    }
}
