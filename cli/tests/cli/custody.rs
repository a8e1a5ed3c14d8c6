//! Keys that are kept, and backups of them.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use serde_json::Value;

use crate::program::{Outcome, Sandbox, fixture};

/// Two key Secrets as a cluster has them, one of them retired, and a SealedSecret for each.
pub(crate) struct Custody {
    pub(crate) sandbox: Sandbox,
    pub(crate) identity: Identity,
}

pub(crate) fn key_secret(name: &str, pair: &str, label: &str) -> String {
    use base64_of as b64;
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: kube-system\n  uid: 1-2-3\n  resourceVersion: \"7\"\n  \
         creationTimestamp: \"2026-01-01T00:00:00Z\"\n  annotations: {{team: a}}\n  labels:\n    \
         sealedsecrets.bitnami.com/sealed-secrets-key: {label}\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {}\n  tls.key: {}\n",
        b64(&fixture(&format!("{pair}.crt.pem"))),
        b64(&fixture(&format!("{pair}.pkcs1.pem")))
    )
}

pub(crate) fn base64_of(bytes: &[u8]) -> String {
    sealed_crypto::base64::encode(bytes)
}

impl Custody {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let identity = Identity::generate();
        sandbox.write("keys/k1.yaml", key_secret("k1", "rsa2048-a", "retired"));
        sandbox.write("keys/k2.yaml", key_secret("k2", "rsa2048-b", "active"));
        for name in ["rsa2048-a.crt.pem", "rsa2048-b.crt.pem"] {
            sandbox.write(name, fixture(name));
        }
        sandbox.write(
            "identity.txt",
            format!(
                "# made by a test\n{}\n",
                identity.to_string().expose_secret()
            ),
        );
        Self { sandbox, identity }
    }

    pub(crate) fn recipient(&self) -> String {
        self.identity.to_public().to_string()
    }

    pub(crate) fn run(&self, line: &str) -> Outcome {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.sandbox.run("seal", &words, &[], b"")
    }

    /// Runs what must succeed, and gives what it printed.
    pub(crate) fn ok(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.status, Some(0), "{line}: {}", outcome.stderr);
        String::from_utf8(outcome.stdout).unwrap()
    }

    pub(crate) fn json(&self, line: &str, status: i32) -> Value {
        let outcome = self.run(line);
        assert_eq!(outcome.status, Some(status), "{line}: {}", outcome.stderr);
        serde_json::from_slice(&outcome.stdout).unwrap()
    }

    pub(crate) fn back_up(&self) {
        let recipient = self.recipient();
        self.ok(&format!("keys backup keys -r {recipient} -w keys.age"));
    }

    pub(crate) fn seal(&self, path: &str, namespace: &str, name: &str, certificate: &str) {
        let secret = format!(
            "kind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\nstringData: {{user: u-{name}, password: p-{name}}}\n"
        );
        if let Some(parent) = self.sandbox.path(path).parent() {
            fs::create_dir_all(parent).unwrap();
        }
        let words = ["--cert", certificate, "-w", path];
        let outcome = self.sandbox.run("seal", &words, &[], secret.as_bytes());
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    }

    /// Runs what a shell makes of a line, types an answer, and gives what the terminal shows.
    #[cfg(target_os = "linux")]
    pub(crate) fn at_a_terminal(&self, line: &str, answer: &str) -> String {
        // `script` gives the program a terminal.
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_seal"));
        let mut child = std::process::Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(self.sandbox.path("."))
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("SHELL", "/bin/sh")])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("this system has util-linux");
        let mut typed = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut typed, answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(typed);
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        let metadata = fs::metadata(self.sandbox.path(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }
}

pub(crate) fn yaml(text: &str) -> Value {
    let mut documents = sealed_manifest::Documents::new(text.as_bytes(), "test");
    documents.next().unwrap().unwrap().into_value()
}

pub(crate) fn decrypted(file: &[u8], identity: &dyn age::Identity) -> String {
    let armor = age::armor::ArmoredReader::new(file);
    let decryptor = age::Decryptor::new_buffered(std::io::BufReader::new(armor)).unwrap();
    let mut text = String::new();
    let mut reader = decryptor.decrypt(std::iter::once(identity)).unwrap();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_backup_is_one_age_file_with_a_list_of_the_key_secrets_oldest_first() {
    let custody = Custody::new();
    custody.back_up();
    assert_eq!(custody.mode("keys.age"), 0o600);
    let file = custody.sandbox.read("keys.age");
    assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    let list = yaml(&decrypted(file.as_bytes(), &custody.identity));
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&"v1".into(), &"List".into())
    );
    let keys = list["metadata"]["annotations"]["seal-tool/keys"]
        .as_str()
        .unwrap();
    assert_eq!(
        keys,
        "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc,SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko"
    );
    let made = list["metadata"]["annotations"]["seal-tool/backed-up"].as_str();
    assert!(made.unwrap().ends_with('Z'), "{made:?}");
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    for (item, name, label) in [(&items[0], "k1", "retired"), (&items[1], "k2", "active")] {
        let stored = yaml(&custody.sandbox.read(&format!("keys/{name}.yaml")));
        assert_eq!(
            (&item["data"], &item["type"]),
            (&stored["data"], &stored["type"])
        );
        let metadata = &item["metadata"];
        assert_eq!(metadata["name"], name);
        assert_eq!(metadata["annotations"]["team"], "a");
        assert_eq!(
            metadata["labels"]["sealedsecrets.bitnami.com/sealed-secrets-key"],
            label
        );
        // With these no API server would create it.
        assert!(metadata.get("uid").is_none() && metadata.get("resourceVersion").is_none());
    }
}

