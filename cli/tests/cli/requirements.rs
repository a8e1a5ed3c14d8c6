//! The requirements of users' repositories that the command line alone can meet, each under its number.

use sealed_crypto::Certificate;
use serde_json::Value;

use crate::ciphertext::open;
use crate::program::{Outcome, Sandbox, fixture, fixture_path, only_object};
use crate::stub::{Route, Stub};

pub(crate) const SECRET: &str = "apiVersion: v1
kind: Secret
metadata:
  name: msgapp-synced-secrets
  namespace: msgapp-prod
stringData:
  JWT_SECRET: hunter2
  RABBITMQ_PASSWORD: correct horse
";

/// A directory with a certificate, its key and nothing else.
pub(crate) fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("dev.crt", fixture("rsa4096-a.crt.pem"));
    sandbox.write("main.key", fixture("rsa4096-a.pkcs1.pem"));
    sandbox
}

pub(crate) fn seal(words: &[&str], input: &[u8]) -> Outcome {
    let words: Vec<&str> = ["--cert", "dev.crt"].iter().chain(words).copied().collect();
    sandbox().run("seal", &words, &[], input)
}

fn opens_to(object: &Value, item: &str, plaintext: &str) {
    let metadata = &object["metadata"];
    let place = (
        metadata["namespace"].as_str().unwrap(),
        metadata["name"].as_str().unwrap(),
    );
    let key = fixture("rsa4096-a.pkcs1.pem");
    let sealed = object["spec"]["encryptedData"][item].as_str().unwrap();
    let opened = open(sealed, &key, "strict", place.0, place.1);
    assert_eq!(opened.as_deref(), Some(plaintext.as_bytes()), "{item}");
}

#[test]
fn r1_one_command_and_a_certificate_are_enough() {
    let outcome = seal(&["-o", "yaml"], SECRET.as_bytes());
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert!(String::from_utf8_lossy(&outcome.stdout).contains("\nkind: SealedSecret\n"));
    opens_to(&only_object(&outcome.stdout), "JWT_SECRET", "hunter2");
}

#[test]
fn r2_one_input_is_sealed_for_several_namespaces_in_one_run() {
    let sandbox = sandbox();
    let input = SECRET.replace("  namespace: msgapp-prod\n", "");
    let words = [
        "--cert",
        "dev.crt",
        "--target",
        "dev=a.yaml",
        "--target",
        "staging=b.yaml",
        "--target",
        "prod=c.json",
    ];
    let outcome = sandbox.run("seal", &words, &[], input.as_bytes());
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    assert!(outcome.stdout.is_empty());
    for (file, namespace) in [("a.yaml", "dev"), ("b.yaml", "staging"), ("c.json", "prod")] {
        let text = sandbox.read(file);
        assert_eq!(text.starts_with('{'), file == "c.json");
        let object = only_object(text.as_bytes());
        assert_eq!(object["metadata"]["namespace"], namespace);
        opens_to(&object, "JWT_SECRET", "hunter2");
    }
    // What is for one namespace is not sealed for another.
    let outcome = sandbox.run("seal", &words, &[], SECRET.as_bytes());
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome.stderr.starts_with("error[namespace-mismatch]: "),
        "{}",
        outcome.stderr
    );
}

#[test]
fn r6_the_type_of_a_pull_secret_is_kept() {
    let config = sealed_crypto::base64::encode(b"{\"auths\":{}}");
    let input = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: acr-secret, namespace: msgapp-prod}}\ntype: kubernetes.io/dockerconfigjson\ndata: {{.dockerconfigjson: {config}}}\n"
    );
    let outcome = seal(&["-o", "yaml"], input.as_bytes());
    let from_manifest = only_object(&outcome.stdout);
    let words = [
        "create",
        "docker-registry",
        "acr-secret",
        "-n",
        "msgapp-prod",
        "--docker-server=r",
        "--docker-username=u",
        "--docker-password=p",
        "--cert",
        "dev.crt",
    ];
    let made = only_object(&sandbox().run("seal", &words, &[], b"").stdout);
    for object in [from_manifest, made] {
        assert_eq!(
            object["spec"]["template"]["type"],
            "kubernetes.io/dockerconfigjson"
        );
        assert!(object["spec"]["encryptedData"][".dockerconfigjson"].is_string());
    }
}

