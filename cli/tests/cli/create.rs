//! Secrets that `seal create` makes, and items that `seal set` changes, open to what was given.

use serde_json::Value;

use crate::ciphertext::open;
use crate::program::{Outcome, Sandbox, fixture, only_object};

fn create(sandbox: &Sandbox, words: &[&str], stdin: &[u8]) -> Outcome {
    let all: Vec<&str> = ["create"]
        .iter()
        .chain(words)
        .chain(&["-n", "web", "--sealing-cert", "c.crt"])
        .copied()
        .collect();
    sandbox.run("seal", &all, &[], stdin)
}

/// The value of an item, opened.
fn opened(object: &Value, item: &str) -> Option<Vec<u8>> {
    let sealed = object["spec"]["encryptedData"][item].as_str()?;
    let name = object["metadata"]["name"].as_str()?;
    open(
        sealed,
        &fixture("rsa2048-a.pkcs1.pem"),
        "strict",
        "web",
        name,
    )
}

fn made(words: &[&str], stdin: &[u8]) -> Value {
    let outcome = create(&Sandbox::with_certificate(), words, stdin);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    only_object(&outcome.stdout)
}

#[test]
fn values_are_sealed_byte_for_byte() {
    let sandbox = Sandbox::with_certificate();
    sandbox.write("blob", [0, 255, b'\n', 13]);
    sandbox.write("app.env", "USER=app \nQUOTED=\"x\"\n");
    let outcome = create(
        &sandbox,
        &[
            "generic",
            "db",
            "--from-literal",
            "password= a=b,\"c\" ",
            "--from-file",
            "blob",
            "--from-file=named=blob",
            "--from-env-file=app.env",
            "--from-stdin",
            "token",
        ],
        b"line\nline\n",
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let object = only_object(&outcome.stdout);
    for (item, value) in [
        ("password", &b" a=b,\"c\" "[..]),
        ("blob", &[0, 255, b'\n', 13]),
        ("named", &[0, 255, b'\n', 13]),
        ("USER", b"app "),
        ("QUOTED", b"\"x\""),
        ("token", b"line\nline\n"),
    ] {
        assert_eq!(opened(&object, item).as_deref(), Some(value), "{item}");
    }
}

#[test]
fn generated_values_are_new_each_time_and_never_shown() {
    let words = ["generic", "db", "--generate", "password=password,length=40"];
    let (one, other) = (made(&words, b""), made(&words, b""));
    let values = [&one, &other].map(|object| opened(object, "password").unwrap());
    assert_eq!(values[0].len(), 40);
    assert_ne!(values[0], values[1]);
    let outcome = create(&Sandbox::with_certificate(), &words, b"");
    let value = opened(&only_object(&outcome.stdout), "password").unwrap();
    let value = String::from_utf8(value).unwrap();
    assert!(!outcome.stderr.contains(&value));
    assert!(!String::from_utf8_lossy(&outcome.stdout).contains(&value));
}

#[test]
fn a_pull_secret_is_what_kubectl_makes() {
    let words = [
        "docker-registry",
        "pull",
        "--docker-server=r.example",
        "--docker-username=u",
        "--from-stdin=docker-password",
        "--docker-email=e",
    ];
    let object = made(&words, b"p\n");
    assert_eq!(
        object["spec"]["template"]["type"],
        "kubernetes.io/dockerconfigjson"
    );
    assert_eq!(
        String::from_utf8(opened(&object, ".dockerconfigjson").unwrap()).unwrap(),
        r#"{"auths":{"r.example":{"username":"u","password":"p","email":"e","auth":"dTpw"}}}"#
    );
}

#[test]
fn tls_files_are_sealed_as_they_are_and_the_variable_names_the_certificate_to_seal_with() {
    let sandbox = Sandbox::with_certificate();
    let (crt, key) = (fixture("rsa2048-b.crt.pem"), fixture("rsa2048-b.pkcs1.pem"));
    sandbox.write("tls.crt", &crt);
    sandbox.write("tls.key", &key);
    let words = [
        "create", "tls", "web", "-n", "web", "--cert", "tls.crt", "--key", "tls.key",
    ];
    let outcome = sandbox.run("seal", &words, &[("SEALED_SECRETS_CERT", "c.crt")], b"");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let object = only_object(&outcome.stdout);
    assert_eq!(object["spec"]["template"]["type"], "kubernetes.io/tls");
    assert_eq!(opened(&object, "tls.crt"), Some(crt));
    assert_eq!(opened(&object, "tls.key"), Some(key));
}

#[test]
fn an_ssh_key_shows_its_public_half_only() {
    let outcome = create(
        &Sandbox::with_certificate(),
        &[
            "ssh-auth",
            "deploy",
            "--generate",
            "ssh-privatekey=ssh-key,comment=ci",
        ],
        b"",
    );
    assert!(
        outcome
            .stderr
            .starts_with("note: the public key of `ssh-privatekey` is ssh-ed25519 AAAA")
            && outcome.stderr.ends_with(" ci\n"),
        "{}",
        outcome.stderr
    );
    let object = only_object(&outcome.stdout);
    let private = opened(&object, "ssh-privatekey").unwrap();
    assert!(private.starts_with(b"-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let public = String::from_utf8(opened(&object, "ssh-privatekey.pub").unwrap()).unwrap();
    assert!(outcome.stderr.contains(public.trim_end()));
}

#[test]
fn a_dry_run_writes_nothing_and_shows_no_value() {
    let sandbox = Sandbox::with_certificate();
    let outcome = create(
        &sandbox,
        &[
            "generic",
            "db",
            "--from-literal=password=hunter2",
            "--dry-run",
            "-w",
            "out.yaml",
        ],
        b"",
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let told = String::from_utf8(outcome.stdout).unwrap();
    assert!(
        told.contains("password  7 bytes") && !told.contains("hunter2"),
        "{told}"
    );
    assert_eq!(sandbox.files(), ["c.crt"]);
}

#[test]
fn a_failure_keeps_the_file_that_was_there() {
    let sandbox = Sandbox::with_certificate();
    sandbox.write("out.yaml", "old");
    let words = ["generic", "db", "--from-file=missing", "-w", "out.yaml"];
    let outcome = create(&sandbox, &words, b"");
    assert_eq!(outcome.status, Some(1));
    assert_eq!(sandbox.read("out.yaml"), "old");
    assert_eq!(sandbox.files(), ["c.crt", "out.yaml"]);
}

#[test]
fn an_item_that_is_set_opens_where_the_file_is() {
    let sandbox = Sandbox::with_certificate();
    let outcome = create(
        &sandbox,
        &["generic", "db", "--from-literal=a=1", "-w", "s.yaml"],
        b"",
    );
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let words = ["set", "s.yaml", "b", "--cert", "c.crt"];
    let outcome = sandbox.run("seal", &words, &[], b"two");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let object = only_object(sandbox.read("s.yaml").as_bytes());
    assert_eq!(opened(&object, "a").as_deref(), Some(&b"1"[..]));
    assert_eq!(opened(&object, "b").as_deref(), Some(&b"two"[..]));
}

/// A terminal, made by util-linux' `script`.
#[cfg(target_os = "linux")]
mod terminal {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// More than any machine takes to ask.
    const A_WHILE: Duration = Duration::from_mins(1);

    /// Runs `line` at a terminal and types an answer to each question, once the terminal does not show what is typed: before
    /// that a test types faster than people. Everything that the terminal showed.
    fn typed(sandbox: &Sandbox, line: &str, answers: &[(&str, &str)]) -> String {
        let program = env!("CARGO_BIN_EXE_seal");
        typed_at(sandbox, &format!("exec {program} {line}"), answers)
    }

    /// The same for what a shell does.
    fn typed_at(sandbox: &Sandbox, script: &str, answers: &[(&str, &str)]) -> String {
        let command = format!("tty > tmp/terminal; {script}");
        let mut child = Command::new("script")
            .args(["-q", "-e", "-c", &command, "/dev/null"])
            .current_dir(sandbox.path("."))
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux is installed");
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        for (question, answer) in answers {
            let before = shown.len();
            let asked = |shown: &[u8]| String::from_utf8_lossy(&shown[before..]).contains(question);
            let mut byte = [0];
            while !asked(&shown) {
                let read = screen.read(&mut byte).unwrap();
                assert_eq!(read, 1, "{}", String::from_utf8_lossy(&shown));
                shown.extend(byte);
            }
            let terminal = sandbox.read("tmp/terminal");
            let asked = Instant::now();
            while !is_quiet(terminal.trim_end()) {
                assert!(asked.elapsed() < A_WHILE, "what is typed would show");
            }
            // A control character acts at once.
            let line_end = if *answer == INTERRUPT { "" } else { "\n" };
            let line = format!("{answer}{line_end}");
            keyboard.write_all(line.as_bytes()).unwrap();
        }
        screen.read_to_end(&mut shown).unwrap();
        drop(keyboard);
        child.wait().unwrap();
        String::from_utf8(shown).unwrap()
    }

    fn is_quiet(terminal: &str) -> bool {
        let told = Command::new("stty").args(["-a", "-F", terminal]).output();
        let told = told.expect("coreutils are installed").stdout;
        String::from_utf8_lossy(&told).contains(" -echo ")
    }

    /// Ctrl-C.
    const INTERRUPT: &str = "\u{3}";

    #[test]
    fn whoever_gives_up_at_a_prompt_gets_a_terminal_back_that_shows_what_is_typed() {
        let sandbox = Sandbox::with_certificate();
        let program = env!("CARGO_BIN_EXE_seal");
        let script = format!("{program} {LINE}; echo ended $?; stty -a > tmp/after");
        sandbox.write("tmp/run.sh", &script);
        let shown = typed_at(
            &sandbox,
            "trap : INT; . tmp/run.sh",
            &[("password: ", INTERRUPT)],
        );
        assert!(shown.contains("ended 130"), "{shown}");
        let after = sandbox.read("tmp/after");
        assert!(
            after.contains(" echo ") && !after.contains(" -echo "),
            "{after}"
        );
        assert_eq!(sandbox.files(), ["c.crt"]);
    }

    const LINE: &str = "create generic db -n web --cert c.crt --prompt password -w out.yaml";

    #[test]
    fn what_is_typed_is_sealed_and_not_shown() {
        let sandbox = Sandbox::with_certificate();
        let answers = [("password: ", "hunter2"), ("once more: ", "hunter2")];
        let shown = typed(&sandbox, LINE, &answers);
        assert!(!shown.contains("hunter2"), "{shown}");
        let object = only_object(sandbox.read("out.yaml").as_bytes());
        assert_eq!(
            opened(&object, "password").as_deref(),
            Some(&b"hunter2"[..])
        );
    }

    #[test]
    fn two_different_answers_seal_nothing() {
        let sandbox = Sandbox::with_certificate();
        let answers = [("password: ", "hunter2"), ("once more: ", "hunter3")];
        let shown = typed(&sandbox, LINE, &answers);
        assert!(shown.contains("two different texts were typed"), "{shown}");
        assert_eq!(sandbox.files(), ["c.crt"]);
    }
}
