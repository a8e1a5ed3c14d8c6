//! What Git repositories hold, under whatever name and on no branch too.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::Sandbox;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");

/// A repository `git`, and the keys beside it.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        for (name, source) in [
            ("cert.pem", "rsa2048-a.crt.pem"),
            ("key.pem", "rsa2048-a.pkcs1.pem"),
        ] {
            sandbox.write(name, fs::read(Path::new(KEYS).join(source)).unwrap());
        }
        fs::create_dir(sandbox.path("git")).unwrap();
        let repository = Self { sandbox };
        repository.git("init --quiet");
        repository
    }

    fn git(&self, line: &str) {
        let words = ["-c", "user.name=t", "-c", "user.email=t@t", "-C", "git"];
        let status = Command::new("git")
            .args(words)
            .args(line.split_whitespace())
            .current_dir(self.sandbox.path("."))
            .status();
        assert!(status.unwrap().success(), "git {line}");
    }

    fn commit(&self) {
        self.git("add --all");
        self.git("commit --quiet --message change");
    }

    fn sealed(&self, name: &str) -> String {
        let secret = format!(
            "kind: Secret\nmetadata: {{name: {name}, namespace: web}}\nstringData: {{password: p}}\n"
        );
        let words = ["--cert", "cert.pem"];
        let outcome = self.sandbox.run("seal", &words, &[], secret.as_bytes());
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        String::from_utf8(outcome.stdout).unwrap()
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        self.sandbox.write(&format!("git/{path}"), text);
    }

    fn verified(&self, repository: &str, status: i32) -> Value {
        self.verified_in(&[], repository, status)
    }

    fn verified_in(&self, environment: &[(&str, &str)], repository: &str, status: i32) -> Value {
        let words = ["keys", "verify", "key.pem", "--git", repository, "--json"];
        let outcome = self.sandbox.run("seal", &words, environment, b"");
        assert_eq!(outcome.status, Some(status), "{}", outcome.stderr);
        serde_json::from_slice(&outcome.stdout).unwrap()
    }
}

#[test]
fn a_name_that_no_manifest_has_hides_nothing() {
    let repository = Repository::new();
    let sealed = repository.sealed("app");
    repository.put("apps/app.yaml", &sealed);
    repository.commit();
    repository.git("mv apps/app.yaml apps/app.yaml.disabled");
    repository.commit();
    repository.put("template", repository.sealed("other"));
    repository.put(
        "README.md",
        "# A SealedSecret is {{ sealed }}: see `encryptedData`\n",
    );
    repository.put("logo.png", [0, 159, 146, 150]);
    repository.commit();
    let report = repository.verified("git", 0);
    assert_eq!(
        (&report["objects"], &report["opened"]),
        (&2.into(), &2.into()),
        "{report:#}"
    );
}

/// As in a hook of Git.
#[test]
fn variables_of_another_repository_do_not_lead_there() {
    let (repository, other) = (Repository::new(), Repository::new());
    repository.put("app.yaml", repository.sealed("app"));
    repository.commit();
    let elsewhere = other.sandbox.path("git/.git").display().to_string();
    let environment = [("GIT_DIR", elsewhere.as_str())];
    let report = repository.verified_in(&environment, "git", 0);
    assert_eq!(report["objects"], 1, "{report:#}");
}

#[test]
fn what_no_branch_leads_to_any_more_counts() {
    let repository = Repository::new();
    repository.put("readme", "x");
    repository.commit();
    repository.put("stashed.yaml", repository.sealed("stashed"));
    repository.git("add --all");
    repository.git("stash --quiet");
    repository.put("amended.yaml", repository.sealed("amended"));
    repository.commit();
    repository.git("rm --quiet amended.yaml");
    repository.git("commit --quiet --amend --allow-empty --message amended");
    repository.put("staged.yaml", repository.sealed("staged"));
    repository.git("add --all");
    repository.git("rm --quiet --cached staged.yaml");
    let report = repository.verified("git", 0);
    assert_eq!(report["objects"], 3, "{report:#}");
}

#[test]
fn what_is_not_in_the_repository_is_unknown() {
    let repository = Repository::new();
    repository.put("app.yaml", repository.sealed("app"));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    repository.put("large.yaml", pointer);
    repository.put("logo.png", format!("{pointer}\n"));
    repository.put(
        "chart/notes.txt",
        format!("{{{{ x }}}}\n{}", repository.sealed("chart")),
    );
    repository.commit();
    let report = repository.verified("git", 3);
    let unread: Vec<&str> = report["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert_eq!(unread.len(), 2, "{report:#}");
    assert!(
        unread[0].starts_with("git: chart/notes.txt ("),
        "{unread:?}"
    );
    assert!(unread[1].starts_with("git: large.yaml ("), "{unread:?}");
    assert!(unread[1].ends_with("it is in Git LFS, and the repository holds a pointer only"));

    repository.git("config uploadpack.allowFilter true");
    let origin = format!("file://{}", repository.sandbox.path("git").display());
    let status = Command::new("git")
        .args([
            "clone",
            "--quiet",
            "--no-checkout",
            "--filter=blob:none",
            &origin,
        ])
        .arg(repository.sandbox.path("partial"))
        .status();
    assert!(status.unwrap().success());
    let words = ["keys", "verify", "key.pem", "--git", "partial"];
    let outcome = repository.sandbox.run("seal", &words, &[], b"");
    assert_eq!(outcome.status, Some(1));
    assert_eq!(
        outcome.stderr,
        "error[unreadable-file]: `partial` lacks 4 of the objects that its history names\n\
         hint: a clone that is made without --filter has all of them\n"
    );
}

#[test]
fn what_a_repository_borrows_or_replaces_counts() {
    let repository = Repository::new();
    repository.put("app.yaml", repository.sealed("app"));
    repository.commit();
    repository.put("app.yaml", "kind: Nothing\n");
    repository.commit();
    repository.git("replace HEAD~1:app.yaml HEAD:app.yaml");
    assert_eq!(repository.verified("git", 0)["objects"], 1);
    let status = Command::new("git")
        .args(["clone", "--quiet", "--shared"])
        .args([
            repository.sandbox.path("git"),
            repository.sandbox.path("borrows"),
        ])
        .status();
    assert!(status.unwrap().success());
    assert_eq!(repository.verified("borrows", 0)["objects"], 1);
    fs::remove_dir_all(repository.sandbox.path("git")).unwrap();
    let words = ["keys", "verify", "key.pem", "--git", "borrows"];
    let outcome = repository.sandbox.run("seal", &words, &[], b"");
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
}
