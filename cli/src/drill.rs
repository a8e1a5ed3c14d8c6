//! Whether SealedSecrets open with the keys at hand. Every value is opened; what was in it is wiped at once.

mod report;
mod trial;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rayon::prelude::*;
use sealed_api::{Code, SealedSecret};
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use self::trial::{Fault, Tried, try_object};
use crate::diagnosis::{Places, named_keys, sealed_elsewhere};
use crate::faults::called;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::sealed_input::Found;

pub(crate) use self::report::{Lost, OpenedObject, Report, Use};
pub(crate) use self::trial::order_for;

/// How many objects wait for their turn while others are opened.
const BATCH: usize = 128;
/// How many objects that do not open are kept, to find out why.
const MAX_EXPLAINED: usize = 20;

/// Opens objects, and remembers which keys opened what.
pub(crate) struct Drill<'k> {
    keyring: &'k Keyring,
    /// What an object without a namespace may be meant for.
    namespaces: &'k [String],
    /// All other keys, if it is asked what needs these.
    others: Option<&'k Keyring>,
    /// The keys that opened something last: the best guess for an object that names none.
    recent: Mutex<KeyOrder>,
    places: Places,
    report: Report,
    /// Objects to be explained when all places are known, with their index among the lost.
    unexplained: Vec<(usize, SealedSecret)>,
}

impl<'k> Drill<'k> {
    /// A drill with these keys.
    pub(crate) fn new(keyring: &'k Keyring) -> Self {
        Self {
            keyring,
            namespaces: &[],
            others: None,
            recent: Mutex::default(),
            places: Places::default(),
            report: Report::default(),
            unexplained: Vec::new(),
        }
    }

    /// An object without a namespace is opened as in the first of these in which any of it opens.
    pub(crate) fn assuming(mut self, namespaces: &'k [String]) -> Self {
        self.namespaces = namespaces;
        self
    }

    /// Asks what needs the keys while there are `others`: notes the objects that open, and of the rest those that may need them
    /// all the same.
    pub(crate) fn recording(mut self, others: &'k Keyring) -> Self {
        self.others = Some(others);
        self
    }

    /// Opens all objects that `next` gives, several at a time, while `next` prepares those that follow.
    pub(crate) fn run<E: Send>(
        &mut self,
        mut next: impl FnMut() -> Result<Option<Found>, E> + Send,
        mut progress: Progress<'_, '_>,
    ) -> Result<(), E> {
        let mut fill = || {
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                match next()? {
                    Some(found) => batch.push(found),
                    None => break,
                }
            }
            Ok(batch)
        };
        let mut batch = fill()?;
        while !batch.is_empty() {
            let (tried, following) = rayon::join(|| self.try_all(&batch), &mut fill);
            for (found, tried) in batch.into_iter().zip(tried) {
                self.add(found, tried);
            }
            batch = following?;
            progress.show(&format!("{} SealedSecrets tried", self.report.objects));
        }
        Ok(())
    }

    /// What came of it, with an explanation for what does not open.
    pub(crate) fn finish(mut self) -> Report {
        let explained: Vec<(usize, Option<String>)> = self
            .unexplained
            .par_iter()
            .map(|(index, sealed)| (*index, self.explain(sealed, *index)))
            .collect();
        for (index, hint) in explained {
            if let (Some(lost), Some(hint)) = (self.report.lost.get_mut(index), hint) {
                lost.problem.hints.insert(0, hint);
            }
        }
        self.report
    }

    fn try_all(&self, batch: &[Found]) -> Vec<Tried> {
        batch
            .par_iter()
            .map(|found| {
                let sealed = &found.sealed;
                let mut tried = try_object(sealed, self.keyring, self.namespaces, &self.recent);
                if let Some(others) = self.others {
                    let elsewhere =
                        || try_object(sealed, others, self.namespaces, &Mutex::default());
                    tried.keep_undecided(sealed, self.keyring, elsewhere);
                }
                tried
            })
            .collect()
    }

    fn add(&mut self, found: Found, tried: Tried) {
        let report = &mut self.report;
        self.places.note(&found.sealed);
        report.objects += 1;
        report.trials += tried.trials;
        report.opened += tried.opened.len() as u64;
        report.values += (tried.opened.len() + tried.faults.len()) as u64;
        let mut values: BTreeMap<Fingerprint, u64> = BTreeMap::new();
        for key in &tried.opened {
            *values.entry(*key).or_default() += 1;
        }
        for (key, count) in values {
            let used = report.by_key.entry(key).or_default();
            used.objects += 1;
            used.values += count;
        }
        if self.others.is_some() {
            self.record(found, tried);
        } else if let Some(first) = tried.faults.first() {
            let code = first.code;
            self.lose(code, found, tried);
        }
    }

    /// Notes that an object needs the keys, or may.
    fn record(&mut self, found: Found, tried: Tried) {
        let object = called(&found.sealed);
        if let Some(fault) = tried.faults.first() {
            let words = words(&tried.faults);
            let problem = Problem::new(fault.code, format!("{}: {object}: {words}", found.place));
            let problem = if fault.code == Code::WrongKey {
                problem.hint(
                    "it names the key, which may open it under another name, namespace or scope",
                )
            } else {
                problem
            };
            self.report.unread.push(problem);
        }
        if !tried.opened.is_empty() {
            self.report.recorded.push(OpenedObject {
                object,
                items: tried.items,
                place: found.place,
            });
        }
    }

    /// Notes that something of an object does not open.
    fn lose(&mut self, code: Code, found: Found, tried: Tried) {
        let mut problem = Problem::new(code, words(&tried.faults));
        if code == Code::WrongKey {
            problem = problem.hint(tried_keys(&found.sealed, self.keyring));
            if self.unexplained.len() < MAX_EXPLAINED {
                self.unexplained
                    .push((self.report.lost.len(), found.sealed.clone()));
            }
        }
        self.report.lost.push(Lost {
            place: found.place,
            object: called(&found.sealed),
            items: tried
                .faults
                .into_iter()
                .filter_map(|fault| fault.item)
                .collect(),
            problem,
        });
    }

    fn explain(&self, sealed: &SealedSecret, index: usize) -> Option<String> {
        let item = self.report.lost.get(index)?.items.first()?;
        let order = order_for(sealed, &self.recent);
        sealed_elsewhere(sealed, item, self.keyring, &order, &self.places)
    }
}

fn words(faults: &[Fault]) -> String {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for fault in faults {
        let item = fault.item.as_ref().map(|item| format!("`{item}`"));
        match groups.iter_mut().find(|(text, _)| *text == fault.text) {
            Some((_, items)) => items.extend(item),
            None => groups.push((&fault.text, item.into_iter().collect())),
        }
    }
    let groups = groups.into_iter().map(|(fault, items)| {
        if items.is_empty() {
            fault.to_owned()
        } else {
            format!("{}: {fault}", items.join(", "))
        }
    });
    groups.collect::<Vec<_>>().join("; ")
}

/// Why no key fits, as far as the object tells.
fn tried_keys(sealed: &SealedSecret, keyring: &Keyring) -> String {
    let missing: Vec<String> = named_keys(sealed)
        .iter()
        .filter(|key| !keyring.contains(key))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        let count = keyring.len();
        let keys = if count == 1 { "key was" } else { "keys were" };
        return format!("{count} {keys} tried");
    }
    format!(
        "it names {}, which is not among the keys",
        missing.join(", ")
    )
}
