//! No value and no key gets anywhere it was not sent: every verb, done well and done badly, and all that it leaves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;

use crate::program::{Outcome, Sandbox, fixture};

/// Stands for a secret wherever one could stand. Its length is a multiple of three, like that of nothing around it.
const SECRET: &str = "Hunter2Hunter2Hunter2";
const PASSPHRASE: &str = "correct horse battery staple";

/// Something that must not be found, in all the forms that somebody could find it in.
struct Marker {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Marker {
    fn new(name: &'static str, secret: &[u8]) -> Self {
        let hex = secret.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        let mut forms = vec![
            secret.to_vec(),
            hex.to_uppercase().into_bytes(),
            hex.into_bytes(),
        ];
        // In the base64 of a longer text it looks different by where in a group of three it begins.
        for offset in 0..3 {
            let shifted = [&b"\0\0"[..offset], secret].concat();
            let text = sealed_crypto::base64::encode(&shifted);
            let whole = &text[if offset == 0 { 0 } else { 4 }..shifted.len() / 3 * 4];
            forms.push(whole.as_bytes().to_vec());
        }
        Self { name, forms }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let has = |form: &Vec<u8>| text.windows(form.len()).any(|part| part == form);
        self.forms.iter().any(has)
    }
}

struct Site {
    sandbox: Sandbox,
    markers: Vec<Marker>,
    recipient: String,
    fingerprint: String,
}

impl Site {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let base64 = sealed_crypto::base64::encode;
        let key = fixture("rsa2048-a.pkcs1.pem");
        let certificate = fixture("rsa2048-a.crt.pem");
        let pem = String::from_utf8(key.clone()).unwrap();
        let inner = pem.lines().nth(5).unwrap();
        let identity = Identity::generate();
        let private = identity.to_string();
        let markers = vec![
            Marker::new("value", SECRET.as_bytes()),
            Marker::new("key, as PEM", inner.as_bytes()),
            Marker::new(
                "key, as DER",
                &sealed_crypto::base64::decode(inner.as_bytes()).unwrap(),
            ),
            Marker::new("identity", private.expose_secret().as_bytes()),
            Marker::new("passphrase", PASSPHRASE.as_bytes()),
        ];
        let secret = format!(
            "kind: Secret\nmetadata: {{name: x, namespace: web}}\nstringData: {{k: {SECRET}}}\n"
        );
        let kept = format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: k1\n  namespace: kube-system\n  labels: \
             {{sealedsecrets.bitnami.com/sealed-secrets-key: active}}\ntype: kubernetes.io/tls\n\
             data: {{tls.crt: {}, tls.key: {}}}\n",
            base64(&certificate),
            base64(&key)
        );
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             users: [{{name: u, user: {{token: {SECRET}}}}}]\n"
        );
        // What makes guessing slow would make the tests slow.
        let mut passphrase = age::scrypt::Recipient::new(PASSPHRASE.into());
        passphrase.set_work_factor(2);
        let locked = age::encrypt(&passphrase, kept.as_bytes()).unwrap();
        let login = format!(
            "{{\"auths\": {{\"r\": {{\"username\": \"u\", \"password\": \"{SECRET}\"}}}}}}"
        );
        for (name, content) in [
            ("c.crt", certificate.as_slice()),
            ("main.key", &key),
            ("keys/k1.yaml", kept.as_bytes()),
            ("identity.txt", private.expose_secret().as_bytes()),
            ("passphrase.txt", PASSPHRASE.as_bytes()),
            ("secret.yaml", secret.as_bytes()),
            ("value.txt", SECRET.as_bytes()),
            ("value.env", format!("A={SECRET}\n").as_bytes()),
            ("login.json", login.as_bytes()),
            ("ssh.key", &key),
            ("text.tmpl", b"url={{ .k }}"),
            ("locked.age", &locked),
            ("kubeconfig", kubeconfig.as_bytes()),
        ] {
            sandbox.write(name, content);
        }
        let site = Self {
            sandbox,
            markers,
            recipient: identity.to_public().to_string(),
            fingerprint: "SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc".to_owned(),
        };
        for line in [
            "--cert c.crt -f secret.yaml -w sealed.yaml",
            "keys backup keys -r RECIPIENT -w keys.age",
        ] {
            let outcome = site.run("seal", line, b"");
            assert_eq!(outcome.status, Some(0), "{line}: {}", outcome.stderr);
        }
        site
    }

    fn run(&self, name: &str, line: &str, stdin: &[u8]) -> Outcome {
        let line = line
            .replace("RECIPIENT", &self.recipient)
            .replace("FINGERPRINT", &self.fingerprint);
        let words: Vec<&str> = line.split_whitespace().collect();
        let (home, tmp) = (self.sandbox.path("home"), self.sandbox.path("tmp"));
        let environment = [
            ("HOME", home.to_str().unwrap()),
            ("TMPDIR", tmp.to_str().unwrap()),
        ];
        self.sandbox.run(name, &words, &environment, stdin)
    }

    fn assert_free_of_secrets(&self, text: &[u8], what: &str, line: &str) {
        for marker in &self.markers {
            assert!(
                !marker.is_in(text),
                "{line}: the {} is in {what}: {}",
                marker.name,
                String::from_utf8_lossy(text)
            );
        }
    }

    /// Runs a line, and searches all that was not there before and was not asked for.
    fn search(&self, name: &str, line: &Line, stdin: &[u8]) -> Outcome {
        let contents = || -> BTreeMap<String, Vec<u8>> {
            let names = self.sandbox.files().into_iter();
            let read = |name: String| (name.clone(), fs::read(self.sandbox.path(&name)).unwrap());
            names.map(read).collect()
        };
        let before = contents();
        let outcome = self.run(name, line.words, stdin);
        self.assert_free_of_secrets(outcome.stderr.as_bytes(), "stderr", line.words);
        if !line.shows_secrets {
            self.assert_free_of_secrets(&outcome.stdout, "stdout", line.words);
        }
        for directory in ["home", "tmp"] {
            let left: Vec<_> = fs::read_dir(self.sandbox.path(directory))
                .unwrap()
                .collect();
            assert!(left.is_empty(), "{}: {left:?}", line.words);
        }
        for (file, content) in contents() {
            if before.get(&file) == Some(&content) {
                continue;
            }
            if !line.shows_secrets {
                self.assert_free_of_secrets(&content, &file, line.words);
            }
            if !before.contains_key(&file) {
                fs::remove_file(self.sandbox.path(&file)).unwrap();
            }
        }
        outcome
    }
}

