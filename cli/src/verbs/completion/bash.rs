//! For bash, from version 3.2 on and without the package bash-completion.

use std::fmt::Write as _;

use sealed_pflag::Flag;

use super::{quoted, words};
use crate::verbs::grammar::{Command, spellings};

const HEAD: &str = r"# bash completion for seal
_seal() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flags= takes= words= values= verb=
    # bash takes `--flag=value` for three words.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && COMP_CWORD -ge 2 ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    [[ COMP_CWORD -ge 2 ]] && verb=${COMP_WORDS[1]}
";

const FOOT: &str = r#"    [[ -n $values ]] && COMPREPLY=($(compgen -W "$values" -- "$cur")) && return
    if [[ " $takes " == *" $prev "* ]]; then
        return # a file
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    fi
}
complete -o default -F _seal seal
"#;

pub(super) fn script(verbs: &[Command], without: &Command) -> String {
    let mut text = HEAD.to_owned();
    let words = words(verbs);
    families(&mut text, &words);
    text.push_str("    case $verb in\n");
    for verb in verbs {
        case(
            &mut text,
            &quoted(verb.name),
            verb,
            &verb.arguments.join(" "),
        );
    }
    let firsts: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    case(&mut text, "help", &nothing(), &firsts.join(" "));
    // In the first place anything can stand; elsewhere verbs are over.
    case(&mut text, "*", without, "");
    text.push_str("    esac\n");
    writeln!(
        text,
        "    [[ COMP_CWORD -eq 1 ]] && words={}",
        quoted(&firsts.join(" "))
    )
    .expect("writing into a String cannot fail");
    text.push_str(FOOT);
    text
}

/// Verbs of two words: the second one decides, and is completed as long as it is missing.
fn families(text: &mut String, words: &[(&str, Vec<&str>)]) {
    for (family, members) in words.iter().filter(|(_, members)| !members.is_empty()) {
        let members = quoted(&members.join(" "));
        write!(
            text,
            "    if [[ $verb == {family} ]]; then\n        \
                 if [[ COMP_CWORD -eq 2 ]]; then\n            \
                     COMPREPLY=($(compgen -W {members} -- \"$cur\"))\n            \
                     return\n        \
                 fi\n        \
                 verb=\"{family} ${{COMP_WORDS[2]}}\"\n    \
             fi\n"
        )
        .expect("writing into a String cannot fail");
    }
}

fn nothing() -> Command {
    Command {
        name: "",
        does: "",
        flags: Vec::new(),
        arguments: Vec::new(),
    }
}

fn case(text: &mut String, pattern: &str, command: &Command, words: &str) {
    let spelt = |takes: bool| {
        let flags = command.flags.iter();
        let flags = flags.filter(|flag| !takes || flag.takes_value());
        flags.flat_map(spellings).collect::<Vec<_>>().join(" ")
    };
    write!(
        text,
        "        {pattern})\n            flags={}\n            takes={}\n            words={}\n",
        quoted(&spelt(false)),
        quoted(&spelt(true)),
        quoted(words)
    )
    .expect("writing into a String cannot fail");
    values(text, &command.flags);
    text.push_str("            ;;\n");
}

/// What flags take that take one of a few words.
fn values(text: &mut String, flags: &[Flag]) {
    let limited = flags.iter().filter(|flag| !flag.choices().is_empty());
    for flag in limited {
        writeln!(
            text,
            "            case $prev in {}) values={} ;; esac",
            spellings(flag).join("|"),
            quoted(&flag.choices().join(" "))
        )
        .expect("writing into a String cannot fail");
    }
}
