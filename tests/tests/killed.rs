//! Files that the command line writes are whole or untouched, at whichever system call the process is killed.
//!
//! `strace` tells which of the calls that change files a run makes, and kills another on its way into each of them: these are
//! all the states that a directory can be left in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use testkit::fixtures::{KEY, OTHER_KEY};
use testkit::{Output, Program};

/// What changes a file or a directory, by any name that it has on some processor.
const CHANGES: &str = "?write,?writev,?pwrite64,?pwritev,?pwritev2,?sendfile,?copy_file_range,?ftruncate,?fallocate,\
    ?chmod,?fchmod,?fchmodat,?fchmodat2,?fchown,?fsync,?fdatasync,?rename,?renameat,?renameat2,?link,?linkat,\
    ?unlink,?unlinkat,?symlink,?symlinkat,?mkdir,?mkdirat,?rmdir";

const SECRETS: &str = "kind: Secret\nmetadata: {name: app, namespace: web}\nstringData: {user: u, password: p}\n---\n\
    kind: Secret\nmetadata: {name: db, namespace: web}\nstringData: {password: q}\n";
const UPDATE: &str =
    "kind: Secret\nmetadata: {name: app, namespace: web}\nstringData: {user: new, token: t}\n";
const UNPLACED: &str = "kind: Secret\nmetadata: {name: app}\nstringData: {user: u}\n";

/// What a file of the output holds once it is written, and how one tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// SealedSecrets, which are other bytes each time and open.
    Sealed,
    /// An encrypted backup.
    Backup,
    /// What anybody may read, the same each time.
    Public,
    /// Plain Secrets or private keys, the same each time.
    Private,
}

/// A command line that writes files.
struct Job {
    name: &'static str,
    words: &'static str,
    stdin: &'static str,
    files: &'static [&'static str],
    content: Content,
}

impl Job {
    const fn new(words: &'static str, files: &'static [&'static str], content: Content) -> Self {
        Self {
            name: "seal",
            words,
            stdin: "",
            files,
            content,
        }
    }

    const fn with(self, stdin: &'static str) -> Self {
        Self { stdin, ..self }
    }

    const fn by_kubeseal(self) -> Self {
        Self {
            name: "kubeseal",
            ..self
        }
    }
}

/// The entry of a thread into a system call, for the first time or a later one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    call: String,
    number: usize,
}

/// Mode and content of each file.
type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// A directory that the program works in.
struct Site {
    directory: TempDir,
    recipient: String,
    /// The address of an API server.
    server: String,
}

