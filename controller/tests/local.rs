//! Standalone mode, by the real program over real directories.
#![cfg(unix)]

#[expect(
    dead_code,
    reason = "shared with the other test programs, which use other parts"
)]
#[path = "support/site.rs"]
mod site;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Output};

use rustix::process::Signal;
use sealed_controller::next_key_name;
use site::{Site, mode, wait_for};

const SECRET: &str = "secrets/web/db.yaml";
const STATUS: &str = "status/web/db.yaml";
const CANARY: &str = "hunter2-canary";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A site whose controller has settled `web/db`.
fn settled() -> (Site, site::Running) {
    let site = Site::new();
    let running = site.start(&[]);
    site.put(
        "sealed/db.yaml",
        &running.sealed("web", "db", &[("password", CANARY)]),
    );
    site.wait_value(SECRET, "password", CANARY);
    site.wait_status(STATUS, &["type: Synced", "status: \"True\""]);
    (site, running)
}

/// Passes come one after the other, so a second object proves that a whole sweep went by.
fn a_sweep_goes_by(site: &Site, running: &site::Running) {
    site.put(
        "sealed/next.yaml",
        &running.sealed("web", "next", &[("a", "b")]),
    );
    site.wait_value("secrets/web/next.yaml", "a", "b");
}

/// What the start found has been worked on.
fn the_first_sweep_ends(site: &Site, running: &site::Running) {
    wait_for("a pass", || {
        let none_yet = running.metrics().contains("unseal_requests_total 0");
        (!none_yet).then_some(())
    });
    a_sweep_goes_by(site, running);
}

fn refused(output: &Output, part: &str) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(part), "{told}");
}

#[test]
fn a_sealed_file_becomes_a_private_secret() {
    let (site, running) = settled();
    assert_eq!(mode(&site.path(SECRET)), 0o600);
    assert_eq!(mode(&site.path("secrets/web")), 0o700);
    assert_eq!(mode(&site.path("keys")), 0o700);
    for directory in ["keys", "secrets"] {
        assert!(
            site.text(&format!("{directory}/.gitignore"))
                .unwrap()
                .ends_with("\n*\n")
        );
    }
    let metrics = running.metrics();
    assert!(
        metrics.contains("condition=\"Synced\",name=\"db\",namespace=\"web\",ss_app_kubernetes_io_instance=\"\"} 1"),
        "{metrics}"
    );
}

#[test]
fn a_renamed_copy_is_refused_and_costs_no_neighbour() {
    let (site, running) = settled();
    let renamed = site
        .text("sealed/db.yaml")
        .unwrap()
        .replace("name: db", "name: other");
    site.put("sealed/other.yaml", &renamed);
    site.wait_status(
        "status/web/other.yaml",
        &[
            "status: \"False\"",
            "no key could decrypt secret (password)",
        ],
    );
    assert_eq!(site.text("secrets/web/other.yaml"), None);
    assert_eq!(site.value(SECRET, "password").as_deref(), Some(CANARY));
    assert!(
        running
            .metrics()
            .contains("unseal_errors_total{namespace=\"web\",reason=\"unseal\"} 1")
    );
}

#[test]
fn a_changed_file_changes_the_secret() {
    let (site, running) = settled();
    site.put(
        "sealed/db.yaml",
        &running.sealed("web", "db", &[("password", "next")]),
    );
    site.wait_value(SECRET, "password", "next");
}

#[test]
fn a_deleted_secret_comes_back() {
    let (site, _running) = settled();
    fs::remove_file(site.path(SECRET)).unwrap();
    site.wait_value(SECRET, "password", CANARY);
}

#[test]
fn deleting_a_sealed_file_removes_only_what_was_written_for_it() {
    let (site, running) = settled();
    let foreign =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: web}\ndata: {a: YQ==}\n";
    site.put("secrets/web/mine.yaml", foreign);
    fs::remove_file(site.path("sealed/db.yaml")).unwrap();
    wait_for("deletion", || (!site.path(SECRET).exists()).then_some(()));
    assert_eq!(site.text("secrets/web/mine.yaml").as_deref(), Some(foreign));
    wait_for("the series to go", || {
        (!running.metrics().contains("name=\"db\"")).then_some(())
    });
}

