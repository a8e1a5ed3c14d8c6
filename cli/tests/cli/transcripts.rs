//! Transcripts of `seal`, one a file in `tests/cmd`: what is typed, and everything that comes out.
//!
//! A file begins with what it is about. Then sections follow, each under a line `=== WORD …`: `file NAME` is put into the
//! directory first; `run WORDS` is typed, its words separated by blanks; `env NAME=VALUE` and `stdin` belong to the next run;
//! `status`, `stdout`, `stderr` and `after NAME` are what the last run must have given (nothing expected is nothing allowed).
//! Fresh ciphertexts read `<CIPHERTEXT>`, and a backslash at the end stands for no line end there. The keys and certificates of `tests/vectors/keys` are there by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::ciphertext::masked;
use crate::program::{Outcome, Sandbox, fixture};

struct Transcript {
    sandbox: Sandbox,
    environment: BTreeMap<String, String>,
    stdin: String,
    pending: Option<Pending>,
    faults: Vec<String>,
}

/// A run whose expectations are being read.
struct Pending {
    outcome: Outcome,
    status: i32,
    stdout: String,
    stderr: String,
}

impl Transcript {
    fn section(&mut self, head: &str, body: &str) {
        let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
        match (word, &mut self.pending) {
            ("file", _) => self.sandbox.write(rest, body),
            ("env", _) => {
                let (name, value) = rest.split_once('=').unwrap();
                self.environment.insert(name.to_owned(), value.to_owned());
            }
            ("stdin", _) => body.clone_into(&mut self.stdin),
            ("run", _) => self.run(rest),
            ("status", Some(pending)) => pending.status = rest.parse().unwrap(),
            ("stdout", Some(pending)) => body.clone_into(&mut pending.stdout),
            ("stderr", Some(pending)) => body.clone_into(&mut pending.stderr),
            ("after", Some(_)) => {
                let got = masked(&self.sandbox.read(rest), &[]);
                self.compare(rest, &got, body);
            }
            _ => self.faults.push(format!("what is `{head}`?")),
        }
    }

    fn run(&mut self, line: &str) {
        self.finish();
        let (name, words) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = words.split_whitespace().collect();
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let outcome = self
            .sandbox
            .run(name, &words, &environment, self.stdin.as_bytes());
        self.pending = Some(Pending {
            outcome,
            status: 0,
            stdout: String::new(),
            stderr: String::new(),
        });
        self.environment.clear();
        self.stdin.clear();
    }

    fn finish(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let status = pending.outcome.status;
        if status != Some(pending.status) {
            self.faults
                .push(format!("status {status:?} instead of {}", pending.status));
        }
        let stdout = masked(&String::from_utf8_lossy(&pending.outcome.stdout), &[]);
        self.compare("stdout", &stdout, &pending.stdout);
        self.compare("stderr", &pending.outcome.stderr, &pending.stderr);
    }

    fn compare(&mut self, what: &str, got: &str, expected: &str) {
        let expected = expected.strip_suffix("\\\n").unwrap_or(expected);
        if got != expected {
            self.faults
                .push(format!("--- {what}:\n{got}--- instead of:\n{expected}---"));
        }
    }
}

fn play(text: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    for name in [
        "rsa2048-a.crt.pem",
        "rsa2048-a.pkcs1.pem",
        "rsa2048-b.pkcs1.pem",
        "cert-expired.crt.pem",
        "cert-not-yet-valid.crt.pem",
        "backup-with-ec.yaml",
    ] {
        sandbox.write(name, fixture(name));
    }
    let mut transcript = Transcript {
        sandbox,
        environment: BTreeMap::new(),
        stdin: String::new(),
        pending: None,
        faults: Vec::new(),
    };
    for section in text.split("\n=== ").skip(1) {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        // The line end before the next section belongs to the text.
        let body = if body.is_empty() {
            String::new()
        } else {
            format!("{}\n", body.trim_end_matches('\n'))
        };
        transcript.section(head, &body);
    }
    transcript.finish();
    transcript.faults
}

#[test]
fn transcripts_are_exact() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd"));
    let mut faults = Vec::new();
    let mut played = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("\n=== run "),
            "{} runs nothing",
            path.display()
        );
        played += 1;
        faults.extend(
            play(&text)
                .into_iter()
                .map(|fault| format!("{}: {fault}", path.display())),
        );
    }
    assert!(played > 0 && faults.is_empty(), "{}", faults.join("\n"));
}
