//! What a verb that looks at something found wrong: reported, not a failure of the program.

use sealed_api::Code;
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::name::Name;

/// One thing that is wrong, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The stable code.
    #[serde(serialize_with = "as_text")]
    pub(crate) code: Code,
    /// What is wrong and where, in lower case and without a full stop.
    pub(crate) message: String,
    /// Next steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) hints: Vec<String>,
}

impl Problem {
    /// A problem described by `message`.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds a next step.
    #[must_use]
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// As lines for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let head = format!("problem[{}]: {}", self.code, self.message);
        let hints = self.hints.iter().map(|hint| format!("hint: {hint}"));
        std::iter::once(head).chain(hints).collect()
    }
}

impl From<Failure> for Problem {
    /// What would stop another verb is one finding among others here.
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code(),
            message: failure.words(Name::Seal).to_owned(),
            hints: failure.hints().to_vec(),
        }
    }
}

impl From<Problem> for Failure {
    /// What one verb reports among others ends another one.
    fn from(problem: Problem) -> Self {
        let failure = Self::new(problem.code, problem.message);
        problem.hints.into_iter().fold(failure, Self::hint)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn as_text<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_is_a_finding_keeps_code_words_and_hints() {
        let failure = Failure::new(Code::BadName, "it is bad").hint("make it good");
        let problem = Problem::from(failure);
        assert_eq!(
            problem,
            Problem::new(Code::BadName, "it is bad").hint("make it good")
        );
        assert_eq!(
            problem.lines(),
            ["problem[bad-name]: it is bad", "hint: make it good"]
        );
        assert_eq!(
            sealed_manifest::to_json(&problem),
            "{\n  \"code\": \"bad-name\",\n  \"message\": \"it is bad\",\n  \"hints\": [\n    \"make it good\"\n  ]\n}\n"
        );
    }
}