#[test]
fn r7_key_names_are_kept_byte_for_byte() {
    let outcome = seal(&[], SECRET.as_bytes());
    let object = only_object(&outcome.stdout);
    let names: Vec<&String> = object["spec"]["encryptedData"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["JWT_SECRET", "RABBITMQ_PASSWORD"]);
}

#[test]
fn r8_one_key_is_replaced_and_nothing_else_of_the_file_changes() {
    let sandbox = sandbox();
    let sealed = seal(&["-o", "yaml"], SECRET.as_bytes()).stdout;
    let sealed = String::from_utf8(sealed).unwrap();
    let commented = sealed.replace("  encryptedData:\n", "  encryptedData: # two\n");
    for words in [
        &["set", "s.yaml", "JWT_SECRET", "--cert", "dev.crt"][..],
        &["--cert", "dev.crt", "--merge-into", "s.yaml"],
    ] {
        sandbox.write("s.yaml", &commented);
        let input = match words[0] {
            "set" => "new",
            _ => "kind: Secret\nstringData: {JWT_SECRET: new}\n",
        };
        let outcome = sandbox.run("seal", words, &[], input.as_bytes());
        assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
        let after = sandbox.read("s.yaml");
        let lines = commented.lines().zip(after.lines());
        let changed: Vec<_> = lines.filter(|(before, after)| before != after).collect();
        assert_eq!(changed.len(), 1, "{after}");
        assert!(changed[0].0.starts_with("    JWT_SECRET: "), "{after}");
        assert_eq!(commented.lines().count(), after.lines().count());
        let object = only_object(after.as_bytes());
        opens_to(&object, "JWT_SECRET", "new");
        opens_to(&object, "RABBITMQ_PASSWORD", "correct horse");
    }
}

#[test]
fn r15_the_sync_wave_is_an_annotation_of_the_sealed_secret_itself() {
    let wave = "argocd.argoproj.io/sync-wave";
    let words = [
        "--annotation",
        "argocd.argoproj.io/sync-wave=-1",
        "--label",
        "team=a",
    ];
    let object = only_object(&seal(&words, SECRET.as_bytes()).stdout);
    assert_eq!(object["metadata"]["annotations"][wave], "-1");
    assert_eq!(object["metadata"]["labels"]["team"], "a");
    let template = &object["spec"]["template"]["metadata"];
    assert!(template["annotations"][wave].is_null() && template["labels"].is_null());
    opens_to(&object, "JWT_SECRET", "hunter2");
}

