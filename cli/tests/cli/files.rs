//! Output files: complete or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::program::{Sandbox, fixture, fixture_path};

const SECRET: &str = "kind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {k: v}\n";
#[test]
fn a_failed_run_leaves_the_old_file_and_nothing_else() {
    let key = fixture_path("rsa2048-a.pkcs1.pem");
    let key = key.to_str().unwrap();
    let good_then_bad = format!("{SECRET}---\nkind: Secret\nmetadata: {{name: b, namespace: b}}\n");
    for name in ["seal", "kubeseal"] {
        for (words, input) in [
            (
                &["--cert", "c.crt", "-w", "o.yaml"][..],
                good_then_bad.as_str(),
            ),
            (&["--cert", "c.crt", "-w", "o.yaml"], "a: b: c"),
            (&["--cert", "nope", "-w", "o.yaml"], SECRET),
            (
                &[
                    "--recovery-unseal",
                    "--recovery-private-key",
                    key,
                    "-w",
                    "o.yaml",
                ],
                SECRET,
            ),
            (&["--re-encrypt", "-f", "o.yaml"], ""),
        ] {
            let sandbox = Sandbox::with_certificate();
            sandbox.write("o.yaml", "old");
            let outcome = sandbox.run(name, words, &[], input.as_bytes());
            assert_eq!(
                (outcome.status, outcome.stdout.as_slice()),
                (Some(1), &b""[..]),
                "{words:?}"
            );
            assert_eq!(sandbox.read("o.yaml"), "old");
            assert_eq!(sandbox.files(), ["c.crt", "o.yaml"]);
        }
    }
}

#[test]
fn seal_keeps_mode_and_links_of_an_existing_file() {
    let sandbox = Sandbox::with_certificate();
    sandbox.write("real.yaml", "old");
    fs::set_permissions(sandbox.path("real.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", sandbox.path("link.yaml")).unwrap();
    let outcome = sandbox.run(
        "seal",
        &["--cert", "c.crt", "-w", "link.yaml"],
        &[],
        SECRET.as_bytes(),
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert!(sandbox.path("link.yaml").is_symlink());
    assert!(sandbox.read("real.yaml").contains("kind: SealedSecret"));
    let mode = fs::metadata(sandbox.path("real.yaml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn what_was_recovered_is_nobody_elses_to_read() {
    let key = fixture_path("rsa2048-a.pkcs1.pem");
    let key = key.to_str().unwrap();
    let sandbox = Sandbox::with_certificate();
    let sealed = sandbox.run("seal", &["--cert", "c.crt"], &[], SECRET.as_bytes());
    for name in ["seal", "kubeseal"] {
        for words in [
            &["--recovery-unseal", "--recovery-private-key", key][..],
            &["unseal", "--recovery-private-key", key],
        ] {
            if name == "kubeseal" && words[0] == "unseal" {
                continue;
            }
            sandbox.write("o.yaml", "shown to all");
            fs::set_permissions(sandbox.path("o.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
            let words: Vec<&str> = words.iter().copied().chain(["-w", "o.yaml"]).collect();
            let outcome = sandbox.run(name, &words, &[], &sealed.stdout);
            assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
            let metadata = fs::metadata(sandbox.path("o.yaml")).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{words:?}");
        }
    }
}

// Only Linux has /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let sandbox = Sandbox::with_certificate();
    for words in [
        "--cert c.crt",
        "--cert c.crt --raw --scope cluster-wide",
        "--cert c.crt --fetch-cert",
    ] {
        let script = format!("exec {} {words} > /dev/full", env!("CARGO_BIN_EXE_seal"));
        sandbox.write("in.yaml", SECRET);
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .current_dir(sandbox.path("."))
            .stdin(fs::File::open(sandbox.path("in.yaml")).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.starts_with(
                "error[unwritable-output]: cannot write standard output: no space left"
            ),
            "{stderr}"
        );
    }
}

#[test]
fn a_file_that_does_not_fit_leaves_the_old_one() {
    // The shell's limit on file sizes stands in for a full disk: 1 block of 512 bytes, less than one sealed value.
    let sandbox = Sandbox::with_certificate();
    sandbox.write("in.yaml", SECRET);
    sandbox.write("o.yaml", "old");
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} --cert c.crt -f in.yaml -w o.yaml",
        env!("CARGO_BIN_EXE_seal")
    );
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.starts_with("error[unwritable-output]: cannot write `o.yaml`: file too large"),
        "{stderr}"
    );
    assert_eq!(sandbox.read("o.yaml"), "old");
    assert_eq!(sandbox.files(), ["c.crt", "in.yaml", "o.yaml"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_message() {
    let sandbox = Sandbox::with_certificate();
    let many = format!("{SECRET}---\n").repeat(200);
    sandbox.write("in.yaml", many);
    let script = format!(
        "{} --cert c.crt -f in.yaml | head -c 10",
        env!("CARGO_BIN_EXE_seal")
    );
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(sandbox.path("."))
        .output()
        .unwrap();
    assert_eq!(
        (output.stdout.len(), output.stderr.as_slice()),
        (10, &b""[..])
    );
}

#[test]
fn many_documents_come_out_in_order() {
    let sandbox = Sandbox::with_certificate();
    let names: Vec<String> = (0..300).map(|n| format!("s{n}")).collect();
    let document = |name: &String| {
        format!(
            "---\nkind: Secret\nmetadata: {{name: {name}, namespace: b}}\nstringData: {{k: v}}\n"
        )
    };
    let input = names.iter().map(document).collect::<Vec<_>>().concat();
    let outcome = sandbox.run("seal", &["--cert", "c.crt"], &[], input.as_bytes());
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    let found: Vec<String> = sealed_manifest::Documents::new(outcome.stdout.as_slice(), "output")
        .map(|document| {
            document.unwrap().value()["metadata"]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(found, names);
}

/// Somebody else's change, made while a certificate was waited for, is not written over.
#[test]
fn an_item_is_not_set_in_a_file_that_changed_meanwhile() {
    use std::io::Write as _;
    let sandbox = Sandbox::new();
    let sealed = "kind: SealedSecret\nmetadata: {name: app, namespace: web}\nspec: {encryptedData: {k: AgOld}}\n";
    sandbox.write("sealed.yaml", sealed);
    let pipe = sandbox.path("cert.pem");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_seal"))
        .args(["set", "sealed.yaml", "k", "--cert", "cert.pem"])
        .current_dir(sandbox.path("."))
        .env_clear()
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It opens once the program asks for the certificate, and by then it has read the file.
    let mut certificate = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let theirs = sealed.replace("AgOld", "AgTheirs");
    sandbox.write("sealed.yaml", &theirs);
    certificate
        .write_all(&fixture("rsa2048-a.crt.pem"))
        .unwrap();
    drop(certificate);
    child.stdin.take().unwrap().write_all(b"hunter2").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("was changed by somebody else meanwhile"),
        "{told}"
    );
    assert_eq!(sandbox.read("sealed.yaml"), theirs);
}
