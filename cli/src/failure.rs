//! What went wrong, in both voices.
//!
//! As `seal` an error is `error[code]: what, where, why` with a `hint:` where there is a next step. As `kubeseal` it is the
//! sentence of the existing tool, because scripts match it. Neither holds a value or a key.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use sealed_api::DecodeError;
use sealed_api::codes::Code;

use crate::name::Name;

/// Why the program stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    kubeseal: Option<String>,
    hints: Vec<String>,
    style: Style,
}

/// What stands around the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Nothing is printed at all.
    Silent,
    /// Nothing: the message is complete.
    Bare,
    /// `error: ` or `error[code]: `.
    Usual,
}

impl Failure {
    /// A failure described by `message`, in lower case and without a full stop.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            kubeseal: None,
            hints: Vec::new(),
            style: Style::Usual,
        }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// The reader of our output has gone, so there is nobody to tell.
    pub(crate) fn reader_gone() -> Self {
        Self {
            style: Style::Silent,
            ..Self::new(Code::UnwritableOutput, "nobody reads standard output")
        }
    }

    /// An object that cannot be understood, with the field.
    pub(crate) fn undecodable(error: &DecodeError, place: &str) -> Self {
        // The existing tool has words for these. The others it does not notice.
        let is_known_to_kubeseal = matches!(
            error.code(),
            Code::BadBase64 | Code::BadTime | Code::WrongType
        );
        let message = match error.field() {
            "" => error.reason(),
            field => format!("{field}: {}", error.reason()),
        };
        let mut failure = Self::new(error.code(), message).at(place);
        if is_known_to_kubeseal {
            failure = failure.kubeseal(error.to_string());
        }
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Says `text` when called as `kubeseal`.
    #[must_use]
    pub(crate) fn kubeseal(mut self, text: impl Into<String>) -> Self {
        self.kubeseal = Some(text.into());
        self
    }

    /// Says exactly `text` when called as `kubeseal`, with nothing before it.
    #[must_use]
    pub(crate) fn bare(self, text: impl Into<String>) -> Self {
        Self {
            style: Style::Bare,
            ..self.kubeseal(text)
        }
    }

    /// Adds a next step.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// Puts the place before the message, in one line whatever a file is called: `FILE: document 2: …`. The sentence of `kubeseal` stays as it is.
    #[must_use]
    pub(crate) fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.message = format!("{}: {}", one_line(&place.to_string()), self.message);
        self
    }

    /// The stable code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The message alone.
    pub(crate) fn words(&self, name: Name) -> &str {
        match (name, &self.kubeseal) {
            (Name::Kubeseal, Some(text)) => text,
            _ => &self.message,
        }
    }

    /// The next steps.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// What is printed on standard error.
    pub(crate) fn text(&self, name: Name) -> String {
        let mut text = match name {
            _ if self.style == Style::Silent => return String::new(),
            Name::Kubeseal if self.style == Style::Bare => {
                format!("{}\n", printable(self.words(name)))
            }
            Name::Kubeseal => format!("error: {}\n", printable(self.words(name))),
            Name::Seal => format!("error[{}]: {}\n", self.code, printable(self.words(name))),
        };
        if name == Name::Seal {
            for hint in &self.hints {
                writeln!(text, "hint: {}", one_line(hint))
                    .expect("writing into a String cannot fail");
            }
        }
        text
    }

    /// 2 for a command line that makes no sense, 1 for everything else. What the existing tool finds out only while it works
    /// is 1 there.
    pub(crate) fn exit_code(&self, name: Name) -> ExitCode {
        let usage = match name {
            Name::Kubeseal => self.style == Style::Bare,
            Name::Seal => self.code == Code::Usage,
        };
        ExitCode::from(if usage { 2 } else { 1 })
    }
}

/// A text without anything that a terminal would obey, and without credentials in addresses: names and paths come from
/// strangers' files. Line ends stay, since some messages of the existing tool have two lines.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_obeyed(c))
}

/// The same as one line: a name with a line end would otherwise make up a line of its own.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, is_obeyed)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let text = without_userinfo(text);
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// A text in which the addresses have lost what stands before an `@`: it is a password, or a token.
pub(crate) fn without_userinfo(text: &str) -> Cow<'_, str> {
    let mut parts = text.split("://");
    let Some(head) = parts.next().filter(|head| head.len() < text.len()) else {
        return Cow::Borrowed(text);
    };
    let mut clean = head.to_owned();
    for part in parts {
        let ends = |c: char| matches!(c, '/' | '?' | '#' | '"' | '`' | '\'') || c.is_whitespace();
        let (authority, _) = part.split_at(part.find(ends).unwrap_or(part.len()));
        let host = authority.rfind('@').map_or(0, |at| at + 1);
        clean.push_str("://");
        clean.push_str(part.get(host..).unwrap_or_default());
    }
    Cow::Owned(clean)
}

/// Whether a terminal would do something else with a character than show it.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Characters that change the direction or the look of what stands around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The words Go programs use for what the system says about a file.
pub(crate) fn io_cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".to_owned(),
        io::ErrorKind::StorageFull => "no space left on device".to_owned(),
        io::ErrorKind::FileTooLarge => "file too large".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => {
            // "Text (os error N)" becomes "text".
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            let mut chars = text.chars();
            chars.next().map_or_else(String::new, |first| {
                first.to_lowercase().chain(chars).collect()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_voices_tell_the_same_failure() {
        let failure = Failure::new(Code::MissingName, "the Secret has no name")
            .at("secret.yaml: document 2")
            .kubeseal("missing metadata.name in input Secret")
            .hint("set metadata.name, or give --name");
        assert_eq!(
            failure.text(Name::Kubeseal),
            "error: missing metadata.name in input Secret\n"
        );
        assert_eq!(
            failure.text(Name::Seal),
            "error[missing-name]: secret.yaml: document 2: the Secret has no name\nhint: set metadata.name, or give --name\n"
        );
    }

    #[test]
    fn terminals_get_no_commands() {
        let text = Failure::new(Code::Usage, "\u{1b}[2Jboo\r\u{202e}").text(Name::Seal);
        assert_eq!(text, "error[usage]: \\u{1b}[2Jboo\\r\\u{202e}\n");
        let text = Failure::new(Code::Usage, "no").at("db\nerror[usage]: none");
        assert_eq!(
            text.text(Name::Seal),
            "error[usage]: db\\nerror[usage]: none: no\n"
        );
    }

    #[test]
    fn addresses_are_told_without_credentials() {
        for (text, told) in [
            ("http://u:p@h:1/x?y=a@b", "http://h:1/x?y=a@b"),
            ("get `https://token@h`: no", "get `https://h`: no"),
            ("http://a@b@h http://h/@", "http://h http://h/@"),
            ("mail@example", "mail@example"),
            ("http://h", "http://h"),
            ("://", "://"),
        ] {
            assert_eq!(without_userinfo(text), told);
            let told_twice = Failure::new(Code::Usage, text).hint(text).text(Name::Seal);
            assert_eq!(told_twice, format!("error[usage]: {told}\nhint: {told}\n"));
        }
    }

    #[test]
    fn system_errors_read_as_in_go() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(io_cause(&error), "no such file or directory");
        assert_eq!(
            io_cause(&io::Error::from_raw_os_error(40)),
            "too many levels of symbolic links"
        );
    }
}
