//! Sealing a batch of pieces on every processor, while the next one is read.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;
use sealed_api::{Code, Wiping};
use sealed_crypto::{Certificate, Scope};
use sealed_manifest::Format;

use crate::failure::Failure;
use crate::name::Name;
use crate::output::serialize;
use crate::own_metadata::OwnMetadata;
use crate::sealing;

/// From this many pieces on it pays to wake other threads.
const MANY: usize = 8;

/// What has its place in the output.
pub(super) enum Waiting {
    Secret(Box<Ready>),
    /// Passed through.
    Other(String),
}

/// A Secret that has its place.
pub(super) struct Ready {
    pub(super) secret: Wiping,
    pub(super) scope: Scope,
    pub(super) place: String,
}

/// What every piece of one output is sealed with.
pub(super) struct Sealer {
    pub(super) certificate: Arc<Certificate>,
    pub(super) own: OwnMetadata,
    pub(super) name: Name,
}

/// The texts of a batch, in its order, up to the first fault.
pub(super) type Texts = Result<String, Failure>;

/// A batch that other threads seal.
pub(super) struct Started(Receiver<Texts>);

impl Sealer {
    /// Seals a batch: here where it is small, else on every processor.
    pub(super) fn seal(self: &Arc<Self>, batch: Vec<Waiting>, format: Format) -> Texts {
        if batch.len() < MANY {
            batch.iter().map(|one| self.text(one, format)).collect()
        } else {
            self.start(batch, format).texts()
        }
    }

    /// Begins to seal a batch and does not wait for it.
    pub(super) fn start(self: &Arc<Self>, batch: Vec<Waiting>, format: Format) -> Started {
        let (done, texts) = sync_channel(1);
        let sealer = Arc::clone(self);
        rayon::spawn(move || {
            let each = |one: &Waiting| sealer.text(one, format);
            // Collected before they are joined: the first fault in the order of the input is the one to tell.
            let all: Vec<Texts> = batch.par_iter().map(each).collect();
            // Nobody waits any longer where another output has failed meanwhile.
            drop(done.send(all.into_iter().collect()));
        });
        Started(texts)
    }

    fn text(&self, waiting: &Waiting, format: Format) -> Texts {
        let ready = match waiting {
            Waiting::Other(text) => return Ok(text.clone()),
            Waiting::Secret(ready) => ready,
        };
        let sealed = sealing::seal(&ready.secret, ready.scope, &self.certificate, self.name);
        let mut sealed = sealed.map_err(|failure| failure.at(&ready.place))?;
        self.own.add_to(&mut sealed);
        Ok(serialize(&sealed, format))
    }
}

impl Started {
    /// Waits for the texts.
    pub(super) fn texts(self) -> Texts {
        self.0.recv().unwrap_or_else(|_| {
            Err(Failure::new(
                Code::BadCertificate,
                "cannot seal: a thread has ended",
            ))
        })
    }
}
