//! Replays the recorded runs of the existing tool, `kubeseal_transcripts.json`, against the program under the name `kubeseal`.
//!
//! The file's `about` says how a run is set up and compared. Runs whose result is different here on purpose stand in
//! `kubeseal_differences.txt`, each with what happens instead and why; every other run must come out the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::ciphertext::{TOKEN, masked, open};
use crate::program::{Outcome, Sandbox};
use crate::stub::{Route, Stub};
use sealed_manifest::Documents;
use serde_json::Value;

/// What happens here instead of what was recorded.
struct Difference {
    status: i32,
    words: String,
}

struct Recording {
    fixtures: BTreeMap<String, String>,
    cases: Vec<Value>,
    differences: BTreeMap<String, Difference>,
}

impl Recording {
    fn load() -> Self {
        let file: Value =
            serde_json::from_str(include_str!("../kubeseal_transcripts.json")).unwrap();
        let differences = include_str!("../kubeseal_differences.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let [id, status, words, _why] = line
                    .splitn(4, " | ")
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .try_into()
                    .expect(line);
                let status = status.parse().expect(line);
                (
                    id.to_owned(),
                    Difference {
                        status,
                        words: words.to_owned(),
                    },
                )
            })
            .collect();
        Self {
            fixtures: strings(&file["fixtures"]).into_iter().collect(),
            cases: file["cases"].as_array().unwrap().clone(),
            differences,
        }
    }

    /// The text with its fixtures in place.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, content) in &self.fixtures {
            filled = filled.replace(&format!("{{{{FIXTURE:{name}}}}}"), content);
            let encoded = sealed_crypto::base64::encode(content.as_bytes());
            filled = filled.replace(&format!("{{{{FIXTURE_B64:{name}}}}}"), &encoded);
        }
        filled
    }

    fn ciphertexts(&self) -> Vec<&str> {
        self.fixtures
            .iter()
            .filter(|(name, _)| name.starts_with("ct."))
            .map(|(_, text)| text.as_str())
            .collect()
    }
}

/// The entries of an object of strings.
fn strings(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
        .collect()
}

/// One run, set up and done.
struct Run<'r> {
    recording: &'r Recording,
    case: &'r Value,
    sandbox: Sandbox,
    outcome: Outcome,
    stub: Option<Stub>,
    faults: Vec<String>,
}