#[test]
fn a_certificate_that_came_in_clear_is_shown_by_its_fingerprint() {
    let certificate = String::from_utf8(fixture("rsa4096-a.crt.pem")).unwrap();
    let fingerprint = Certificate::from_pem(certificate.as_bytes())
        .unwrap()
        .fingerprint();
    let url = "http://certs.example/cert.pem";
    let stub = Stub::start(vec![Route {
        method: "GET".to_owned(),
        path: url.to_owned(),
        status: 200,
        headers: Vec::new(),
        body: certificate,
    }]);
    let proxy = format!("http://127.0.0.1:{}", stub.port);
    let run = |name| {
        let environment = [("HTTP_PROXY", proxy.as_str())];
        sandbox().run(name, &["--cert", url], &environment, SECRET.as_bytes())
    };
    let outcome = run("seal");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("warning: ")
            && outcome.stderr.contains(&fingerprint.to_string()),
        "{}",
        outcome.stderr
    );
    // Scripts that call the existing tool expect silence.
    let outcome = run("kubeseal");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn r9_a_job_without_rights_and_network_can_seal() {
    // A CI job has a home that is not there, a pod's variables without the pod's token, and proxies it may not use.
    let environment = [
        ("HOME", "/nonexistent"),
        ("KUBECONFIG", "/nonexistent/config"),
        ("KUBERNETES_SERVICE_HOST", "192.0.2.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
        ("HTTPS_PROXY", "http://192.0.2.1:1"),
    ];
    let outcome = sandbox().run(
        "seal",
        &["--cert", "dev.crt"],
        &environment,
        SECRET.as_bytes(),
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    opens_to(
        &only_object(&outcome.stdout),
        "RABBITMQ_PASSWORD",
        "correct horse",
    );
}

#[test]
fn r10_input_made_on_windows_is_read() {
    let crlf = SECRET.replace('\n', "\r\n");
    let utf16 = |big_endian: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(crlf.encode_utf16());
        units
            .flat_map(|unit| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    for input in [
        crlf.clone().into_bytes(),
        format!("\u{feff}{crlf}").into_bytes(),
        utf16(false),
        utf16(true),
    ] {
        let outcome = seal(&[], &input);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
        opens_to(&only_object(&outcome.stdout), "JWT_SECRET", "hunter2");
    }
}

#[test]
fn r10_what_cannot_be_read_fails_loudly() {
    let unmarked: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for input in [&b""[..], b"\xff\xfeA", &unmarked, b"stringData: \xe9"] {
        for name in ["seal", "kubeseal"] {
            let outcome = sandbox().run(name, &["--cert", "dev.crt"], &[], input);
            assert_eq!(
                (outcome.status, outcome.stdout.as_slice()),
                (Some(1), &b""[..]),
                "{input:?}"
            );
            assert!(outcome.stderr.starts_with("error"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn r11_placeholders_and_invalid_names_are_refused_with_the_field() {
    for (from, to, field) in [
        (
            "name: msgapp-synced-secrets",
            "name: \"{APP_NAME}\"",
            "metadata.name",
        ),
        (
            "name: msgapp-synced-secrets",
            "name: Msgapp",
            "metadata.name",
        ),
        (
            "namespace: msgapp-prod",
            "namespace: ${NAMESPACE}",
            "metadata.namespace",
        ),
        (
            "namespace: msgapp-prod",
            "namespace: msgapp.prod",
            "metadata.namespace",
        ),
    ] {
        let outcome = seal(&[], SECRET.replace(from, to).as_bytes());
        assert_eq!(
            (outcome.status, outcome.stdout.as_slice()),
            (Some(1), &b""[..])
        );
        assert!(
            outcome
                .stderr
                .starts_with("error[bad-name]: stdin: document 1"),
            "{}",
            outcome.stderr
        );
        assert!(outcome.stderr.contains(field), "{}", outcome.stderr);
    }
    let outcome = seal(&["--raw", "-n", "web", "--name", "{APP}"], b"v");
    assert!(
        outcome.stderr.contains("--name is the placeholder"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn r12_single_values_are_bound_to_name_and_namespace() {
    let outcome = seal(
        &[
            "--raw",
            "-n",
            "msgapp-prod",
            "--name",
            "msgapp-synced-secrets",
        ],
        b"v",
    );
    let sealed = String::from_utf8(outcome.stdout).unwrap();
    assert!(
        sealed.starts_with("Ag") && !sealed.ends_with('\n'),
        "{sealed}"
    );
    let key = fixture("rsa4096-a.pkcs1.pem");
    let opened = |namespace, name| open(&sealed, &key, "strict", namespace, name);
    assert_eq!(
        opened("msgapp-prod", "msgapp-synced-secrets").as_deref(),
        Some(&b"v"[..])
    );
    assert_eq!(opened("msgapp-prod", "other"), None);
    assert_eq!(opened("other", "msgapp-synced-secrets"), None);
}

#[test]
fn r21_files_hold_nothing_that_a_cluster_would_change() {
    let from_cluster = SECRET.replace(
        "metadata:\n",
        "metadata:\n  creationTimestamp: null\n  uid: u\n  resourceVersion: '1'\n  selfLink: /x\n",
    );
    let outcome = seal(&[], from_cluster.as_bytes());
    let text = String::from_utf8(outcome.stdout).unwrap();
    for word in [
        "creationTimestamp",
        "status",
        "null",
        "uid",
        "resourceVersion",
        "selfLink",
        "{}",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[test]
fn r23_tracking_metadata_of_argo_cd_is_noticed_on_its_way_into_a_secret() {
    let labelled = SECRET.replace(
        "metadata:\n",
        "metadata:\n  labels: {app.kubernetes.io/instance: msgapp}\n",
    );
    let outcome = seal(&[], labelled.as_bytes());
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.to_lowercase().contains("argocd"),
        "{}",
        outcome.stderr
    );
    opens_to(&only_object(&outcome.stdout), "JWT_SECRET", "hunter2");
}

#[test]
fn r61_why_an_object_does_not_open_shows_without_a_key() {
    let sealed = String::from_utf8(seal(&[], SECRET.as_bytes()).stdout).unwrap();
    let inspect = |text: &str, words: &[&str]| {
        let sandbox = sandbox();
        let other = fixture_path("rsa2048-b.crt.pem").display().to_string();
        let words: Vec<&str> = ["inspect", "-f", "-"]
            .iter()
            .chain(words)
            .map(|word| {
                if *word == "OTHER" {
                    other.as_str()
                } else {
                    word
                }
            })
            .collect();
        let outcome = sandbox.run("seal", &words, &[], text.as_bytes());
        let told = String::from_utf8(outcome.stdout).unwrap() + &outcome.stderr;
        assert!(!told.contains("hunter2"), "{told}");
        (outcome.status, told)
    };
    assert_eq!(inspect(&sealed, &["--cert", "dev.crt"]).0, Some(0));
    let name = "  name: msgapp-synced-secrets\n";
    let first = sealed.find(name).unwrap();
    let mut renamed = sealed.clone();
    renamed.replace_range(first..first + name.len(), "  name: copied\n");
    let value = sealed.find("JWT_SECRET: Ag").unwrap() + "JWT_SECRET: ".len();
    let end = value + sealed[value..].find('\n').unwrap();
    let mut cut = sealed.clone();
    cut.replace_range(value + 40..end, "");
    for (text, words, code, told) in [
        (
            renamed.as_str(),
            &[][..],
            "sealed-elsewhere",
            "it was probably `msgapp-synced-secrets`",
        ),
        (
            &sealed,
            &["--cert", "OTHER"],
            "wrong-key",
            "its key has 4096 bits",
        ),
        (&cut, &[], "malformed-value", "`JWT_SECRET`"),
        (
            &sealed.replace("namespace: msgapp-prod", "namespace: '{NAMESPACE}'"),
            &[],
            "bad-name",
            "placeholder",
        ),
    ] {
        let (status, report) = inspect(text, words);
        assert_eq!(status, Some(3), "{report}");
        assert!(
            report.contains(&format!("problem[{code}]")) && report.contains(told),
            "{report}"
        );
    }
}

#[test]
fn verbs_that_only_look_need_no_kubeconfig_home_or_network() {
    let environment = [
        ("HOME", "/nonexistent"),
        ("KUBECONFIG", "/nonexistent/config"),
        ("HTTPS_PROXY", "http://192.0.2.1:1"),
    ];
    let sealed = seal(&[], SECRET.as_bytes()).stdout;
    for words in [
        &["inspect"][..],
        &["cert", "dev.crt"],
        &["explain"],
        &["completion", "bash"],
        &["man"],
        &["help", "doctor"],
    ] {
        let outcome = sandbox().run("seal", words, &environment, &sealed);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
        assert!(!outcome.stdout.is_empty(), "{words:?}");
    }
}
