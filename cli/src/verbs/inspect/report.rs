//! What was seen, told: to people object by object, to programs all at once.

use std::fmt::Write as _;

use sealed_manifest::Document;
use serde::Serialize;

use super::known::{Fit, Known};
use super::look::{Item, Seen, look};
use crate::failure::{Failure, one_line};
use crate::input::place;
use crate::output::Output;
use crate::problem::Problem;
use crate::sealed_input::{entries, is_sealed_secret};

/// A report under way.
pub(super) struct Report {
    json: bool,
    all: All,
    /// How many objects were told.
    count: usize,
    has_problems: bool,
}

/// The report that programs read.
#[derive(Default, Serialize)]
struct All {
    objects: Vec<Placed>,
    problems: Vec<Problem>,
}

/// An object and where it stands.
#[derive(Serialize)]
struct Placed {
    file: String,
    document: usize,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(flatten)]
    seen: Seen,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            all: All::default(),
            count: 0,
            has_problems: false,
        }
    }

    /// Whether nothing was reported at all.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0 && !self.has_problems
    }

    /// Reports the SealedSecrets of a document, or that it cannot be read. Objects of other kinds are passed over.
    pub(super) fn add(
        &mut self,
        document: Result<Document, Failure>,
        known: &[Known],
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let document = match document {
            Ok(document) => document,
            Err(failure) => return self.unreadable(failure.into(), output),
        };
        let (file, number, line) = (
            document.origin().to_owned(),
            document.index(),
            document.line(),
        );
        let place = place(&document);
        let entries = match entries(document.into_value(), &place) {
            Ok(entries) => entries,
            Err(failure) => return self.unreadable(failure.into(), output),
        };
        for entry in entries
            .into_iter()
            .filter(|one| is_sealed_secret(&one.value))
        {
            let placed = Placed {
                file: file.clone(),
                document: number,
                line,
                index: entry.index,
                seen: look(entry.value, known),
            };
            self.object(placed, output)?;
        }
        Ok(())
    }

    fn object(&mut self, placed: Placed, output: &mut Output<'_>) -> Result<(), Failure> {
        let is_first = self.count == 0;
        self.count += 1;
        self.has_problems |= !placed.seen.problems.is_empty();
        if self.json {
            self.all.objects.push(placed);
            return Ok(());
        }
        if !is_first {
            output.write(b"\n")?;
        }
        output.write(text_of(&placed).as_bytes())
    }

    fn unreadable(&mut self, problem: Problem, output: &mut Output<'_>) -> Result<(), Failure> {
        self.has_problems = true;
        if self.json {
            self.all.problems.push(problem);
            return Ok(());
        }
        output.lines(&problem.lines())?;
        Ok(())
    }

    /// Ends the report, and says whether it holds problems.
    pub(super) fn finish(self, output: &mut Output<'_>) -> Result<bool, Failure> {
        if self.json {
            output.report(&self.all)?;
        }
        Ok(self.has_problems)
    }
}

fn text_of(placed: &Placed) -> String {
    let seen = &placed.seen;
    let mut lines = vec![head(placed)];
    if let Some(scope) = seen.scope {
        lines.push(format!("  scope: {scope}, {}", opens(scope)));
    }
    if let Some(type_) = &seen.type_ {
        lines.push(format!("  type: {type_}"));
    }
    lines.extend(sealed_for(seen).map(|keys| format!("  sealed for: {keys}")));
    if !seen.entries.is_empty() {
        lines.push(format!("  template entries: {}", seen.entries.join(", ")));
    }
    if seen.scope.is_some() {
        lines.push(format!("  items: {}", seen.items.len()));
    }
    let width = seen.items.iter().map(|item| item.key.chars().count()).max();
    for item in &seen.items {
        lines.push(item_line(item, width.unwrap_or_default()));
    }
    lines.extend(seen.notes.iter().map(|note| format!("  note: {note}")));
    let problems = seen.problems.iter().flat_map(Problem::lines);
    lines.extend(problems.map(|line| format!("  {line}")));
    lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{}", one_line(line)).expect("writing into a String cannot fail");
        text
    })
}

fn head(placed: &Placed) -> String {
    let seen = &placed.seen;
    let name = match (seen.namespace.as_str(), seen.name.as_str()) {
        ("", "") => "an object without a name".to_owned(),
        ("", name) => name.to_owned(),
        (namespace, "") => format!("an object without a name in {namespace}"),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    let index = placed
        .index
        .map_or_else(String::new, |index| format!(", items[{index}]"));
    format!(
        "{name} ({}: document {}, line {}{index})",
        placed.file, placed.document, placed.line
    )
}

fn opens(scope: &str) -> &'static str {
    match scope {
        "strict" => "opens only under this namespace and name",
        "namespace-wide" => "opens under any name in this namespace",
        _ => "opens anywhere in the cluster",
    }
}

/// The keys that the annotation names, or else the certificates that the sizes fit.
fn sealed_for(seen: &Seen) -> Option<String> {
    let called = |fit: Fit, fingerprint: Option<&str>| {
        let fitting = seen.certificates.iter().filter(move |one| one.fits == fit);
        let names: Vec<String> = fitting
            .filter(|one| fingerprint.is_none_or(|key| one.fingerprint == key))
            .map(|one| format!("`{}`", one.certificate))
            .collect();
        names.join(", ")
    };
    if seen.keys.is_empty() {
        let fitting = called(Fit::Size, None);
        return (!fitting.is_empty()).then(|| {
            format!("a key of the same size as that of {fitting}; no annotation says which")
        });
    }
    let keys: Vec<String> = seen
        .keys
        .iter()
        .map(|key| match called(Fit::Named, Some(key)) {
            names if names.is_empty() => key.clone(),
            names => format!("{key} ({names})"),
        })
        .collect();
    Some(keys.join(", "))
}

fn item_line(item: &Item, width: usize) -> String {
    let key = &item.key;
    match item.sizes {
        None => format!("    {key:width$}  no sealed value"),
        Some(sizes) => format!(
            "    {key:width$}  {} of plaintext, {} sealed, for a key of {} bits",
            bytes(sizes.plaintext_bytes),
            bytes(sizes.sealed_bytes),
            sizes.key_bits
        ),
    }
}

fn bytes(count: usize) -> String {
    match count {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}
