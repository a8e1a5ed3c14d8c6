//! Where results go: standard output, or a file that is replaced only on success.

mod spool;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sealed_api::codes::Code;
use sealed_manifest::Format;
use serde::Serialize;
use tempfile::NamedTempFile;

use self::spool::Spool;
use crate::failure::{Failure, io_cause, is_obeyed, one_line, without_userinfo};
use crate::name::Name;

/// The format of the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormatChoice {
    /// One that was asked for.
    Fixed(Format),
    /// That of the input.
    FollowInput,
    /// A word that is none. As `kubeseal` this shows only when the first document is written.
    Unknown(String),
}

impl FormatChoice {
    /// Reads `--format`.
    pub(crate) fn from_flag(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "" | "json" => Self::Fixed(Format::Json),
            "yaml" => Self::Fixed(Format::Yaml),
            _ => Self::Unknown(text.to_owned()),
        }
    }

    /// The choice for a file: as in the existing tool `.yaml` beats what is asked for, and `.json` counts where nothing is.
    #[must_use]
    pub(crate) fn for_file(&self, path: &Path) -> Self {
        // As Go sees it, a file called `.yaml` has that suffix.
        let file = path.file_name().and_then(|file| file.to_str());
        let suffix = file.and_then(|file| Some(file.rsplit_once('.')?.1));
        match (suffix, self) {
            (Some("yaml" | "yml"), _) => Self::Fixed(Format::Yaml),
            (Some("json"), Self::FollowInput) => Self::Fixed(Format::Json),
            _ => self.clone(),
        }
    }

    /// The format for an input of format `input`.
    pub(crate) fn resolve(&self, input: Format) -> Result<Format, Failure> {
        match self {
            Self::Fixed(format) => Ok(*format),
            Self::FollowInput => Ok(input),
            Self::Unknown(text) => Err(Failure::usage(format!("`{text}` is no output format"))
                .kubeseal(format!("unsupported output format: {text}"))
                .hint("the formats are json and yaml")),
        }
    }
}

/// One object as text: JSON follows JSON with a line end between, every YAML document starts with `---`.
pub(crate) fn serialize(object: &impl Serialize, format: Format) -> String {
    match format {
        Format::Json => sealed_manifest::to_json(object),
        Format::Yaml => format!("---\n{}", sealed_manifest::to_yaml(object)),
    }
}

