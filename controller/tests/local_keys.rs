//! The life of keys in standalone mode, by the real program over real directories.
#![cfg(unix)]

#[expect(
    dead_code,
    reason = "shared with the other test programs, which use other parts"
)]
#[path = "support/site.rs"]
mod site;

use std::fs;

use site::{Site, wait_for};

fn files(site: &Site, directory: &str, suffix: &str) -> Vec<String> {
    let entries = fs::read_dir(site.path(directory)).expect("it is there");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| name.strip_suffix(suffix).is_some())
        .collect();
    names.sort();
    names
}

fn key_files(site: &Site) -> Vec<String> {
    files(site, "keys", ".yaml")
}

#[test]
fn a_request_on_a_key_file_makes_one_key_over_a_restart() {
    let site = Site::new();
    let running = site.start(&[]);
    let first = key_files(&site).remove(0);
    let path = format!("keys/{first}");
    let text = site.text(&path).unwrap();
    let asking = |value: &str| {
        let annotations = format!("metadata:\n  annotations:\n    seal-tool/renew: {value}\n");
        text.replacen("metadata:\n", &annotations, 1)
    };
    site.put(&path, &asking("first"));
    wait_for("a second key", || {
        (key_files(&site).len() == 2).then_some(())
    });
    wait_for("it is told", || {
        running.log().contains("audit=key-renewed").then_some(())
    });
    drop(running);
    let _running = site.start(&[]);
    assert_eq!(key_files(&site).len(), 2);
    site.put(&path, &asking("second"));
    wait_for("a third key", || {
        (key_files(&site).len() == 3).then_some(())
    });
}

/// What is in `DIR/escrow` and an identity are enough for an empty directory.
#[test]
fn a_key_in_escrow_rebuilds_an_empty_directory() {
    let site = Site::new();
    let identity = age::x25519::Identity::generate();
    let flag = format!("--escrow-recipient={}", identity.to_public());
    let running = site.start(&[&flag]);
    let sealed = running.sealed("web", "db", &[("password", "hunter2")]);
    drop(running);
    let escrows = files(&site, "escrow", ".age");
    assert_eq!(escrows.len(), 1, "one key, one escrow");
    let file = site.path(&format!("escrow/{}", escrows[0]));

    let armor = age::armor::ArmoredReader::new(fs::File::open(file).unwrap());
    let decryptor = age::Decryptor::new_buffered(std::io::BufReader::new(armor)).unwrap();
    let identities = std::iter::once(&identity as &dyn age::Identity);
    let plain = std::io::read_to_string(decryptor.decrypt(identities).unwrap()).unwrap();

    let other = Site::new();
    other.put("keys/restored.yaml", &plain);
    other.put("sealed/db.yaml", &sealed);
    let output = other.once(&[]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    other.wait_value("secrets/web/db.yaml", "password", "hunter2");
}

#[test]
fn a_key_that_cannot_go_into_escrow_is_not_used() {
    let site = Site::new();
    let identity = age::x25519::Identity::generate();
    let flag = format!("--escrow-recipient={}", identity.to_public());
    site.put("escrow", "");
    let output = site.once(&[&flag]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("escrow"), "{told}");
    assert!(key_files(&site).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_dumps_no_keys() {
    use std::os::unix::process::ExitStatusExt as _;
    let site = Site::new();
    let status = site.start(&[]).crash();
    assert!(
        status.signal().is_some() && !status.core_dumped(),
        "{status}"
    );
}
