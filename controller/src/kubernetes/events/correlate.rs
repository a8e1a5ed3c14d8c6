//! What becomes of an event: a new object, one more on the count of an old one, or nothing.
//!
//! The rules and numbers are client-go's, so that a person who knows its events knows ours (compat/controller.md
//! §4.7): repeats are counted, many different messages of one reason are combined, and one object cannot flood etcd.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::Note;

/// Events an object may cause at once; after that, one per [`REFILL`].
const BURST: f64 = 25.0;
/// Time in which an object earns one more event.
const REFILL: SignedDuration = SignedDuration::from_secs(300);
/// From this many different messages of one reason on, they are combined …
const SIMILAR: usize = 10;
/// … while they come within this time of each other.
const SIMILAR_WITHIN: SignedDuration = SignedDuration::from_secs(600);
/// Objects remembered. One that is forgotten starts a new event, nothing worse.
const OBJECTS: usize = 1024;

/// How one event is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// POST of a new event.
    Create(Series),
    /// PATCH of an earlier one.
    Repeat(Series),
    /// Nothing: the object has spoken too often.
    Nothing,
}

/// An event and its repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    /// Name of the event.
    pub(super) name: String,
    /// How often it happened.
    pub(super) count: i32,
    /// When it happened first.
    pub(super) first: Timestamp,
    /// Its text, with the mark of combination if it has one.
    pub(super) message: String,
}

/// The memory that counting needs.
#[derive(Debug, Default)]
pub(super) struct Correlator {
    objects: BTreeMap<String, Object>,
}

#[derive(Debug)]
struct Object {
    tokens: f64,
    at: Timestamp,
    similar: BTreeMap<u64, Similar>,
    series: BTreeMap<u64, Counted>,
}

/// Different messages of one reason.
#[derive(Debug)]
struct Similar {
    messages: Vec<u64>,
    at: Timestamp,
}

#[derive(Debug)]
struct Counted {
    name: String,
    count: i32,
    first: Timestamp,
}

impl Correlator {
    /// Decides about one event.
    pub(super) fn observe(&mut self, note: &Note, now: Timestamp) -> Writing {
        if !self.objects.contains_key(&note.about.uid) && self.objects.len() >= OBJECTS {
            self.forget_the_oldest();
        }
        let object = self
            .objects
            .entry(note.about.uid.clone())
            .or_insert_with(|| Object::new(now));
        object.observe(note, now)
    }

    /// Makes room for a quarter, so that the search for the oldest is rare.
    fn forget_the_oldest(&mut self) {
        let mut ages: Vec<Timestamp> = self.objects.values().map(|object| object.at).collect();
        ages.sort_unstable();
        let Some(&limit) = ages.get(OBJECTS / 4) else {
            return;
        };
        let mut room = OBJECTS / 4;
        self.objects.retain(|_, object| {
            let forget = object.at <= limit && room > 0;
            room -= usize::from(forget);
            !forget
        });
    }
}

impl Object {
    fn new(now: Timestamp) -> Self {
        Self {
            tokens: BURST,
            at: now,
            similar: BTreeMap::new(),
            series: BTreeMap::new(),
        }
    }

    fn observe(&mut self, note: &Note, now: Timestamp) -> Writing {
        let reason = hash(&(note.kind, note.reason));
        let message = hash(&(reason, &note.message));
        let combined = self.combine(reason, message, now);
        let (key, text) = if combined {
            (
                reason,
                format!("(combined from similar events): {}", note.message),
            )
        } else {
            (message, note.message.clone())
        };
        let known = self.series.contains_key(&key);
        let counted = self.series.entry(key).or_insert_with(|| Counted {
            name: event_name(&note.about.name, now),
            count: 0,
            first: now,
        });
        counted.count = counted.count.saturating_add(1);
        let series = Series {
            name: counted.name.clone(),
            count: counted.count,
            first: counted.first,
            message: text,
        };
        // Counted also when it is not written: the next one that is tells the whole number, as client-go's does.
        if !self.pay(now) {
            return Writing::Nothing;
        }
        if known {
            Writing::Repeat(series)
        } else {
            Writing::Create(series)
        }
    }

    /// Whether this message is one too many of its reason.
    fn combine(&mut self, reason: u64, message: u64, now: Timestamp) -> bool {
        let similar = self.similar.entry(reason).or_insert_with(|| Similar {
            messages: Vec::new(),
            at: now,
        });
        if now.duration_since(similar.at) > SIMILAR_WITHIN {
            similar.messages.clear();
        }
        similar.at = now;
        if !similar.messages.contains(&message) {
            similar.messages.push(message);
        }
        if similar.messages.len() < SIMILAR {
            return false;
        }
        // Room for the next one, so that the list stays short.
        similar.messages.remove(0);
        true
    }

