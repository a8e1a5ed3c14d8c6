//! One value, for the verbs that seal one: from standard input, or from where a flag says.

use std::io::Read;

use sealed_pflag::{Flag, Matches};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::values::{Items, Plaintext, Recipe, Source, Supply};

/// Where the value comes from.
pub(super) enum Single {
    File(String),
    Generated(Recipe),
    Prompt,
    Stdin,
}

pub(super) fn flags() -> [Flag; 3] {
    [
        Flag::text("from-file", "", "File that holds the value"),
        Flag::text(
            "generate",
            "",
            "Make the value up: password[,length=32][,alphabet=alphanumeric|hex|printable], or uuid",
        ),
        Flag::bool(
            "prompt",
            false,
            "Ask for the value at the terminal, without showing it",
        ),
    ]
    .map(Flag::without_env)
}

impl Single {
    /// Reads the flags, of which one at most is set.
    pub(super) fn of(matches: &Matches) -> Result<Self, Failure> {
        let (file, recipe) = (matches.text("from-file"), matches.text("generate"));
        match (file, recipe, matches.bool("prompt")) {
            ("", "", false) => Ok(Self::Stdin),
            ("", "", true) => Ok(Self::Prompt),
            (file, "", false) => Ok(Self::File(file.to_owned())),
            ("", recipe, false) => match Recipe::parse(recipe)? {
                recipe if recipe.is_single() => Ok(Self::Generated(recipe)),
                _ => Err(
                    Failure::usage("a key pair is two values, and this verb seals one")
                        .hint("`seal create` makes both"),
                ),
            },
            _ => Err(Failure::usage("the value comes from one place")
                .hint("leave out all but one of --from-file, --generate and --prompt")),
        }
    }

    pub(super) fn is_stdin(&self) -> bool {
        matches!(self, Self::Stdin)
    }

    /// The value, which a person knows as `key`.
    pub(super) fn read(
        self,
        key: &str,
        environment: &Environment,
        stdin: &mut dyn Read,
        talk: &mut Talk<'_>,
    ) -> Result<Plaintext, Failure> {
        let key = key.to_owned();
        let source = match self {
            Self::File(path) => Source::File {
                key: Some(key.clone()),
                path: path.into(),
            },
            Self::Generated(recipe) => Source::Generated {
                key: key.clone(),
                recipe,
            },
            Self::Prompt => Source::Prompt(key.clone()),
            Self::Stdin => Source::Stdin(key.clone()),
        };
        let mut items = Items::default();
        let mut supply = Supply {
            environment,
            stdin,
            talk,
        };
        source.read(&mut items, &mut supply)?;
        Ok(items.take(&key).unwrap_or_default())
    }
}
