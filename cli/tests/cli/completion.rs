//! The completion scripts, run by the shells themselves where they are here.

use std::process::Command;

use crate::program::Sandbox;

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
        let Ok(output) = command.output() else {
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
        if let Ok(output) = command.output() {
            assert!(output.status.success(), "{shell}: {output:?}");
        }
    }
}

#[test]
fn every_script_knows_every_verb_and_flag() {
    let sandbox = Sandbox::new();
    let help = sandbox.run("seal", &["--help"], &[], b"").stdout;
    let help = String::from_utf8(help).unwrap();
    let flags = help
        .lines()
        .filter(|line| line.starts_with("      --") || line.starts_with("  -"))
        .filter_map(|line| {
            line.split_whitespace()
                .find_map(|word| word.strip_prefix("--"))
        });
    let flags: Vec<&str> = flags.filter(|flag| !flag.contains('_')).collect();
    assert!(flags.contains(&"fetch-cert"), "{flags:?}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = script(shell);
        for word in ["inspect", "cert", "doctor", "template"]
            .iter()
            .chain(&flags)
        {
            assert!(script.contains(word), "{shell}: {word}");
        }
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
    if let Ok(output) = command.output() {
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
}
