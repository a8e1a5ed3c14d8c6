//! No value and no key in any message.

use crate::program::{Sandbox, fixture};

/// Stands for a secret wherever one could stand.
const SECRET: &str = "Hunter2Hunter2Hunter2";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_certificate();
    sandbox.write("main.key", fixture("rsa2048-a.pkcs1.pem"));
    sandbox
}

#[test]
fn inputs_that_are_refused_are_not_quoted() {
    let inputs = [
        format!("kind: Secret\nmetadata: {{name: a, namespace: b}}\ndata: {{k: '{SECRET}!'}}\n"),
        format!(
            "kind: Secret\nmetadata: {{name: a, namespace: b}}\nstringData: {{k: [{SECRET}]}}\n"
        ),
        format!("kind: Secret\nmetadata: {{name: a, namespace: b}}\nstringData: {SECRET}\n"),
        format!("kind: Secret\nstringData: {{k: {SECRET}}}\n"),
        format!("kind: ConfigMap\nmetadata: {{name: a, namespace: b}}\ndata: {{k: {SECRET}}}\n"),
        format!("kind: Secret\nstringData:\n  k: {SECRET}: {SECRET}\n"),
        format!("kind: Secret\nstringData:\n  k: \"{SECRET}\n"),
        format!("kind: Secret\nstringData:\n  k: *{SECRET}\n"),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"k\": \"{SECRET}"),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"k\": {SECRET}}}}}"),
        SECRET.to_owned(),
    ];
    for input in inputs {
        for name in ["seal", "kubeseal"] {
            for words in [
                &["--cert", "c.crt"][..],
                &["--recovery-unseal", "--recovery-private-key", "main.key"],
            ] {
                let outcome = sandbox().run(name, words, &[], input.as_bytes());
                assert_eq!(outcome.status, Some(1), "{input}");
                assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
            }
        }
    }
}

#[test]
fn key_files_and_credentials_are_not_quoted() {
    let sandbox = sandbox();
    let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {k: AAAA}}\n";
    sandbox.write(
        "broken.key",
        format!("-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----\n"),
    );
    sandbox.write(
        "backup.yaml",
        format!("kind: Secret\ndata: {{tls.key: '{SECRET}!'}}\n"),
    );
    sandbox.write(
        "kubeconfig",
        format!("users:\n- name: u\n  user: {{token: {SECRET}}}\nclusters: 3\n"),
    );
    for name in ["seal", "kubeseal"] {
        for words in [
            &[
                "--recovery-unseal",
                "--recovery-private-key",
                "broken.key,backup.yaml",
            ][..],
            &["--cert", "broken.key"],
            &[
                "--cert",
                "http://127.0.0.1:1/x",
                "--token",
                SECRET,
                "--password",
                SECRET,
            ],
            &["--fetch-cert", "--kubeconfig", "kubeconfig"],
            &[
                "--fetch-cert",
                "--server",
                "https://127.0.0.1:1",
                "--token",
                SECRET,
            ],
        ] {
            let outcome = sandbox.run(
                name,
                words,
                &[("HTTPS_PROXY", &format!("http://u:{SECRET} @p"))],
                sealed.as_bytes(),
            );
            assert_eq!(outcome.status, Some(1), "{words:?}");
            assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
        }
    }
}

#[test]
fn values_of_single_items_are_not_quoted() {
    let sandbox = sandbox();
    let broken = format!("export PASSWORD={SECRET}\n");
    sandbox.write("broken.env", broken);
    sandbox.write("twice.env", format!("A={SECRET}\nA={SECRET}\n"));
    sandbox.write("config.json", format!("{{{SECRET}"));
    sandbox.write(
        "tls.pem",
        format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
    );
    let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {k: AAAA}}\n";
    sandbox.write("sealed.yaml", sealed);
    let literal = format!("a={SECRET}");
    for words in [
        &["create", "generic", "x", SECRET][..],
        &["create", "generic", "x", "--from-literal", SECRET],
        &[
            "create",
            "generic",
            "x",
            "--from-literal",
            &format!("={SECRET}"),
        ],
        &[
            "create",
            "generic",
            "x",
            "--from-literal",
            &literal,
            "--from-literal",
            &literal,
        ],
        &[
            "create",
            "generic",
            "x",
            "--from-literal",
            &literal,
            "--generate",
            SECRET,
        ],
        &["create", "generic", "x", "--from-env-file", "broken.env"],
        &["create", "generic", "x", "--from-env-file", "twice.env"],
        &[
            "create",
            "docker-registry",
            "x",
            "--from-file",
            "config.json",
        ],
        &[
            "create",
            "docker-registry",
            "x",
            "--docker-password",
            SECRET,
        ],
        &["create", "tls", "x", "--cert", "c.crt", "--key", "tls.pem"],
        &["value", "--name", "x", SECRET],
        &["set", "sealed.yaml", "k", SECRET],
    ] {
        let words: Vec<&str> = words.iter().copied().chain(["-n", "b"]).collect();
        let variables = [("SEALED_SECRETS_CERT", "c.crt")];
        let outcome = sandbox.run("seal", &words, &variables, SECRET.as_bytes());
        assert!(
            matches!(outcome.status, Some(1 | 2)),
            "{words:?}: {}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{words:?}");
    }
}
