//! Rendering of `template.data`, as an argument: this crate knows when a template runs and what it may see,
//! not how templates work.

use std::collections::BTreeMap;
use std::fmt;

use crate::codes::Code;

/// Turns one entry of `template.data` into bytes.
pub trait Render {
    /// Renders `template`, the text of the entry called `key`. `context` holds the unsealed values and the
    /// raw texts of the entries of `template.data` that are not also sealed.
    fn render(
        &self,
        key: &str,
        template: &str,
        context: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Vec<u8>, RenderError>;
}

/// Why a template did not render.
///
/// The text reaches statuses, events and logs, so whoever makes one answers for it holding no value: an error
/// raised by a template may quote what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    code: Code,
    text: String,
}

impl RenderError {
    /// An error whose `text` holds no value.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for RenderError {}

/// Renders text without actions, which is every text without `{{`, as it stands. Refuses any other.
///
/// Passing an action through unrendered would put `{{ .password }}` into a Secret that a program then uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainText;

impl Render for PlainText {
    fn render(
        &self,
        _: &str,
        template: &str,
        _: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Vec<u8>, RenderError> {
        if template.contains("{{") {
            return Err(RenderError::new(
                Code::TemplateUnsupported,
                "template actions ({{ }}) are not supported by this version",
            ));
        }
        Ok(template.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_and_actions_do_not() {
        let render = |text| PlainText.render("k", text, &BTreeMap::new());
        assert_eq!(render("a }} { { b\r\n").unwrap(), b"a }} { { b\r\n");
        for text in ["{{ .a }}", "x{{/* c */}}", "{{"] {
            assert_eq!(render(text).unwrap_err().code(), Code::TemplateUnsupported);
        }
    }
}
