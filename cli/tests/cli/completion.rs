//! The completion scripts, run by the shells themselves where they are here.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Output};

use crate::program::Sandbox;

/// What a program says that may be missing here; then that is told, past what the test runner holds back, and nothing is tried.
fn output_if_here(command: &mut Command) -> Option<Output> {
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = command.get_program().to_string_lossy().into_owned();
            let test = std::thread::current().name().unwrap_or("?").to_owned();
            let warning = format!("SKIPPED in {test}: there is no `{name}` here\n");
            drop(std::io::stderr().write_all(warning.as_bytes()));
            None
        }
        output => Some(output.unwrap()),
    }
}

fn script(shell: &str) -> String {
    let outcome = Sandbox::new().run("seal", &["completion", shell], &[], b"");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    String::from_utf8(outcome.stdout).unwrap()
}

/// What bash would offer for the last of `words`; nothing leaves it to file names.
fn offered(words: &[&str]) -> Vec<String> {
    let sandbox = Sandbox::new();
    sandbox.write("seal.bash", script("bash"));
    let ask = r#"
        source seal.bash
        COMP_WORDS=("$@")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _seal
        [[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", ask, "bash"])
        .args(words)
        .current_dir(sandbox.path("."))
        .output()
        .expect("this system has bash");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_flags_and_values() {
    for (words, expected) in [
        (&["seal", "insp"][..], &["inspect"][..]),
        (&["seal", "help", "insp"], &["inspect"]),
        (&["seal", "--fet"], &["--fetch-cert"]),
        (&["seal", "inspect", "--j"], &["--json"]),
        (&["seal", "inspect", "--fetch"], &[]),
        (
            &["seal", "--cert", "x", "--scope", "n"],
            &["namespace-wide"],
        ),
        (&["seal", "--scope", "=", "c"], &["cluster-wide"]),
        (&["seal", "--format", "="], &["json", "yaml"]),
        (&["seal", "template", "-o", "y"], &["yaml"]),
        (
            &["seal", "keys", "export", "--format", ""],
            &["secret", "pem"],
        ),
        (&["seal", "inspect", "--cert", "-"], &[]),
        (&["seal", "inspect", "seal"], &[]),
        (&["seal", "keys", "ba"], &["backup"]),
        (
            &["seal", "keys", "backup", "--recipients"],
            &["--recipients-file"],
        ),
        (&["seal", "completion", "p"], &["powershell"]),
        (
            &["seal", "explain", "wrong-k"],
            &["wrong-key", "wrong-kind"],
        ),
    ] {
        assert_eq!(offered(words), expected, "{words:?}");
    }
}

#[test]
fn bash_finds_no_fault_with_its_script() {
    let sandbox = Sandbox::new();
    sandbox.write("seal.bash", script("bash"));
    let output = Command::new("bash")
        .args(["-n", "seal.bash"])
        .current_dir(sandbox.path("."))
        .output()
        .expect("this system has bash");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn fish_completes_verbs_flags_and_values_where_it_is_here() {
    for (line, expected) in [
        ("seal insp", "inspect"),
        ("seal help insp", "inspect"),
        ("seal keys ba", "backup"),
        ("seal inspect --j", "--json"),
        ("seal inspect --fetch", ""),
        ("seal --fet", "--fetch-cert"),
        ("seal --scope n", "namespace-wide"),
        ("seal keys export --format p", "pem"),
        ("seal completion p", "powershell"),
        ("seal explain wrong-ke", "wrong-key"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("seal.fish", script("fish"));
        let ask = format!("source seal.fish; complete -C '{line}'");
        let mut command = Command::new("fish");
        command
            .args(["--no-config", "-c", &ask])
            .env("HOME", sandbox.path("home"))
            .current_dir(sandbox.path("."));
        let Some(output) = output_if_here(&mut command) else {
            return;
        };
        let offered = String::from_utf8(output.stdout).unwrap();
        let offered: Vec<&str> = offered
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(offered.join(" "), expected, "{line}");
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn other_shells_find_no_fault_with_theirs_where_they_are_here() {
    for (shell, arguments) in [
        ("zsh", ["-n", "script"]),
        ("fish", ["--no-execute", "script"]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("script", script(shell));
        let mut command = Command::new(shell);
        command.args(arguments).current_dir(sandbox.path("."));
        if let Some(output) = output_if_here(&mut command) {
            assert!(output.status.success(), "{shell}: {output:?}");
        }
    }
}

/// The names of all flags that a help lists, such as `fetch-cert`.
fn flags(help: &str) -> Vec<&str> {
    let lines = help
        .lines()
        .filter(|line| line.starts_with("      --") || line.starts_with("  -"));
    let names = lines.filter_map(|line| {
        line.split_whitespace()
            .find_map(|word| word.strip_prefix("--"))
    });
    names.filter(|flag| !flag.contains('_')).collect()
}

/// Whether a text has a name that is not a part of a longer one.
fn has(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
    })
}

#[test]
fn every_script_and_the_manual_know_every_verb_and_flag() {
    let printed = |words: &[&str]| {
        let outcome = Sandbox::new().run("seal", words, &[], b"");
        assert_eq!(outcome.status, Some(0), "{words:?}: {}", outcome.stderr);
        String::from_utf8(outcome.stdout).unwrap()
    };
    let help = printed(&["--help"]);
    let verbs = help.lines().filter_map(|line| {
        let verb = line.strip_prefix("       seal ")?.split("  ").next()?;
        (!verb.contains(['-', '<'])).then_some(verb)
    });
    let verbs: Vec<&str> = verbs.collect();
    assert!(
        verbs.contains(&"create generic") && verbs.contains(&"man"),
        "{verbs:?}"
    );
    let mut names = flags(&help)
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    for verb in &verbs {
        let words: Vec<&str> = ["help"].into_iter().chain(verb.split(' ')).collect();
        names.extend(flags(&printed(&words)).into_iter().map(str::to_owned));
    }
    for name in ["fetch-cert", "from-literal", "passphrase-file"] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    for (shell, dashes) in [
        ("bash", "--"),
        ("zsh", "--"),
        ("fish", "-l "),
        ("powershell", "--"),
    ] {
        let script = script(shell);
        for word in verbs.iter().flat_map(|verb| verb.split(' ')) {
            assert!(has(&script, word), "{shell}: {word}");
        }
        for name in &names {
            assert!(has(&script, &format!("{dashes}{name}")), "{shell}: {name}");
        }
    }
    let manual = printed(&["man"]).replace("\\-", "-");
    for verb in &verbs {
        assert!(manual.contains(&format!(".SS seal {verb}\n")), "{verb}");
    }
    for name in &names {
        assert!(has(&manual, &format!("--{name}")), "{name}");
    }
}

#[test]
fn every_script_offers_what_a_flag_of_this_verb_takes() {
    for (shell, verb, values) in [
        (
            "bash",
            "'keys export')",
            "case $prev in --format) values='secret pem' ;; esac",
        ),
        ("zsh", "'keys export')", ":format:(secret pem)"),
        (
            "fish",
            "'__seal_called keys export' -l format",
            "-x -a 'secret pem'",
        ),
        (
            "powershell",
            "'keys export --format' = ",
            "@('secret', 'pem')",
        ),
    ] {
        let script = script(shell);
        let after = script.split(verb).nth(1).unwrap();
        let end = after.find("keys restore").unwrap_or(after.len());
        assert!(after[..end].contains(values), "{shell}: {}", &after[..end]);
    }
}

#[test]
fn the_manual_page_is_roff_without_faults() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("seal", &["man"], &[], b"");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    sandbox.write("seal.1", &outcome.stdout);
    let mut command = Command::new("groff");
    command
        .args(["-man", "-Tutf8", "-ww", "-z", "seal.1"])
        .current_dir(sandbox.path("."));
    if let Some(output) = output_if_here(&mut command) {
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}
