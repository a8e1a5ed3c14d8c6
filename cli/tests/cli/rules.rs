//! `.seal.yaml` as users meet it: the path decides, and nothing is sealed with a certificate that it does not allow.

use std::fs;

use sealed_crypto::Certificate;

use crate::ciphertext::open;
use crate::program::{Outcome, Sandbox, fixture};

const SECRET: &[u8] = b"kind: Secret\nmetadata: {name: app}\nstringData: {k: hunter2}\n";

fn fingerprint(name: &str) -> String {
    let certificate = Certificate::from_pem(&fixture(name)).unwrap();
    certificate.fingerprint().to_string()
}

/// A repository with a certificate for each of two environments.
fn repository(rules: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("keys/a.crt", fixture("rsa2048-a.crt.pem"));
    sandbox.write("keys/b.crt", fixture("rsa2048-b.crt.pem"));
    sandbox.write("overlays/prod/kustomization.yaml", "");
    sandbox.write("overlays/dev/kustomization.yaml", "");
    sandbox.write("app.secret.yaml", SECRET);
    sandbox.write(".seal.yaml", rules);
    sandbox
}

const RULES: &str = "
rules:
- {output: 'overlays/prod/*', target: prod, certificate: keys/a.crt, namespace: app-prod}
- {output: 'overlays/dev/*', certificate: keys/b.crt, namespace: dev, scope: namespace-wide}
";

fn run(sandbox: &Sandbox, words: &[&str]) -> Outcome {
    sandbox.run("seal", words, &[], SECRET)
}

/// Whether the item of a file opens with a key.
fn opens(sandbox: &Sandbox, file: &str, key: &str, scope: &str, namespace: &str) -> bool {
    let text = sandbox.read(file);
    let sealed = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("k: "));
    let opened = open(sealed.unwrap(), &fixture(key), scope, namespace, "app");
    opened.as_deref() == Some(b"hunter2")
}

#[test]
fn r4_the_path_of_the_output_chooses_certificate_namespace_and_scope() {
    let sandbox = repository(RULES);
    let (prod, dev) = ("overlays/prod/app.yaml", "overlays/dev/app.yaml");
    let root = fs::canonicalize(sandbox.path(".")).unwrap();
    let root = root.display();
    for (file, chosen) in [
        (prod, format!("the certificate {root}/keys/a.crt")),
        (
            dev,
            format!("the certificate {root}/keys/b.crt and the scope namespace-wide"),
        ),
    ] {
        let outcome = run(&sandbox, &["-f", "app.secret.yaml", "-w", file]);
        let told = format!("note: {root}/.seal.yaml chose {chosen}\n");
        assert_eq!((outcome.status, outcome.stderr), (Some(0), told));
        let words = [
            "-f",
            "app.secret.yaml",
            "-w",
            "x.yaml",
            "-n",
            "web",
            "--cert",
            "keys/a.crt",
        ];
        let outcome = run(&sandbox, &words);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    }
    assert!(opens(
        &sandbox,
        prod,
        "rsa2048-a.pkcs1.pem",
        "strict",
        "app-prod"
    ));
    assert!(opens(
        &sandbox,
        dev,
        "rsa2048-b.pkcs1.pem",
        "namespace-wide",
        "dev"
    ));
    // The same in one run, and the other verbs that write and change files.
    let words = [
        "--target",
        "prod=overlays/prod/x.yaml",
        "--target",
        "dev=overlays/dev/x.yaml",
    ];
    assert_eq!(run(&sandbox, &words).status, Some(0));
    let words = [
        "create",
        "generic",
        "app",
        "--from-stdin",
        "k",
        "-w",
        "overlays/prod/y.yaml",
    ];
    let outcome = sandbox.run("seal", &words, &[], b"hunter2");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let words = ["set", "overlays/prod/x.yaml", "k"];
    let outcome = sandbox.run("seal", &words, &[], b"hunter2");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    for file in ["overlays/prod/x.yaml", "overlays/prod/y.yaml"] {
        assert!(
            opens(&sandbox, file, "rsa2048-a.pkcs1.pem", "strict", "app-prod"),
            "{file}"
        );
    }
}

#[test]
fn r4_what_contradicts_a_rule_is_refused_and_nothing_is_written() {
    let sandbox = repository(RULES);
    for (words, code) in [
        (
            &["-w", "overlays/prod/app.yaml", "-n", "dev"][..],
            "namespace-mismatch",
        ),
        (
            &["-w", "overlays/dev/app.yaml", "--scope", "cluster-wide"],
            "scope-conflict",
        ),
        (
            &["--target", "dev=overlays/prod/app.yaml"],
            "bad-configuration",
        ),
        (
            &["--target", "prod=overlays/dev/app.yaml"],
            "namespace-mismatch",
        ),
        (
            &["--target", "stage=overlays/dev/app.yaml"],
            "namespace-mismatch",
        ),
        (&["--target", "a=x.yaml", "--target", "b=x.yaml"], "usage"),
        (&["--target", "a=x.yaml", "-w", "y.yaml"], "usage"),
        (&["--target", "x.yaml"], "usage"),
        (&["--target", "a=x.yaml", "--raw"], "usage"),
    ] {
        let outcome = run(&sandbox, words);
        assert_ne!(outcome.status, Some(0), "{words:?}");
        let told = outcome.stderr;
        assert!(
            told.starts_with(&format!("error[{code}]: ")),
            "{words:?}: {told}"
        );
    }
    let written = sandbox.files();
    assert!(
        !written
            .iter()
            .any(|file| file.ends_with("app.yaml") || file == "x.yaml"),
        "{written:?}"
    );
}