#[test]
fn the_decrypted_list_is_what_kubeseal_recovers_with() {
    let custody = Custody::new();
    custody.back_up();
    custody.seal("app.json", "web", "app", "rsa2048-a.crt.pem");
    let list = decrypted(
        custody.sandbox.read("keys.age").as_bytes(),
        &custody.identity,
    );
    custody.sandbox.write("plain.yaml", list);
    let words = [
        "--recovery-unseal",
        "--recovery-private-key",
        "plain.yaml",
        "-f",
        "app.json",
    ];
    let outcome = custody.sandbox.run("kubeseal", &words, &[], b"");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
}

#[test]
fn a_passphrase_protects_as_well() {
    let custody = Custody::new();
    custody
        .sandbox
        .write("passphrase", "correct horse battery staple\n");
    custody.sandbox.write("other", "wrong\n");
    custody.ok("keys backup keys --passphrase --passphrase-file passphrase -w keys.age");
    let file = custody.sandbox.read("keys.age");
    let identity = age::scrypt::Identity::new("correct horse battery staple".into());
    assert_eq!(yaml(&decrypted(file.as_bytes(), &identity))["kind"], "List");
    let report = custody.json(
        "keys verify keys.age --passphrase-file passphrase --json",
        0,
    );
    assert_eq!(report["keys"].as_array().unwrap().len(), 2);
    // An identity may have a passphrase, too.
    custody.back_up();
    let private = custody.identity.to_string();
    let recipient = age::scrypt::Recipient::new("correct horse battery staple".into());
    let locked = age::encrypt(&recipient, private.expose_secret().as_bytes()).unwrap();
    custody.sandbox.write("locked.age", locked);
    custody.ok("keys verify keys.age -i locked.age --passphrase-file passphrase");
    custody.ok("keys backup keys --passphrase --passphrase-file passphrase -w keys.age");

    let refused = custody.run("keys verify keys.age --passphrase-file other");
    assert!(
        refused.stderr.starts_with("error[encrypted-backup]: cannot open `keys.age`: it is encrypted with another passphrase"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_backup_that_would_lack_something_is_not_made() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.back_up();
    custody.sandbox.write("empty/readme.yaml", "a: b\n");
    for (sources, code) in [
        ("keys.age", "encrypted-backup"),
        ("keys missing.yaml", "not-found"),
        ("empty", "no-keys"),
        ("rsa2048-a.crt.pem", "no-keys"),
    ] {
        let outcome = custody.run(&format!("keys backup {sources} -r {recipient} -w new.age"));
        assert_eq!(outcome.status, Some(1), "{sources}");
        assert!(
            outcome.stderr.contains(&format!("error[{code}]")),
            "{}",
            outcome.stderr
        );
        assert!(!custody.sandbox.path("new.age").exists());
    }
}

/// What anybody who knows the recipient can put beside the escrow of the owner.
pub(crate) fn of_a_stranger() -> String {
    key_secret("k9", "rsa2048-b", "active")
        .replace("kubernetes.io/tls", "kubernetes.io/service-account-token")
        .replace(
            "annotations: {team: a}",
            "annotations: {kubernetes.io/service-account.name: default}\n  finalizers: [x.example/y]",
        )
        .replace("data:\n", "data:\n  extra: eA==\n")
}

#[test]
fn one_key_in_two_secrets_is_kept_twice() {
    let custody = Custody::new();
    custody.sandbox.write(
        "pair/aaa.yaml",
        key_secret("aaa-copy", "rsa2048-a", "retired"),
    );
    custody
        .sandbox
        .write("pair/b.yaml", key_secret("keyb", "rsa2048-a", "active"));
    let listed = custody.json("keys list pair --json", 0);
    let labels: Vec<&str> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["retired", "active"]);
    let recipient = custody.recipient();
    custody.ok(&format!("keys backup pair -r {recipient} -w pair.age"));
    custody.ok("keys restore pair.age -i identity.txt --yes --to-directory new --unencrypted");
    let restored = custody.json("keys list new --json", 0);
    assert_eq!(restored["keys"].as_array().unwrap().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn the_prompt_for_a_passphrase_does_not_act_out_the_name_of_a_file() {
    let custody = Custody::new();
    let mut recipient = age::scrypt::Recipient::new("correct horse".into());
    recipient.set_work_factor(2);
    let file = age::encrypt(&recipient, &fixture("rsa2048-a.pkcs1.pem")).unwrap();
    custody.sandbox.write("a\u{1b}[2J.age", file);
    let told = custody.at_a_terminal("keys list a*.age", "correct horse\n");
    assert!(told.contains("Passphrase of a\\u{1b}[2J.age: "), "{told:?}");
    assert!(
        told.contains("SHA256:mI8khZ") && !told.contains('\u{1b}'),
        "{told:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_is_asked_whose_key_the_newest_is() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.ok(&format!(
        "keys backup keys/k2.yaml -r {recipient} -w k2.age"
    ));
    let restore = "keys restore k2.age -i identity.txt --to-directory new --unencrypted";
    let told = custody.at_a_terminal(restore, "no\n");
    assert!(
        told.contains("would be SHA256:0hhf") && told.contains("error[unexpected-key]"),
        "{told}"
    );
    assert!(!custody.sandbox.path("new").exists());
    let told = custody.at_a_terminal(restore, "yes\n");
    assert!(told.contains("restored: SHA256:0hhf"), "{told}");
    assert!(custody.sandbox.path("new/k2.yaml").exists());
}