/// A report as JSON, with escapes for what a terminal would obey, which stands in strings alone, and without credentials in
/// addresses.
pub(crate) fn report_text(report: &impl Serialize) -> String {
    let mut text = String::new();
    for c in without_userinfo(&sealed_manifest::to_json(report)).chars() {
        if c != '\n' && is_obeyed(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(text, "\\u{unit:04x}").expect("writing into a String cannot fail");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// A place for results. Nothing is delivered to a file before [`Output::commit`]; dropped earlier, it leaves no trace.
pub(crate) struct Output<'io> {
    sink: Sink<'io>,
}

enum Sink<'io> {
    Stdout(BufWriter<&'io mut dyn Write>),
    /// Standard output that gets nothing before all of it is there.
    Held {
        stdout: &'io mut dyn Write,
        held: Spool,
    },
    /// Something that cannot be replaced, such as a pipe or a device.
    Special {
        path: PathBuf,
        file: File,
    },
    Replaced {
        target: PathBuf,
        shown: PathBuf,
        file: BufWriter<NamedTempFile>,
        /// Those of the file that is replaced, if they are kept.
        permissions: Option<fs::Permissions>,
    },
}

impl<'io> Output<'io> {
    /// Standard output.
    pub(crate) fn stdout(stdout: &'io mut dyn Write) -> Self {
        Self {
            sink: Sink::Stdout(BufWriter::new(stdout)),
        }
    }

    /// The same place, where standard output shows nothing before [`Output::commit`] either.
    pub(crate) fn held(self) -> Self {
        let sink = match self.sink {
            Sink::Stdout(stdout) => Sink::Held {
                // Nothing was written before, so nothing is lost with the buffer.
                stdout: stdout.into_parts().0,
                held: Spool::new(),
            },
            sink => sink,
        };
        Self { sink }
    }

    /// A file, to be created or replaced.
    ///
    /// The new content is collected in a temporary file in the same directory. As `kubeseal` the result has mode 0600 and a
    /// link is replaced; as `seal` an existing file keeps its mode and a link its meaning.
    pub(crate) fn file(shown: &Path, name: Name) -> Result<Self, Failure> {
        let target = match name {
            Name::Seal => behind_links(shown),
            Name::Kubeseal => shown.to_owned(),
        };
        let metadata = fs::metadata(&target).ok();
        if let Some(metadata) = &metadata {
            if metadata.is_dir() {
                return Err(cannot_write(shown, "is a directory")
                    .kubeseal(format!("open {}: is a directory", shown.display())));
            }
            if !metadata.is_file() {
                let file = fs::OpenOptions::new()
                    .write(true)
                    .open(&target)
                    .map_err(|error| cannot_open(shown, &error))?;
                return Ok(Self {
                    sink: Sink::Special {
                        path: shown.to_owned(),
                        file,
                    },
                });
            }
        }
        let file = beside(&target).map_err(|error| {
            let base = target.file_name().unwrap_or_default().display();
            let temporary = shown.with_file_name(format!(".{base}{}", std::process::id()));
            cannot_write(shown, &io_cause(&error)).kubeseal(format!(
                "open {}: {}",
                temporary.display(),
                io_cause(&error)
            ))
        })?;
        let permissions = metadata
            .filter(|_| name == Name::Seal)
            .map(|metadata| metadata.permissions());
        Ok(Self {
            sink: Sink::Replaced {
                target,
                shown: shown.to_owned(),
                file: BufWriter::new(file),
                permissions,
            },
        })
    }

    /// A file that nobody else may read, whatever stood there before. A link is replaced: what it leads to may be shared.
    pub(crate) fn private_file(shown: &Path) -> Result<Self, Failure> {
        Self::file(shown, Name::Kubeseal)
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.sink {
            Sink::Stdout(stdout) => stdout
                .write_all(bytes)
                .map_err(|error| stdout_failed(&error)),
            Sink::Held { held, .. } => held.write(bytes),
            Sink::Special { path, file } => file
                .write_all(bytes)
                .map_err(|error| cannot_write(path, &io_cause(&error))),
            Sink::Replaced { shown, file, .. } => file
                .write_all(bytes)
                .map_err(|error| cannot_write(shown, &io_cause(&error))),
        }
    }

    /// Adds lines for people, without anything that a terminal would obey.
    pub(crate) fn lines(&mut self, lines: &[String]) -> Result<(), Failure> {
        for line in lines {
            self.write(format!("{}\n", one_line(line)).as_bytes())?;
        }
        Ok(())
    }

    /// Adds a report for programs, which people look at, too.
    pub(crate) fn report(&mut self, report: &impl Serialize) -> Result<(), Failure> {
        self.write(report_text(report).as_bytes())
    }

    /// Ends without success: what a file was to hold is dropped, what was shown cannot be taken back.
    pub(crate) fn abandon(self) -> Result<(), Failure> {
        match self.sink {
            Sink::Stdout(mut stdout) => stdout.flush().map_err(|error| stdout_failed(&error)),
            Sink::Held { stdout, held } => show(held, stdout),
            Sink::Special { .. } | Sink::Replaced { .. } => Ok(()),
        }
    }

    /// Delivers what was written. A file is on the disk afterwards, complete, or the old one is still there.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        match self.sink {
            Sink::Stdout(mut stdout) => stdout.flush().map_err(|error| stdout_failed(&error)),
            Sink::Held { stdout, held } => show(held, stdout),
            Sink::Special { .. } => Ok(()),
            Sink::Replaced {
                target,
                shown,
                file,
                permissions,
            } => {
                let failed = |error: &io::Error| cannot_write(&shown, &io_cause(error));
                let file = file.into_inner().map_err(|error| failed(error.error()))?;
                if let Some(permissions) = permissions {
                    // Not before: what a killed process leaves unfinished is nobody else's to read.
                    file.as_file()
                        .set_permissions(permissions)
                        .map_err(|error| failed(&error))?;
                }
                file.as_file().sync_all().map_err(|error| failed(&error))?;
                file.persist(&target)
                    .map_err(|error| failed(&error.error))?;
                Ok(())
            }
        }
    }
}

