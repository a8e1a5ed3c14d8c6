//! Keys that are kept: saved, lost, brought back, and proven on the way.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use serde_json::Value;

use crate::program::{Outcome, Sandbox, fixture};

/// Two key Secrets as a cluster has them, one of them retired, and a SealedSecret for each.
struct Custody {
    sandbox: Sandbox,
    identity: Identity,
}

fn key_secret(name: &str, pair: &str, label: &str) -> String {
    use base64_of as b64;
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: kube-system\n  uid: 1-2-3\n  resourceVersion: \"7\"\n  \
         creationTimestamp: \"2026-01-01T00:00:00Z\"\n  annotations: {{team: a}}\n  labels:\n    \
         sealedsecrets.bitnami.com/sealed-secrets-key: {label}\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {}\n  tls.key: {}\n",
        b64(&fixture(&format!("{pair}.crt.pem"))),
        b64(&fixture(&format!("{pair}.pkcs1.pem")))
    )
}

fn base64_of(bytes: &[u8]) -> String {
    sealed_crypto::base64::encode(bytes)
}

impl Custody {
    fn new() -> Self {
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

    fn recipient(&self) -> String {
        self.identity.to_public().to_string()
    }

    fn run(&self, line: &str) -> Outcome {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.sandbox.run("seal", &words, &[], b"")
    }

    /// Runs what must succeed, and gives what it printed.
    fn ok(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.status, Some(0), "{line}: {}", outcome.stderr);
        String::from_utf8(outcome.stdout).unwrap()
    }

    fn json(&self, line: &str, status: i32) -> Value {
        let outcome = self.run(line);
        assert_eq!(outcome.status, Some(status), "{line}: {}", outcome.stderr);
        serde_json::from_slice(&outcome.stdout).unwrap()
    }

    fn back_up(&self) {
        let recipient = self.recipient();
        self.ok(&format!("keys backup keys -r {recipient} -w keys.age"));
    }

