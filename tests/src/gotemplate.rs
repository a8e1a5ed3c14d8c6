//! The real template engine: Go's text/template with Sprig, as a child process that answers lines of JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

/// What the real engine says of a template that prints without end.
const TOO_MUCH: &str = "too much output";

/// A template and what it sees.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// The text, called `t` in errors.
    pub template: String,
    /// The root: a map of strings.
    pub data: BTreeMap<String, String>,
    /// Runs, to see whether they agree.
    runs: u32,
    /// Further runs, for the time they take.
    measure: u32,
}

impl Request {
    /// Renders `template` over `data`, several times to see whether the runs agree.
    pub fn new(template: &str, data: BTreeMap<String, String>) -> Self {
        Self {
            template: template.to_owned(),
            data,
            runs: 6,
            measure: 0,
        }
    }

    /// Asks for the time that `runs` take.
    #[must_use]
    pub fn measured(self, runs: u32) -> Self {
        Self {
            runs: 1,
            measure: runs,
            ..self
        }
    }
}

/// What became of it.
#[derive(Debug, Deserialize)]
pub struct Answer {
    ok_b64: Option<String>,
    #[serde(default)]
    phase: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    unstable: bool,
    #[serde(default)]
    nanoseconds: u64,
}

impl Answer {
    /// A failure in `phase`, which is `parse` or `exec`.
    pub fn failed(phase: &str, message: String) -> Self {
        Self {
            ok_b64: None,
            phase: phase.to_owned(),
            message,
            unstable: false,
            nanoseconds: 0,
        }
    }

    /// An output, and whether the next one would be another.
    pub fn rendered(output: &[u8], unstable: bool) -> Self {
        Self {
            ok_b64: Some(sealed_crypto::base64::encode(output)),
            phase: String::new(),
            message: String::new(),
            unstable,
            nanoseconds: 0,
        }
    }

    /// The time of all measured runs.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    /// Whether it is an output.
    pub fn is_rendered(&self) -> bool {
        self.phase.is_empty()
    }

    /// `rendered`, `parse`, `exec`, or what else the real engine says.
    pub fn kind(&self) -> String {
        match (self.phase.as_str(), self.unstable) {
            ("", false) => "rendered".to_owned(),
            ("", true) => "unstable".to_owned(),
            (phase, _) => phase.to_owned(),
        }
    }

    /// Whether this answer of ours is as good as `real`: the same output, or a failure in the same phase with
    /// the same text. Of what is random there, the success is compared, and that ours is known to be random.
    pub fn agrees_with(&self, real: &Self) -> bool {
        if self.is_same_as(real) {
            return true;
        }
        if real.unstable {
            return self.phase == real.phase && (self.unstable || !self.is_rendered());
        }
        // There the harness stops what runs without end, here a limit does.
        real.message == TOO_MUCH && self.phase == real.phase
    }

    fn is_same_as(&self, real: &Self) -> bool {
        self.phase == real.phase
            && (self.ok_b64 == real.ok_b64 || fits(&self.output(), &real.output()))
            && (self.message == real.message
                || fits(self.message.as_bytes(), real.message.as_bytes()))
    }

    /// The output, empty if there is none.
    pub fn output(&self) -> Vec<u8> {
        let text = self.ok_b64.as_deref().unwrap_or_default();
        sealed_crypto::base64::decode(text.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ok_b64 {
            Some(output) if self.phase.is_empty() => {
                let output = sealed_crypto::base64::decode(output.as_bytes()).unwrap_or_default();
                write!(f, "{:?}", String::from_utf8_lossy(&output))
            }
            _ => write!(f, "{}: {}", self.phase, self.message),
        }
    }
}

/// Whether `real` is `own` but for addresses, which every program has its own of. Ours are all the same.
fn fits(own: &[u8], real: &[u8]) -> bool {
    const ADDRESS: [&[u8]; 2] = [b"c000000000", b"824633720832"];
    let place = |text: &[u8]| {
        ADDRESS.iter().find_map(|address| {
            let at = text
                .windows(address.len())
                .position(|here| here == *address)?;
            Some((at, address.len()))
        })
    };
    let (mut own, mut real) = (own, real);
    while let Some((at, len)) = place(own) {
        let Some(after) = real.strip_prefix(&own[..at]) else {
            return false;
        };
        let digits = after.iter().take_while(|byte| byte.is_ascii_hexdigit());
        real = &after[digits.count()..];
        own = &own[at + len..];
    }
    own == real
}

/// The process.
#[derive(Debug)]
pub struct GoTemplate {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl GoTemplate {
    /// Starts it; it is built first if need be.
    pub fn start() -> Result<Self> {
        let program = crate::components::gotemplate()?;
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run the real engine")?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("it has an output")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// Asks, and waits for all answers. Besides a [`Request`], a case of the conformance table is one.
    pub fn ask(&mut self, requests: &[impl Serialize]) -> Result<Vec<Answer>> {
        let lines: Vec<String> = requests
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        let asked = lines.clone();
        let mut input = self.requests.take().context("it takes requests")?;
        // On a thread of its own: with both pipes full each side would wait for the other.
        let writer = std::thread::spawn(move || {
            for line in lines {
                writeln!(input, "{line}")?;
            }
            input.flush()?;
            std::io::Result::Ok(input)
        });
        let mut answers = Vec::with_capacity(requests.len());
        for request in asked {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line)?;
            ensure!(read > 0, "the real engine died of {request}");
            answers.push(serde_json::from_str(&line).with_context(|| format!("in {line}"))?);
        }
        let input = writer
            .join()
            .map_err(|_panic| anyhow!("cannot write requests"))??;
        self.requests = Some(input);
        Ok(answers)
    }
}

impl Drop for GoTemplate {
    fn drop(&mut self) {
        drop(self.requests.take());
        // It ends with its input; if it does not, there is no more to be done here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_may_differ() {
        assert!(fits(b"{0 824633720832}!", b"{0 30958073545040}!"));
        assert!(fits(b"0xc000000000", b"0xc00012a0f0"));
        assert!(!fits(b"{1 824633720832}", b"{0 30958073545040}"));
        assert!(!fits(b"{0 824633720832}", b"{0 30958073545040} "));
        assert!(!fits(b"a", b"b"));
    }
}
