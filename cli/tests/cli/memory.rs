//! Streams that are longer than memory.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Sandbox, fixture};

/// So many documents are past everything that is gathered before it is worked on or put aside.
const MANY: usize = 300;
/// How much more memory four times as many may take, in KiB: allocators differ, and some output waits in memory. Were they kept,
/// it would be more than twice as much.
const NOISE: u64 = 4 << 10;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_certificate();
    sandbox.write("main.key", fixture("rsa2048-a.pkcs1.pem"));
    for (size, count) in [("some", MANY), ("many", 4 * MANY)] {
        let value = "x".repeat(1000);
        let mut secrets = String::new();
        let mut mixed = String::new();
        for number in 0..count {
            let metadata = format!("metadata: {{name: s{number}, namespace: web}}");
            let secret = format!("---\nkind: Secret\n{metadata}\nstringData: {{k: {value}}}\n");
            let other = format!("---\nkind: ConfigMap\n{metadata}\ndata: {{k: {value}}}\n");
            mixed += if number % 4 == 0 { &secret } else { &other };
            secrets += &secret;
        }
        sandbox.write(&format!("{size}.yaml"), secrets);
        sandbox.write(&format!("{size}-mixed.yaml"), mixed);
    }
    sandbox
}

/// Runs a line, and gives the most memory that it ever had, in KiB.
fn peak(sandbox: &Sandbox, line: &str, input: &str) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_seal"))
        .args(line.split_whitespace())
        .current_dir(sandbox.path("."))
        .env_clear()
        .env("TMPDIR", sandbox.path("tmp"))
        .env("RAYON_NUM_THREADS", "2")
        .stdin(File::open(sandbox.path(input)).unwrap())
        .stdout(File::create(sandbox.path("shown")).unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap();
        // It only grows, and is gone with the process.
        if let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            peak = line.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{line}: {status}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn four_times_as_many_documents_take_no_more_memory() {
    let sandbox = sandbox();
    for size in ["some", "many"] {
        let words = [
            "--cert",
            "c.crt",
            "-f",
            &format!("{size}.yaml"),
            "-w",
            &format!("{size}-sealed.yaml"),
        ];
        let outcome = sandbox.run("seal", &words, &[], b"");
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        let sealed = sandbox.read(&format!("{size}-sealed.yaml"));
        for (number, document) in sealed.split_inclusive("---\n").enumerate() {
            sandbox.write(&format!("{size}-files/{number}.yaml"), document);
        }
    }
    for (line, input) in [
        ("--cert c.crt", "SIZE.yaml"),
        ("--cert c.crt -w out", "SIZE.yaml"),
        ("--cert c.crt --keep-others", "SIZE-mixed.yaml"),
        ("unseal --recovery-private-key main.key", "SIZE-sealed.yaml"),
        (
            "--recovery-unseal --recovery-private-key main.key -w out",
            "SIZE-sealed.yaml",
        ),
        ("keys verify main.key --dir SIZE-files", "main.key"),
        (
            "verify SIZE-sealed.yaml --recovery-private-key main.key",
            "main.key",
        ),
        ("inspect", "SIZE-sealed.yaml"),
    ] {
        let [some, many] = ["some", "many"].map(|size| {
            let line = line.replace("SIZE", size);
            peak(&sandbox, &line, &input.replace("SIZE", size))
        });
        assert!(many < some + NOISE, "{line}: {some} KiB, then {many} KiB");
    }
}