    fn seal(&self, path: &str, namespace: &str, name: &str, certificate: &str) {
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
    fn at_a_terminal(&self, line: &str, answer: &str) -> String {
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

    fn mode(&self, name: &str) -> u32 {
        let metadata = fs::metadata(self.sandbox.path(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }
}

fn yaml(text: &str) -> Value {
    let mut documents = sealed_manifest::Documents::new(text.as_bytes(), "test");
    documents.next().unwrap().unwrap().into_value()
}

fn decrypted(file: &[u8], identity: &dyn age::Identity) -> String {
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
fn the_drill_says_what_would_be_lost_and_why() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.ok(&format!(
        "keys backup keys/k1.yaml -r {recipient} -w old.age"
    ));
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    custody.seal("git/b.yaml", "web", "db", "rsa2048-b.crt.pem");
    let moved = custody
        .sandbox
        .read("git/a.yaml")
        .replace("name: app", "name: moved");
    custody.sandbox.write("git/c.yaml", moved);
    custody.sandbox.write(
        "git/d.yaml",
        "kind: SealedSecret\nmetadata: {{ x }}: {{ y }}\n",
    );

    let report = custody.json("keys verify old.age -i identity.txt --dir git --json", 3);
    assert_eq!(
        (&report["objects"], &report["values"], &report["opened"]),
        (&3.into(), &6.into(), &2.into())
    );
    let lost = report["lost"].as_array().unwrap();
    assert_eq!(lost.len(), 2, "{report:#}");
    assert_eq!(
        (&lost[0]["object"], &lost[0]["code"]),
        (&"web/db".into(), &"wrong-key".into())
    );
    assert_eq!(
        lost[0]["hints"][0],
        "it names SHA256:0hhfZ/23yVxxsfcQac+wGzDDyGM0nLw5HmYfJUHM7Ko, which is not among the keys"
    );
    assert_eq!(lost[1]["items"], serde_json::json!(["password", "user"]));
    assert_eq!(
        lost[1]["hints"][0],
        "`password` was sealed for another place: scope strict, namespace web, name app"
    );
    assert_eq!(report["unread"].as_array().unwrap().len(), 1);

    fs::remove_file(custody.sandbox.path("git/b.yaml")).unwrap();
    fs::remove_file(custody.sandbox.path("git/c.yaml")).unwrap();
    let verify = "keys verify old.age -i identity.txt --dir git";
    assert_eq!(
        custody.run(verify).status,
        Some(3),
        "a file that cannot be read may hold anything"
    );
    assert_eq!(
        custody.run(&format!("{verify} --skip-unreadable")).status,
        Some(0)
    );
}

#[test]
fn with_the_key_known_each_value_costs_one_trial() {
    let custody = Custody::new();
    custody.back_up();
    for index in 0..4 {
        let certificate = ["rsa2048-a.crt.pem", "rsa2048-b.crt.pem"][index % 2];
        custody.seal(
            &format!("git/{index}.yaml"),
            "web",
            &format!("s{index}"),
            certificate,
        );
    }
    let report = custody.json("keys verify keys.age -i identity.txt --dir git --json", 0);
    assert_eq!(
        (&report["values"], &report["trials"]),
        (&8.into(), &8.into()),
        "{report:#}"
    );
}

#[test]
fn what_opens_is_printed_ready_to_apply_and_what_does_not_is_told() {
    let custody = Custody::new();
    custody.back_up();
    custody.seal("a.yaml", "web", "app", "rsa2048-a.crt.pem");
    custody.seal("b.yaml", "web", "db", "rsa2048-b.crt.pem");
    let keys = "--recovery-private-key keys.age -i identity.txt";
    custody.ok(&format!("unseal a.yaml b.yaml {keys} -w out.yaml"));
    assert_eq!(custody.mode("out.yaml"), 0o600);
    let text = custody.sandbox.read("out.yaml");
    assert_eq!(text.matches("kind: Secret\n").count(), 2, "{text}");
    assert!(!text.contains("ownerReferences"), "{text}");

    let broken = custody
        .sandbox
        .read("b.yaml")
        .replace("namespace: web", "namespace: prod");
    custody.sandbox.write("b.yaml", broken);
    let outcome = custody.run(&format!("unseal a.yaml b.yaml {keys}"));
    assert_eq!((outcome.status, outcome.stdout.len()), (Some(1), 0));
    assert!(
        outcome.stderr.contains("\nhint: `password` was sealed for another place: scope strict, namespace web, name db\n"),
        "{}",
        outcome.stderr
    );
    let outcome = custody.run(&format!("unseal a.yaml b.yaml {keys} --keep-going"));
    assert_eq!(outcome.status, Some(3));
    assert!(
        outcome.stderr.ends_with("1 of 2 SealedSecrets opened\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        String::from_utf8(outcome.stdout)
            .unwrap()
            .contains("name: app")
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
fn what_git_ever_held_counts() {
    let custody = Custody::new();
    let recipient = custody.recipient();
    custody.back_up();
    custody.ok(&format!(
        "keys backup keys/k2.yaml -r {recipient} -w new.age"
    ));
    let git = |line: &str| {
        let words = ["-c", "user.name=t", "-c", "user.email=t@t", "-C", "git"];
        let status = std::process::Command::new("git")
            .args(words)
            .args(line.split_whitespace())
            .current_dir(custody.sandbox.path("."))
            .status();
        assert!(status.unwrap().success(), "git {line}");
    };
    custody.seal("git/a b.yaml", "web", "app", "rsa2048-a.crt.pem");
    git("init --quiet");
    git("add .");
    git("commit --quiet -m one");
    // The same values among other text are no other values.
    let text = custody.sandbox.read("git/a b.yaml");
    custody
        .sandbox
        .write("git/a b.yaml", format!("# app\n{text}"));
    git("commit --quiet -am two");
    custody.seal("git/a b.yaml", "web", "app", "rsa2048-b.crt.pem");
    git("commit --quiet -am three");

    let all = custody.json("keys verify keys.age -i identity.txt --git git --json", 0);
    assert_eq!(
        (&all["values"], &all["opened"]),
        (&4.into(), &4.into()),
        "{all:#}"
    );
    let new = custody.json("keys verify new.age -i identity.txt --git git --json", 3);
    let place = new["lost"][0]["place"].as_str().unwrap();
    assert!(place.starts_with("git: a b.yaml ("), "{place}");
    custody.json("keys verify new.age -i identity.txt --dir git --json", 0);

    let clone = ["clone", "--quiet", "--depth=1"];
    let origin = format!("file://{}", custody.sandbox.path("git").display());
    let status = std::process::Command::new("git")
        .args(clone)
        .arg(origin)
        .arg(custody.sandbox.path("shallow"))
        .status();
    assert!(status.unwrap().success());
    let shallow = custody.run("keys verify new.age -i identity.txt --git shallow");
    assert!(
        shallow.stderr.contains("is a shallow clone"),
        "{}",
        shallow.stderr
    );
}

#[test]
fn whether_files_open_is_told_without_a_cluster() {
    let custody = Custody::new();
    custody.back_up();
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    let moved = custody
        .sandbox
        .read("git/a.yaml")
        .replace("namespace: web", "namespace: prod");
    let verify = "verify git --recovery-private-key keys.age -i identity.txt";
    assert_eq!(
        custody.ok(verify),
        "1 of 1 SealedSecrets open, 2 of 2 values\n"
    );
    custody.sandbox.write("git/b.yaml", moved);
    let report = custody.json(&format!("{verify} --json"), 3);
    assert_eq!(report["lost"][0]["object"], "prod/app");
    assert_eq!(
        report["lost"][0]["hints"][0],
        "`password` was sealed for another place: scope strict, namespace web, name app"
    );
    let words = ["verify", "--recovery-private-key", "keys"];
    let sealed = custody.sandbox.read("git/a.yaml");
    let outcome = custody.sandbox.run("seal", &words, &[], sealed.as_bytes());
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
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

/// What anybody who knows the recipient can put beside the escrow of the owner.
fn of_a_stranger() -> String {
    key_secret("k9", "rsa2048-b", "active")
        .replace("kubernetes.io/tls", "kubernetes.io/service-account-token")
        .replace(
            "annotations: {team: a}",
            "annotations: {kubernetes.io/service-account.name: default}\n  finalizers: [x.example/y]",
        )
        .replace("data:\n", "data:\n  extra: eA==\n")
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
    for source in ["clone", "clone/one.age clone/two.age"] {
        let restore = format!("keys restore {source} -i identity.txt --to-directory new");
        let foreseen = custody.run(&format!("{restore} --dry-run"));
        assert_eq!(foreseen.status, Some(0));
        let note = format!(
            "note: everybody seals for {theirs} from now on, of clone/two.age: Secret k9\n"
        );
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

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_lies_in_the_directory() {
    let custody = Custody::new();
    fs::create_dir(custody.sandbox.path("new")).unwrap();
    std::os::unix::fs::symlink("../victim", custody.sandbox.path("new/.gitignore")).unwrap();
    custody.ok("keys restore keys/k1.yaml --to-directory new --unencrypted");
    assert!(!custody.sandbox.path("victim").exists());
}

#[test]
fn a_name_cannot_make_up_lines_of_a_report() {
    let custody = Custody::new();
    custody.seal("git/a.yaml", "web", "app", "rsa2048-a.crt.pem");
    let forged = custody
        .sandbox
        .read("git/a.yaml")
        .replace("name: app", r#"name: "db\nretired: everything\e[2J""#);
    custody.sandbox.write("git/a.yaml", forged);
    for line in [
        "keys verify keys --dir git",
        "keys verify keys --dir git --json",
        "inspect git/a.yaml",
        "inspect git/a.yaml --json",
        "unseal git/a.yaml --recovery-private-key keys",
    ] {
        let outcome = custody.run(line);
        let told = String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr;
        assert!(told.contains("retired: everything"), "{line}: {told}");
        let is_forged = told.lines().any(|line| line.starts_with("retired"));
        assert!(!is_forged && !told.contains('\u{1b}'), "{line}: {told}");
    }
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
        told.contains("everybody seals for SHA256:0hhf") && told.contains("error[unexpected-key]"),
        "{told}"
    );
    assert!(!custody.sandbox.path("new").exists());
    let told = custody.at_a_terminal(restore, "yes\n");
    assert!(told.contains("restored: SHA256:0hhf"), "{told}");
    assert!(custody.sandbox.path("new/k2.yaml").exists());
}
