//! `seal create` beside `kubectl create secret`: the same words make the same Secret, or both refuse them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testkit::fixtures::KEY;
use testkit::{Program, Skip, skipped};

/// A Secret: its type, and its data.
#[derive(Debug, PartialEq)]
struct Made {
    type_: String,
    data: BTreeMap<String, Vec<u8>>,
}

/// What stands behind the kind and the name.
const LINES: &[(&str, &[&str])] = &[
    ("generic", &["--from-literal=a= b=c ", "--from-literal=b="]),
    ("generic", &["--from-literal=a=\"x\",y", "--type=my/type"]),
    ("generic", &["--from-env-file=app.env"]),
    ("generic", &["--from-file=files"]),
    (
        "generic",
        &["--from-file=files/blob", "--from-file=k=files/empty"],
    ),
    ("generic", &["--from-file=one=files/blob,two=files/empty"]),
    ("generic", &["--from-literal==a"]),
    ("generic", &["--from-literal=a"]),
    ("generic", &["--from-literal=a b=1"]),
    ("generic", &["--from-literal=..=1"]),
    ("generic", &["--from-literal=a=1", "--from-literal=a=2"]),
    ("generic", &["--from-file=a=b=c"]),
    ("generic", &["--from-file==files/blob"]),
    ("generic", &["--from-file=a="]),
    ("generic", &["--from-file=k=files"]),
    ("generic", &["--from-file=missing"]),
    ("generic", &["--from-env-file=export.env"]),
    ("generic", &["--from-env-file=files"]),
    ("tls", &["--cert=tls.crt", "--key=tls.key"]),
    ("tls", &["--cert=tls.crt", "--key=other.key"]),
    ("tls", &["--cert=tls.key", "--key=tls.crt"]),
    ("tls", &["--cert=tls.crt"]),
    (
        "docker-registry",
        &[
            "--docker-username=u",
            "--docker-password=p\"é",
            "--docker-email=e",
        ],
    ),
    (
        "docker-registry",
        &[
            "--docker-username=u",
            "--docker-password=p",
            "--docker-server=r.example",
        ],
    ),
    ("docker-registry", &["--docker-username=u"]),
    ("docker-registry", &["--from-file=config.json"]),
    (
        "docker-registry",
        &["--from-file=.dockerconfigjson=config.json"],
    ),
];

/// What the lines name.
fn write_files(directory: &Path) -> Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys");
    for (name, vector) in [
        ("tls.crt", "rsa2048-b.crt.pem"),
        ("tls.key", "rsa2048-b.pkcs1.pem"),
        ("other.key", "rsa2048-a.pkcs8.pem"),
    ] {
        fs::copy(vectors.join(vector), directory.join(name)).context(vector)?;
    }
    fs::create_dir_all(directory.join("files/below"))?;
    for (name, content) in [
        ("files/blob", &b"a\r\n\x00\xff"[..]),
        ("files/empty", b""),
        ("files/below/x", b"not taken"),
        ("config.json", b"{\"auths\":{}}"),
        ("export.env", b"export X=1\n"),
        (
            "app.env",
            b"\xef\xbb\xbfA=1\r\n\r\n  # c\n\tB= x \"y\" \nC=\nOUTSIDE\nNOWHERE\nE=a=b#c\n",
        ),
    ] {
        fs::write(directory.join(name), content)?;
    }
    Ok(())
}

fn made(secret: &str) -> Result<Made> {
    let secret: Value = serde_json::from_str(secret)?;
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    let data = data.into_iter().map(|(key, value)| {
        let value = STANDARD.decode(value.as_str().unwrap_or_default())?;
        Ok((key, value))
    });
    Ok(Made {
        type_: secret["type"].as_str().unwrap_or_default().to_owned(),
        data: data.collect::<Result<_>>()?,
    })
}

async fn by_kubectl(kind: &str, words: &[&str], directory: &Path) -> Result<Option<Made>> {
    let output = Program::kubectl()?
        .args([
            "create",
            "secret",
            kind,
            "x",
            "-n",
            "web",
            "--dry-run=client",
            "-o",
            "json",
        ])
        .args(words)
        .env("OUTSIDE", "here")
        .directory(directory)
        .run()
        .await?;
    (output.code == Some(0))
        .then(|| made(&output.stdout))
        .transpose()
}

/// Sealed, and opened again.
async fn by_seal(kind: &str, words: &[&str], directory: &Path) -> Result<Option<Made>> {
    let output = Program::seal()?
        .args(["create", kind, "x", "-n", "web", "--sealing-cert"])
        .arg(KEY.certificate_path())
        .args(words)
        .env("OUTSIDE", "here")
        .directory(directory)
        .run()
        .await?;
    if output.code != Some(0) {
        return Ok(None);
    }
    let opened = Program::seal()?
        .args(["--recovery-unseal", "-o", "json", "--recovery-private-key"])
        .arg(KEY.private_key_path())
        .stdin(output.stdout)
        .succeed()
        .await?;
    made(&opened).map(Some)
}

#[tokio::test]
async fn the_same_words_make_the_same_secret() -> Result<()> {
    if skipped(Skip::Cluster) {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    write_files(directory.path())?;
    let mut count = 0;
    for (kind, words) in LINES {
        let kubectl = by_kubectl(kind, words, directory.path()).await?;
        let seal = by_seal(kind, words, directory.path()).await?;
        assert_eq!(seal, kubectl, "{kind} {words:?}");
        count += usize::from(kubectl.is_some());
    }
    assert_eq!(count, 11, "so many of the lines are good ones");
    Ok(())
}
