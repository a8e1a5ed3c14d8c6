//! Reading the documents that a job works on.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use sealed_api::Code;
use sealed_manifest::{Document, Documents, Format, ReadError, ReadErrorKind};

use crate::failure::{Failure, io_cause};

/// The input that was asked for, open.
pub(crate) struct Input {
    file: Option<File>,
    origin: String,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            file: None,
            origin: "stdin".to_owned(),
        }
    }
}

impl Input {
    /// The file, or standard input where there is none.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let origin = path.display().to_string();
        let file = File::open(path).map_err(|error| {
            cannot_read(&origin, &io_cause(&error))
                .kubeseal("Could not read file specified with --secret-file")
        })?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(cannot_read(&origin, "is a directory")
                .kubeseal(format!("read {origin}: is a directory")));
        }
        Ok(Self {
            file: Some(file),
            origin,
        })
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    fn reader<'io>(self, stdin: &'io mut dyn Read) -> Reader<'io> {
        let reader: Box<dyn Read + 'io> = match self.file {
            Some(file) => Box::new(file),
            None => Box::new(stdin),
        };
        BufReader::with_capacity(BUFFER, reader)
    }

    /// Reads every document, in order; `nothing` is the failure of an input without any.
    pub(crate) fn documents(
        self,
        stdin: &mut dyn Read,
        nothing: &Failure,
    ) -> Result<Vec<Document>, Failure> {
        let origin = self.origin.clone();
        let braces = Cell::new(false);
        let reader = Watched {
            inner: self.reader(stdin),
            braces: &braces,
        };
        collect(Documents::new(reader, &origin), nothing)
            .map_err(|failure| with_template_hint(failure, braces.get()))
    }

    /// Hands over every document in order, or why it cannot be read; after a fault in one document the next follows.
    pub(crate) fn each(
        self,
        stdin: &mut dyn Read,
        mut take: impl FnMut(Result<Document, Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let origin = self.origin.clone();
        let braces = Cell::new(false);
        let reader = Watched {
            inner: self.reader(stdin),
            braces: &braces,
        };
        for document in Documents::new(reader, &origin) {
            match document {
                Err(error) if matches!(error.kind(), ReadErrorKind::Io(_)) => {
                    return Err(unreadable(&error));
                }
                document => take(
                    document.map_err(|error| with_template_hint(unreadable(&error), braces.get())),
                )?,
            }
        }
        Ok(())
    }

    /// All of it, as it is.
    pub(crate) fn text(self, stdin: &mut dyn Read) -> Result<Vec<u8>, Failure> {
        let origin = self.origin.clone();
        let mut text = Vec::new();
        self.reader(stdin)
            .read_to_end(&mut text)
            .map_err(|error| cannot_read(&origin, &io_cause(&error)))?;
        Ok(text)
    }

    /// The same for the existing tool, which does not know UTF-16 and says `nothing` to it.
    pub(crate) fn each_of_kubeseal(
        self,
        stdin: &mut dyn Read,
        nothing: &Failure,
        mut take: impl FnMut(Result<Document, Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let origin = self.origin.clone();
        let mut reader = self.reader(stdin);
        if matches!(reader.fill_buf(), Ok([0xff, 0xfe, ..] | [0xfe, 0xff, ..])) {
            return Err(nothing.clone());
        }
        for document in Documents::new(reader, &origin) {
            match document {
                Err(error) if matches!(error.kind(), ReadErrorKind::Io(_)) => {
                    return Err(unreadable(&error));
                }
                document => take(document.map_err(|error| unreadable(&error)))?,
            }
        }
        Ok(())
    }
}

/// The documents of a text that is in memory.
pub(crate) fn documents_of(
    text: &[u8],
    origin: &str,
    nothing: &Failure,
) -> Result<Vec<Document>, Failure> {
    collect(Documents::new(text, origin), nothing)
        .map_err(|failure| with_template_hint(failure, has_braces(text)))
}

/// Adds what is the likely reason where a text that cannot be read has two opening braces.
pub(crate) fn with_template_hint(failure: Failure, has_braces: bool) -> Failure {
    if has_braces && failure.code() == Code::MalformedInput {
        failure.hint(UNRENDERED)
    } else {
        failure
    }
}

/// A document that cannot be read stops everything, because nobody can know what it should have been.
fn collect<R: BufRead>(
    documents: Documents<R>,
    nothing: &Failure,
) -> Result<Vec<Document>, Failure> {
    match documents.collect::<Result<Vec<_>, _>>() {
        Ok(found) if found.is_empty() => Err(nothing.clone()),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(&error)),
    }
}

