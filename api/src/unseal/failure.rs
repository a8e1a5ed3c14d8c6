//! Why an object has no Secret: one text for all of its faults (compat/controller.md §3.4).

use std::collections::BTreeMap;
use std::fmt;

use super::{ItemFault, OpenedItem};
use crate::codes::Code;
use crate::render::{PrivateText, RenderError};

/// Bytes of a message that is published in a status or an event.
const PUBLISHED_LEN: usize = 1024;

/// Room for the line that says how many faults are left out.
const MORE_LEN: usize = "\nand 18446744073709551615 more".len();

/// Why an object could not be unsealed: every fault of every value and template, never a value.
///
/// `Display` is the text the existing programs print: equal faults share one line, their keys in brackets.
/// There the order is random; here keys are sorted, so that a status does not change from pass to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsealFailure {
    reports: Vec<ItemReport>,
    trials: u32,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReport {
    /// The key of the value or template; none when the whole object is at fault.
    pub key: Option<String>,
    /// Stable code of the fault.
    pub code: Code,
    /// The fault in words, without the key.
    pub text: String,
    /// What structure alone tells about a value that no key opens: damaged, or never sealed.
    pub detail: Option<String>,
    /// Whether another attempt at the same object, with the same keys, may not have the fault.
    pub is_transient: bool,
    /// The whole account of a template's fault, which may quote values; see [`UnsealFailure::whole`].
    pub whole: Option<PrivateText>,
}

impl UnsealFailure {
    fn of_object(code: Code, text: &str) -> Self {
        Self {
            reports: vec![ItemReport {
                key: None,
                code,
                text: text.to_owned(),
                detail: None,
                is_transient: false,
                whole: None,
            }],
            trials: 0,
        }
    }

    pub(super) fn deprecated_data() -> Self {
        Self::of_object(
            Code::DeprecatedData,
            "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
        )
    }

    pub(super) fn both_data() -> Self {
        Self::of_object(
            Code::BothData,
            "cannot use the field 'encryptedData' and the deprecated field 'data' at the same time",
        )
    }

    /// The blob opened, but is no Secret. What it is instead stays untold: it is plaintext.
    pub(crate) fn bad_blob() -> Self {
        Self::of_object(
            Code::BadBlob,
            "the deprecated 'data' field opens, but holds no Secret in JSON",
        )
    }

    /// The templates were not waited for any longer, for this reason; they may render another time.
    pub fn templates_overdue(reason: &str, trials: u32) -> Self {
        let mut failure =
            Self::of_object(Code::TemplateFailed, &format!("template failed: {reason}"))
                .with_trials(trials);
        for report in &mut failure.reports {
            report.is_transient = true;
        }
        failure
    }

    /// The faults among `items`, in the order of the items.
    pub fn of_items(items: impl IntoIterator<Item = OpenedItem>) -> Self {
        let mut failure = Self {
            reports: Vec::new(),
            trials: 0,
        };
        for item in items {
            failure.trials = failure.trials.saturating_add(item.trials());
            if let (key, Err(fault)) = item.into_parts() {
                failure.add_item(key, &fault);
            }
        }
        failure
    }

    pub(super) fn none(trials: u32) -> Self {
        Self {
            reports: Vec::new(),
            trials,
        }
    }

    pub(super) fn add_item(&mut self, key: Option<String>, fault: &ItemFault) {
        self.reports.push(ItemReport {
            key,
            code: fault.code(),
            text: fault.to_string(),
            detail: match fault {
                ItemFault::Malformed(error) => Some(error.to_string()),
                ItemFault::NoPlace(error) => Some(error.to_string()),
                ItemFault::Base64(_) | ItemFault::Undecryptable(_) => None,
            },
            is_transient: false,
            whole: None,
        });
    }

    pub(super) fn add_template(&mut self, key: &str, error: &RenderError) {
        self.reports.push(ItemReport {
            key: Some(key.to_owned()),
            code: error.code(),
            text: error.to_string(),
            detail: None,
            is_transient: error.is_transient(),
            whole: Some(error.whole().clone()),
        });
    }

