//! Which key is tried when, which is handed out, and what that costs.

#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test fails the test"
)]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sealed_crypto::{
    Certificate, CertificateRequest, Fingerprint, KeyOrder, Keyring, Label, PrivateKey,
    SealedValue, SealingKey, seal,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn day(number: i32) -> Timestamp {
    Timestamp::UNIX_EPOCH + DAY * number
}

fn read(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn private_key(name: &str) -> PrivateKey {
    PrivateKey::from_pem(&read(&format!("{name}.pkcs1.pem"))).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&read(&format!("{name}.crt.pem"))).unwrap()
}

fn key(name: &str, ordering_time: Timestamp) -> Arc<SealingKey> {
    Arc::new(SealingKey::new(private_key(name), None, ordering_time))
}

/// A key with a certificate valid from one day up to another, ordered by its beginning.
fn certified(name: &str, from: i32, to: i32) -> Arc<SealingKey> {
    let private_key = private_key(name);
    let request = CertificateRequest {
        common_name: String::new(),
        not_before: day(from),
        not_after: day(to),
    };
    let certificate = private_key.self_signed(&request).unwrap();
    Arc::new(SealingKey::new(private_key, Some(certificate), day(from)))
}

fn names(keyring: &Keyring) -> Vec<Fingerprint> {
    keyring.fingerprints().collect()
}

fn sealed_for(name: &str) -> (Label, SealedValue) {
    let label = Label::strict("team-a", "db").unwrap();
    let value = seal(&certificate(name), &label, b"hunter2").unwrap();
    (label, value)
}

/// How many RSA operations it takes to open a value for `name` in this order; the plaintext and
/// the key must be right.
#[track_caller]
fn trials(keyring: &Keyring, name: &str, order: &KeyOrder) -> u32 {
    let (label, value) = sealed_for(name);
    let opened = keyring.unseal(&label, &value, order).unwrap();
    assert_eq!(opened.plaintext.expose(), b"hunter2");
    assert_eq!(opened.key, certificate(name).fingerprint());
    opened.trials
}

/// The key "a" is from day 1, "b" from day 2, "e3" from day 3. All have 2048 bits.
fn three_keys() -> Keyring {
    Keyring::new([
        key("rsa2048-b", day(2)),
        key("rsa2048-a", day(1)),
        key("rsa2048-e3", day(3)),
    ])
}

#[test]
fn the_newest_is_tried_first_by_default() {
    let keyring = three_keys();
    let order = KeyOrder::default();
    assert_eq!(trials(&keyring, "rsa2048-e3", &order), 1);
    assert_eq!(trials(&keyring, "rsa2048-b", &order), 2);
    assert_eq!(trials(&keyring, "rsa2048-a", &order), 3);
}

#[test]
fn hints_come_first_in_their_order_and_cost_nothing_twice() {
    let keyring = three_keys();
    let [e3, b, a] = names(&keyring)[..] else {
        unreachable!()
    };
    let order = KeyOrder {
        first: vec![a, a, b],
        written_at: Some(day(9)),
    };
    assert_eq!(trials(&keyring, "rsa2048-a", &order), 1);
    assert_eq!(trials(&keyring, "rsa2048-b", &order), 2);
    assert_eq!(trials(&keyring, "rsa2048-e3", &order), 3);

    let stranger = certificate("rsa4096-a").fingerprint();
    let unknown_first = KeyOrder {
        first: vec![stranger, e3],
        written_at: None,
    };
    assert_eq!(trials(&keyring, "rsa2048-e3", &unknown_first), 1);
}

#[test]
fn the_key_that_was_newest_at_writing_comes_before_newer_ones() {
    let keyring = three_keys();
    let written = |at| KeyOrder {
        first: Vec::new(),
        written_at: Some(at),
    };
    let between = day(2) + SignedDuration::from_hours(1);
    assert_eq!(trials(&keyring, "rsa2048-b", &written(between)), 1);
    assert_eq!(trials(&keyring, "rsa2048-b", &written(day(2))), 1);
    assert_eq!(trials(&keyring, "rsa2048-e3", &written(between)), 2);
    assert_eq!(trials(&keyring, "rsa2048-a", &written(between)), 3);
    // Older than every key: no hint at all.
    assert_eq!(trials(&keyring, "rsa2048-e3", &written(day(0))), 1);
}

#[test]
fn keys_of_another_size_cost_no_trial() {
    let keyring = Keyring::new([
        key("rsa4096-a", day(4)),
        key("rsa3072-a", day(3)),
        key("rsa2048-a", day(1)),
    ]);
    let order = KeyOrder::default();
    for name in ["rsa2048-a", "rsa3072-a", "rsa4096-a"] {
        assert_eq!(trials(&keyring, name, &order), 1, "{name}");
    }
}

#[test]
fn failing_tells_its_cost_and_nothing_else() {
    let keyring = three_keys();
    let (label, value) = sealed_for("rsa2048-a");
    let elsewhere = Label::strict("team-b", "db").unwrap();
    let wrong_place = keyring.unseal(&elsewhere, &value, &KeyOrder::default());
    assert_eq!(wrong_place.unwrap_err().trials, 3);

    let nobody = Keyring::default();
    let error = nobody
        .unseal(&label, &value, &KeyOrder::default())
        .unwrap_err();
    assert_eq!(error.trials, 0);
    assert_eq!(error.to_string(), "no key could decrypt secret");

    let mut damaged = value.as_bytes().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let damaged = SealedValue::from_bytes(damaged).unwrap();
    let wrong_tag = keyring.unseal(&label, &damaged, &KeyOrder::default());
    assert_eq!(wrong_tag.unwrap_err().trials, 3);
}

#[test]
fn keys_are_held_newest_first_and_once() {
    let keyring = Keyring::new([
        key("rsa2048-a", day(1)),
        key("rsa2048-b", day(5)),
        key("rsa2048-a", day(9)),
        key("rsa2048-e3", day(5)),
    ]);
    let [a, b, e3] =
        ["rsa2048-a", "rsa2048-b", "rsa2048-e3"].map(|name| certificate(name).fingerprint());
    // Equal times: the first loaded stays first.
    assert_eq!(names(&keyring), [a, b, e3]);
    assert_eq!(keyring.len(), 3);
    assert!(keyring.contains(&b) && !keyring.is_empty());
    assert!(!keyring.contains(&certificate("rsa3072-a").fingerprint()));
    let newest = keyring.iter().next().unwrap();
    assert_eq!(newest.ordering_time(), day(9));
}

#[test]
fn the_current_key_is_the_newest_that_may_be_offered() {
    let old = certified("rsa2048-a", 10, 100);
    let new = certified("rsa2048-b", 20, 50);
    let future = certified("rsa2048-e3", 60, 200);
    let keyring = Keyring::new([old.clone(), new.clone(), future.clone()]);
    let current = |now| keyring.current(now).map(|key| key.fingerprint());

    assert_eq!(current(day(30)), Some(new.fingerprint()));
    assert_eq!(
        current(day(50)),
        Some(new.fingerprint()),
        "the last moment counts"
    );
    assert_eq!(
        current(day(51)),
        Some(old.fingerprint()),
        "the newest has expired"
    );
    assert_eq!(current(day(60)), Some(future.fingerprint()));
    assert_eq!(current(day(201)), None);

    // Clocks differ by minutes, not by more.
    let minutes = SignedDuration::from_mins;
    assert_eq!(current(day(60) - minutes(5)), Some(future.fingerprint()));
    assert_eq!(current(day(60) - minutes(6)), Some(old.fingerprint()));
}

#[test]
fn a_key_without_its_own_certificate_is_never_current() {
    let foreign = SealingKey::new(
        private_key("rsa2048-a"),
        Some(certificate("rsa2048-b")),
        day(9),
    );
    assert!(foreign.certificate_mismatch() && foreign.certificate().is_none());
    let bare = SealingKey::new(private_key("rsa2048-b"), None, day(8));
    assert!(!bare.certificate_mismatch());
    let keyring = Keyring::new([Arc::new(foreign), Arc::new(bare)]);
    let now = certificate("rsa2048-b").not_before();
    assert!(keyring.current(now).is_none());
    // It still opens.
    assert_eq!(trials(&keyring, "rsa2048-a", &KeyOrder::default()), 1);
}

#[test]
fn another_certificate_of_the_same_key_can_be_the_current_one() {
    // A backup of the key without its certificate, loaded with a newer date, hides nothing.
    let keyring = Keyring::new([certified("rsa2048-a", 10, 100), key("rsa2048-a", day(20))]);
    assert_eq!(keyring.len(), 1);
    let current = keyring.current(day(30)).unwrap();
    assert!(current.certificate().is_some());
}

#[test]
fn one_keyring_opens_on_many_threads() {
    let keyring = three_keys();
    let (label, value) = sealed_for("rsa2048-a");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let opened = keyring.unseal(&label, &value, &KeyOrder::default());
                    assert_eq!(opened.unwrap().plaintext.expose(), b"hunter2");
                }
            });
        }
    });
}
