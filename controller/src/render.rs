//! Templates, on threads of their own.
//!
//! Whoever may create a SealedSecret can run a template, and it may run for as long as its budget lets it. On the
//! threads of the private keys it would hold up every other value meanwhile.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sealed_api::{OpenedItem, SealedSecret, Templates, UnsealFailure, Unsealed, assemble};
use sealed_sprig::System;
use sealed_template::Limits;

use crate::fair_pool::{FairPool, NoResult};

/// Two templates at a time: one that takes its whole budget does not stop all others.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// How long the templates of one object may run altogether. An RSA-4096 key takes about a second.
const TIME: Duration = Duration::from_secs(5);

/// Makes Secrets of opened objects.
#[derive(Debug)]
pub struct Renderer {
    pool: FairPool,
    templates: Arc<Templates<System>>,
}

impl Renderer {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the operating system starts no thread.
    pub fn start() -> std::io::Result<Self> {
        let mut limits = Limits::default();
        limits.time = TIME;
        Ok(Self {
            pool: FairPool::start("template", THREADS)?,
            templates: Arc::new(Templates::new(System::new(), limits)),
        })
    }

    /// Puts the Secret together from the opened values of `object`, its templates rendered in the line of
    /// its namespace.
    ///
    /// # Errors
    ///
    /// When the pool lost the work, by a panic or because the process ends: the pass is repeated.
    pub async fn assemble(
        &self,
        object: &SealedSecret,
        opened: Vec<OpenedItem>,
    ) -> Result<Result<Unsealed, UnsealFailure>, NoResult> {
        let template = object.spec.template.as_ref();
        if template.is_none_or(|template| template.data.is_none()) {
            return Ok(assemble(object, opened, None));
        }
        let templates = Arc::clone(&self.templates);
        let object_there = object.clone();
        let work = move || assemble(&object_there, opened, Some(&*templates));
        self.pool.reconcile(object.namespace(), work).await
    }
}
