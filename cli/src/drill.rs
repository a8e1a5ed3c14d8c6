//! Whether SealedSecrets open with the keys at hand. Every value is opened; what was in it is wiped at once.

mod report;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sealed_api::{Code, SealedItems, SealedSecret};
use sealed_crypto::{Fingerprint, KeyOrder, Keyring};

use crate::diagnosis::{Places, named_keys, sealed_for};
use crate::faults::called;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::sealed_input::Found;

pub(crate) use self::report::{Lost, OpenedObject, Report, Use};

/// How many objects wait for their turn while others are opened.
const BATCH: usize = 128;
/// How many objects that do not open are kept, to find out why.
const MAX_EXPLAINED: usize = 20;

/// Opens objects, and remembers which keys opened what.
pub(crate) struct Drill<'k> {
    keyring: &'k Keyring,
    /// The keys that opened something last: the best guess for an object that names none.
    recent: Mutex<KeyOrder>,
    places: Places,
    report: Report,
    /// Whether to note which objects opened.
    records: bool,
    /// Objects to be explained when all places are known, with their index among the lost.
    unexplained: Vec<(usize, SealedSecret)>,
}

/// One object after the attempt.
struct Tried {
    trials: u64,
    opened: Vec<Fingerprint>,
    /// The items of these.
    items: Vec<String>,
    /// What does not open, and why.
    faults: Vec<(Option<String>, Code, String)>,
}

impl<'k> Drill<'k> {
    /// A drill with these keys.
    pub(crate) fn new(keyring: &'k Keyring) -> Self {
        Self {
            keyring,
            recent: Mutex::default(),
            places: Places::default(),
            report: Report::default(),
            records: false,
            unexplained: Vec::new(),
        }
    }

    /// Notes which objects open, and does not ask why others do not.
    pub(crate) fn recording(mut self) -> Self {
        self.records = true;
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
            .map(|found| try_one(&found.sealed, self.keyring, &self.recent))
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
        if self.records {
            if !tried.opened.is_empty() {
                report.recorded.push(OpenedObject {
                    object: called(&found.sealed),
                    items: tried.items,
                    place: found.place,
                });
            }
            return;
        }
        let Some((_, code, _)) = tried.faults.first() else {
            return;
        };
        let code = *code;
        let mut problem = Problem::new(code, words(&tried.faults));
        if code == Code::WrongKey {
            problem = problem.hint(tried_keys(&found.sealed, self.keyring));
            if self.unexplained.len() < MAX_EXPLAINED {
                self.unexplained
                    .push((report.lost.len(), found.sealed.clone()));
            }
        }
        report.lost.push(Lost {
            place: found.place,
            object: called(&found.sealed),
            items: tried
                .faults
                .into_iter()
                .filter_map(|(key, ..)| key)
                .collect(),
            problem,
        });
    }

    fn explain(&self, sealed: &SealedSecret, index: usize) -> Option<String> {
        let item = self.report.lost.get(index)?.items.first()?;
        let order = order_for(sealed, &self.recent);
        let found = sealed_for(sealed, item, self.keyring, &order, &self.places)?;
        Some(format!(
            "`{item}` was sealed for another place: {}",
            found.place
        ))
    }
}

/// Opens one object with the key that it names, or else with those that opened others, and each value first with the key of
/// its neighbour.
fn try_one(sealed: &SealedSecret, keyring: &Keyring, recent: &Mutex<KeyOrder>) -> Tried {
    let mut tried = Tried {
        trials: 0,
        opened: Vec::new(),
        items: Vec::new(),
        faults: Vec::new(),
    };
    let items = match SealedItems::of(sealed, true) {
        Ok(items) => items.items,
        Err(failure) => {
            tried
                .faults
                .push((None, failure.code(), failure.to_string()));
            return tried;
        }
    };
    let mut order = order_for(sealed, recent);
    for item in items {
        let opened = item.open(keyring, &order);
        tried.trials += u64::from(opened.trials());
        match (opened.opened_with(), opened.fault()) {
            (Some(key), _) => {
                order.prefer(key);
                tried.opened.push(key);
                tried.items.extend(opened.key().map(str::to_owned));
            }
            (None, fault) => {
                let code = fault.map_or(Code::WrongKey, sealed_api::ItemFault::code);
                let text = fault.map(ToString::to_string).unwrap_or_default();
                tried
                    .faults
                    .push((opened.key().map(str::to_owned), code, text));
            }
        }
    }
    if let Some(key) = tried.opened.last() {
        recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .prefer(*key);
    }
    tried
}

/// The keys that an object names, and else those that opened something last.
pub(crate) fn order_for(sealed: &SealedSecret, recent: &Mutex<KeyOrder>) -> KeyOrder {
    let named = named_keys(sealed);
    if named.is_empty() {
        return recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
    }
    KeyOrder {
        first: named,
        written_at: None,
    }
}

fn words(faults: &[(Option<String>, Code, String)]) -> String {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (key, _, text) in faults {
        let item = key.as_ref().map(|key| format!("`{key}`"));
        match groups.iter_mut().find(|(fault, _)| fault == text) {
            Some((_, items)) => items.extend(item),
            None => groups.push((text, item.into_iter().collect())),
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