impl Site {
    async fn new() -> Result<Self> {
        let identity = age::x25519::Identity::generate();
        let site = Self {
            directory: tempfile::tempdir()?,
            recipient: identity.to_public().to_string(),
            server: String::new(),
        };
        site.write("c.crt", KEY.certificate()?)?;
        site.write("main.key", KEY.private_key()?)?;
        site.write("identity.txt", identity.to_string().expose_secret())?;
        site.write("secrets.yaml", SECRETS)?;
        fs::create_dir(site.path("keys"))?;
        for (name, pair) in [("k1", KEY), ("k2", OTHER_KEY)] {
            let secret = pair.key_secret("kube-system", name)?;
            site.write(&format!("keys/{name}.yaml"), serde_json::to_vec(&secret)?)?;
        }
        let prepare = [
            "--cert c.crt -f secrets.yaml -w sealed.yaml",
            "keys backup keys -r {recipient} -w keys.age",
        ];
        for words in prepare {
            site.program("seal", words)?.succeed().await?;
        }
        site.write("shown.yaml", "old\n")?;
        for (name, mode) in [
            ("sealed.yaml", 0o640),
            ("keys.age", 0o600),
            ("shown.yaml", 0o644),
        ] {
            fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode))?;
        }
        Ok(site)
    }

    /// Leaves one SealedSecret of the file that holds two.
    async fn seal_one(&self) -> Result<()> {
        let seal = self.program("seal", "--cert c.crt -w sealed.yaml")?;
        seal.stdin(UPDATE).succeed().await?;
        Ok(())
    }

    fn copy(&self) -> Result<Self> {
        let copy = Self {
            directory: tempfile::tempdir()?,
            recipient: self.recipient.clone(),
            server: self.server.clone(),
        };
        fs::create_dir(copy.path("keys"))?;
        for (name, (mode, content)) in self.files()? {
            copy.write(&name, content)?;
            fs::set_permissions(copy.path(&name), fs::Permissions::from_mode(mode))?;
        }
        Ok(copy)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        fs::write(self.path(name), content).with_context(|| name.to_owned())
    }

    fn files(&self) -> Result<Files> {
        let mut found = Files::new();
        collect(self.directory.path(), "", &mut found)?;
        Ok(found)
    }

    fn program(&self, name: &str, words: &str) -> Result<Program> {
        let program = match name {
            "kubeseal" => Program::kubeseal()?,
            _ => Program::seal()?,
        };
        Ok(self.placed(program, words))
    }

    fn placed(&self, program: Program, words: &str) -> Program {
        let words = words
            .replace("{recipient}", &self.recipient)
            .replace("{server}", &self.server);
        program
            .args(words.split_whitespace())
            .directory(self.directory.path())
    }

    async fn run(&self, job: &Job) -> Result<Output> {
        let program = self.program(job.name, job.words)?;
        program.stdin(job.stdin).run().await
    }

    /// Runs a job under `strace` with these words.
    async fn trace(&self, job: &Job, words: &[&str]) -> Result<Output> {
        let own = testkit::components::own()?;
        let program = Program::at("strace").args(["-f", "-qq"]).args(words);
        let program = program.arg(match job.name {
            "kubeseal" => own.kubeseal,
            _ => own.seal,
        });
        let program = self.placed(program, job.words).stdin(job.stdin);
        program.run().await.context("apt-get install strace")
    }

    /// Runs a job to its end, and says on its way into which system calls it can be killed.
    async fn moments(&self, job: &Job) -> Result<BTreeSet<Moment>> {
        let log = tempfile::NamedTempFile::new()?;
        let path = log.path().to_str().context("the path is text")?;
        let trace = format!("trace={CHANGES}");
        let output = self.trace(job, &["-o", path, "-e", &trace]).await?;
        ensure!(output.code == Some(0), "{}: {output:?}", job.words);
        let mut counts = BTreeMap::new();
        let mut moments = BTreeSet::new();
        for line in fs::read_to_string(path)?.lines() {
            // `1234  renameat(AT_FDCWD, …`
            let call = line.split_once('(').map(|(call, _)| call);
            let Some((thread, call)) = call.and_then(|call| call.split_once(' ')) else {
                continue;
            };
            let call = call.trim().to_owned();
            if call.contains('?') {
                // A thread that ended while it was looked at.
                continue;
            }
            let count = counts.entry((thread.to_owned(), call.clone())).or_insert(0);
            *count += 1;
            moments.insert(Moment {
                call,
                number: *count,
            });
        }
        Ok(moments)
    }

    /// Runs a job, and says whether it was killed at the moment or got past it.
    async fn is_killed_at(&self, moment: &Moment, job: &Job) -> Result<bool> {
        let Moment { call, number } = moment;
        let trace = format!("trace={call}");
        let kill = format!("inject={call}:signal=KILL:when={number}");
        let words = ["-o", "/dev/null", "-e", &trace, "-e", &kill];
        let output = self.trace(job, &words).await?;
        ensure!(
            matches!(output.code, None | Some(0)),
            "{}: {output:?}",
            job.words
        );
        Ok(output.code.is_none())
    }

    /// Whether a file holds all that it is to hold; `model` is that of a run that was left alone.
    async fn is_whole(&self, job: &Job, file: &str, content: &[u8], model: &[u8]) -> Result<bool> {
        let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count();
        let opens = match job.content {
            Content::Public | Content::Private => return Ok(content == model),
            Content::Sealed => format!("verify {file} --recovery-private-key main.key"),
            Content::Backup => format!("keys verify {file} -i identity.txt"),
        };
        let output = self.program("seal", &opens)?.run().await?;
        // Other documents of a file could be missing; what is encrypted is whole if it opens.
        let is_long = job.content == Content::Backup || lines(content) == lines(model);
        Ok(output.code == Some(0) && is_long)
    }
}