fn show(held: Spool, stdout: &mut dyn Write) -> Result<(), Failure> {
    held.show(|part| {
        stdout
            .write_all(part)
            .map_err(|error| stdout_failed(&error))
    })?;
    stdout.flush().map_err(|error| stdout_failed(&error))
}

/// A file to write what shall become `target`: in its directory, since nothing is renamed across file systems, of mode 0600, since
/// it may be a plain Secret, and of a name that says what it is, since a process that is killed leaves it behind.
pub(crate) fn beside(target: &Path) -> io::Result<NamedTempFile> {
    let base = target.file_name().unwrap_or_default().display();
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    tempfile::Builder::new()
        .prefix(&format!(".{base}."))
        .suffix(".tmp")
        .tempfile_in(directory)
}

/// The file that a link means, or would make.
fn behind_links(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), fs::read_link(path)) {
        (Ok(target), _) => target,
        (Err(_), Ok(target)) => path.parent().unwrap_or_else(|| Path::new("")).join(target),
        (Err(_), Err(_)) => path.to_owned(),
    }
}

fn cannot_write(path: &Path, cause: &str) -> Failure {
    Failure::new(
        Code::UnwritableOutput,
        format!("cannot write `{}`: {cause}", path.display()),
    )
    .kubeseal(format!("write {}: {cause}", path.display()))
}

fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    let cause = io_cause(error);
    cannot_write(path, &cause).kubeseal(format!("open {}: {cause}", path.display()))
}

/// Standard output takes no more.
pub(crate) fn stdout_failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::reader_gone();
    }
    let cause = io_cause(error);
    Failure::new(
        Code::UnwritableOutput,
        format!("cannot write standard output: {cause}"),
    )
    .kubeseal(format!("write /dev/stdout: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_tell_names_without_letting_them_act() {
        let name = "a\u{9b}2J\u{202e}b\u{7f}\n\u{1b}é";
        let text = report_text(&serde_json::json!({ "name": name }));
        assert_eq!(
            text,
            "{\n  \"name\": \"a\\u009b2J\\u202eb\\u007f\\n\\u001bé\"\n}\n"
        );
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["name"], name);
        let mut shown = Vec::new();
        let mut output = Output::stdout(&mut shown);
        output.lines(&["db\nretired: db".to_owned()]).unwrap();
        output.commit().unwrap();
        assert_eq!(shown, b"db\\nretired: db\n");
    }

    fn names_in(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dropped_output_leaves_the_old_file_and_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.yaml");
        fs::write(&path, "old").unwrap();
        let mut output = Output::file(&path, Name::Seal).unwrap();
        output.write(b"new").unwrap();
        assert_eq!(names_in(directory.path()).len(), 2);
        drop(output);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(directory.path()), ["out.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn seal_keeps_mode_and_link_and_kubeseal_replaces_both() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (name, kept) in [(Name::Seal, true), (Name::Kubeseal, false)] {
            let directory = tempfile::tempdir().unwrap();
            let (real, link) = (directory.path().join("real"), directory.path().join("link"));
            fs::write(&real, "old").unwrap();
            fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
            symlink("real", &link).unwrap();
            let mut output = Output::file(&link, name).unwrap();
            output.write(b"new").unwrap();
            output.commit().unwrap();
            assert_eq!(fs::read(&link).unwrap(), b"new");
            assert_eq!(fs::symlink_metadata(&link).unwrap().is_symlink(), kept);
            assert_eq!(fs::read(&real).unwrap() == b"new", kept);
            assert_eq!(mode(&link), if kept { 0o644 } else { 0o600 });
            assert_eq!(names_in(directory.path()), ["link", "real"]);
        }
    }

    #[test]
    fn new_files_are_private_and_directories_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new");
        Output::file(&path, Name::Seal).unwrap().commit().unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        let failure = Output::file(directory.path(), Name::Seal).err().unwrap();
        assert!(failure.text(Name::Seal).contains("is a directory"));
        let missing = directory.path().join("no/out.yaml");
        let text = Output::file(&missing, Name::Kubeseal)
            .err()
            .unwrap()
            .text(Name::Kubeseal);
        assert!(
            text.contains("/no/.out.yaml") && text.ends_with(": no such file or directory\n"),
            "{text}"
        );
    }
}