#[test]
fn a_rule_beats_the_variable_and_the_command_line_beats_the_rule() {
    let sandbox = repository(RULES);
    let file = "overlays/prod/app.yaml";
    let variable = [("SEALED_SECRETS_CERT", "keys/b.crt")];
    let outcome = sandbox.run("seal", &["-w", file], &variable, SECRET);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(opens(
        &sandbox,
        file,
        "rsa2048-a.pkcs1.pem",
        "strict",
        "app-prod"
    ));
    let words = ["-w", file, "--cert", "keys/b.crt"];
    assert_eq!(run(&sandbox, &words).status, Some(0));
    assert!(opens(
        &sandbox,
        file,
        "rsa2048-b.pkcs1.pem",
        "strict",
        "app-prod"
    ));
}

#[test]
fn a_certificate_that_is_not_allowed_is_refused_wherever_one_seals() {
    let allowed = fingerprint("rsa2048-a.crt.pem");
    let sandbox = repository(&format!("fingerprints: ['{allowed}']\n"));
    let sealed = "kind: SealedSecret\nmetadata: {name: app, namespace: web}\nspec: {encryptedData: {k: AgOld}}\n";
    sandbox.write("sealed.yaml", sealed);
    let place = ["-n", "web", "--name", "app"];
    for (name, words) in [
        ("seal", &["-n", "web"][..]),
        ("kubeseal", &["-n", "web"]),
        ("seal", &["--raw", "-n", "web", "--name", "app"]),
        ("kubeseal", &["--raw", "-n", "web", "--name", "app"]),
        ("seal", &["--merge-into", "sealed.yaml"]),
        ("kubeseal", &["--merge-into", "sealed.yaml"]),
        (
            "seal",
            &[
                "create",
                "generic",
                "app",
                "-n",
                "web",
                "--from-literal",
                "k=v",
            ],
        ),
        ("seal", &["value", place[0], place[1], place[2], place[3]]),
        ("seal", &["set", "sealed.yaml", "k"]),
    ] {
        let run = |certificate: &str| {
            let words: Vec<&str> = words
                .iter()
                .copied()
                .chain(["--cert", certificate])
                .collect();
            sandbox.run(name, &words, &[], SECRET)
        };
        let outcome = run("keys/b.crt");
        assert_eq!(
            (outcome.status, outcome.stdout.as_slice()),
            (Some(1), &b""[..]),
            "{words:?}"
        );
        assert!(
            outcome.stderr.contains("does not allow"),
            "{}",
            outcome.stderr
        );
        assert_eq!(sandbox.read("sealed.yaml"), sealed);
        let outcome = run("keys/a.crt");
        assert_eq!(outcome.status, Some(0), "{words:?}: {}", outcome.stderr);
        sandbox.write("sealed.yaml", sealed);
    }
}

#[test]
fn a_file_further_down_cannot_take_back_what_the_repository_allows() {
    let (a, b) = (
        fingerprint("rsa2048-a.crt.pem"),
        fingerprint("rsa2048-b.crt.pem"),
    );
    let sandbox = repository(&format!("fingerprints: ['{a}']\n"));
    let file = "overlays/prod/app.yaml";
    let stranger = format!(
        "fingerprints: ['{b}']\nrules: [{{certificate: ../../keys/b.crt, scope: cluster-wide}}]\n"
    );
    sandbox.write("overlays/prod/.seal.yaml", &stranger);
    for name in ["seal", "kubeseal"] {
        let words = ["-n", "web", "-w", file, "--cert", "keys/b.crt"];
        let outcome = sandbox.run(
            name,
            &words[..if name == "seal" { 4 } else { 6 }],
            &[],
            SECRET,
        );
        assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains(".seal.yaml does not allow")
                && !outcome.stderr.contains("prod/.seal.yaml does"),
            "{}",
            outcome.stderr
        );
        assert!(!sandbox.path(file).exists());
    }
    let words = ["cert", "--cert", "keys/b.crt", "-w", "overlays/prod/c.pem"];
    assert_ne!(run(&sandbox, &words).status, Some(0));
    // The file of the repository says where another may be used.
    sandbox.write(
        ".seal.yaml",
        format!("fingerprints: ['{a}']\nrules: [{{output: 'overlays/prod/**', fingerprints: ['{b}']}}]\n"),
    );
    let outcome = run(&sandbox, &["-n", "web", "-w", file]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("overlays/prod/.seal.yaml chose the certificate")
            && outcome.stderr.contains(" and the scope cluster-wide\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_broken_file_stops_everything() {
    let sandbox = repository("rules: [{namspace: x}]\n");
    let outcome = run(&sandbox, &["--cert", "keys/a.crt", "-n", "web"]);
    assert_eq!(
        (outcome.status, outcome.stdout.as_slice()),
        (Some(1), &b""[..])
    );
    assert!(
        outcome.stderr.contains("unknown field `namspace`"),
        "{}",
        outcome.stderr
    );
}
