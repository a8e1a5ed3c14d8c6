//! What needs no cluster works where there is no network, no home and no kubeconfig, and opens no socket to find out.

use std::fs;

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result, ensure};
use testkit::Program;
use testkit::fixtures::KEY;

const SECRET: &str = "kind: Secret\nmetadata: {name: app, namespace: web}\nstringData: {user: u}\n";

/// Verbs that are about a cluster.
const ONLINE: [&str; 3] = ["keys renew", "keys retire", "keys compromise"];

const LINES: &[&str] = &[
    "--cert c.crt -f secret.yaml",
    "--cert c.crt -f secret.yaml -w sealed.yaml",
    "--cert c.crt --keep-others -f secret.yaml",
    "--cert c.crt --target web=a.yaml -f secret.yaml",
    "--cert c.crt --merge-into sealed.yaml -f secret.yaml",
    "--cert c.crt --raw --scope cluster-wide --from-file value",
    "--cert c.crt --fetch-cert",
    "--recovery-unseal --recovery-private-key main.key -f sealed.yaml",
    "create generic x -n web --cert c.crt --from-file value --generate p=password",
    "create tls x -n web --sealing-cert c.crt --cert c.crt --key main.key",
    "create docker-registry x -n web --cert c.crt --docker-username u --from-stdin docker-password",
    "create basic-auth x -n web --cert c.crt --username u --from-stdin password",
    "create ssh-auth x -n web --cert c.crt --generate ssh-privatekey=ssh-key",
    "value -n web --name x --cert c.crt",
    "set sealed.yaml more --cert c.crt",
    "unset sealed.yaml more",
    "cert c.crt -w kept.crt",
    "inspect sealed.yaml --cert c.crt",
    "keys backup keys -r RECIPIENT -w keys.age",
    "keys status keys",
    "keys list keys.age -i identity.txt --dir sealed.yaml",
    "keys verify keys.age -i identity.txt --dir .",
    "keys restore keys.age -i identity.txt --yes --to-directory new --unencrypted",
    "keys export new --unencrypted",
    "unseal sealed.yaml --recovery-private-key new",
    "verify sealed.yaml --recovery-private-key keys.age -i identity.txt",
    "template sealed.yaml --recovery-private-key main.key",
    "template sealed.yaml",
    "doctor --cert c.crt",
    "explain wrong-key",
    "completion bash",
    "completion zsh",
    "completion fish",
    "completion powershell",
    "man",
    "help keys backup",
    "--help",
    "--version",
];

#[tokio::test]
async fn verbs_without_a_cluster_work_without_network_home_and_kubeconfig() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    let identity = age::x25519::Identity::generate();
    fs::create_dir(path("keys"))?;
    let key = serde_json::to_vec(&KEY.key_secret("kube-system", "k1")?)?;
    for (name, content) in [
        ("c.crt", KEY.certificate()?.as_bytes()),
        ("main.key", KEY.private_key()?.as_bytes()),
        ("keys/k1.yaml", &key),
        (
            "identity.txt",
            identity.to_string().expose_secret().as_bytes(),
        ),
        ("secret.yaml", SECRET.as_bytes()),
        ("value", b"v"),
    ] {
        fs::write(path(name), content)?;
    }
    let recipient = identity.to_public().to_string();
    let own = testkit::components::own()?;
    let log = path("calls.log");
    let run = async |program: &std::path::Path, line: &str| -> Result<String> {
        let mut outer = Program::at("unshare");
        if !rustix::process::geteuid().is_root() {
            outer = outer.args(["--user", "--map-root-user"]);
        }
        let line = line.replace("RECIPIENT", &recipient);
        let output = outer
            .args(["--net", "--", "env", "-i", "strace", "-f", "-qq", "-o"])
            .arg(&log)
            .args(["-e", "trace=socket,?connect"])
            .arg(program)
            .args(line.split_whitespace())
            .directory(directory.path())
            .stdin("v")
            .run()
            .await?;
        // No key of a file is marked as backed up.
        let expected = if line.starts_with("keys status") {
            3
        } else {
            0
        };
        ensure!(output.code == Some(expected), "{line}: {output:?}");
        ensure!(
            !output.stdout.is_empty() || line.contains(".yaml") || line.contains(" -w "),
            "{line}"
        );
        // Of a thread that ends while it is looked at, `strace` notes that it knows no call.
        let calls = fs::read_to_string(&log)?;
        let made = calls.contains("socket(") || calls.contains("connect(");
        ensure!(!made, "{line}: {calls}");
        Ok(output.stdout)
    };
    for line in LINES {
        run(&own.seal, line).await?;
    }
    for line in LINES
        .iter()
        .filter(|line| line.starts_with("--") && !line.contains("--target"))
    {
        // The existing tool has no such flag.
        if !line.contains("--keep-others") {
            run(&own.kubeseal, line).await?;
        }
    }
    let help = run(&own.seal, "--help").await?;
    let heads = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("seal "));
    let verbs = heads.filter_map(|line| line.split_once("  ").map(|(verb, _)| verb));
    for verb in verbs.filter(|verb| !verb.contains(['-', '<']) && !ONLINE.contains(verb)) {
        LINES
            .iter()
            .find(|line| line.starts_with(verb))
            .context(verb.to_owned())?;
    }
    Ok(())
}
