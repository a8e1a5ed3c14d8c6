//! Keys that come back: exactly the same, into nothing that is there already, and nothing else with them.

use std::fs;

use crate::custody::{Custody, key_secret, of_a_stranger, yaml};
use crate::program::fixture;

#[test]
fn lost_and_restored_the_keys_are_exactly_the_same() {
    let custody = Custody::new();
    custody.back_up();
    let before = custody.ok("keys export keys --unencrypted");
    fs::remove_dir_all(custody.sandbox.path("keys")).unwrap();

    let restore = "keys restore keys.age -i identity.txt --yes --to-directory keys";
    custody.ok(&format!("{restore} --dry-run"));
    assert!(
        !custody.sandbox.path("keys").exists(),
        "a dry run writes nothing"
    );
    custody.ok(&format!("{restore} --unencrypted"));
    // But for what is nobody's business in another cluster.
    let without_team = before.replace("    annotations:\n      team: a\n", "");
    assert_ne!(without_team, before);
    assert_eq!(custody.ok("keys export keys --unencrypted"), without_team);
    assert_eq!(custody.mode("keys"), 0o700);
    assert_eq!(custody.mode("keys/k1.yaml"), 0o600);
    assert!(custody.sandbox.read("keys/.gitignore").ends_with("*\n"));

    let again = custody.json(&format!("{restore} --unencrypted --json"), 0);
    assert_eq!(again["created"], serde_json::json!([]));
    assert_eq!(again["present"].as_array().unwrap().len(), 2);
}

#[test]
fn a_restore_clobbers_nothing_and_writes_nothing_beside_it() {
    let custody = Custody::new();
    custody.back_up();
    fs::remove_dir_all(custody.sandbox.path("keys")).unwrap();
    let restore = "keys restore keys.age -i identity.txt --yes --to-directory keys --unencrypted";
    for other in [
        key_secret("k2", "rsa2056-a", "active"),
        "kind: ConfigMap\n".to_owned(),
    ] {
        custody.sandbox.write("keys/k2.yaml", &other);
        let outcome = custody.run(restore);
        assert_eq!(outcome.status, Some(1));
        assert!(
            outcome.stderr.starts_with("error[already-exists]"),
            "{}",
            outcome.stderr
        );
        assert_eq!(custody.sandbox.read("keys/k2.yaml"), other);
        assert!(!custody.sandbox.path("keys/k1.yaml").exists());
    }
}

#[test]
fn no_key_is_written_unencrypted_without_being_asked_for() {
    let custody = Custody::new();
    custody.back_up();
    for line in [
        "keys export keys.age -i identity.txt -w out",
        "keys restore keys.age -i identity.txt --to-directory out",
        "keys backup keys -w out",
    ] {
        let outcome = custody.run(line);
        assert_eq!(outcome.status, Some(2), "{}", outcome.stderr);
        assert!(!custody.sandbox.path("out").exists(), "{line}");
    }
    let pem = custody.ok("keys export keys.age -i identity.txt --unencrypted --format pem");
    let newest = String::from_utf8(fixture("rsa2048-b.pkcs1.pem")).unwrap();
    assert!(
        pem.starts_with(newest.trim_end()),
        "the newest key comes first"
    );
}

#[test]
fn nothing_of_a_stranger_but_key_and_certificate_is_restored() {
    let custody = Custody::new();
    custody.sandbox.write("theirs.yaml", of_a_stranger());
    custody.ok("keys restore theirs.yaml --to-directory new --unencrypted");
    let restored = yaml(&custody.sandbox.read("new/k9.yaml"));
    assert_eq!(restored["type"], "kubernetes.io/tls");
    let fields: Vec<&String> = restored["data"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["tls.crt", "tls.key"]);
    let metadata: Vec<&String> = restored["metadata"].as_object().unwrap().keys().collect();
    assert_eq!(
        metadata,
        ["creationTimestamp", "labels", "name", "namespace"]
    );
    let named = custody
        .sandbox
        .read("theirs.yaml")
        .replace("name: k9", r#"name: "../k9\nrestored: all""#);
    custody.sandbox.write("theirs.yaml", named);
    let refused = custody.run("keys restore theirs.yaml --to-directory other --unencrypted");
    assert!(
        refused.stderr.contains("error[bad-name]"),
        "{}",
        refused.stderr
    );
    assert!(
        !refused
            .stderr
            .lines()
            .any(|line| line.starts_with("restored")),
        "{}",
        refused.stderr
    );
    assert!(!custody.sandbox.path("other").exists());
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_lies_in_the_directory() {
    let custody = Custody::new();
    fs::create_dir(custody.sandbox.path("new")).unwrap();
    std::os::unix::fs::symlink("../victim", custody.sandbox.path("new/.gitignore")).unwrap();
    custody.ok("keys restore keys/k1.yaml --to-directory new --unencrypted");
    assert!(!custody.sandbox.path("victim").exists());
}