#[test]
fn a_file_that_cannot_be_read_deletes_nothing() {
    let (site, running) = settled();
    site.put("sealed/db.yaml", "a: [\n");
    wait_for("the error", || {
        running.log().contains("db.yaml: document 1").then_some(())
    });
    a_sweep_goes_by(&site, &running);
    assert_eq!(site.value(SECRET, "password").as_deref(), Some(CANARY));
}

#[test]
fn what_was_deleted_while_nobody_watched_is_noticed_at_the_start() {
    let (site, running) = settled();
    assert_eq!(running.stop(), Some(0));
    fs::remove_file(site.path("sealed/db.yaml")).unwrap();
    let output = site.once(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!site.path(SECRET).exists());
}

#[test]
fn a_restart_keeps_keys_and_writes_nothing() {
    let (site, running) = settled();
    let before = running.certificate().fingerprint();
    let written = fs::metadata(site.path(SECRET)).unwrap();
    assert_eq!(running.stop(), Some(0));
    let running = site.start(&[]);
    assert_eq!(running.certificate().fingerprint(), before);
    the_first_sweep_ends(&site, &running);
    let now = fs::metadata(site.path(SECRET)).unwrap();
    assert_eq!(
        (now.ino(), now.mtime_nsec()),
        (written.ino(), written.mtime_nsec())
    );
}

#[test]
fn a_made_up_password_stays_until_the_sealed_secret_changes() {
    let site = Site::new();
    let running = site.start(&[]);
    let sealed = |running: &site::Running, user: &str| {
        let mut object = running.sealed_object("web", "db", &[("user", user)]);
        let template = object.spec.template.as_mut().unwrap();
        template.data = Some([("password".into(), Some("{{ randAlphaNum 24 }}".into()))].into());
        sealed_manifest::to_yaml(&object)
    };
    let password = || site.value(SECRET, "password").unwrap();

    site.put("sealed/db.yaml", &sealed(&running, "a"));
    site.wait_value(SECRET, "user", "a");
    let first = password();
    assert_eq!(first.len(), 24);
    assert_eq!(running.stop(), Some(0));

    // The next start knows nothing of it but what the directory says.
    let running = site.start(&[]);
    the_first_sweep_ends(&site, &running);
    assert_eq!(password(), first);

    site.put("sealed/db.yaml", &sealed(&running, "b"));
    site.wait_value(SECRET, "user", "b");
    assert_ne!(password(), first);
}

#[test]
fn a_secret_without_owner_is_still_ours_after_a_restart() {
    let site = Site::new();
    let running = site.start(&[]);
    let mut object = running.sealed_object("web", "db", &[("password", CANARY)]);
    let skip = sealed_api::names::annotations::SKIP_SET_OWNER_REFERENCES.to_owned();
    let template = object.spec.template.as_mut().unwrap();
    template
        .metadata
        .annotations
        .get_or_insert_default()
        .insert(skip, "true".to_owned());
    site.put("sealed/db.yaml", &sealed_manifest::to_yaml(&object));
    site.wait_status(STATUS, &["status: \"True\""]);
    assert_eq!(running.stop(), Some(0));
    let output = site.once(&[]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "ok web/db\n".to_owned())
    );
}

