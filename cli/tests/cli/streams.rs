//! Long and mixed streams.

use crate::ciphertext::{masked, open};
use crate::program::{Sandbox, fixture};

const CERT: [&str; 2] = ["--cert", "c.crt"];

fn seal(name: &str, words: &[&str], input: &str) -> (Option<i32>, String, String) {
    let words: Vec<&str> = CERT.iter().chain(words).copied().collect();
    let outcome = Sandbox::with_certificate().run(name, &words, &[], input.as_bytes());
    let stdout = String::from_utf8(outcome.stdout).unwrap();
    (outcome.status, masked(&stdout, &[]), outcome.stderr)
}

#[test]
fn other_objects_pass_through_as_they_stand() {
    let others = [
        "---\n# the settings\nkind: ConfigMap\nmetadata: {name: c}   # as written\ndata:\n  a: \"1\"\n",
        "---\nkind: SealedSecret\nmetadata: {name: s}\nspec: {encryptedData: {k: AgA}}\n",
        "---\napiVersion: example.com/v1\nkind: Secret\nmetadata: {name: of-another-kind}\n",
    ];
    let secret = "---\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {k: v}\n";
    let input = [others[0], secret, others[1], others[2]].concat();
    let (status, stdout, stderr) = seal("seal", &["--keep-others"], &input);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let rest = stdout.strip_prefix(others[0]).expect("the first is first");
    let sealed = rest
        .strip_suffix(&[others[1], others[2]].concat())
        .expect("the others follow");
    assert!(
        sealed.starts_with("---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"),
        "{sealed}"
    );
    assert!(!stdout.contains("stringData"));
    // Without the flag they are an error, which leads to it.
    let (status, stdout, stderr) = seal("seal", &[], &input);
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("--keep-others"), "{stderr}");
}

#[test]
fn input_in_the_wild_means_what_it_means_to_kubectl() {
    let input = "\u{feff}---\r\n# comment\r\n---\r\n---\r\n\
        x-common: &common {apiVersion: v1, kind: Secret}\r\n<<: *common\r\n\
        metadata: {name: a, namespace: b}\r\nstringData:\r\n  base: &base plain\r\n  again: *base\r\n  \
        truth: yes\r\n  octal: 010\r\n  hex: 0x10\r\n  grouped: 1_000\r\n  version: 1.10\r\n  quoted: '010'\r\n  \
        time: 12:30:45\r\n  block: |\r\n    one\r\n    two\r\n\
        ---\r\nnull\r\n---\r\n";
    let sandbox = Sandbox::with_certificate();
    let outcome = sandbox.run(
        "seal",
        &["--cert", "c.crt", "-o", "json"],
        &[],
        input.as_bytes(),
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let object: serde_json::Value = serde_json::from_slice(&outcome.stdout).unwrap();
    let key = fixture("rsa2048-a.pkcs1.pem");
    let items = object["spec"]["encryptedData"].as_object().unwrap();
    let opened: Vec<(&str, String)> = items
        .iter()
        .map(|(item, sealed)| {
            let value = open(sealed.as_str().unwrap(), &key, "strict", "b", "a");
            (item.as_str(), String::from_utf8(value.unwrap()).unwrap())
        })
        .collect();
    let expected = [
        ("again", "plain"),
        ("base", "plain"),
        ("block", "one\ntwo\n"),
        ("grouped", "1000"),
        ("hex", "16"),
        ("octal", "8"),
        ("quoted", "010"),
        ("time", "12:30:45"),
        ("truth", "true"),
        ("version", "1.1"),
    ];
    assert_eq!(
        opened,
        expected.map(|(item, value)| (item, value.to_owned()))
    );
}

#[test]
fn lists_and_json_are_taken_apart() {
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"kind": "ConfigMap", "metadata": {"name": "c"}},
        {"kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "stringData": {"k": "v"}}]}"#;
    let (status, stdout, stderr) = seal("seal", &["--keep-others"], list);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let kinds: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  \"kind\": "))
        .collect();
    assert_eq!(kinds, ["\"ConfigMap\",", "\"SealedSecret\","]);
    // What stands in the other format than the output is written in it.
    let (status, stdout, _) = seal("seal", &["--keep-others", "-o", "yaml"], list);
    assert_eq!(status, Some(0));
    assert!(stdout.starts_with("---\nkind: ConfigMap\n"), "{stdout}");
}

#[test]
fn a_stream_without_secrets_passes_and_an_empty_one_does_not() {
    let map = "kind: ConfigMap\nmetadata: {name: c}\n";
    let (status, stdout, _) = seal("seal", &["--keep-others"], map);
    assert_eq!((status, stdout), (Some(0), format!("---\n{map}")));
    let (status, _, stderr) = seal("seal", &["--keep-others"], "");
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("error[no-secrets]: "), "{stderr}");
}

#[test]
fn a_fault_anywhere_in_a_stream_leaves_no_part_of_it() {
    let good = |number: usize| {
        format!(
            "kind: Secret\nmetadata: {{name: s{number}, namespace: b}}\nstringData: {{k: v}}\n---\n"
        )
    };
    let many: String = (0..300).map(good).collect();
    for fault in [
        "kind: Secret\nmetadata: {name: x}\nstringData: {k: [1]}\n",
        "a: [\n",
        "kind: ConfigMap\ndata: {}\n",
    ] {
        let input = format!("{many}{fault}");
        let (status, stdout, stderr) = seal("seal", &[], &input);
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{fault}");
        assert!(stderr.contains("document 301"), "{stderr}");
        let (status, stdout, _) = seal("kubeseal", &[], &input);
        assert_eq!((status, stdout.as_str()), (Some(1), ""), "{fault}");
    }
}

#[test]
fn a_result_that_is_longer_than_what_memory_holds_back_arrives_whole() {
    let value = "x".repeat(60_000);
    let one = |number| {
        format!(
            "kind: Secret\nmetadata: {{name: s{number}, namespace: b}}\nstringData: {{k: {value}}}\n---\n"
        )
    };
    let input = (0..100).map(one).collect::<Vec<_>>().concat();
    let (status, stdout, stderr) = seal("seal", &[], &input);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let names: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  name: "))
        .collect();
    assert_eq!(names.len(), 100);
    assert_eq!(names.last(), Some(&"s99"));
}
