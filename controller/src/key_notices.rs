//! What people are told of the keys because of the time: that nothing can be sealed, that a backup is missing.
//!
//! Pure. Each is told once for as long as it holds; logs and events are the shells'.

use jiff::{SignedDuration, Timestamp};
use sealed_crypto::{Certificate, Fingerprint, Keyring};

use crate::key_marks::Backups;

/// What is said when there are keys and none that anybody can seal for. No key is made for it: that
/// is for the schedule or the operator.
pub const NONE_OFFERED: &str =
    "no sealing key has a certificate that may be offered: expired, not yet valid or faulty";

/// What is said when the newest key was not backed up for too long.
pub const WITHOUT_BACKUP: &str = "no backup of the newest sealing key is known: if it is lost, what is sealed for it never \
     opens again; back it up and annotate its Secret with seal-tool/backed-up and the time";

/// A certificate is good to the end of its last second.
const LAST_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyNotices {
    /// [`NONE_OFFERED`], with the newest key.
    pub none_offered: Option<Fingerprint>,
    /// [`WITHOUT_BACKUP`], with that key.
    pub without_backup: Option<Fingerprint>,
}

/// What they follow from.
#[derive(Clone, Copy, Debug)]
pub struct KeysNoticed<'a> {
    /// The keys in use.
    pub keyring: &'a Keyring,
    /// What is known of their backups.
    pub backups: Backups,
    /// How long the newest may be without one (`--backup-reminder`); `None` for ever.
    pub remind_after: Option<SignedDuration>,
}

impl KeyNotices {
    /// What holds at `now`.
    pub fn of(keys: KeysNoticed<'_>, now: Timestamp) -> Self {
        let newest = keys.keyring.iter().next().map(|key| key.fingerprint());
        let offered = keys.keyring.current(now).is_some();
        let missed = keys.reminder().is_some_and(|due| due <= now);
        Self {
            none_offered: newest.filter(|_| !offered),
            without_backup: newest.filter(|_| missed),
        }
    }

    /// What of it was not told yet, when `told` is what held before.
    pub fn beyond(self, told: Self) -> Self {
        let Self {
            none_offered,
            without_backup,
        } = self;
        Self {
            // It is the same, whichever key is the newest by now.
            none_offered: none_offered.filter(|_| told.none_offered.is_none()),
            without_backup: without_backup.filter(|_| told.without_backup != without_backup),
        }
    }
}

impl KeysNoticed<'_> {
    /// When another certificate is offered than at `now`, or something is to be told, though nothing happens.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let current = self.keyring.current(now);
        let end = current
            .and_then(|key| key.certificate())
            .map(Certificate::not_after)
            .and_then(|last| last.checked_add(LAST_SECOND).ok());
        // Offered a little before that already, for clocks that differ: soon enough.
        let certificates = self.keyring.iter().filter_map(|key| key.certificate());
        let begins = certificates.map(Certificate::not_before);
        let changes = begins.chain(end).chain(self.reminder());
        changes.filter(|time| *time > now).min()
    }

    fn reminder(&self) -> Option<Timestamp> {
        self.backups.reminder(self.remind_after?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealed_crypto::{PrivateKey, SealingKey};

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn file(name: &str) -> Vec<u8> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys");
        std::fs::read(format!("{directory}/{name}")).unwrap()
    }

    fn certificate(name: &str) -> Certificate {
        Certificate::from_pem(&file(name)).unwrap()
    }

    /// The recorded key `key`, the newer the later in the alphabet, with this certificate.
    fn key(key: &str, certificate: Option<Certificate>) -> Arc<SealingKey> {
        let private = PrivateKey::from_pem(&file(&format!("{key}.pkcs1.pem"))).unwrap();
        let order = i64::from(key.as_bytes().last().copied().unwrap());
        let since = Timestamp::from_second(order).unwrap();
        Arc::new(SealingKey::new(private, certificate, since))
    }

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    /// Without backup since an hour, and one is expected after `remind_after`.
    fn noticed(keyring: &Keyring, remind_after: Option<SignedDuration>) -> KeysNoticed<'_> {
        KeysNoticed {
            keyring,
            backups: Backups::of([(now() - HOUR, None)]),
            remind_after,
        }
    }

    #[test]
    fn each_notice_holds_from_the_moment_on_that_was_foretold() {
        let sound = certificate("cert-until-2049.crt.pem");
        let end = sound.not_after();
        let keyring = Keyring::new([key("rsa2048-a", Some(sound))]);
        let newest = keyring.fingerprints().next();
        let keys = noticed(&keyring, Some(HOUR * 2));

        let reminder = keys.next_change(now()).unwrap();
        assert_eq!(reminder, now() + HOUR);
        let second = SignedDuration::from_secs(1);
        let before = KeyNotices::of(keys, reminder - second);
        assert_eq!(before, KeyNotices::default());
        let from_then_on = KeyNotices::of(keys, reminder);
        assert_eq!(from_then_on.without_backup, newest);
        assert_eq!(from_then_on.none_offered, None);

        let ended = keys.next_change(reminder).unwrap();
        assert_eq!(ended, end + second);
        assert_eq!(KeyNotices::of(keys, end).none_offered, None);
        assert_eq!(KeyNotices::of(keys, ended).none_offered, newest);
        assert_eq!(keys.next_change(ended), None);
    }

    #[test]
    fn a_certificate_that_is_not_valid_yet_is_waited_for() {
        let late = certificate("cert-not-yet-valid.crt.pem");
        let begin = late.not_before();
        let keyring = Keyring::new([key("rsa2048-a", Some(late))]);
        let keys = noticed(&keyring, None);
        let before = begin - HOUR;
        assert!(KeyNotices::of(keys, before).none_offered.is_some());
        assert_eq!(keys.next_change(before), Some(begin));
        assert_eq!(KeyNotices::of(keys, begin), KeyNotices::default());
    }

    #[test]
    fn without_keys_there_is_nothing_to_notice() {
        let keyring = Keyring::default();
        let keys = KeysNoticed {
            backups: Backups::default(),
            ..noticed(&keyring, Some(HOUR))
        };
        assert_eq!(KeyNotices::of(keys, now()), KeyNotices::default());
        assert_eq!(keys.next_change(now()), None);
    }

    #[test]
    fn each_is_told_once_and_a_missing_backup_once_for_each_key() {
        let of = |keys: Vec<Arc<SealingKey>>| {
            let keyring = Keyring::new(keys);
            KeyNotices::of(noticed(&keyring, Some(HOUR)), now())
        };
        let first = of(vec![key("rsa2048-a", None)]);
        let second = of(vec![key("rsa2048-a", None), key("rsa2048-b", None)]);
        assert_eq!(first.beyond(KeyNotices::default()), first);
        assert_eq!(first.beyond(first), KeyNotices::default());
        let news = second.beyond(first);
        assert_eq!(news.none_offered, None);
        assert_eq!(news.without_backup, second.without_backup);
        assert_ne!(news.without_backup, first.without_backup);
    }
}
