//! Reading a stream document by document.

mod cut;
mod indented;
mod lines;
mod object;
mod text;

use std::io::BufRead;
use std::sync::Arc;

use serde_json::Value;

use crate::convert;
use crate::document::{Document, Format};
use crate::error::{ReadError, ReadErrorKind};
use crate::tree::{Fault, Tree};
use cut::{After, Chunk, Cut, Kind, Step};
use indented::Indented;
use lines::{LineError, Lines};
use object::ObjectEnd;
use text::Text;

/// How much of a stream is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest document, in bytes, comments included.
    pub document_bytes: usize,
    /// How much the aliases of one document may expand to, in bytes of memory.
    pub alias_bytes: usize,
    /// How many nodes one document may have: lists, mappings, keys and all other values. Each takes about a hundred
    /// bytes of memory, and as few as two of text.
    pub nodes: usize,
}

impl Default for Limits {
    /// 64 MiB a document: forty times what an API server takes, and enough for a list of thousands of objects.
    /// 8 MiB for what aliases repeat. As many nodes as there is text for.
    fn default() -> Self {
        Self {
            document_bytes: 64 << 20,
            alias_bytes: 8 << 20,
            nodes: usize::MAX,
        }
    }
}

/// The documents of a stream of YAML, JSON or both.
///
/// Follows the stream decoder of `k8s.io/apimachinery` as kubectl and kubeseal use it:
///
/// * Documents are separated by lines that begin with `---`. JSON objects may also follow each other directly.
/// * Documents that say nothing (blank, comments only, null) are skipped.
/// * What begins with `{` is read as JSON, and when it is not JSON, as YAML.
/// * UTF-8 with or without a byte order mark, and UTF-16 with one.
///
/// Where that decoder drops text or never returns, this one gives an error: malformed documents, text after a
/// JSON object, unreadable streams. `--- text` and text after `...` are part of the stream as YAML defines it.
///
/// After an error in one document the next call goes on with the next document; after an error of the stream
/// itself there is none.
pub struct Documents<R: BufRead> {
    lines: Lines<R>,
    origin: Arc<str>,
    limits: Limits,
    /// Documents found so far.
    index: usize,
    /// The position behind everything handed out.
    place: Place,
    /// Read already, but part of what follows.
    held: Text,
    after: After,
    done: bool,
}

/// A position in the stream.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: usize,
    offset: usize,
}

impl<R: BufRead> Documents<R> {
    /// Reads from `reader`; `origin` names it in errors (a path, `stdin`).
    pub fn new(reader: R, origin: &str) -> Self {
        Self::with_limits(reader, origin, Limits::default())
    }

    /// Reads from `reader` with other limits than the default.
    pub fn with_limits(reader: R, origin: &str, limits: Limits) -> Self {
        Self {
            lines: Lines::new(reader),
            origin: origin.into(),
            limits,
            index: 0,
            place: Place { line: 1, offset: 0 },
            held: Text::default(),
            after: After::Boundary,
            done: false,
        }
    }

    /// Cuts the next document out of the stream. None at the end.
    fn chunk(&mut self) -> Result<Option<Chunk>, LineError> {
        self.place.offset += self.lines.skip_mark()?;
        let after = std::mem::replace(&mut self.after, After::Boundary);
        let held = std::mem::take(&mut self.held);
        let mut cut = Cut::new(held, self.place, after, self.limits.nodes);
        let mut next = 0;
        let at = loop {
            if next == cut.text.len()
                && !self
                    .lines
                    .read(cut.text.growing(), self.limits.document_bytes)?
            {
                break cut.text.len();
            }
            let line = next..cut.text.len();
            next = line.end;
            match cut.take(line.start) {
                Step::More => {}
                Step::Done => break cut.text.len(),
                Step::Split { at, after } => {
                    self.after = after;
                    break at;
                }
            }
        };
        let (chunk, rest) = cut.split(at);
        self.held = rest;
        self.place.line += line_feeds(&chunk.text);
        self.place.offset += chunk.text.len();
        Ok((!chunk.text.is_empty()).then_some(chunk))
    }