fn collect(directory: &Path, prefix: &str, found: &mut Files) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().display());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else {
            let mode = metadata.permissions().mode() & 0o777;
            found.insert(name, (mode, fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// Whether `name` is what a killed process was writing to become one of the files.
fn is_leftover(name: &str, job: &Job) -> bool {
    job.files.iter().any(|file| {
        let (directory, file) = match file.rsplit_once('/') {
            Some((directory, file)) => (format!("{directory}/"), file),
            None => (String::new(), *file),
        };
        let random = name.strip_prefix(&format!("{directory}.{file}."));
        random.is_some_and(|random| random.strip_suffix(".tmp").is_some())
    })
}

/// Kills a job at each of its system calls, and looks at what it leaves.
async fn survives(origin: &Site, job: &Job) -> Result<()> {
    let model_site = origin.copy()?;
    let moments = model_site.moments(job).await?;
    let (before, model) = (origin.files()?, model_site.files()?);
    for file in job.files {
        let (mode, _) = model.get(*file).context(*file)?;
        ensure!(
            job.content != Content::Private || *mode == 0o600,
            "{file}: {mode:o}"
        );
    }
    let (mut kills, mut leftovers) = (0, 0);
    for moment in moments {
        let site = origin.copy()?;
        if !site.is_killed_at(&moment, job).await? {
            continue;
        }
        kills += 1;
        leftovers += check(&site, job, &before, &model, false)
            .await
            .with_context(|| format!("killed at {moment:?}: {}", job.words))?;
        let again = site.run(job).await?;
        // What is done already may be said to be.
        ensure!(
            matches!(again.code, Some(0 | 4)),
            "{}: {again:?}",
            job.words
        );
        check(&site, job, &before, &model, true)
            .await
            .with_context(|| format!("killed at {moment:?}, and once more: {}", job.words))?;
    }
    // A new file: made, written, synchronized, renamed.
    ensure!(
        kills >= 3 && leftovers >= 1,
        "{}: {kills}, {leftovers}",
        job.words
    );
    Ok(())
}

/// Checks every file, and counts what is left over. Files that were written are new if that `must` be, or else new or old.
async fn check(site: &Site, job: &Job, before: &Files, model: &Files, must: bool) -> Result<usize> {
    let mut after = site.files()?;
    for file in job.files {
        let now = after.remove(*file);
        let old = before.get(*file);
        if !must && now.as_ref() == old {
            continue;
        }
        let (mode, content) = now.with_context(|| format!("{file} is gone"))?;
        let (model_mode, model) = model.get(*file).context(*file)?;
        let whole = site.is_whole(job, file, &content, model).await?;
        ensure!(whole, "{file} is not whole: {}", content.escape_ascii());
        ensure!(mode == *model_mode, "{file} has mode {mode:o}");
    }
    let mut leftovers = 0;
    for (name, (mode, content)) in after {
        if let Some(old) = before.get(&name) {
            ensure!((mode, content) == *old, "{name} was changed");
            continue;
        }
        ensure!(is_leftover(&name, job), "{name} says to nobody what it is");
        // The last moment before it takes the place of a file that others may read.
        let is_finished = job.files.iter().any(|file| model[*file].0 == mode);
        ensure!(
            mode == 0o600 || job.content != Content::Private && is_finished,
            "{name} has mode {mode:o}"
        );
        leftovers += 1;
    }
    Ok(leftovers)
}

async fn all_survive(jobs: &[Job]) -> Result<()> {
    let origin = Site::new().await?;
    for job in jobs {
        survives(&origin, job).await?;
    }
    Ok(())
}

#[tokio::test]
async fn sealed_files_are_whole_or_untouched_whenever_the_process_is_killed() -> Result<()> {
    use Content::Sealed;
    all_survive(&[
        Job::new(
            "--cert c.crt -f secrets.yaml -w sealed.yaml",
            &["sealed.yaml"],
            Sealed,
        ),
        Job::new(
            "--cert c.crt -f secrets.yaml -w shown.yaml",
            &["shown.yaml"],
            Sealed,
        ),
        Job::new(
            "--cert c.crt -f secrets.yaml -w sealed.yaml",
            &["sealed.yaml"],
            Sealed,
        )
        .by_kubeseal(),
        Job::new("--cert c.crt -w new.json", &["new.json"], Sealed).with(UPDATE),
        Job::new(
            "--cert c.crt --target web=shown.yaml --target ops=new.yaml",
            &["shown.yaml", "new.yaml"],
            Sealed,
        )
        .with(UNPLACED),
    ])
    .await
}

#[tokio::test]
async fn edited_files_are_whole_or_untouched_whenever_the_process_is_killed() -> Result<()> {
    use Content::{Public, Sealed};
    const FILE: &[&str] = &["sealed.yaml"];
    let origin = Site::new().await?;
    for job in [
        Job::new("--cert c.crt --merge-into sealed.yaml", FILE, Sealed).with(UPDATE),
        Job::new("set sealed.yaml user --name app --cert c.crt", FILE, Sealed).with("new"),
        Job::new("unset sealed.yaml user --name app", FILE, Public),
    ] {
        survives(&origin, &job).await?;
    }
    // The existing tool works on files of one document.
    origin.seal_one().await?;
    let merge = Job::new("--cert c.crt --merge-into sealed.yaml", FILE, Sealed).with(UPDATE);
    survives(&origin, &merge.by_kubeseal()).await
}

/// An API server with a controller behind it that gives `fresh` for whatever it is to re-encrypt; its address. It ends with the
/// process.
fn controller(fresh: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let certificate = KEY.certificate()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever was killed meanwhile gets no answer.
            answer(&stream, &fresh, &certificate).ok();
        }
    });
    Ok(format!("http://{address}"))
}

