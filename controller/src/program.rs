//! The program from its command line to its exit code.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::args::{self, Command, VERSION};
use crate::config::{Config, ListenAddress};
use crate::fair_pool::FairPool;
use crate::http::{self, Endpoints, Handler, MetricsPage, ServerCertificate};
use crate::logging;
use crate::metrics::Metrics;
use crate::render::Renderer;
use crate::services::Services;

/// The exit code for a command line or an environment that cannot be used; upstream's too.
const USAGE: u8 = 2;

/// What a shell says when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything it was to do is done.
    Well,
    /// `--once` found objects that failed; it has said which.
    WithFailures,
}

/// Runs the program on threads of its own.
pub fn main(
    program: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    arguments: impl IntoIterator<Item = String>,
) -> ExitCode {
    sealed_custody::forbid_core_dumps();
    // Decryption has its own threads; two are plenty for waiting on sockets.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(program, environment, arguments)),
        Err(error) => {
            let text = format!("error: cannot start threads: {error}\n");
            say(&mut std::io::stderr(), &text, ExitCode::FAILURE)
        }
    }
}

async fn run(
    program: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    arguments: impl IntoIterator<Item = String>,
) -> ExitCode {
    match args::command(program, environment, arguments) {
        Command::Print(text) => say(&mut std::io::stdout(), &text, ExitCode::SUCCESS),
        Command::Help(text) => say(&mut std::io::stderr(), &text, ExitCode::SUCCESS),
        Command::Refuse(text) => say(&mut std::io::stderr(), &text, ExitCode::from(USAGE)),
        Command::Run(config) => match controller(*config).await {
            Ok(Ended::Well) => ExitCode::SUCCESS,
            Ok(Ended::WithFailures) => ExitCode::FAILURE,
            Err(error) => {
                // `{:#}`: the whole chain, once. Not through the log: a person at a terminal reads this line.
                let text = format!("error: {error:#}\n");
                say(&mut std::io::stderr(), &text, ExitCode::FAILURE)
            }
        },
    }
}

/// Prints `text`. That nobody listens any more (a closed pipe) does not change the outcome.
fn say(stream: &mut dyn Write, text: &str, code: ExitCode) -> ExitCode {
    drop(
        stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush()),
    );
    code
}

/// Prints `text` on stdout.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

async fn controller(mut config: Config) -> anyhow::Result<Ended> {
    if is_once(&config) {
        // Stdout is for the result.
        config.log.info_to_stdout = false;
    }
    logging::init(config.log, clock);
    for notice in &config.notices {
        say(
            &mut std::io::stderr(),
            &format!("{notice}\n"),
            ExitCode::SUCCESS,
        );
    }
    if !config.stray_arguments.is_empty() {
        tracing::warn!(
            arguments = config.stray_arguments.join(" "),
            "ignoring arguments that are no flags; a switch takes its value only as --flag=false"
        );
    }
    tracing::info!(version = VERSION, "Starting sealed-secrets controller");
    let metrics = Metrics::new(VERSION, config.http.omit_secret_labels)
        .context("cannot register the metrics")?;
    let pool = FairPool::start_for_this_machine("rsa").context("cannot start threads")?;
    let renderer = Renderer::start().context("cannot start threads")?;
    let services = Services::new(config, metrics, pool, renderer, clock);
    services.metrics.show_pool("rsa", &services.pool);
    services
        .metrics
        .show_pool("templates", services.renderer.pool());
    listen_for_signals(&services).context("cannot install signal handlers")?;
    let servers = if is_once(&services.config) {
        JoinSet::new()
    } else {
        start_servers(&services).await?
    };
    let ended = run_shell(&services).await;
    services.shutdown.cancel();
    // The servers give running requests a while, and no longer.
    servers.join_all().await;
    ended
}

async fn run_shell(services: &Services) -> anyhow::Result<Ended> {
    if let Some(local) = &services.config.local {
        return crate::local::run(services.clone(), local).await;
    }
    crate::kubernetes::run(services.clone()).await?;
    Ok(Ended::Well)
}

fn is_once(config: &Config) -> bool {
    config.local.as_ref().is_some_and(|local| local.once)
}

/// Opens both ports before anything else is done: a port that is taken is a reason not to start, and above all not to
/// make a key first.
async fn start_servers(services: &Services) -> anyhow::Result<JoinSet<()>> {
    let config = &services.config;
    let api = Endpoints::new(services.http_sources(), &config.http, &config.objects);
    let page = MetricsPage::new(Arc::clone(&services.metrics));
    let mut servers = JoinSet::new();
    let certificates = &services.certificates;
    let port = Port {
        name: "HTTP",
        address: &config.http.listen,
        certificate: certificates.api.as_ref(),
    };
    start_server(&mut servers, services, port, api).await?;
    let port = Port {
        name: "HTTP metrics",
        address: &config.http.listen_metrics,
        certificate: certificates.metrics.as_ref(),
    };
    start_server(&mut servers, services, port, page).await?;
    Ok(servers)
}

/// One of the two ports.
struct Port<'a> {
    name: &'static str,
    address: &'a ListenAddress,
    certificate: Option<&'a Arc<ServerCertificate>>,
}

async fn start_server<H: Handler>(
    servers: &mut JoinSet<()>,
    services: &Services,
    port: Port<'_>,
    handler: H,
) -> anyhow::Result<()> {
    let Port { name, address, .. } = port;
    let tls = port.certificate.map(ServerCertificate::acceptor);
    let tls = tls.transpose().context("cannot set TLS up")?;
    let listener = http::bind(address).await?;
    let shown = match address.port() {
        0 => listener.local_addr()?.to_string(),
        _ => address.to_string(),
    };
    tracing::info!(addr = shown, "{name} server serving");
    let running = services.health.task(name);
    let timeouts = services.config.http.timeouts;
    let shutdown = services.shutdown.clone();
    servers.spawn(async move {
        http::serve(listener, timeouts, tls, Arc::new(handler), shutdown).await;
        drop(running);
    });
    Ok(())
}

/// SIGTERM and SIGINT stop the process, SIGUSR1 asks for a new sealing key.
fn listen_for_signals(services: &Services) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut renew = signal(SignalKind::user_defined1())?;
    let services = services.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = renew.recv() => services.renew_key.notify_one(),
            }
        }
        services.shutdown.cancel();
    });
    Ok(())
}

/// The one place where the process asks for the time.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the shells; the core gets times as arguments"
)]
fn clock() -> Timestamp {
    Timestamp::now()
}
