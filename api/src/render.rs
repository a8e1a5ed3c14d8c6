//! Rendering of `template.data`, as an argument: this crate knows when templates run and what they may see,
//! not how they work.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::codes::Code;

/// The entries of an object's `template.data` that are not null: text by key.
pub type Texts<'t> = BTreeMap<&'t str, &'t str>;

/// What templates see: values by key, overwritten when they are dropped.
pub type Values = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// Renders the templates of one object.
///
/// All of them in one call, because they share a budget: a thousand entries may cost no more than one.
pub trait Render {
    /// Renders every text, each as a template named after its key. `context` is what they see: the unsealed
    /// values, and the raw texts of the entries that are not also sealed.
    ///
    /// # Errors
    ///
    /// One for each text that is no template, stopped with an error or passed a bound, at its place in the list.
    fn render<'t>(
        &self,
        texts: &Texts<'t>,
        context: &Values,
    ) -> Vec<(&'t str, Result<Rendered, RenderError>)>;

    /// The faults of texts that are no templates, whatever the values are.
    fn check<'t>(&self, texts: &Texts<'t>) -> Vec<(&'t str, RenderError)>;
}

/// What a template rendered, overwritten when it is dropped. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub output: Zeroizing<Vec<u8>>,
    /// Whether the same values would render the same text again: no clock, randomness or new key was used.
    pub is_deterministic: bool,
    /// The keys it asked for that are not among the values. They stand in the template's text; which of them
    /// are here tells which way it went.
    pub missing: BTreeSet<String>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("is_deterministic", &self.is_deterministic)
            .finish_non_exhaustive()
    }
}

/// Why a template did not render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    code: Code,
    public: String,
    whole: PrivateText,
    is_transient: bool,
}

/// A text that may quote decrypted values: only for somebody who holds the keys. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateText {
    text: String,
    place: Option<Place>,
}

/// A place in a template.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 0, where that is known.
    pub column: Option<usize>,
}

impl PrivateText {
    /// Keeps a text from being shown by accident.
    pub fn new(text: String) -> Self {
        Self { text, place: None }
    }

    /// Adds where in the template it is about.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        // Not with `..self`: what is wiped when dropped cannot be taken apart.
        let mut placed = self;
        placed.place = Some(place);
        placed
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Where in the template it is about.
    pub fn place(&self) -> Option<Place> {
        self.place
    }
}

impl Drop for PrivateText {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateText")
    }
}

impl RenderError {
    /// An error: what may be published of it in statuses, events and logs, and the whole account.
    pub fn new(code: Code, public: impl Into<String>, whole: PrivateText) -> Self {
        Self {
            code,
            public: public.into(),
            whole,
            is_transient: false,
        }
    }

    /// The same fault, which another attempt may not have: time ran out, for example.
    #[must_use]
    pub fn transient(self) -> Self {
        Self {
            is_transient: true,
            ..self
        }
    }

    /// Whether the same templates and values may render another time.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// Stable code of the fault.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The whole account.
    pub fn whole(&self) -> &PrivateText {
        &self.whole
    }
}

/// What may be published.
impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public)
    }
}

impl std::error::Error for RenderError {}
