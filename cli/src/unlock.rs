//! What opens encrypted backups: identities of age, and passphrases.

use std::path::{Path, PathBuf};

use sealed_api::Code;
use sealed_custody::{Identities, OpenError, Passphrase, Protection, SecretString, protection};
use sealed_pflag::{Flag, Matches};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::read_file;
use crate::prompt::Terminal;

/// How often a person may mistype.
const ATTEMPTS: u32 = 3;

/// What the command line says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnlockArguments {
    identities: Vec<PathBuf>,
    passphrase_file: Option<PathBuf>,
}

/// Opens age files.
pub(crate) struct Unlock {
    identities: Identities,
    /// From a file, or typed: one passphrase for all files, as long as it fits.
    passphrase: Option<Passphrase>,
    /// Whether a person may be asked for another passphrase than this.
    asks: bool,
    terminal: Terminal,
}

/// The flags for it.
pub(crate) fn flags() -> [Flag; 2] {
    [
        Flag::strings(
            "identity",
            "File with the age identity that opens encrypted backups and escrow; may itself have a passphrase",
        )
        .short('i'),
        Flag::text(
            "passphrase-file",
            "",
            "File with the passphrase of backups, on its first line; without it the terminal is asked",
        ),
    ]
}

impl UnlockArguments {
    /// Reads them.
    pub(crate) fn of(matches: &Matches) -> Self {
        let file = matches.text("passphrase-file");
        Self {
            identities: matches.list("identity").iter().map(PathBuf::from).collect(),
            passphrase_file: (!file.is_empty()).then(|| PathBuf::from(file)),
        }
    }
}

impl Unlock {
    /// Nothing but what a person types.
    pub(crate) fn asking(terminal: Terminal) -> Self {
        Self {
            identities: Identities::default(),
            passphrase: None,
            asks: true,
            terminal,
        }
    }

    /// Reads the files that are named.
    pub(crate) fn load(arguments: &UnlockArguments, terminal: Terminal) -> Result<Self, Failure> {
        let mut unlock = Self::asking(terminal);
        if let Some(path) = &arguments.passphrase_file {
            unlock.passphrase = Some(passphrase_of(path)?);
            unlock.asks = false;
        }
        for path in &arguments.identities {
            let shown = path.display().to_string();
            let mut text = Zeroizing::new(read_file(path)?);
            if protection(&text).is_some() {
                text = unlock.open(&text, &shown)?;
            }
            unlock.identities.add(&text).map_err(|error| {
                Failure::new(Code::BadKey, format!("`{shown}` {error}"))
                    .hint("`age-keygen -o identity.txt` makes one")
            })?;
        }
        Ok(unlock)
    }

    /// Whether there is an identity to open files with.
    pub(crate) fn has_identities(&self) -> bool {
        !self.identities.is_empty()
    }

    /// What is in an age file; `shown` names it in errors and prompts.
    pub(crate) fn open(&mut self, file: &[u8], shown: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match protection(file) {
            Some(Protection::Passphrase) => self.open_with_passphrase(file, shown),
            _ if self.identities.is_empty() => Err(Failure::new(
                Code::EncryptedBackup,
                format!("`{shown}` is encrypted to an age identity, and none is given"),
            )
            .hint("--identity FILE (-i) names it, for every verb that takes private keys, such as `seal unseal`")),
            _ => self
                .identities
                .decrypt(file)
                .map_err(|error| closed(&error, shown)),
        }
    }

    fn open_with_passphrase(
        &mut self,
        file: &[u8],
        shown: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some(passphrase) = &self.passphrase {
            match passphrase.decrypt(file) {
                Err(OpenError::WrongPassphrase) if self.asks => {}
                opened => return opened.map_err(|error| closed(&error, shown)),
            }
        }
        let mut last = OpenError::WrongPassphrase;
        for _ in 0..ATTEMPTS {
            let question = format!("Passphrase of {shown}: ");
            let Some(passphrase) = asked(self.terminal, &question, shown)? else {
                break;
            };
            match passphrase.decrypt(file) {
                Ok(text) => {
                    self.passphrase = Some(passphrase);
                    return Ok(text);
                }
                Err(OpenError::WrongPassphrase) => {}
                Err(error) => {
                    last = error;
                    break;
                }
            }
        }
        Err(closed(&last, shown))
    }
}

/// A passphrase to encrypt with, typed twice: a mistyped one would be found out when nothing else is left.
pub(crate) fn new_passphrase(
    file: Option<&Path>,
    terminal: Terminal,
) -> Result<Passphrase, Failure> {
    if let Some(path) = file {
        return passphrase_of(path);
    }
    let typed = terminal.ask_twice("new passphrase").map_err(|failure| {
        failure.hint("--passphrase-file FILE reads it from a file; -r RECIPIENT needs none")
    })?;
    passphrase(&typed).ok_or_else(|| Failure::usage("the passphrase is empty"))
}

fn asked(terminal: Terminal, question: &str, shown: &str) -> Result<Option<Passphrase>, Failure> {
    let typed = terminal.ask(question).map_err(|failure| {
        let cause = failure.words(crate::Name::Seal);
        Failure::new(
            Code::EncryptedBackup,
            format!("`{shown}` is encrypted with a passphrase: {cause}"),
        )
        .hint("--passphrase-file FILE reads it from a file")
    })?;
    Ok(passphrase(&typed))
}

fn passphrase(text: &str) -> Option<Passphrase> {
    Passphrase::new(SecretString::from(text))
}

fn passphrase_of(path: &Path) -> Result<Passphrase, Failure> {
    let shown = path.display();
    let bytes = Zeroizing::new(read_file(path)?);
    let unusable = |what| Failure::new(Code::BadKey, format!("`{shown}` {what}"));
    let text = std::str::from_utf8(&bytes).map_err(|_| unusable("is not UTF-8 text"))?;
    let line = text.lines().next().unwrap_or_default();
    passphrase(line).ok_or_else(|| unusable("begins with an empty line, and not with a passphrase"))
}

fn closed(error: &OpenError, shown: &str) -> Failure {
    let words = match error {
        OpenError::NoMatch => "it is encrypted to others than the identities given",
        OpenError::WrongPassphrase => "it is encrypted with another passphrase",
        OpenError::ExcessiveWork => "its passphrase asks for more work than is sound",
        OpenError::Damaged(_) => "the age file is damaged or incomplete",
    };
    Failure::new(
        Code::EncryptedBackup,
        format!("cannot open `{shown}`: {words}"),
    )
}