    pub(crate) fn with_trials(mut self, trials: u32) -> Self {
        self.trials = trials;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Every fault, values before templates, each sorted by key.
    pub fn reports(&self) -> &[ItemReport] {
        &self.reports
    }

    /// The whole text, for somebody who holds the keys: it may quote decrypted values, where `Display` and
    /// [`published`](Self::published) only name the kind of fault.
    pub fn whole(&self) -> PrivateText {
        let grouped = Grouped {
            reports: &self.reports,
            text: |report| {
                let whole = report.whole.as_ref();
                whole.map_or(&report.text, |whole| whole.expose())
            },
        };
        PrivateText::new(grouped.to_string())
    }

    /// Stable code of the failure: that of its first fault.
    pub fn code(&self) -> Code {
        self.reports
            .first()
            .map_or(Code::WrongKey, |report| report.code)
    }

    /// Whether the same object may open another time, with the same keys: nothing but what may pass stands in
    /// its way.
    pub fn is_transient(&self) -> bool {
        !self.reports.is_empty() && self.reports.iter().all(|report| report.is_transient)
    }

    /// How many RSA operations were spent.
    pub fn trials(&self) -> u32 {
        self.trials
    }

    /// The same text as `Display`, cut to what belongs in a status or an event: whole keys up to 1 KiB,
    /// then how many more there are.
    pub fn published(&self) -> String {
        let full = self.to_string();
        if full.len() <= PUBLISHED_LEN {
            return full;
        }
        let text_of = |count: usize| Grouped::published(&self.reports[..count]).to_string();
        // The text grows with the number of reports, so the largest number that fits is found by halving.
        let (mut fits, mut too_many) = (0, self.reports.len());
        while fits + 1 < too_many {
            let middle = usize::midpoint(fits, too_many);
            if text_of(middle).len() + MORE_LEN <= PUBLISHED_LEN {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        match fits {
            0 => format!("{} faults, too long to list", self.reports.len()),
            _ => format!("{}\nand {} more", text_of(fits), self.reports.len() - fits),
        }
    }
}

impl fmt::Display for UnsealFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Grouped::published(&self.reports).fmt(f)
    }
}

impl std::error::Error for UnsealFailure {}

/// Reports with one text stand in one line, at the place of the first of them.
struct Grouped<'a> {
    reports: &'a [ItemReport],
    text: fn(&ItemReport) -> &str,
}

impl<'a> Grouped<'a> {
    fn published(reports: &'a [ItemReport]) -> Self {
        Self {
            reports,
            text: |report| &report.text,
        }
    }
}

impl fmt::Display for Grouped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut line_of = BTreeMap::new();
        for report in self.reports {
            let text = (self.text)(report);
            let line = *line_of.entry(text).or_insert(lines.len());
            if line == lines.len() {
                lines.push((text, Vec::new()));
            }
            lines[line].1.extend(report.key.as_deref());
        }
        for (index, (text, keys)) in lines.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(text)?;
            if !keys.is_empty() {
                write!(f, " ({})", keys.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reports: &[(&str, &str)]) -> UnsealFailure {
        UnsealFailure {
            reports: reports
                .iter()
                .map(|(key, text)| ItemReport {
                    key: Some((*key).to_owned()),
                    code: Code::WrongKey,
                    text: (*text).to_owned(),
                    detail: None,
                    is_transient: false,
                    whole: None,
                })
                .collect(),
            trials: 0,
        }
    }

    #[test]
    fn equal_texts_share_a_line_in_first_seen_order() {
        let failure = failure(&[
            ("a", "no key could decrypt secret"),
            ("b", "illegal base64 data at input byte 0"),
            ("c", "illegal base64 data at input byte 0"),
            ("d", "no key could decrypt secret"),
            ("t1", "template: t1:1: unclosed action"),
            ("", "x"),
        ]);
        assert_eq!(
            failure.to_string(),
            "no key could decrypt secret (a, d)\nillegal base64 data at input byte 0 (b, c)\n\
             template: t1:1: unclosed action (t1)\nx ()"
        );
        assert_eq!(failure.published(), failure.to_string());
    }

    #[test]
    fn what_lasts_beside_what_may_pass_makes_it_last() {
        let with = |transient: &[bool]| {
            let mut failure = failure(&vec![("a", "x"); transient.len()]);
            for (report, transient) in failure.reports.iter_mut().zip(transient) {
                report.is_transient = *transient;
            }
            failure.is_transient()
        };
        assert!(with(&[true]) && with(&[true, true]));
        assert!(!with(&[]) && !with(&[false]) && !with(&[true, false]));
    }

    #[test]
    fn a_published_text_is_short_and_says_how_much_is_left_out() {
        let keys: Vec<String> = (0..2000).map(|number| format!("key-{number}")).collect();
        let reports: Vec<_> = keys.iter().map(|key| (key.as_str(), "no key")).collect();
        let text = failure(&reports).published();
        assert!(text.len() <= PUBLISHED_LEN, "{}", text.len());
        let listed = text.matches("key-").count();
        assert!(listed > 100, "{text}");
        assert!(
            text.ends_with(&format!("\nand {} more", 2000 - listed)),
            "{text}"
        );

        let long = "k".repeat(2000);
        assert!(failure(&[(&long, "no key")]).published().len() <= PUBLISHED_LEN);
    }
}
