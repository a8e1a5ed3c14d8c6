//! Cutting a stream into documents, line by line.

use serde_json::Value;

use super::Place;
use super::object::ObjectEnd;
use super::text::Text;

/// What stands before the place where the next document begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The beginning, a separator or `...`.
    Boundary,
    /// A JSON object that ended its line.
    Object,
    /// A JSON object on the same line.
    ObjectOnLine,
}

/// The text of one document, cut out of the stream.
pub(super) struct Chunk {
    pub(super) text: Vec<u8>,
    pub(super) start: Place,
    pub(super) after: After,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing but blank lines, comments and marks.
    Empty,
    /// A JSON object that begins at this byte.
    Json { value: Value, at: usize },
    /// YAML; if an object begins at `object`, it is not JSON.
    Yaml { object: Option<usize> },
    /// Something on the same line as the object before.
    Trailing { at: usize },
}

/// What a line is when it stands outside of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Blank,
    Content,
    /// `...`
    End,
    /// `---`
    Separator {
        with_content: bool,
    },
}

impl Line {
    fn of(line: &[u8]) -> Self {
        let says_nothing =
            |text: &[u8]| matches!(text.trim_ascii_start().first(), None | Some(b'#'));
        let is_mark = |mark: &[u8]| {
            line.strip_prefix(mark).is_some_and(|rest| {
                matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
            })
        };
        if is_mark(b"---") {
            Self::Separator {
                with_content: !says_nothing(&line[3..]),
            }
        } else if is_mark(b"...") {
            Self::End
        } else if says_nothing(line) {
            Self::Blank
        } else {
            Self::Content
        }
    }
}

/// A document while its lines come in.
pub(super) struct Cut {
    pub(super) text: Text,
    start: Place,
    after: After,
    /// Whether a separator, a directive or content has been seen.
    started: bool,
    content: Option<Kind>,
    /// A JSON object being followed: where it begins and what is known of its end.
    object: Option<(usize, ObjectEnd)>,
    /// How many nodes are made of an object.
    max_nodes: usize,
}

pub(super) enum Step {
    More,
    /// The document ends with this line.
    Done,
    /// The document ends here; the rest is part of what follows.
    Split {
        at: usize,
        after: After,
    },
}

impl Cut {
    /// Begins with what is held of the stream already.
    pub(super) fn new(held: Text, start: Place, after: After, max_nodes: usize) -> Self {
        Self {
            text: held,
            start,
            after,
            started: false,
            content: None,
            object: None,
            max_nodes,
        }
    }

    /// Takes the line that begins at `from` and ends where the text does.
    pub(super) fn take(&mut self, from: usize) -> Step {
        let line = &self.text[from..];
        if from == 0 && self.after == After::ObjectOnLine {
            return self.take_rest_of_line();
        }
        match Line::of(line) {
            Line::Separator { .. } if self.started => {
                return Step::Split {
                    at: from,
                    after: After::Boundary,
                };
            }
            Line::Separator { with_content } => {
                self.started = true;
                self.after = After::Boundary;
                if with_content {
                    self.content = Some(Kind::Yaml { object: None });
                }
            }
            Line::End => return Step::Done,
            Line::Blank => {}
            Line::Content if !self.started && line.starts_with(b"%") => {
                // A directive: the separator behind it belongs to the same document.
                self.content = Some(Kind::Yaml { object: None });
            }
            Line::Content => {
                if let Some((_, end)) = &mut self.object {
                    let found = end.find(line);
                    return self.close(from, found);
                }
                if self.content.is_none() {
                    return self.begin(from);
                }
            }
        }
        // Blank lines inside an object are part of it, but hold no bracket.
        Step::More
    }

    /// The first line that says something.
    fn begin(&mut self, from: usize) -> Step {
        let line = &self.text[from..];
        let indent = line.len() - line.trim_ascii_start().len();
        self.started = true;
        if line.get(indent) == Some(&b'{') {
            let at = from + indent;
            let mut end = ObjectEnd::default();
            let found = end.find(&self.text[at..]);
            self.object = Some((at, end));
            return self.close(at, found);
        }
        self.content = Some(Kind::Yaml { object: None });
        Step::More
    }

    /// Ends the document if the object ends `found` bytes after `from` and is JSON.
    fn close(&mut self, from: usize, found: Option<usize>) -> Step {
        let (Some((at, object)), Some(found)) = (&self.object, found) else {
            return Step::More;
        };
        let (at, end) = (*at, from + found);
        let json = (object.nodes() <= self.max_nodes).then(|| &self.text[at..end]);
        let Some(value) = json.and_then(|json| serde_json::from_slice::<Value>(json).ok()) else {
            // YAML's flow style, perhaps, or too much, which YAML's reader finds out; it is read to the next separator.
            self.content = Some(Kind::Yaml { object: Some(at) });
            self.object = None;
            return Step::More;
        };
        self.content = Some(Kind::Json { value, at });
        // Not `trim_ascii`: it would go through the blanks at the end of the line once for each object.
        if self.text[end..].iter().all(u8::is_ascii_whitespace) {
            Step::Split {
                at: self.text.len(),
                after: After::Object,
            }
        } else {
            Step::Split {
                at: end,
                after: After::ObjectOnLine,
            }
        }
    }

    /// What stands on the line of an object, behind it.
    fn take_rest_of_line(&mut self) -> Step {
        let indent = self.text.len() - self.text.trim_ascii_start().len();
        match self.text.get(indent) {
            None | Some(b'#') => {
                self.after = After::Object;
                Step::Split {
                    at: self.text.len(),
                    after: After::Object,
                }
            }
            Some(b'{') => self.begin(0),
            Some(_) => {
                self.content = Some(Kind::Trailing { at: indent });
                self.started = true;
                Step::More
            }
        }
    }

    /// The document, which ends at `at`, and what follows it.
    pub(super) fn split(mut self, at: usize) -> (Chunk, Text) {
        let unclosed = self.object.map(|(at, _)| Kind::Yaml { object: Some(at) });
        let chunk = Chunk {
            text: self.text.take(at),
            start: self.start,
            after: self.after,
            kind: self.content.or(unclosed).unwrap_or(Kind::Empty),
        };
        (chunk, self.text)
    }
}