/// What is wrong with a Helm chart's file where YAML is wanted.
pub(crate) const UNRENDERED: &str =
    "`{{ … }}` looks like a template that was not rendered; `helm template` renders a chart";

/// Notices two opening braces, which no YAML or JSON of ours begins a value with.
struct Watched<'io> {
    inner: Reader<'io>,
    braces: &'io Cell<bool>,
}

impl Watched<'_> {
    fn look_at(&self, bytes: &[u8]) {
        if !self.braces.get() {
            self.braces.set(has_braces(bytes));
        }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.look_at(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    /// Looks at what leaves the buffer and not at the whole buffer, which is asked for once a line.
    fn consume(&mut self, amount: usize) {
        self.look_at(self.inner.buffer().get(..amount).unwrap_or_default());
        self.inner.consume(amount);
    }
}

/// Whether there are two opening braces.
pub(crate) fn has_braces(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"{{")
}

type Reader<'io> = BufReader<Box<dyn Read + 'io>>;

/// Large enough that reading a stream of a thousand Secrets costs a few system calls.
const BUFFER: usize = 1 << 16;

/// Reads a file that will be changed. Go opens it for writing at once, so a directory fails at that step.
pub(crate) fn read_target(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    if path.is_dir() {
        return Err(
            cannot_read(&shown, "is a directory").kubeseal(format!("open {shown}: is a directory"))
        );
    }
    read_file(path)
}

/// Refuses to write over a file that does not hold what was read any more: a certificate or a value was waited for meanwhile,
/// and what somebody else has put in would be lost.
pub(crate) fn refuse_changed(path: &Path, before: &[u8]) -> Result<(), Failure> {
    if read_target(path)? == before {
        return Ok(());
    }
    Err(Failure::new(
        Code::UnwritableOutput,
        format!(
            "`{}` was changed by somebody else meanwhile",
            path.display()
        ),
    )
    .hint("nothing was written; the same again takes the change into account"))
}

/// Opens a file that is read a part at a time.
pub(crate) fn open_file(path: &Path) -> Result<BufReader<File>, Failure> {
    let input = Input::open(Some(path))?;
    let file = input
        .file
        .ok_or_else(|| cannot_read(&path.display(), "is no file"))?;
    Ok(BufReader::with_capacity(BUFFER, file))
}

/// Reads a whole file, with the words Go programs use for what can go wrong.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let mut file = File::open(path).map_err(|error| {
        let cause = io_cause(&error);
        cannot_read(&shown, &cause).kubeseal(format!("open {shown}: {cause}"))
    })?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| {
        let cause = io_cause(&error);
        cannot_read(&shown, &cause).kubeseal(format!("read {shown}: {cause}"))
    })?;
    Ok(bytes)
}

/// A file that cannot be read, for a cause in the words of Go programs.
pub(crate) fn cannot_read(path: &impl std::fmt::Display, cause: &str) -> Failure {
    let code = if cause == "no such file or directory" {
        Code::NotFound
    } else {
        Code::UnreadableFile
    };
    Failure::new(code, format!("cannot read `{path}`: {cause}"))
}

/// Where a document stands, for the beginning of a message.
pub(crate) fn place(document: &Document) -> String {
    format!(
        "{}: document {}, line {}",
        document.origin(),
        document.index(),
        document.line()
    )
}

/// A document that cannot be read.
pub(crate) fn unreadable(error: &ReadError) -> Failure {
    match error.kind() {
        ReadErrorKind::Io(cause) => {
            let cause = io_cause(cause);
            cannot_read(&error.origin(), &cause)
                .kubeseal(format!("read {}: {cause}", error.origin()))
        }
        _ => Failure::new(Code::MalformedInput, error.to_string()),
    }
}

/// The format of the results of an input, which its first document sets.
pub(crate) fn format_of(documents: &[Document]) -> Format {
    documents.first().map_or(Format::Yaml, Document::format)
}
