//! Our controller over a directory, in conditions that only a machine of its own can have.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sealed_crypto::Scope;
use testkit::fixtures::KEY;
use testkit::process::free_port;
use testkit::{Process, components, eventually};

const SOON: Duration = Duration::from_mins(1);

/// A disk of 256 KiB that only the controller's process tree sees; `$1` becomes what is on it.
const ON_SMALL_DISK: &str = r#"
set -e
mount -t tmpfs -o size=256k tmpfs "$2"
cp -R -- "$1"/. "$2"
shift 2
exec "$@"
"#;

/// The directory as the controller sees it.
struct Site {
    process: Process,
    directory: PathBuf,
    port: u16,
}

impl Site {
    /// Starts it with the files of `origin`.
    fn start(origin: &Path, mount: &Path, log: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--", "setpriv", "--pdeathsig", "KILL", "--"]);
        command.args(["sh", "-c", ON_SMALL_DISK, "sh"]);
        command.args([origin, mount]);
        command
            .arg(components::own()?.controller)
            .arg("--local")
            .arg(mount)
            .arg("--key-renew-period=0")
            .arg(format!("--listen-addr=127.0.0.1:{port}"))
            .arg("--listen-metrics-addr=127.0.0.1:0");
        let process = Process::spawn("controller", command, log)?;
        let directory = PathBuf::from(format!("/proc/{}/root{}", process.pid(), mount.display()));
        Ok(Self {
            process,
            directory,
            port,
        })
    }

    fn text(&self, path: &str) -> Result<String> {
        let path = self.directory.join(path);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// Waits until a Secret has what `foo` is to be.
    async fn holds(&self, name: &str, text: &str) -> Result<String> {
        let value = format!("foo: {}", base64(text));
        eventually(&format!("{name} holds {text}"), SOON, async || {
            let file = self.text(&format!("secrets/web/{name}.yaml"))?;
            ensure!(file.contains(&value), "{file}");
            Ok(file)
        })
        .await
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn sealed(name: &str, text: &str) -> Result<String> {
    let sealed = KEY.sealed_secret(Scope::Strict, "web", name, [("foo", text)])?;
    Ok(serde_json::to_string(&sealed)?)
}

#[tokio::test]
async fn a_full_disk_costs_nothing_that_is_there() -> Result<()> {
    let top = tempfile::tempdir()?;
    let (origin, mount) = (top.path().join("origin"), top.path().join("disk"));
    for directory in ["keys", "sealed", "later"] {
        fs::create_dir_all(origin.join(directory))?;
    }
    fs::create_dir(&mount)?;
    let key = KEY.key_secret("local", "fixture-key")?;
    fs::write(origin.join("keys/key.json"), serde_json::to_string(&key)?)?;
    for (path, name, text) in [
        ("sealed/kept.yaml", "kept", "kept"),
        ("sealed/changed.yaml", "changed", "old"),
        ("later/changed.yaml", "changed", "new"),
        ("later/new.yaml", "new", "new"),
    ] {
        fs::write(origin.join(path), sealed(name, text)?)?;
    }
    let mut site = Site::start(&origin, &mount, &top.path().join("log"))?;
    let kept = eventually("it works", SOON, async || {
        site.process.still_runs()?;
        site.holds("kept", "kept").await
    })
    .await?;
    let changed = site.holds("changed", "old").await?;

    // Its place on the disk must not become free by what replaces it.
    let old = site.directory.join("sealed/changed.yaml");
    fs::hard_link(old, site.directory.join("later/old.yaml"))?;
    let filler = site.directory.join("filler");
    let mut file = fs::File::create(&filler)?;
    while file.write_all(&[0; 1024]).is_ok() {}
    for name in ["changed.yaml", "new.yaml"] {
        let later = site.directory.join("later").join(name);
        fs::rename(later, site.directory.join("sealed").join(name))?;
    }
    eventually("the full disk is noticed", SOON, async || {
        let log = site.process.log();
        ensure!(log.contains("No space left"), "{log}");
        ensure!(log.contains("web/new"), "{log}");
        Ok(())
    })
    .await?;
    assert_eq!(site.text("secrets/web/kept.yaml")?, kept);
    assert_eq!(site.text("secrets/web/changed.yaml")?, changed);
    ensure!(site.text("secrets/web/new.yaml").is_err(), "half a Secret");
    let healthy = testkit::http::get(site.port, "/healthz").await?;
    ensure!(healthy.status.is_success(), "{}", healthy.body);

    drop(file);
    fs::remove_file(&filler)?;
    site.holds("changed", "new").await?;
    site.holds("new", "new").await?;
    assert_eq!(site.text("secrets/web/kept.yaml")?, kept);
    let ended = site.process.terminate(SOON).await?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}
