//! Events on SealedSecrets, key Secrets and the Lease, as core/v1 objects.
//!
//! kube's own recorder posts to `events.k8s.io`, which the roles of an existing installation do not grant. Recording
//! never delays or fails a pass: a bounded channel, one task, and what cannot be written is dropped.

mod correlate;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use sealed_api::names;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::client::{ApiError, Cluster};
use correlate::{Correlator, Series, Writing};

/// Events that may wait to be written: enough for a start with a thousand objects.
const WAITING: usize = 1024;
/// While the API server is away, an event is tried again this often …
const TRIES: u32 = 12;
/// … with this pause (both are client-go's).
const PAUSE: Duration = Duration::from_secs(10);
/// How long a shutdown waits for the last events.
const FAREWELL: Duration = Duration::from_secs(3);

/// The object that an event is about, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// `apiVersion` of its kind.
    pub(super) api_version: &'static str,
    /// Its kind.
    pub(super) kind: &'static str,
    /// Its namespace, which is the event's too.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its uid, by which `kubectl describe` finds the event.
    pub(super) uid: String,
    /// Its version when the pass saw it.
    pub(super) resource_version: String,
}

/// One event to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// The object.
    pub(super) about: About,
    /// `Normal` or `Warning`.
    pub(super) kind: &'static str,
    /// One of [`names::events`].
    pub(super) reason: &'static str,
    /// What happened; may hold several lines, never a value.
    pub(super) message: String,
}

/// The sending half, cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    notes: mpsc::Sender<Note>,
}

impl Recorder {
    /// A recorder, and the task that writes what it is given until `stop`.
    pub(super) fn new(
        cluster: Cluster,
        clock: fn() -> Timestamp,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (notes, inbox) = mpsc::channel(WAITING);
        let writer = Writer {
            cluster,
            clock,
            correlator: Correlator::default(),
            told: false,
        };
        (Self { notes }, writer.run(inbox, stop))
    }

    /// Logs the event, in the words that log pipelines already know, and hands it over to be written.
    pub(super) fn record(&self, note: Note) {
        let about = &note.about;
        info!(
            "Event(v1.ObjectReference{{Kind:\"{}\", Namespace:\"{}\", Name:\"{}\", UID:\"{}\", APIVersion:\"{}\", \
             ResourceVersion:\"{}\", FieldPath:\"\"}}): type: '{}' reason: '{}' {}",
            about.kind,
            about.namespace,
            about.name,
            about.uid,
            about.api_version,
            about.resource_version,
            note.kind,
            note.reason,
            note.message,
        );
        if let Err(error) = self.notes.try_send(note) {
            debug!(%error, "event dropped");
        }
    }
}

struct Writer {
    cluster: Cluster,
    clock: fn() -> Timestamp,
    correlator: Correlator,
    /// Whether it was already said that events cannot be written.
    told: bool,
}

impl Writer {
    async fn run(mut self, mut inbox: mpsc::Receiver<Note>, stop: CancellationToken) {
        loop {
            let note = tokio::select! {
                note = inbox.recv() => note,
                () = stop.cancelled() => break,
            };
            let Some(note) = note else { return };
            tokio::select! {
                () = self.write(&note) => {}
                () = stop.cancelled() => break,
            }
        }
        inbox.close();
        let farewell = async {
            while let Some(note) = inbox.recv().await {
                self.write(&note).await;
            }
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            debug!("the last events were not written in time");
        }
    }

    async fn write(&mut self, note: &Note) {
        let now = (self.clock)();
        let (series, fresh) = match self.correlator.observe(note, now) {
            Writing::Create(series) => (series, true),
            Writing::Repeat(series) => (series, false),
            Writing::Nothing => return,
        };
        for _ in 0..TRIES {
            match self.send(note, &series, fresh, now).await {
                Ok(()) => return,
                Err(error @ ApiError::Unreachable(_)) => {
                    debug!(%error, "event not written yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    self.refused(note, &error);
                    return;
                }
            }
        }
    }

    /// Says once that the role lacks a right (every pass would otherwise repeat it), and each other refusal.
    fn refused(&mut self, note: &Note, error: &ApiError) {
        if error.is_terminating() {
            return;
        }
        if error.is_forbidden() {
            if !std::mem::replace(&mut self.told, true) {
                warn!(%error, "events are not recorded: create and patch on events are not granted");
            }
            return;
        }
        warn!(
            %error,
            object = format_args!("{}/{}", note.about.namespace, note.about.name),
            "event rejected (will not retry)",
        );
    }

    async fn send(
        &self,
        note: &Note,
        series: &Series,
        fresh: bool,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let namespace = &note.about.namespace;
        if !fresh {
            let patch = Repeat {
                count: series.count,
                last_timestamp: Time(now),
                message: &series.message,
            };
            match self
                .cluster
                .merge::<Event>(namespace, &series.name, &patch)
                .await
            {
                // Expired or deleted: it begins anew, with its count.
                Err(error) if error.is_not_found() => {}
                other => return other.map(drop),
            }
        }
        let written = self
            .cluster
            .create(namespace, &event(note, series, now))
            .await;
        match written {
            // The answer to an earlier try was lost.
            Err(error) if error.is_conflict() => Ok(()),
            other => other.map(drop),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repeat<'a> {
    count: i32,
    last_timestamp: Time,
    message: &'a str,
}

fn event(note: &Note, series: &Series, now: Timestamp) -> Event {
    let about = &note.about;
    Event {
        metadata: ObjectMeta {
            name: Some(series.name.clone()),
            namespace: Some(about.namespace.clone()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(about.api_version.to_owned()),
            kind: Some(about.kind.to_owned()),
            namespace: Some(about.namespace.clone()),
            name: Some(about.name.clone()),
            uid: Some(about.uid.clone()),
            resource_version: Some(about.resource_version.clone()),
            field_path: None,
        },
        type_: Some(note.kind.to_owned()),
        reason: Some(note.reason.to_owned()),
        message: Some(series.message.clone()),
        count: Some(series.count),
        first_timestamp: Some(Time(series.first)),
        last_timestamp: Some(Time(now)),
        source: Some(EventSource {
            component: Some(names::events::COMPONENT.to_owned()),
            host: None,
        }),
        reporting_component: Some(names::events::COMPONENT.to_owned()),
        // Required by the type, and empty in what an existing installation records.
        reporting_instance: Some(String::new()),
        ..Event::default()
    }
}
