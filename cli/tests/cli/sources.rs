//! Where keys are read from: directories, clones with escrow objects, and whatever others put there.

use std::fs;

use crate::custody::{Custody, base64_of, decrypted, key_secret, of_a_stranger, yaml};
use crate::program::fixture;

#[test]
fn escrow_objects_and_files_of_a_clone_are_backups() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    for (key, file) in [("k1", "one.age"), ("k2", "two.age")] {
        custody.ok(&format!(
            "keys backup keys/{key}.yaml -r {recipient} -w {file}"
        ));
    }
    let indented = custody.sandbox.read("one.age").replace('\n', "\n    ");
    custody.sandbox.write(
        "clone/infra/escrow.yaml",
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sealed-secrets-escrow-1\n  labels: {{seal-tool/escrow: sealing-key}}\n\
             data:\n  key.age: |\n    {indented}\n"
        ),
    );
    custody
        .sandbox
        .write("clone/escrow/two.age", custody.sandbox.read("two.age"));
    custody.sandbox.write(
        "clone/chart/x.yaml",
        "a: {{ .Values.sealed-secrets-keys }}\n",
    );
    // The private key of a web server is none of ours.
    custody.sandbox.write(
        "clone/apps/tls.yaml",
        key_secret("web", "rsa2056-a", "x")
            .replace("sealedsecrets.bitnami.com/sealed-secrets-key", "app"),
    );
    custody.seal("clone/apps/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    custody.seal("clone/apps/b.yaml", "web", "db", "rsa2048-b.crt.pem");

    let report = custody.json("keys verify clone -i identity.txt --dir clone --json", 0);
    assert_eq!(
        (&report["objects"], &report["opened"]),
        (&2.into(), &4.into())
    );
    assert_eq!(report["keys"].as_array().unwrap().len(), 2, "{report:#}");
    custody.ok("keys restore clone -i identity.txt --yes --to-directory local --unencrypted");
    assert_eq!(
        custody.ok("keys export local --unencrypted --format pem"),
        custody.ok("keys export keys --unencrypted --format pem")
    );
    // Every verb that takes private keys takes the clone.
    let secret =
        custody.ok("unseal clone/apps/a.yaml --recovery-private-key clone -i identity.txt -o json");
    assert_eq!(yaml(&secret)["data"]["user"], base64_of(b"u-app"));
    let rendered = custody.ok(
        "template clone/apps/b.yaml --recovery-private-key clone -i identity.txt --entry password",
    );
    assert_eq!(rendered, "p-db");
}