    fn pay(&mut self, now: Timestamp) -> bool {
        let earned = now.duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64();
        self.tokens = (self.tokens + earned.max(0.0)).min(BURST);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// `<object>.<hex nanoseconds>`, cut so that it is a legal name whatever the object is called.
fn event_name(object: &str, now: Timestamp) -> String {
    /// Longest name of an object.
    const LONGEST: usize = 253;
    let suffix = format!(".{:x}", now.as_nanosecond());
    // Object names are ASCII; anything else is cut where it may be.
    let mut end = object.len().min(LONGEST - suffix.len());
    while !object.is_char_boundary(end) {
        end -= 1;
    }
    let stem = object[..end].trim_end_matches(['.', '-']);
    format!("{stem}{suffix}")
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::About;
    use super::*;

    fn note(uid: &str, message: &str) -> Note {
        Note {
            about: About {
                api_version: "bitnami.com/v1alpha1",
                kind: "SealedSecret",
                namespace: "ns".into(),
                name: "app".into(),
                uid: uid.into(),
                resource_version: "1".into(),
            },
            kind: "Warning",
            reason: "ErrUnsealFailed",
            message: message.into(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn series(writing: Writing) -> Series {
        match writing {
            Writing::Create(series) | Writing::Repeat(series) => series,
            Writing::Nothing => panic!("nothing was written"),
        }
    }

    #[test]
    fn the_first_is_created_and_a_repeat_is_counted_on_it() {
        let mut correlator = Correlator::default();
        let first = correlator.observe(&note("u", "m"), at(0));
        let Writing::Create(first) = first else {
            panic!("{first:?}")
        };
        assert_eq!(first.name, "app.17979cfe362a0000");
        let second = correlator.observe(&note("u", "m"), at(60));
        assert_eq!(second, Writing::Repeat(Series { count: 2, ..first }));
        let other = correlator.observe(&note("u2", "m"), at(60));
        assert!(
            matches!(other, Writing::Create(_)),
            "another object: {other:?}"
        );
    }

    #[test]
    fn the_tenth_message_of_a_reason_is_combined_with_those_that_follow() {
        let mut correlator = Correlator::default();
        for n in 0..9 {
            let written = correlator.observe(&note("u", &n.to_string()), at(n));
            assert_eq!(series(written).message, n.to_string());
        }
        let tenth = correlator.observe(&note("u", "x"), at(9));
        let Writing::Create(tenth) = tenth else {
            panic!("{tenth:?}")
        };
        assert_eq!(tenth.message, "(combined from similar events): x");
        let eleventh = correlator.observe(&note("u", "y"), at(10));
        assert_eq!(
            eleventh,
            Writing::Repeat(Series {
                count: 2,
                message: "(combined from similar events): y".into(),
                ..tenth
            })
        );
        // Ten quiet minutes later the messages stand alone again.
        let later = correlator.observe(&note("u", "z"), at(700));
        assert_eq!(series(later).message, "z");
    }

    #[test]
    fn an_object_gets_twenty_five_at_once_and_then_one_in_five_minutes() {
        let mut correlator = Correlator::default();
        for n in 0..25 {
            assert_ne!(
                correlator.observe(&note("u", "m"), at(0)),
                Writing::Nothing,
                "{n}"
            );
        }
        assert_eq!(correlator.observe(&note("u", "m"), at(1)), Writing::Nothing);
        assert_eq!(
            correlator.observe(&note("u", "m"), at(299)),
            Writing::Nothing
        );
        let written = series(correlator.observe(&note("u", "m"), at(302)));
        assert_eq!(written.count, 28, "those not written are counted");
        assert_eq!(
            correlator.observe(&note("u", "m"), at(303)),
            Writing::Nothing
        );
        assert_ne!(
            correlator.observe(&note("other", "m"), at(303)),
            Writing::Nothing
        );
    }

    #[test]
    fn only_so_many_objects_are_remembered_and_the_oldest_go_first() {
        let mut correlator = Correlator::default();
        for n in 0..5 * i64::try_from(OBJECTS).unwrap() {
            correlator.observe(&note(&n.to_string(), "m"), at(n));
        }
        assert!(correlator.objects.len() <= OBJECTS);
        let newest = (5 * OBJECTS - 1).to_string();
        assert!(correlator.objects.contains_key(&newest));
        assert!(!correlator.objects.contains_key("0"));
    }

    #[test]
    fn the_name_of_an_event_is_legal_for_the_longest_object() {
        let name = event_name(&"a.".repeat(126), at(0));
        assert!(name.len() <= 253, "{}", name.len());
        assert!(!name.contains(".."), "{name}");
    }
}
