//! The requirements of users' repositories about recovery: the cluster is gone, the key is there, or another one.

use sealed_crypto::PrivateKey;
use sealed_manifest::Documents;
use serde_json::Value;

use crate::program::{fixture, fixture_path, only_object};
use crate::requirements::{SECRET, sandbox, seal};

#[test]
fn r41_values_are_recovered_without_a_cluster() {
    let sealed = seal(&[], SECRET.as_bytes()).stdout;
    let words = ["--recovery-unseal", "--recovery-private-key", "main.key"];
    let outcome = sandbox().run("seal", &words, &[], &sealed);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let secret = only_object(&outcome.stdout);
    assert_eq!(
        (&secret["kind"], &secret["metadata"]["name"]),
        (&"Secret".into(), &"msgapp-synced-secrets".into())
    );
    assert_eq!(
        secret["data"]["JWT_SECRET"],
        sealed_crypto::base64::encode(b"hunter2")
    );
}

#[test]
fn r41_a_backup_of_several_keys_recovers_all_documents() {
    let mut both = seal(&[], SECRET.as_bytes()).stdout;
    let other = fixture_path("rsa2048-b.crt.pem").display().to_string();
    let second = SECRET.replace("msgapp-synced-secrets", "second");
    both.extend(
        sandbox()
            .run("seal", &["--cert", &other], &[], second.as_bytes())
            .stdout,
    );
    let sandbox = sandbox();
    let keys = ["rsa2048-b.pkcs1.pem", "rsa4096-a.pkcs8.pem"]
        .map(|name| String::from_utf8(fixture(name)).unwrap());
    sandbox.write("keys.pem", keys.concat());
    let outcome = sandbox.run(
        "seal",
        &["--recovery-unseal", "--recovery-private-key", "keys.pem"],
        &[],
        &both,
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let names: Vec<Value> = Documents::new(outcome.stdout.as_slice(), "output")
        .map(|document| document.unwrap().value()["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["msgapp-synced-secrets", "second"]);
}

#[test]
fn r62_another_private_key_reads_nothing() {
    let sealed = seal(&[], SECRET.as_bytes()).stdout;
    let sandbox = sandbox();
    let other = PrivateKey::generate(2048).unwrap().to_pkcs1_pem().unwrap();
    sandbox.write("other.key", other.as_bytes());
    let words = ["--recovery-unseal", "--recovery-private-key", "other.key"];
    for (name, message) in [
        (
            "seal",
            "cannot unseal msgapp-prod/msgapp-synced-secrets: `JWT_SECRET`, `RABBITMQ_PASSWORD`: no key could decrypt secret\n",
        ),
        (
            "kubeseal",
            "error: no key could decrypt secret (JWT_SECRET, RABBITMQ_PASSWORD)\n",
        ),
    ] {
        let outcome = sandbox.run(name, &words, &[], &sealed);
        assert_eq!(
            (outcome.status, outcome.stdout.as_slice()),
            (Some(1), &b""[..])
        );
        assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    }
}
