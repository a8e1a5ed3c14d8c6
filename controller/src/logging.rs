//! Log lines as the Go controller prints them: `log/slog` text or JSON.
//!
//! Log pipelines parse these lines, so field names, quoting and the split between the two streams follow
//! compat §8.5: INFO and DEBUG on stdout (or on stderr when asked), WARN and ERROR on stderr.
//!
//! Only events of this project's own crates are printed. Libraries are left out on purpose: kube logs whole response
//! bodies at WARN when one does not parse, and a response body can be a Secret. What matters of their failures reaches
//! us as an error value, and the code that receives it logs it.

mod record;

use std::io::Write;
use std::str::FromStr;
use std::sync::Mutex;

use jiff::Timestamp;
use tracing::{Event, Level, Subscriber, debug, error};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use record::Record;

use crate::object_key::ObjectKey;
use crate::outcome::Failure;
use crate::queue::Verdict;

/// Crates whose events are printed: ours are all called `sealed_…`.
const OWN_TARGETS: &str = "sealed_";

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `time=… level=… msg=… key=value`
    Text,
    /// One JSON object a line.
    Json,
}

/// The lowest level that is printed, on slog's scale: DEBUG −4, INFO 0, WARN 4, ERROR 8.
///
/// Parsed as slog parses it: a name in any case, optionally followed by `+N` or `-N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogLevel(i32);

impl LogLevel {
    /// Print INFO and above.
    pub const INFO: Self = Self(0);

    fn of(level: Level) -> Self {
        Self(match level {
            Level::ERROR => 8,
            Level::WARN => 4,
            Level::INFO => 0,
            Level::DEBUG => -4,
            Level::TRACE => -8,
        })
    }
}

/// A text that names no log level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log level: DEBUG, INFO, WARN or ERROR, optionally followed by +N or -N")]
pub struct LogLevelError;

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(text: &str) -> Result<Self, LogLevelError> {
        let at = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at(at);
        let offset: i32 = match offset {
            "" => 0,
            digits => digits.parse().map_err(|_| LogLevelError)?,
        };
        let base = match name.to_ascii_uppercase().as_str() {
            "DEBUG" => -4,
            "INFO" => 0,
            "WARN" => 4,
            "ERROR" => 8,
            _ => return Err(LogLevelError),
        };
        Ok(Self(i32::saturating_add(base, offset)))
    }
}

/// What the flags `--log-format`, `--log-level` and `--log-info-stdout` decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Text or JSON.
    pub format: LogFormat,
    /// The lowest level printed.
    pub level: LogLevel,
    /// Whether INFO and DEBUG go to stdout; otherwise everything goes to stderr.
    pub info_to_stdout: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::INFO,
            info_to_stdout: true,
        }
    }
}

/// A [`tracing_subscriber`] layer that writes one line per event.
pub struct SlogLayer {
    config: LogConfig,
    clock: fn() -> Timestamp,
    low: Mutex<Box<dyn Write + Send>>,
    high: Mutex<Box<dyn Write + Send>>,
}

impl SlogLayer {
    /// A layer that writes INFO and below to `low`, WARN and above to `high`.
    pub fn new(
        config: LogConfig,
        clock: fn() -> Timestamp,
        low: Box<dyn Write + Send>,
        high: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            config,
            clock,
            low: Mutex::new(low),
            high: Mutex::new(high),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SlogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let level = *metadata.level();
        if !metadata.target().starts_with(OWN_TARGETS) || LogLevel::of(level) < self.config.level {
            return;
        }
        let mut record = Record::default();
        event.record(&mut record);
        let line = match self.config.format {
            LogFormat::Text => record.to_text((self.clock)(), level),
            LogFormat::Json => record.to_json((self.clock)(), level),
        };
        let stream = if level <= Level::WARN {
            &self.high
        } else {
            &self.low
        };
        // A poisoned lock only means that a write panicked: the next line is still worth printing.
        let mut stream = stream
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // One write per line, so that lines of two streams sharing a terminal do not mix. A log that cannot be written
        // (closed pipe, full disk) must not stop the controller, and there is nowhere left to say so.
        drop(
            stream
                .write_all(line.as_bytes())
                .and_then(|()| stream.flush()),
        );
    }
}

/// Makes `config` the way this process logs. Later calls in one process change nothing.
pub fn init(config: LogConfig, clock: fn() -> Timestamp) {
    let low: Box<dyn Write + Send> = if config.info_to_stdout {
        Box::new(std::io::stdout())
    } else {
        Box::new(std::io::stderr())
    };
    let layer = SlogLayer::new(config, clock, low, Box::new(std::io::stderr()));
    let subscriber = tracing_subscriber::registry().with(layer);
    // Fails only when a subscriber is already set: tests of one process share the first.
    drop(tracing::subscriber::set_global_default(subscriber));
}