    fn document(&mut self, chunk: Chunk) -> Result<Option<Document>, ReadError> {
        let Chunk {
            text,
            start,
            after,
            kind,
        } = chunk;
        if let Kind::Empty = kind {
            return Ok(None);
        }
        self.index += 1;
        let fail = |text: &[u8], at, kind| {
            Err(ReadError::new(
                &self.origin,
                self.index,
                position(text, start, at),
                kind,
            ))
        };
        let text = match String::from_utf8(text) {
            Ok(text) => text,
            Err(fault) => {
                let at = fault.utf8_error().valid_up_to();
                let byte = fault.as_bytes().get(at).copied().unwrap_or_default();
                return fail(fault.as_bytes(), at, ReadErrorKind::Utf8 { byte });
            }
        };
        let (value, format, at) = match kind {
            Kind::Json { value, at } => (value, Format::Json, at),
            Kind::Yaml { object } => {
                let (value, at) = match yaml(&text, object, self.limits) {
                    Ok(read) => read,
                    Err(fault) => return fail(text.as_bytes(), fault.at, fault.kind),
                };
                if after != After::Boundary && !value.is_object() && !value.is_null() {
                    return fail(text.as_bytes(), at, ReadErrorKind::TrailingText);
                }
                (value, Format::Yaml, at)
            }
            Kind::Trailing { at } => return fail(text.as_bytes(), at, ReadErrorKind::TrailingText),
            Kind::Empty => return Ok(None),
        };
        if value.is_null() {
            self.index -= 1;
            return Ok(None);
        }
        let (line, _) = position(text.as_bytes(), start, at);
        Ok(Some(Document {
            value,
            format,
            index: self.index,
            first_line: start.line,
            line,
            offset: start.offset,
            origin: Arc::clone(&self.origin),
            text,
        }))
    }

    fn stream_error(&mut self, error: LineError) -> ReadError {
        self.done = true;
        let kind = match error {
            LineError::Io(error) => ReadErrorKind::Io(error),
            LineError::TooLong => ReadErrorKind::TooLarge {
                limit: self.limits.document_bytes,
            },
            LineError::Utf16 => ReadErrorKind::Utf16,
        };
        ReadError::new(&self.origin, self.index + 1, (self.place.line, 1), kind)
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = Result<Document, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            match self.chunk() {
                Err(error) => return Some(Err(self.stream_error(error))),
                Ok(None) => self.done = true,
                Ok(Some(chunk)) => {
                    if let Some(found) = self.document(chunk).transpose() {
                        return Some(found);
                    }
                }
            }
        }
        None
    }
}

/// Reads YAML, and tells where its value begins. `object`: where something begins that is not JSON but may
/// have been meant to be.
fn yaml(text: &str, object: Option<usize>, limits: Limits) -> Result<(Value, usize), Fault> {
    match read(text, limits) {
        Err(fault) if fault.hanging => {
            let indented = Indented::of(text, fault.at, limits.nodes);
            read(indented.text(), limits)
                .map(|(value, at)| (value, indented.place(at)))
                .map_err(|fault| Fault::new(fault.kind, indented.place(fault.at)))
        }
        Err(fault) => Err(object
            .and_then(|at| json_fault(text, at, limits.nodes))
            .unwrap_or(fault)),
        Ok(read) => Ok(read),
    }
}

fn read(text: &str, limits: Limits) -> Result<(Value, usize), Fault> {
    let tree = Tree::parse(text, limits.nodes)?;
    let at = tree.root().map_or(0, |root| tree.node(root).span.start);
    Ok((convert::value(&tree, limits.alias_bytes)?, at))
}

/// What is wrong with a text that begins like JSON: `{"` or `{}`. Not told of one with more nodes than `limit`.
fn json_fault(text: &str, at: usize, limit: usize) -> Option<Fault> {
    let rest = &text[at..];
    if !rest[1..].trim_start().starts_with(['"', '}']) {
        return None;
    }
    let mut object = ObjectEnd::default();
    object.find(rest.as_bytes());
    if object.nodes() > limit {
        return None;
    }
    let error = serde_json::Deserializer::from_str(rest)
        .into_iter::<Value>()
        .next()?
        .err()?;
    let told = error.to_string();
    // The place is told by the ReadError, counted from the beginning of the stream.
    let message = told.split(" at line ").next().unwrap_or(&told).to_owned();
    let before: usize = rest
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let at = (at + before + error.column().saturating_sub(1)).min(text.len());
    Some(Fault::new(ReadErrorKind::Json { message }, at))
}

/// The line and the column of a byte.
fn position(text: &[u8], start: Place, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    (start.line + line_feeds(before), column + 1)
}

fn line_feeds(text: &[u8]) -> usize {
    text.split(|&byte| byte == b'\n').count() - 1
}
