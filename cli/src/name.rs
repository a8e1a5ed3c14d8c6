//! The two names of the tool.

/// The version of the existing tool whose behaviour this is. Scripts look for it before they use a flag.
pub(crate) const COMPATIBILITY: &str = "v0.40.0";
/// The program's own version.
pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// Under which name the program was called. The names share every flag; they differ in how they speak and in a few defaults
/// (the list stands in the crate's front page).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The drop-in: messages, exit codes and defaults of the existing tool, to the letter.
    Kubeseal,
    /// Our own: output follows the input, names are checked, errors carry a code and a hint.
    Seal,
}

impl Name {
    /// As the user types it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubeseal => "kubeseal",
            Self::Seal => "seal",
        }
    }

    /// What `--version` prints: as `kubeseal` in the form that scripts look for.
    pub(crate) fn version_line(self) -> String {
        match self {
            Self::Kubeseal => format!("kubeseal version: {COMPATIBILITY}\n"),
            Self::Seal => format!("seal version: {VERSION} (kubeseal {COMPATIBILITY})\n"),
        }
    }

    /// The name a program was started under: `kubeseal` anywhere, with or without `.exe`, is the drop-in.
    pub fn of_program(path: &str) -> Self {
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
        match file.strip_suffix(".exe").unwrap_or(file) {
            "kubeseal" => Self::Kubeseal,
            _ => Self::Seal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_decides() {
        for path in [
            "kubeseal",
            "/usr/local/bin/kubeseal",
            r"C:\bin\kubeseal.exe",
        ] {
            assert_eq!(Name::of_program(path), Name::Kubeseal, "{path}");
        }
        for path in [
            "seal",
            "",
            "/opt/kubeseal/seal",
            "kubeseal-2",
            "/home/me/.krew/bin/kubectl-seal",
        ] {
            assert_eq!(Name::of_program(path), Name::Seal, "{path}");
        }
    }
}
