//! `seal man`: the manual page, generated from the tables of verbs and flags.

use std::fmt::Write as _;

use sealed_pflag::{Flag, Matches};

use super::grammar::{self, Command};
use super::{ALL, Verb, call};
use crate::failure::Failure;

const SYNOPSIS: &str = "\
Usage: seal man [flags]

Prints the manual page, as roff.

Examples: seal man | man -l -
          seal man > /usr/local/share/man/man1/seal.1

";

/// `seal man`.
pub(super) const VERB: Verb = Verb {
    name: "man",
    does: "print the manual page",
    synopsis: SYNOPSIS,
    flags: Vec::<Flag>::new,
    variables: &[],
    run: |matches, _, streams| call::print(&manual(matches)?, streams.stdout),
};

const HEAD: &str = r#".TH SEAL 1 "" "seal VERSION" "sealed\-secrets"
.SH NAME
seal \- make Kubernetes Secrets safe to keep in Git
.SH SYNOPSIS
.B seal
[flags] < secret.yaml > sealed.yaml
.br
.B seal
.I VERB
[arguments] [flags]
.SH DESCRIPTION
Without a verb
.B seal
understands every command line of
.BR kubeseal :
it reads Secrets and writes SealedSecrets, which only the controller of one cluster can open.
Started under the name
.B kubeseal
it is that tool, messages and exit codes included.
Started as
.B kubectl\-seal
it is the plugin
.BR "kubectl seal" .
Results go to standard output, or to the file of
.BR \-w ;
messages go to standard error.
"#;

const FOOT: &str = r".SH ENVIRONMENT
.TP
.B SEALED_SECRETS_\fIFLAG\fR
A flag in capitals, with _ for \-; what is typed wins.
.TP
.B KUBECONFIG
The kubeconfig files; otherwise ~/.kube/config.
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
It failed.
.TP
.B 2
The command line makes no sense.
.TP
.B 3
What was looked at has problems.
.TP
.B 4
There was nothing to change.
";

fn manual(matches: &Matches) -> Result<String, Failure> {
    if let Some(word) = matches.positionals().first() {
        return Err(Failure::usage(format!("unexpected argument `{word}`"))
            .hint("there is one page, and it holds every verb"));
    }
    Ok(page())
}

fn page() -> String {
    let mut text = HEAD.replace("VERSION", env!("CARGO_PKG_VERSION"));
    text.push_str(".SH FLAGS\nThese are the flags without a verb.\n");
    flags(&mut text, &grammar::without_verb());
    text.push_str(".SH VERBS\n");
    for (verb, command) in ALL.iter().zip(grammar::verbs()) {
        writeln!(
            text,
            ".SS seal {}\n.nf\n{}\n.fi",
            escaped(verb.name),
            block(verb.synopsis)
        )
        .expect("writing into a String cannot fail");
        flags(&mut text, &command);
    }
    text.push_str(FOOT);
    text
}

fn flags(text: &mut String, command: &Command) {
    for flag in &command.flags {
        let letter = flag
            .letter()
            .map_or_else(String::new, |letter| format!("-{letter}, "));
        let value = if flag.takes_value() {
            " \\fIvalue\\fR"
        } else {
            ""
        };
        writeln!(
            text,
            ".TP\n.B {}{value}\n{}",
            escaped(&format!("{letter}--{}", flag.name())),
            line(flag.help())
        )
        .expect("writing into a String cannot fail");
    }
}

/// Several lines as they are.
fn block(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(line).collect();
    lines.join("\n")
}

/// One line, which must not be taken for a request.
fn line(text: &str) -> String {
    let text = escaped(text);
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

/// A backslash and a dash mean something to roff, and a plain quote or grave accent is replaced by a pretty one.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '…' => escaped.push_str("..."),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::effective_table;

    #[test]
    fn every_verb_is_in_the_page_with_its_flags() {
        let page = page();
        let (_, own) = page.split_once("\n.SH FLAGS\n").unwrap();
        let (own, verbs) = own.split_once("\n.SH VERBS\n").unwrap();
        let sections: Vec<&str> = verbs.split(".SS seal ").skip(1).collect();
        assert_eq!(sections.len(), ALL.len());
        let has = |section: &str, flag: &Flag| {
            let name = escaped(&format!("--{}", flag.name()));
            let heads = section.lines().filter(|line| line.starts_with(".B "));
            let mut words = heads.flat_map(|line| line.split(' '));
            assert!(words.any(|word| word == name), "{name}: {section}");
        };
        for flag in effective_table().flags().filter(|flag| !flag.is_hidden()) {
            has(own, flag);
        }
        for (verb, section) in ALL.iter().zip(sections) {
            assert!(section.starts_with(&format!("{}\n", escaped(verb.name))));
            for flag in verb.table().flags().filter(|flag| !flag.is_hidden()) {
                has(section, flag);
            }
        }
    }

    #[test]
    fn text_is_never_taken_for_a_request() {
        assert_eq!(line(".seal.yaml"), "\\&.seal.yaml");
        assert_eq!(line("'x' a\\b --c"), "\\(aqx\\(aq a\\eb \\-\\-c");
    }
}