#[test]
fn a_private_key_that_lies_in_a_repository_does_not_become_a_sealing_key() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.sandbox.write("clone/readme.md", "");
    custody.ok(&format!(
        "keys backup keys/k1.yaml -r {recipient} -w clone/keys.age"
    ));
    for (name, pair) in [("key", "rsa2048-b.pkcs1.pem"), ("crt", "rsa2048-b.crt.pem")] {
        custody
            .sandbox
            .write(&format!("clone/tests/server.{name}"), fixture(pair));
    }
    let restore = "keys restore clone -i identity.txt --yes --to-directory new --unencrypted";
    custody.ok(restore);
    let mut written = custody.sandbox.files();
    written.retain(|name| name.starts_with("new/") && !name.ends_with(".gitignore"));
    assert_eq!(written, ["new/k1.yaml"]);
    let outcome = custody.run(&format!("keys backup clone -i identity.txt -r {recipient}"));
    assert!(
        outcome
            .stderr
            .contains("`clone/tests/server.key` is a private key in PEM, which counts only where the file itself is named")
            && outcome.stderr.contains("1 key is in the backup"),
        "{}",
        outcome.stderr
    );
    // Named it is meant.
    let named = custody.json(
        "keys list clone/tests/server.key clone/tests/server.crt --json",
        0,
    );
    assert_eq!(named["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn the_newest_key_of_a_source_that_anybody_can_write_to_needs_a_word() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody
        .sandbox
        .write("mine.yaml", key_secret("k1", "rsa2048-a", "active"));
    custody.sandbox.write("theirs.yaml", of_a_stranger());
    custody.sandbox.write("clone/readme.md", "");
    custody.ok(&format!(
        "keys backup mine.yaml -r {recipient} -w clone/one.age"
    ));
    custody.ok(&format!(
        "keys backup theirs.yaml -r {recipient} -w clone/two.age"
    ));
    let (mine, theirs) = (
        "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc",
        "SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko",
    );
    // Among files that are meant to be encrypted, one that is not is a stranger's as well.
    custody.sandbox.write("plain/two.yaml", of_a_stranger());
    for (source, place) in [
        ("clone", "clone/two.age"),
        ("clone/one.age clone/two.age", "clone/two.age"),
        ("clone/one.age plain/two.yaml", "plain/two.yaml"),
    ] {
        let restore = format!("keys restore {source} -i identity.txt --to-directory new");
        let foreseen = custody.run(&format!("{restore} --dry-run"));
        assert_eq!(foreseen.status, Some(0));
        let note =
            format!("note: what everybody seals for would be {theirs}, of {place}: Secret k9\n");
        assert!(foreseen.stderr.contains(&note), "{}", foreseen.stderr);
        for word in ["", &format!("--expect {mine}")] {
            let refused = custody.run(&format!("{restore} --unencrypted {word}"));
            assert_eq!(refused.status, Some(1));
            let is_told = refused
                .stderr
                .contains("error[unexpected-key]: everybody would seal for SHA256:");
            assert!(is_told, "{}", refused.stderr);
            assert!(
                !custody.sandbox.path("new").exists(),
                "nothing at all is written"
            );
        }
    }
    // What opens with a passphrase, or is not encrypted, is as good as the file that was named.
    custody.sandbox.write("passphrase", "correct horse\n");
    custody.ok("keys backup mine.yaml --passphrase --passphrase-file passphrase -w own.age");
    custody
        .ok("keys restore own.age --passphrase-file passphrase --to-directory new --unencrypted");
    custody.ok("keys restore mine.yaml --to-directory third --unencrypted");
    // Nobody is asked for a key that does not become the newest.
    custody.ok("keys restore clone/one.age -i identity.txt --to-directory new --unencrypted");
}

#[test]
fn a_named_source_that_cannot_be_read_to_its_end_is_no_source() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    let list = custody.ok("keys export keys --unencrypted");
    let second = list.rfind("\n- ").unwrap();
    let value = list.rfind("tls.key: ").unwrap() + 200;
    let (k1, pem) = (
        custody.sandbox.read("keys/k1.yaml"),
        fixture("rsa2048-a.pkcs1.pem"),
    );
    let pem = String::from_utf8(pem).unwrap();
    for (name, text) in [
        ("cut in a value", list[..value].to_owned()),
        ("cut in a name", format!("{}\n- \"", &list[..second])),
        ("cut between two", list[..=second].to_owned()),
        ("empty", String::new()),
        ("cut PEM", format!("{pem}{}", &pem[..pem.len() / 2])),
        ("no base64", k1.replace("tls.key: ", "tls.key: '!'")),
    ] {
        custody.sandbox.write("cut.yaml", text);
        for line in [
            format!("keys backup keys/k2.yaml cut.yaml -r {recipient} -w new.age"),
            "keys restore keys/k2.yaml cut.yaml --to-directory new --unencrypted".to_owned(),
        ] {
            let outcome = custody.run(&line);
            assert_eq!(
                outcome.status,
                Some(1),
                "{name}: {line}: {}",
                outcome.stderr
            );
            assert!(
                !custody.sandbox.path("new.age").exists() && !custody.sandbox.path("new").exists()
            );
        }
    }
    // A list that says what should be in it.
    let backup = custody.sandbox.path("keys.age");
    custody.back_up();
    let list = decrypted(&fs::read(backup).unwrap(), &custody.identity);
    let (second, end) = (list.rfind("\n- ").unwrap(), list.rfind("\nkind:").unwrap());
    custody
        .sandbox
        .write("cut.yaml", format!("{}{}", &list[..second], &list[end..]));
    let outcome = custody.run("keys restore cut.yaml --to-directory new --unencrypted");
    assert!(
        outcome
            .stderr
            .contains("error[no-keys]: `cut.yaml` is incomplete: SHA256:"),
        "{}",
        outcome.stderr
    );
}
