//! The list of flags that `--help` prints.

use crate::flag::{Flag, Kind, Table};
use crate::literal::quote;

impl Table {
    /// The list of flags, a line each, in byte order of their names, with aligned explanations. The caller puts a header such
    /// as `Usage of NAME:` before it.
    pub fn usage(&self) -> String {
        let lines: Vec<(String, &Flag)> = self
            .flags()
            .filter(|flag| !flag.hidden)
            .map(|flag| (heading(flag), flag))
            .collect();
        let width = lines
            .iter()
            .map(|(heading, _)| heading.len())
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for (heading, flag) in lines {
            text.push_str(&heading);
            text.extend(std::iter::repeat_n(' ', width + 3 - heading.len()));
            text.push_str(flag.help);
            if let Some(default) = shown_default(flag) {
                text.push_str(" (default ");
                text.push_str(&default);
                text.push(')');
            }
            text.push('\n');
        }
        text
    }
}

/// The letter, the name and the type word.
fn heading(flag: &Flag) -> String {
    let mut heading = match flag.short {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    if let Some(word) = type_word(flag) {
        heading.push(' ');
        heading.push_str(word);
    }
    heading
}

fn type_word(flag: &Flag) -> Option<&'static str> {
    flag.type_word.or(match flag.kind {
        Kind::Bool(_) => None,
        Kind::Checked(..) | Kind::Text(_) => Some("string"),
        Kind::Duration(_) => Some("duration"),
        Kind::Float32(_) => Some("float32"),
        Kind::Int(_) => Some("int"),
        Kind::StringArray => Some("stringArray"),
        Kind::Strings => Some("strings"),
        Kind::Uint(_) => Some("uint"),
    })
}

/// The default, unless it is the zero value of its kind. Only what calls itself a string is quoted.
fn shown_default(flag: &Flag) -> Option<String> {
    match &flag.kind {
        Kind::Bool(default) => default.then(|| "true".to_owned()),
        Kind::Checked(default, _) | Kind::Text(default) => {
            let string = type_word(flag) == Some("string");
            let zero = default.is_empty() || (!string && *default == "0");
            (!zero).then(|| {
                if string {
                    quote(default)
                } else {
                    (*default).to_owned()
                }
            })
        }
        Kind::Duration(default) => (default.as_nanos() != 0).then(|| default.to_string()),
        Kind::Float32(default) => (*default != 0.0).then(|| default.to_string()),
        Kind::Int(default) => (*default != 0).then(|| default.to_string()),
        Kind::StringArray | Kind::Strings => None,
        Kind::Uint(default) => (*default != 0).then(|| default.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Flag, GoDuration, Table};

    #[test]
    fn the_list_is_sorted_aligned_and_shows_defaults_that_are_not_zero() {
        fn filled(text: &str) -> Result<(), String> {
            if text.is_empty() {
                Err("is empty".to_owned())
            } else {
                Ok(())
            }
        }
        let table = Table::new([
            Flag::text("request-timeout", "0", "How long."),
            Flag::bool("all", true, "Everything."),
            Flag::bool("All", false, "Upper case first."),
            Flag::duration("period", GoDuration::from_hours(720), "How often."),
            Flag::checked("v", "0", filled, "How much.")
                .type_word("Level")
                .short('v'),
            Flag::checked("where", ":0", filled, "Where.").type_word("place"),
            Flag::checked("scope", "strict", filled, "How far."),
            Flag::float32("qps", 5.0, "How fast."),
            Flag::int("size", 4096, "How big."),
            Flag::strings("from", "Whence."),
            Flag::string_array("as-group", "Who."),
            Flag::uint("log_size", 1800, "How long."),
            Flag::text("name", "", "Who."),
            Flag::bool("old", false, "Hidden.").deprecated("use --new"),
            Flag::bool("secret", false, "Hidden.").hidden(),
        ]);
        let want = concat!(
            "      --All                      Upper case first.\n",
            "      --all                      Everything. (default true)\n",
            "      --as-group stringArray     Who.\n",
            "      --from strings             Whence.\n",
            "      --log_size uint            How long. (default 1800)\n",
            "      --name string              Who.\n",
            "      --period duration          How often. (default 720h0m0s)\n",
            "      --qps float32              How fast. (default 5)\n",
            "      --request-timeout string   How long. (default \"0\")\n",
            "      --scope string             How far. (default \"strict\")\n",
            "      --size int                 How big. (default 4096)\n",
            "  -v, --v Level                  How much.\n",
            "      --where place              Where. (default :0)\n",
        );
        assert_eq!(table.usage(), want);
    }
}
