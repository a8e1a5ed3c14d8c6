//! For zsh.

use std::fmt::Write as _;

use sealed_pflag::Flag;

use super::{quoted, words};
use crate::verbs::grammar::{Command, spellings};

pub(super) fn script(verbs: &[Command], without: &Command) -> String {
    let words = words(verbs);
    let mut text = String::from("#compdef seal\n\n_seal() {\n  local -a verbs\n");
    text.push_str("  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    verbs=(\n");
    for (word, members) in &words {
        let does = verbs.iter().find(|verb| verb.name == *word);
        let does = match does {
            Some(verb) => verb.does.to_owned(),
            None if members.is_empty() => "show how a verb is called".to_owned(),
            None => members.join(", "),
        };
        writeln!(text, "      {}", quoted(&format!("{word}:{does}")))
            .expect("writing into a String cannot fail");
    }
    text.push_str("    )\n    _describe -t verbs verb verbs\n    return\n  fi\n");
    for (family, members) in words.iter().filter(|(_, members)| !members.is_empty()) {
        write!(
            text,
            "  if [[ $words[2] == {family} ]]; then\n    \
                 if (( CURRENT == 3 )); then\n      \
                   compadd -- {}\n      return\n    fi\n    \
                 shift words\n    (( CURRENT-- ))\n    words[2]=\"{family} $words[2]\"\n  fi\n",
            members.join(" ")
        )
        .expect("writing into a String cannot fail");
    }
    text.push_str("  case $words[2] in\n");
    for verb in verbs {
        case(&mut text, &quoted(verb.name), verb, true);
    }
    case(&mut text, "*", without, false);
    text.push_str("  esac\n}\n\n");
    text.push_str(
        "if [[ $funcstack[1] == _seal ]]; then\n  _seal \"$@\"\nelse\n  compdef _seal seal\nfi\n",
    );
    text
}

fn case(text: &mut String, pattern: &str, command: &Command, has_verb: bool) {
    writeln!(text, "    {pattern})").expect("writing into a String cannot fail");
    if has_verb {
        text.push_str("      shift words\n      (( CURRENT-- ))\n");
    }
    text.push_str("      _arguments -s");
    for flag in &command.flags {
        for spelling in spellings(flag) {
            write!(
                text,
                " \\\n        {}",
                quoted(&specification(flag, &spelling))
            )
            .expect("writing into a String cannot fail");
        }
    }
    let arguments = match command.arguments.as_slice() {
        [] => "*:file:_files".to_owned(),
        some => format!("*:argument:({})", some.join(" ")),
    };
    write!(text, " \\\n        {} ;;\n", quoted(&arguments))
        .expect("writing into a String cannot fail");
}

/// `*--flag=[help]:value:action`; the star lets it stand more than once.
fn specification(flag: &Flag, spelling: &str) -> String {
    let help = flag.help().replace('[', "\\[").replace(']', "\\]");
    let name = flag.name();
    if !flag.takes_value() {
        return format!("*{spelling}[{help}]");
    }
    // A long flag has its value behind `=` or in the next word, a short one directly or in the next word.
    let joint = if spelling.starts_with("--") { "=" } else { "+" };
    let action = match flag.choices() {
        [] => "_files".to_owned(),
        some => format!("({})", some.join(" ")),
    };
    format!("*{spelling}{joint}[{help}]:{name}:{action}")
}