#[test]
fn once_prints_a_line_each_and_tells_by_its_code() {
    let (site, running) = settled();
    let good = running.sealed("web", "db", &[("password", CANARY)]);
    assert_eq!(running.stop(), Some(0));
    let output = site.once(&[]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "ok web/db\n".to_owned())
    );
    site.put(
        "sealed/other.yaml",
        &good.replace("name: db", "name: other"),
    );
    site.put("sealed/sub/broken.yml", "a: [\n");
    let output = site.once(&[]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "ok web/db",
            "failed web/other: no key could decrypt secret (password)"
        ]
    );
    assert!(
        lines[2].starts_with("failed sealed/sub/broken.yml: document 1, line "),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn an_unusable_command_line_is_two() {
    let output = Site::new().once(&["--label-selector=a=b"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn hostile_names_never_become_paths() {
    let (site, running) = settled();
    let good = site.text("sealed/db.yaml").unwrap();
    assert_eq!(running.stop(), Some(0));
    site.put(
        "sealed/name.yaml",
        &good.replace("name: db", "name: ../../../escaped"),
    );
    site.put(
        "sealed/space.yaml",
        &good.replace("namespace: web", "namespace: ../../escaped"),
    );
    let output = site.once(&[]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(told.matches("cannot be the name").count(), 2, "{told}");
    let outside = site.path("").parent().unwrap().join("escaped.yaml");
    assert!(!outside.exists() && !site.path("escaped.yaml").exists());
}

#[test]
fn links_are_not_followed_in_any_direction() {
    let (site, running) = settled();
    let good = site.text("sealed/db.yaml").unwrap();
    assert_eq!(running.stop(), Some(0));
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("private.yaml"), CANARY).unwrap();
    symlink(
        outside.path().join("private.yaml"),
        site.path("sealed/link.yaml"),
    )
    .unwrap();
    symlink(outside.path(), site.path("sealed/directory.yaml")).unwrap();
    fs::remove_dir_all(site.path("secrets/web")).unwrap();
    symlink(outside.path(), site.path("secrets/web")).unwrap();
    site.put("sealed/shop.yaml", &good.replace("web", "shop"));
    let output = site.once(&[]);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("sealed/link.yaml: not a regular file, and links are not followed"),
        "{told}"
    );
    assert!(told.contains("failed web/db: "), "{told}");
    assert!(!told.contains(CANARY), "{told}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_secret_that_cannot_be_written_fails_alone() {
    let (site, running) = settled();
    site.put("secrets/shop", "in the way");
    site.put(
        "sealed/shop.yaml",
        &running.sealed("shop", "db", &[("a", "b")]),
    );
    site.wait_status(
        "status/shop/db.yaml",
        &["status: \"False\"", "secrets/shop/db.yaml"],
    );
    site.put(
        "sealed/next.yaml",
        &running.sealed("web", "next", &[("a", "b")]),
    );
    site.wait_value("secrets/web/next.yaml", "a", "b");
    fs::remove_file(site.path("secrets/shop")).unwrap();
    site.wait_value("secrets/shop/db.yaml", "a", "b");
}

#[test]
fn a_broken_key_file_costs_no_other_key() {
    let (site, running) = settled();
    assert_eq!(running.stop(), Some(0));
    let mut key = fs::read_dir(site.path("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let key = key.find(|path| path.extension().is_some()).unwrap();
    let broken = fs::read_to_string(key)
        .unwrap()
        .replace("  tls.key: ", "  tls.key: AAAA");
    site.put("keys/broken.yaml", &broken);
    fs::remove_file(site.path(SECRET)).unwrap();
    let output = site.once(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr)
            .contains("msg=\"Error reading key\" secret=\"keys/broken.yaml: document 1\"")
    );
    assert_eq!(site.value(SECRET, "password").as_deref(), Some(CANARY));
}

#[test]
fn somebody_elses_secret_is_not_overwritten_unless_they_let_us() {
    let site = Site::new();
    let running = site.start(&[]);
    let foreign = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: web\ndata: {mine: YQ==}\n";
    site.put(SECRET, foreign);
    site.put(
        "sealed/db.yaml",
        &running.sealed("web", "db", &[("password", CANARY)]),
    );
    site.wait_status(
        STATUS,
        &["status: \"False\"", "is not managed by SealedSecret"],
    );
    assert_eq!(site.text(SECRET).as_deref(), Some(foreign));
    let managed = "\n  annotations: {sealedsecrets.bitnami.com/managed: \"true\"}\ndata:";
    site.put(SECRET, &foreign.replace("\ndata:", managed));
    site.wait_value(SECRET, "password", CANARY);
}

#[test]
fn a_new_key_on_demand_seals_and_the_old_one_still_opens() {
    let (site, running) = settled();
    let old = running.sealed("web", "old", &[("a", "b")]);
    let before = running.certificate().fingerprint();
    running.signal(Signal::USR1);
    wait_for("a new certificate", || {
        (running.certificate().fingerprint() != before).then_some(())
    });
    site.put("sealed/old.yaml", &old);
    site.put(
        "sealed/new.yaml",
        &running.sealed("web", "new", &[("a", "b")]),
    );
    site.wait_value("secrets/web/old.yaml", "a", "b");
    site.wait_value("secrets/web/new.yaml", "a", "b");
}

#[test]
fn a_first_key_that_cannot_be_made_is_tried_again() {
    let site = Site::new();
    // Every name that would be tried is taken.
    let taken: Vec<_> = (0..5)
        .map(|attempt| next_key_name("sealed-secrets-key", "kube-system", [], attempt))
        .map(|name| site.path(&format!("keys/{name}.yaml")))
        .collect();
    for path in &taken {
        fs::create_dir_all(path).unwrap();
    }
    let running = site.start(&[]);
    assert_eq!(running.get("/v1/cert.pem").code, 503);
    wait_for("the error", || {
        let log = running.log();
        (log.contains("Failed to generate new key") && log.contains("occasion=\"at start\""))
            .then_some(())
    });
    for path in &taken {
        fs::remove_dir(path).unwrap();
    }
    wait_for("a key", || {
        (running.get("/v1/cert.pem").code == 200).then_some(())
    });
}

#[test]
fn keys_where_git_would_commit_them_are_refused() {
    let site = Site::new();
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(site.path(""))
            .args(arguments)
            .output();
        let output = output.expect("git is needed: apt-get install git");
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "-q"]);
    site.put("sealed/note.txt", "");
    git(&["add", "."]);
    assert_eq!(site.once(&[]).status.code(), Some(0));
    git(&["add", "-f", "keys"]);
    refused(&site.once(&[]), "git tracks `keys/sealed-secrets-key");
    git(&["update-index", "--index-version", "4"]);
    refused(&site.once(&[]), "git tracks `keys/sealed-secrets-key");
}

#[test]
fn one_controller_at_a_time() {
    let (site, _running) = settled();
    refused(&site.once(&[]), "is in use by another controller");
}

#[test]
fn a_port_that_is_taken_ends_the_program_before_a_key_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let site = Site::new();
    let output = Command::new(env!("CARGO_BIN_EXE_sealed-secrets-controller"))
        .arg("--local")
        .arg(site.path(""))
        .arg(format!("--listen-addr={address}"))
        .output()
        .unwrap();
    refused(&output, &format!("error: cannot listen on `{address}`: "));
    assert!(!site.path("keys").exists());
}

#[test]
fn plaintext_is_in_the_secret_and_nowhere_else() {
    let (site, running) = settled();
    let mut object = running.sealed_object("web", "tpl", &[("password", CANARY)]);
    let data = [("x".to_owned(), Some("{{ fail .password }}".to_owned()))];
    object.spec.template.as_mut().unwrap().data = Some(data.into());
    site.put("sealed/tpl.yaml", &sealed_manifest::to_yaml(&object));
    site.wait_status("status/web/tpl.yaml", &["status: \"False\""]);
    let mut told = running.log() + &running.metrics();
    for path in [STATUS, "status/web/tpl.yaml", "sealed/db.yaml"] {
        told += &site.text(path).unwrap();
    }
    let encoded = sealed_crypto::base64::encode(CANARY.as_bytes());
    for secret in [CANARY, encoded.trim_end_matches('=')] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(!told.contains("PRIVATE KEY"), "{told}");
}