/// A command line; `VALUE` on its standard input is the secret one.
struct Line {
    words: &'static str,
    /// Whether secrets are what it is asked for.
    shows_secrets: bool,
    status: i32,
}

const fn line(words: &'static str) -> Line {
    Line {
        words,
        shows_secrets: false,
        status: 0,
    }
}

/// Asked to show secrets.
const fn showing(words: &'static str) -> Line {
    Line {
        shows_secrets: true,
        ..line(words)
    }
}

/// Without a cluster that answers, or for another reason.
const fn failing(words: &'static str, status: i32) -> Line {
    Line {
        status,
        ..line(words)
    }
}

const LINES: &[Line] = &[
    line("--cert c.crt -f secret.yaml"),
    line("--cert c.crt -f secret.yaml -w out.json"),
    line("--cert c.crt --target web=a.yaml -f secret.yaml"),
    line("--cert c.crt --raw --scope cluster-wide --from-file value.txt"),
    // The file, whatever it holds.
    showing("--cert c.crt --fetch-cert"),
    line("--cert c.crt --merge-into sealed.yaml -f secret.yaml"),
    showing("--recovery-unseal --recovery-private-key main.key -f sealed.yaml"),
    failing("--validate -f sealed.yaml --kubeconfig kubeconfig", 1),
    failing("--re-encrypt -f sealed.yaml --kubeconfig kubeconfig", 1),
    line(
        "create generic x -n web --cert c.crt --from-file value.txt --from-env-file value.env --from-stdin in",
    ),
    line("create generic x -n web --cert c.crt --from-file value.txt --dry-run --json"),
    line(
        "create generic x -n web --cert c.crt --from-file value.txt --template t=text.tmpl --dry-run",
    ),
    line("create tls x -n web --sealing-cert c.crt --cert c.crt --key main.key"),
    line("create docker-registry x -n web --cert c.crt --from-file login.json"),
    line(
        "create docker-registry x -n web --cert c.crt --docker-username u --from-stdin docker-password",
    ),
    line("create basic-auth x -n web --cert c.crt --username u --from-stdin password"),
    line("create ssh-auth x -n web --cert c.crt --from-file ssh.key"),
    line("value -n web --name x --cert c.crt"),
    line("set sealed.yaml k --cert c.crt"),
    failing("unset sealed.yaml missing", 4),
    line("cert c.crt --json -w kept.crt"),
    line("inspect sealed.yaml --cert c.crt --json"),
    showing("unseal sealed.yaml --recovery-private-key main.key"),
    showing("unseal sealed.yaml --recovery-private-key keys.age -i identity.txt -w plain.yaml"),
    line(
        "verify sealed.yaml --recovery-private-key locked.age --passphrase-file passphrase.txt --json",
    ),
    failing("verify sealed.yaml --kubeconfig kubeconfig", 1),
    showing("template sealed.yaml --recovery-private-key main.key"),
    line("template sealed.yaml"),
    line("keys list keys --dir sealed.yaml --json"),
    failing("keys list --kubeconfig kubeconfig", 1),
    failing("keys status keys", 3),
    failing("keys renew --kubeconfig kubeconfig", 1),
    failing(
        "keys retire FINGERPRINT --dir sealed.yaml --kubeconfig kubeconfig",
        1,
    ),
    failing(
        "keys compromise FINGERPRINT --dir sealed.yaml --kubeconfig kubeconfig",
        1,
    ),
    line("keys backup keys -r RECIPIENT"),
    line("keys backup keys.age -i identity.txt -r RECIPIENT -w again.age"),
    showing("keys export keys.age -i identity.txt --unencrypted"),
    showing("keys restore keys.age -i identity.txt --to-directory new --unencrypted --yes"),
    line("keys restore keys.age -i identity.txt --to-directory other --dry-run --json"),
    failing(
        "keys restore keys.age -i identity.txt --kubeconfig kubeconfig",
        1,
    ),
    // A secret file where another belongs.
    failing("keys backup identity.txt -r RECIPIENT", 1),
    failing("keys verify keys/k1.yaml -i keys/k1.yaml", 1),
    failing("keys verify keys.age -i keys/k1.yaml --dir sealed.yaml", 1),
    failing(
        "keys verify locked.age --passphrase-file identity.txt --dir sealed.yaml",
        1,
    ),
    line("keys verify keys.age -i identity.txt --dir sealed.yaml"),
    line("keys verify locked.age --passphrase-file passphrase.txt --dir sealed.yaml --json"),
    failing("doctor --kubeconfig kubeconfig --cert c.crt", 3),
    line("explain wrong-key"),
    line("completion bash"),
    line("man"),
    line("--version"),
    line("--help"),
];

