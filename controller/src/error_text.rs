//! An error as one line of text.

use std::error::Error;

/// An error with its causes: `cannot write: permission denied`.
pub fn error_text(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
