//! What the checks came to.

use sealed_api::Code;
use serde::Serialize;

use crate::failure::Failure;
use crate::name::Name;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It works.
    Ok,
    /// It works, and something about it is worth knowing.
    Note,
    /// It cannot be checked.
    Unknown,
    /// It does not work.
    Problem,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was checked, in one word.
    #[serde(rename = "check")]
    pub(super) subject: &'static str,
    /// How it ended.
    pub(super) state: State,
    /// The code of the failure that another verb would have stopped with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// What was found.
    pub(super) message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hints: Vec<String>,
}

/// All checks so far.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    checks: Vec<Check>,
}

impl Check {
    pub(super) fn new(subject: &'static str, state: State, message: impl Into<String>) -> Self {
        Self {
            subject,
            state,
            code: None,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    pub(super) fn ok(subject: &'static str, message: impl Into<String>) -> Self {
        Self::new(subject, State::Ok, message)
    }

    /// A failure that another verb would have stopped with.
    pub(super) fn failed(subject: &'static str, failure: &Failure) -> Self {
        Self {
            hints: failure.hints().to_vec(),
            ..Self::refused(subject, failure.code(), failure.words(Name::Seal))
        }
    }

    /// The same of a request that came back with an error.
    pub(super) fn refused(subject: &'static str, code: Code, text: &str) -> Self {
        Self {
            code: Some(code.as_str()),
            ..Self::new(subject, State::Problem, text)
        }
    }

    /// Adds a next step.
    #[must_use]
    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
}

impl Report {
    pub(super) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Whether any check ended like that.
    pub(super) fn has(&self, state: State) -> bool {
        self.checks.iter().any(|check| check.state == state)
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |check: &Check| {
            let state = match check.state {
                State::Ok => "ok",
                State::Note => "note",
                State::Unknown => "unknown",
                State::Problem => "problem",
            };
            let code = check.code.map(|code| format!(" [{code}]"));
            let code = code.unwrap_or_default();
            let head = format!("{state:<9}{:<13}{}{code}", check.subject, check.message);
            let hints = check.hints.iter();
            let hints = hints.map(|hint| format!("{:22}hint: {hint}", ""));
            std::iter::once(head).chain(hints).collect::<Vec<_>>()
        };
        self.checks.iter().flat_map(line).collect()
    }
}