impl<'r> Run<'r> {
    fn start(recording: &'r Recording, case: &'r Value) -> Self {
        let sandbox = Sandbox::new();
        for name in case["dirs"].as_array().into_iter().flatten() {
            fs::create_dir_all(sandbox.path(name.as_str().unwrap())).unwrap();
        }
        for (name, content) in strings(&case["files"]) {
            sandbox.write(&name, recording.fill(&content));
            fs::set_permissions(sandbox.path(&name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        for (name, target) in strings(&case["symlinks"]) {
            symlink(target, sandbox.path(&name)).unwrap();
        }
        for (name, mode) in strings(&case["modes"]) {
            let mode = u32::from_str_radix(&mode, 8).unwrap();
            fs::set_permissions(sandbox.path(&name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let stub = case["server"]
            .is_object()
            .then(|| Stub::start(routes(recording, case)));
        let port = stub
            .as_ref()
            .map(|stub| stub.port.to_string())
            .unwrap_or_default();
        let home = sandbox.path("home").display().to_string();
        let mut environment: BTreeMap<String, String> = [
            ("HOME", home.as_str()),
            ("KUBECONFIG", "no-such-kubeconfig"),
            ("TMPDIR", "tmp"),
            ("PATH", "/usr/bin:/bin"),
            ("TZ", "UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        environment.extend(
            strings(&case["env"])
                .into_iter()
                .map(|(name, value)| (name, value.replace("<PORT>", &port))),
        );
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let words: Vec<String> = case["argv"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap().replace("<PORT>", &port))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let stdin = match case["stdin_base64"].as_str() {
            Some(encoded) => sealed_crypto::base64::decode(encoded.as_bytes()).unwrap(),
            None => recording.fill(case["stdin"].as_str().unwrap()).into_bytes(),
        };
        let outcome = sandbox.run("kubeseal", &words, &environment, &stdin);
        Self {
            recording,
            case,
            sandbox,
            outcome,
            stub,
            faults: Vec::new(),
        }
    }

    fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    /// What a difference says, and that a failed run leaves no trace.
    fn check_difference(&mut self, difference: &Difference) {
        let (status, stderr) = (self.outcome.status, self.outcome.stderr.clone());
        self.expect(status == Some(difference.status), || {
            format!("status {status:?} instead of {}", difference.status)
        });
        let mut shown = format!(
            "{stderr}\n{}",
            String::from_utf8_lossy(&self.outcome.stdout)
        );
        for (name, _) in strings(&self.case["files"]) {
            shown.push_str(&self.sandbox.read(&name));
        }
        let holds = match difference.words.strip_prefix('!') {
            Some(name) => !self.sandbox.path(name).exists(),
            None => shown.contains(&difference.words),
        };
        self.expect(holds, || {
            format!("not so: `{}` in {shown:?}", difference.words)
        });
        if difference.status != 0 {
            self.check_files(&BTreeMap::new());
        }
    }

    fn check_recorded(&mut self) {
        let status = self.case["exit"].as_i64();
        let got = self.outcome.status.map(i64::from);
        self.expect(got == status, || {
            format!("status {got:?} instead of {status:?}")
        });
        let stdout = String::from_utf8_lossy(&self.outcome.stdout).into_owned();
        let expected = self.recording.fill(self.case["stdout"].as_str().unwrap());
        if self.case["stderr_class"] == "usage" && status == Some(2) {
            // The flag list and the message of a command line that makes no sense are talk (§19.19): all of it is on stderr.
            self.expect(stdout.is_empty(), || format!("stdout is {stdout:?}"));
            let (stderr, header) = (
                self.outcome.stderr.clone(),
                self.case["stderr"].as_str().unwrap(),
            );
            self.check_text("stderr", &stderr, &format!("{header}{expected}"));
            return;
        }
        self.check_text("stdout", &stdout, &expected);
        self.check_stderr();
        let after = strings(&self.case["files_after"]).into_iter().collect();
        self.check_files(&after);
        for (name, mode) in strings(&self.case["modes_after"]) {
            let got = fs::metadata(self.sandbox.path(&name))
                .map(|file| format!("{:04o}", file.permissions().mode() & 0o7777));
            self.expect(got.as_ref().ok() == Some(&mode), || {
                format!("mode of {name} is {got:?} instead of {mode}")
            });
        }
        self.check_requests();
        self.check_ciphertexts();
    }

    fn check_text(&mut self, what: &str, got: &str, expected: &str) {
        let port = self
            .stub
            .as_ref()
            .map(|stub| stub.port.to_string())
            .unwrap_or_default();
        let expected = expected.replace("<PORT>", &port);
        if let Some((head, rest)) = expected.split_once("<USAGE>") {
            let list = got
                .strip_prefix(head)
                .and_then(|tail| tail.strip_suffix(rest))
                .unwrap_or_default();
            let fault = usage_difference(list, &self.recording.fixtures["usage.txt"]);
            self.expect(fault.is_none(), || format!("{what}: flag list: {fault:?}"));
            return;
        }
        let got = masked(got, &self.recording.ciphertexts());
        let same = got == expected || same_yaml(&got, &expected);
        self.expect(same, || format!("{what}:\n{got}\ninstead of\n{expected}"));
    }

    /// By the class of the message, as the recording says.
    fn check_stderr(&mut self) {
        let port = self
            .stub
            .as_ref()
            .map(|stub| stub.port.to_string())
            .unwrap_or_default();
        let expected = self
            .recording
            .fill(self.case["stderr"].as_str().unwrap())
            .replace("<PORT>", &port);
        let got = self.outcome.stderr.clone();
        let same = match self.case["stderr_class"].as_str().unwrap() {
            // The words of a Go library need not be matched, only that there are some.
            "library" => got.starts_with("error: ") && got.len() > "error: \n".len(),
            _ => got == expected,
        };
        self.expect(same, || format!("stderr {got:?} instead of {expected:?}"));
    }

    /// Every file is as recorded, unchanged where nothing is recorded, and there are no others.
    fn check_files(&mut self, after: &BTreeMap<String, String>) {
        let before: BTreeMap<String, String> = strings(&self.case["files"]).into_iter().collect();
        let links: BTreeMap<String, String> = strings(&self.case["symlinks"]).into_iter().collect();
        for name in self.sandbox.files() {
            if links.contains_key(&name) && !after.contains_key(&name) {
                let kept = self.sandbox.path(&name).is_symlink();
                self.expect(kept, || format!("the link {name} was replaced"));
                continue;
            }
            let Some(expected) = after.get(&name).or_else(|| before.get(&name)) else {
                self.faults
                    .push(format!("the file {name} should not be there"));
                continue;
            };
            let (got, expected) = (self.sandbox.read(&name), self.recording.fill(expected));
            if after.contains_key(&name) {
                self.check_text(&name, &got, &expected);
            } else {
                self.expect(got == expected, || format!("the file {name} was changed"));
            }
        }
        for name in after.keys().chain(before.keys()) {
            let there = self.sandbox.path(name).exists();
            self.expect(there, || format!("the file {name} is missing"));
        }
        let left: Vec<_> = fs::read_dir(self.sandbox.path("tmp")).unwrap().collect();
        self.expect(left.is_empty(), || format!("left behind: {left:?}"));
    }

    fn check_requests(&mut self) {
        let Some(stub) = &self.stub else { return };
        let seen = stub.seen();
        let expected = self.case["requests"].as_array().unwrap();
        let mut faults = Vec::new();
        if seen.len() != expected.len() {
            faults.push(format!(
                "{} requests instead of {}: {seen:?}",
                seen.len(),
                expected.len()
            ));
        }
        for (seen, expected) in seen.iter().zip(expected) {
            if seen.method != expected["method"] || seen.path != expected["path"] {
                faults.push(format!("request {seen:?} instead of {expected}"));
            }
            let body = self
                .recording
                .fill(expected["body"].as_str().unwrap_or_default());
            if seen.body != body {
                faults.push(format!("body {} instead of {body}", seen.body));
            }
            for header in expected["headers"].as_array().into_iter().flatten() {
                let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
                if !seen
                    .headers
                    .iter()
                    .any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value)
                {
                    faults.push(format!("no header {name}: {value}"));
                }
            }
        }
        self.faults.extend(faults);
    }

    /// Fresh ciphertexts open to what was recorded, under the label that was recorded.
    fn check_ciphertexts(&mut self) {
        let entries = match self.case["decrypts_docs"].as_array() {
            Some(entries) => entries.clone(),
            None if self.case["label"].is_object() => vec![self.case.clone()],
            None => return,
        };
        let key = self.case["decrypts_with"].as_str().unwrap_or("key.pem");
        let key = self.recording.fixtures[key].clone();
        for entry in entries {
            let file = entry["in"]
                .as_str()
                .or_else(|| entry["decrypts_in"].as_str())
                .filter(|name| *name != "stdout");
            let text = match file {
                Some(name) => self.sandbox.read(name),
                None => String::from_utf8_lossy(&self.outcome.stdout).into_owned(),
            };
            let index = usize::try_from(entry["doc"].as_u64().unwrap_or_default()).unwrap();
            let (scope, namespace, name) = (
                &entry["label"]["scope"],
                &entry["label"]["namespace"],
                &entry["label"]["name"],
            );
            let place =
                [scope, namespace, name].map(|part| part.as_str().unwrap_or_default().to_owned());
            let mut wanted: Vec<(String, Vec<u8>)> = strings(&entry["decrypts"])
                .into_iter()
                .map(|(item, text)| (item, text.into_bytes()))
                .collect();
            for (item, encoded) in strings(&entry["decrypts_base64"]) {
                wanted.push((
                    item,
                    sealed_crypto::base64::decode(encoded.as_bytes()).unwrap(),
                ));
            }
            for (item, plaintext) in wanted {
                let sealed = match item.as_str() {
                    "value" if !text.trim_start().starts_with(['{', '-']) => Some(text.clone()),
                    _ => item_of(&text, index, &item),
                };
                let opened = sealed.and_then(|sealed| {
                    open(&sealed, key.as_bytes(), &place[0], &place[1], &place[2])
                });
                self.expect(opened.as_deref() == Some(plaintext.as_slice()), || {
                    format!("{item} does not open to what was sealed")
                });
            }
        }
    }
}

fn item_of(text: &str, index: usize, item: &str) -> Option<String> {
    let document = Documents::new(text.as_bytes(), "output").nth(index)?.ok()?;
    Some(
        document.value()["spec"]["encryptedData"][item]
            .as_str()?
            .to_owned(),
    )
}

/// Whether both texts hold the same documents. YAML may be laid out in other ways.
fn same_yaml(got: &str, expected: &str) -> bool {
    let read = |text: &str| -> Option<Vec<Value>> {
        Documents::new(text.as_bytes(), "output")
            .map(|document| Some(document.ok()?.into_value()))
            .collect()
    };
    expected.starts_with("---")
        && got.starts_with("---")
        && read(got).is_some()
        && read(got) == read(expected)
}

/// The flags, their letters, type words and defaults are the tool's; the explanations are our own.
fn usage_difference(got: &str, expected: &str) -> Option<String> {
    const EXPLANATION: usize = 44;
    let facts = |list: &str| -> Vec<String> {
        let facts = |line: &str| {
            let default = line.rfind(" (default ").map_or("", |at| &line[at..]);
            format!("{}{default}", line.get(..EXPLANATION).unwrap_or(line))
        };
        list.lines().map(facts).collect()
    };
    let (got, expected) = (facts(got), facts(expected));
    let different = got
        .iter()
        .zip(&expected)
        .find(|(got, expected)| got != expected);
    different
        .map(|(got, expected)| format!("{got:?} instead of {expected:?}"))
        .or_else(|| {
            (got.len() != expected.len())
                .then(|| format!("{} flags instead of {}", got.len(), expected.len()))
        })
}

fn routes(recording: &Recording, case: &Value) -> Vec<Route> {
    let routes = case["server"]["routes"].as_array().unwrap();
    routes
        .iter()
        .map(|route| Route {
            method: route["method"].as_str().unwrap().to_owned(),
            path: route["path"].as_str().unwrap().to_owned(),
            status: route["status"].as_u64().unwrap().try_into().unwrap(),
            headers: strings(&route["headers"]),
            body: recording.fill(route["body"].as_str().unwrap()),
        })
        .collect()
}

#[test]
fn recorded_runs_come_out_the_same() {
    let recording = Recording::load();
    let ids: Vec<&str> = recording
        .cases
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    for id in recording.differences.keys() {
        assert!(ids.contains(&id.as_str()), "{id} is no recorded run");
    }
    let mut report = String::new();
    let mut failed = 0;
    for case in &recording.cases {
        let id = case["id"].as_str().unwrap();
        let mut run = Run::start(&recording, case);
        match recording.differences.get(id) {
            Some(difference) => run.check_difference(difference),
            None => run.check_recorded(),
        }
        if !run.faults.is_empty() {
            failed += 1;
            writeln!(
                report,
                "== {id} {}\n{}",
                case["argv"],
                run.faults.join("\n")
            )
            .unwrap();
        }
    }
    assert!(
        recording.cases.len() >= 369 && masked(TOKEN, &[]) == TOKEN,
        "the recording is whole"
    );
    assert_eq!(
        failed,
        0,
        "of {} runs, {failed} differ:\n{report}",
        recording.cases.len()
    );
}