/// Answers one request.
fn answer(mut stream: &TcpStream, fresh: &str, certificate: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    reader.read_line(&mut head)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or_default();
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let body = if head.contains("/rotate ") {
        fresh
    } else if head.contains("/cert.pem ") {
        certificate
    } else {
        r#"{"spec": {"ports": [{"name": "http"}]}}"#
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_file_that_is_re_encrypted_is_whole_or_untouched_whenever_the_process_is_killed()
-> Result<()> {
    let mut origin = Site::new().await?;
    origin.seal_one().await?;
    let seal = origin.program("seal", "--cert c.crt -o json")?;
    origin.server = controller(seal.stdin(UPDATE).succeed().await?)?;
    let words = "--re-encrypt -f sealed.yaml --server {server}";
    survives(&origin, &Job::new(words, &["sealed.yaml"], Content::Sealed)).await
}

#[tokio::test]
async fn files_of_new_secrets_are_whole_or_untouched_whenever_the_process_is_killed() -> Result<()>
{
    use Content::{Public, Sealed};
    all_survive(&[
        Job::new(
            "create generic app -n web --cert c.crt --generate a=password -w shown.yaml",
            &["shown.yaml"],
            Sealed,
        ),
        Job::new(
            "create basic-auth app --cert c.crt --username u --generate password=password --target web=shown.yaml --target ops=new.json",
            &["shown.yaml", "new.json"],
            Sealed,
        ),
        Job::new("cert c.crt -w kept.crt", &["kept.crt"], Public),
    ])
    .await
}

#[tokio::test]
async fn what_is_opened_is_left_to_nobody_whenever_the_process_is_killed() -> Result<()> {
    use Content::Private;
    let unseal = "unseal sealed.yaml --recovery-private-key main.key -w shown.yaml";
    let recover = "--recovery-unseal --recovery-private-key main.key -f sealed.yaml -w shown.yaml";
    let origin = Site::new().await?;
    for job in [
        Job::new(unseal, &["shown.yaml"], Private),
        Job::new(recover, &["shown.yaml"], Private),
        Job::new(
            "keys export keys --unencrypted -w shown.yaml",
            &["shown.yaml"],
            Private,
        ),
        Job::new(
            "keys export keys --unencrypted -w new.pem",
            &["new.pem"],
            Private,
        ),
    ] {
        survives(&origin, &job).await?;
    }
    origin.seal_one().await?;
    let recover = Job::new(recover, &["shown.yaml"], Private);
    survives(&origin, &recover.by_kubeseal()).await
}

#[tokio::test]
async fn backups_are_whole_or_untouched_whenever_the_process_is_killed() -> Result<()> {
    use Content::Backup;
    all_survive(&[
        Job::new(
            "keys backup keys -r {recipient} -w keys.age",
            &["keys.age"],
            Backup,
        ),
        Job::new(
            "keys backup keys -r {recipient} -w new.age",
            &["new.age"],
            Backup,
        ),
    ])
    .await
}

#[tokio::test]
async fn keys_are_restored_whole_and_never_without_what_keeps_them_out_of_git() -> Result<()> {
    let job = Job::new(
        "keys restore keys.age -i identity.txt --yes --to-directory new --unencrypted",
        &["new/.gitignore", "new/k1.yaml", "new/k2.yaml"],
        Content::Private,
    );
    let origin = Site::new().await?;
    survives(&origin, &job).await?;
    for moment in origin.copy()?.moments(&job).await? {
        let site = origin.copy()?;
        site.is_killed_at(&moment, &job).await?;
        let files = site.files()?;
        let holds_keys = |name: &String| name.starts_with("new/") && !name.contains(".gitignore");
        ensure!(
            files.contains_key("new/.gitignore") || !files.keys().any(holds_keys),
            "{moment:?}: {:?}",
            files.keys()
        );
        if site.path("new").exists() {
            let mode = fs::metadata(site.path("new"))?.permissions().mode();
            ensure!(mode & 0o777 == 0o700, "{mode:o}");
        }
    }
    Ok(())
}
