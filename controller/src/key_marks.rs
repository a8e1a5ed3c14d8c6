//! What the annotations of key Secrets say: that a new key is wanted, which of these wishes a key has answered, and when
//! it was backed up.
//!
//! A wish is the *value* of `seal-tool/renew`, whichever key Secret carries it, so that annotating all of them (whoever
//! asks seldom knows the name of the newest) makes one key and not one for each. A key that is made notes every wish that
//! stands at that moment, those answered before included, in an annotation of its own: nothing has to be written to an
//! existing Secret, a restart and another replica read the same answer, and it outlives the deletion of older keys.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::names::annotations;
use sha2::{Digest as _, Sha256};

/// Somebody's wish for a new key: the digest of what they wrote, which may be long or odd.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RenewRequest([u8; 8]);

impl RenewRequest {
    /// The wish that the value of an annotation stands for. Nothing but space asks for nothing.
    pub fn of(value: &str) -> Option<Self> {
        let value = value.trim();
        let digest = Sha256::digest(value);
        let (start, _) = digest.split_first_chunk()?;
        (!value.is_empty()).then_some(Self(*start))
    }

    /// The wish of this digest, if it is one.
    fn read(digest: &str) -> Option<Self> {
        let number = u64::from_str_radix(digest, 16).ok()?;
        let request = Self(number.to_be_bytes());
        (request.to_string() == digest).then_some(request)
    }
}

impl fmt::Display for RenewRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for RenewRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the annotations of one key Secret say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyMarks {
    /// The wish that it carries.
    pub request: Option<RenewRequest>,
    /// The wishes that it was made for.
    pub answers: BTreeSet<RenewRequest>,
    /// When it was last backed up. A time that cannot be read is none: better one backup too many.
    pub backup: Option<Timestamp>,
}

impl KeyMarks {
    /// Reads them.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let annotation = |key: &str| metadata.annotations.as_ref()?.get(key);
        Self {
            request: annotation(annotations::RENEW).and_then(|value| RenewRequest::of(value)),
            answers: annotation(annotations::RENEWED_FOR)
                .map(|list| list.split(',').filter_map(RenewRequest::read).collect())
                .unwrap_or_default(),
            backup: annotation(annotations::BACKED_UP).and_then(|time| time.trim().parse().ok()),
        }
    }
}

/// Notes on a new key Secret the wishes that it answers.
pub fn note_answers(metadata: &mut ObjectMeta, requests: &BTreeSet<RenewRequest>) {
    let items: Vec<String> = requests.iter().map(ToString::to_string).collect();
    if !items.is_empty() {
        let all = metadata.annotations.get_or_insert_default();
        all.insert(annotations::RENEWED_FOR.to_owned(), items.join(","));
    }
}

/// What is known of the backups of the keys in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backups {
    /// How many keys have none.
    pub without: usize,
    /// When the oldest of those came into use.
    pub oldest_without: Option<Timestamp>,
    /// When the newest key came into use, and when it was last backed up.
    pub newest: Option<(Timestamp, Option<Timestamp>)>,
}

impl Backups {
    /// Sums up pairs of when a key came into use and when it was last backed up.
    pub fn of(keys: impl IntoIterator<Item = (Timestamp, Option<Timestamp>)>) -> Self {
        keys.into_iter().fold(Self::default(), |mut all, key| {
            let (since, backup) = key;
            if backup.is_none() {
                all.without += 1;
                all.oldest_without = Some(all.oldest_without.map_or(since, |old| old.min(since)));
            }
            if all.newest.is_none_or(|(newest, _)| newest < since) {
                all.newest = Some(key);
            }
            all
        })
    }

    /// When it is time to say that the newest key has no backup; `None` when it has one.
    pub fn reminder(&self, after: SignedDuration) -> Option<Timestamp> {
        let (since, backup) = self.newest?;
        let due = since.checked_add(after).unwrap_or(Timestamp::MAX);
        backup.is_none().then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn marks(annotations: &[(&str, &str)]) -> KeyMarks {
        let annotations: BTreeMap<String, String> = annotations
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        KeyMarks::of(&ObjectMeta {
            annotations: Some(annotations),
            ..ObjectMeta::default()
        })
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_same_value_is_the_same_wish_on_any_secret_and_another_is_another() {
        let of = |value: &str| marks(&[("seal-tool/renew", value)]).request;
        assert!(of("2026-06-01T00:00:00Z").is_some());
        assert_eq!(of("now"), of(" now\n"));
        assert_ne!(of("now"), of("now, please"));
        assert_eq!((of(""), of(" "), marks(&[]).request), (None, None, None));
    }

    #[test]
    fn a_key_answers_the_wishes_it_notes() {
        let wishes: BTreeSet<RenewRequest> = ["a", "b"]
            .into_iter()
            .filter_map(RenewRequest::of)
            .collect();
        let mut metadata = ObjectMeta::default();
        note_answers(&mut metadata, &BTreeSet::new());
        assert_eq!(metadata, ObjectMeta::default());
        note_answers(&mut metadata, &wishes);
        assert_eq!(KeyMarks::of(&metadata).answers, wishes);
        let note = metadata.annotations.unwrap()["seal-tool/renewed-for"].clone();
        // What others wrote there is no answer, and harms none.
        let odd = format!("x,{note},+0000000000000000,0000");
        assert_eq!(marks(&[("seal-tool/renewed-for", &odd)]).answers, wishes);
    }

    #[test]
    fn only_a_time_is_a_backup() {
        let backup = |value: &str| marks(&[("seal-tool/backed-up", value)]).backup;
        assert_eq!(backup("1970-01-01T00:01:00Z"), Some(at(60)));
        assert_eq!(backup("1970-01-01T02:01:00+02:00"), Some(at(60)));
        for value in ["", "yes", "yesterday", "1970-01-01"] {
            assert_eq!(backup(value), None, "{value}");
        }
    }

    #[test]
    fn backups_are_summed_up_over_the_keys_in_use() {
        let keys = [
            (at(20), None),
            (at(30), Some(at(40))),
            (at(10), None),
            (at(5), Some(at(6))),
        ];
        let summed = Backups {
            without: 2,
            oldest_without: Some(at(10)),
            newest: Some((at(30), Some(at(40)))),
        };
        assert_eq!(Backups::of(keys), summed);
        assert_eq!(Backups::of([]), Backups::default());
    }

    #[test]
    fn the_reminder_comes_when_the_newest_key_has_been_without_a_backup_for_so_long() {
        let day = SignedDuration::from_hours(24);
        let reminder = |keys: &[_]| Backups::of(keys.iter().copied()).reminder(day);
        assert_eq!(reminder(&[(at(0), None)]), Some(at(86_400)));
        assert_eq!(reminder(&[(at(0), Some(at(1)))]), None);
        assert_eq!(reminder(&[(at(0), None), (at(9), Some(at(10)))]), None);
        assert_eq!(
            reminder(&[(at(0), Some(at(1))), (at(9), None)]),
            Some(at(86_409))
        );
        assert_eq!(reminder(&[]), None);
    }
}
