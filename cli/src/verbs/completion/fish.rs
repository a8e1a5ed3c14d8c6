//! For fish.

use std::fmt::Write as _;

use super::words;
use crate::verbs::grammar::Command;

const HEAD: &str = "\
# fish completion for seal
function __seal_called
    set -l words (commandline -opc)
    set -e words[1]
    string match -q -- \"$argv *\" \"$words \"
end
function __seal_called_only
    set -l words (commandline -opc)
    set -e words[1]
    test \"$words\" = \"$argv\"
end
function __seal_without_verb
    set -l words (commandline -opc)
    not contains -- \"$words[2]\" VERBS
end
";

pub(super) fn script(verbs: &[Command], without: &Command) -> String {
    let words = words(verbs);
    let firsts: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let mut text = HEAD.replace("VERBS", &firsts.join(" "));
    for (word, members) in &words {
        let verb = verbs.iter().find(|verb| verb.name == *word);
        let does = verb.map_or_else(|| members.join(", "), |verb| verb.does.to_owned());
        let mut add = |condition: &str, word: &str, does: &str| {
            writeln!(
                text,
                "complete -c seal -n {} -f -a {word} -d {}",
                quoted(condition),
                quoted(does)
            )
            .expect("writing into a String cannot fail");
        };
        add("__seal_called_only", word, &does);
        if *word != "help" {
            add("__seal_called_only help", word, &does);
        }
        for member in members {
            let does = verbs
                .iter()
                .find(|verb| verb.name.split_once(' ') == Some((word, member)))
                .map_or("", |verb| verb.does);
            add(&format!("__seal_called_only {word}"), member, does);
        }
    }
    for verb in verbs {
        let condition = format!("__seal_called {}", verb.name);
        flags(&mut text, &condition, verb);
        if !verb.arguments.is_empty() {
            writeln!(
                text,
                "complete -c seal -n {} -f -a {}",
                quoted(&condition),
                quoted(&verb.arguments.join(" "))
            )
            .expect("writing into a String cannot fail");
        }
    }
    flags(&mut text, "__seal_without_verb", without);
    text
}

fn flags(text: &mut String, condition: &str, command: &Command) {
    for flag in &command.flags {
        write!(
            text,
            "complete -c seal -n {} -l {}",
            quoted(condition),
            flag.name()
        )
        .expect("writing into a String cannot fail");
        if let Some(letter) = flag.letter() {
            write!(text, " -s {letter}").expect("writing into a String cannot fail");
        }
        match flag.choices() {
            [] if flag.takes_value() => text.push_str(" -r"),
            [] => {}
            some => write!(text, " -x -a {}", quoted(&some.join(" ")))
                .expect("writing into a String cannot fail"),
        }
        writeln!(text, " -d {}", quoted(flag.help())).expect("writing into a String cannot fail");
    }
}

/// In fish a backslash is special between single quotes too.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