/// How a failed pass is told: a line for each failure that is news, and for debugging the others.
pub(crate) fn log_failure(key: &ObjectKey, failure: &Failure, is_news: bool, next: Verdict) {
    let error = &failure.message;
    match (is_news, next) {
        (false, _) => debug!(%key, error, "still failing"),
        (true, Verdict::Settled) => error!(
            %key,
            error,
            "Error updating, giving up until the object or the sealing keys change"
        ),
        (true, Verdict::Retry(_) | Verdict::After(_)) => {
            error!(%key, error, "Error updating, will retry");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What this thread logs at any level, for tests of other modules.
    pub(crate) struct Captured {
        lines: Sink,
        _active: tracing::subscriber::DefaultGuard,
    }

    impl Captured {
        pub(crate) fn start() -> Self {
            let lines = Sink::default();
            let config = LogConfig {
                level: LogLevel(i32::MIN),
                ..LogConfig::default()
            };
            let (low, high) = (Box::new(lines.clone()), Box::new(lines.clone()));
            let layer = SlogLayer::new(config, at, low, high);
            let subscriber = tracing_subscriber::registry().with(layer);
            Self {
                lines,
                _active: tracing::subscriber::set_default(subscriber),
            }
        }

        pub(crate) fn text(&self) -> String {
            self.lines.text()
        }
    }

    impl Sink {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn at() -> Timestamp {
        "2026-01-02T03:04:05.006007Z".parse().unwrap()
    }

    /// What `log` prints on the two streams.
    fn printed(config: LogConfig, log: impl FnOnce()) -> (String, String) {
        let (low, high) = (Sink::default(), Sink::default());
        let layer = SlogLayer::new(config, at, Box::new(low.clone()), Box::new(high.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        (low.text(), high.text())
    }

    #[test]
    fn a_text_line_is_slogs() {
        let (low, high) = printed(LogConfig::default(), || {
            tracing::info!(version = "v0.40.0", "Starting sealed-secrets controller");
            tracing::error!(key = %"ns/name", error = "two words", "Error updating, will retry");
        });
        assert_eq!(
            low,
            "time=2026-01-02T03:04:05.006Z level=INFO msg=\"Starting sealed-secrets controller\" version=v0.40.0\n"
        );
        assert_eq!(
            high,
            "time=2026-01-02T03:04:05.006Z level=ERROR msg=\"Error updating, will retry\" key=ns/name error=\"two words\"\n"
        );
    }

    #[test]
    fn a_json_line_is_slogs() {
        let config = LogConfig {
            format: LogFormat::Json,
            ..LogConfig::default()
        };
        let (low, _) = printed(config, || {
            tracing::info!(
                "sealed-secret" = "a/b",
                count = 3,
                ok = true,
                "said \"<no>\"\nnext"
            );
        });
        assert_eq!(
            low,
            "{\"time\":\"2026-01-02T03:04:05.006007Z\",\"level\":\"INFO\",\"msg\":\"said \\\"<no>\\\"\\nnext\",\
             \"sealed-secret\":\"a/b\",\"count\":3,\"ok\":true}\n"
        );
    }

    #[test]
    fn the_level_is_a_threshold_on_slogs_scale() {
        let config = LogConfig {
            level: "info+1".parse().unwrap(),
            ..LogConfig::default()
        };
        let (low, high) = printed(config, || {
            tracing::debug!("no");
            tracing::info!("no");
            tracing::warn!("yes");
        });
        assert_eq!(low, "");
        assert!(high.contains("level=WARN msg=yes\n"), "{high}");
        for (text, level) in [("debug", -4), ("Warn-2", 2), ("ERROR+4", 12)] {
            assert_eq!(text.parse(), Ok(LogLevel(level)), "{text}");
        }
        for text in ["", "verbose", "INFO+", "INFO+x", "+1"] {
            assert_eq!(text.parse::<LogLevel>(), Err(LogLevelError), "{text}");
        }
    }

    #[test]
    fn events_of_libraries_are_not_printed() {
        let (low, high) = printed(LogConfig::default(), || {
            tracing::warn!(target: "kube_client::client", "{{\"data\":{{\"password\":\"c2VjcmV0\"}}}}");
        });
        assert_eq!((low.as_str(), high.as_str()), ("", ""));
    }
}