#[test]
fn no_verb_shows_a_secret_that_it_was_not_asked_for() {
    let site = Site::new();
    for line in LINES {
        let outcome = site.search("seal", line, SECRET.as_bytes());
        assert_eq!(
            outcome.status,
            Some(line.status),
            "{}: {}",
            line.words,
            outcome.stderr
        );
    }
    // Nothing is forgotten here.
    let help = String::from_utf8(site.run("seal", "--help", b"").stdout).unwrap();
    let heads = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("seal "));
    let verbs = heads.filter_map(|line| line.split_once("  ").map(|(verb, _)| verb));
    for verb in verbs.filter(|verb| !verb.contains(['-', '<'])) {
        assert!(
            LINES.iter().any(|line| line.words.starts_with(verb)),
            "{verb}"
        );
    }
}

#[test]
fn no_verb_shows_a_secret_when_a_file_is_broken() {
    let site = Site::new();
    for line in LINES {
        // A template is no secret: of a faulty one the line is shown.
        let words = line
            .words
            .split([' ', '='])
            .filter(|word| *word != "text.tmpl");
        for word in words.filter(|word| site.sandbox.path(word).is_file()) {
            let whole = fs::read(site.sandbox.path(word)).unwrap();
            let cut = whole[..whole.len() / 2].to_vec();
            let torn = whole
                .iter()
                .map(|byte| if *byte == b'\n' { b':' } else { *byte });
            let garbage = format!("k: [{SECRET}\n\"{SECRET}: {{{{ {SECRET}\n");
            for broken in [cut, torn.collect(), garbage.into_bytes()] {
                site.sandbox.write(word, broken);
                site.search("seal", line, SECRET.as_bytes());
                if line.words.starts_with("--") {
                    site.search("kubeseal", line, SECRET.as_bytes());
                }
            }
            site.sandbox.write(word, whole);
        }
    }
}

#[cfg(target_os = "linux")]
mod cores {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

    use crate::program::Sandbox;

    /// A program that waits for its input where memory may be dumped.
    fn waiting(sandbox: &Sandbox, name: &str) -> Child {
        let start = "ulimit -c unlimited 2>/dev/null; name=$1; shift; exec \"$name\" \"$@\"";
        Command::new("/bin/sh")
            .args(["-c", start, "sh", name, "--cert", "c.crt"])
            .current_dir(sandbox.path("."))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn core_limit(child: &Child) -> String {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max core file size"));
        line.unwrap()
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_process_that_is_killed_leaves_no_core_dump() {
        let programs = [env!("CARGO_BIN_EXE_seal")]
            .into_iter()
            .chain(option_env!("CARGO_BIN_EXE_kubeseal"));
        for name in programs {
            // SIGQUIT may be ignored by whatever started the tests, and then it is here too.
            for signal in [Signal::TRAP, Signal::ABORT] {
                let sandbox = super::Site::new().sandbox;
                let before = sandbox.files();
                let mut child = waiting(&sandbox, name);
                let began = Instant::now();
                while core_limit(&child) != "0 0" {
                    assert!(
                        began.elapsed() < Duration::from_secs(30),
                        "{}",
                        core_limit(&child)
                    );
                    std::thread::yield_now();
                }
                // Where dumps go to a program the limit does not count. Only root may raise it again.
                let unlimited = Rlimit {
                    current: None,
                    maximum: None,
                };
                let pid = Pid::from_child(&child);
                prlimit(Some(pid), Resource::Core, unlimited).ok();
                kill_process(pid, signal).unwrap();
                let status = child.wait().unwrap();
                assert_eq!(status.signal(), Some(signal.as_raw()));
                assert!(!status.core_dumped(), "{name}");
                assert_eq!(sandbox.files(), before);
            }
        }
    }
}
