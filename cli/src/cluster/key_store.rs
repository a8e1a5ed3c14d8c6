//! What a cluster holds that has to do with sealing keys: key Secrets, escrow, SealedSecrets.

use std::collections::VecDeque;

use http::StatusCode;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::{self, key_secret, labels};
use serde_json::{Value, json};

use super::api_server::ApiServer;
use super::error::Cause;
use super::{Controller, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;

/// How many objects are asked for at once: few enough that large ones fit into an answer.
const PAGE: usize = 50;

/// The key Secrets of a cluster, in the controller's namespace.
pub(crate) struct KeyStore {
    server: ApiServer,
    namespace: String,
}

impl KeyStore {
    /// Makes ready to ask the cluster that is meant.
    pub(crate) fn connect(
        controller: &Controller,
        environment: &Environment,
        talk: &mut Talk<'_>,
    ) -> Result<Self, Failure> {
        let server = connect(controller, environment, talk)?;
        Ok(Self {
            server,
            namespace: controller.namespace.clone(),
        })
    }

    /// The controller's namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Every Secret that holds a sealing key or once did.
    pub(crate) fn secrets(&self) -> Result<Vec<Value>, Failure> {
        let selector = labels::SEALING_KEY.replace('/', "%2F");
        let path = format!("{}?labelSelector={selector}", self.path());
        let list = self
            .server
            .get(&path, "secrets")
            .map_err(|cause| self.failed("list", "the key Secrets", &cause))?;
        let mut all =
            items_of(list).map_err(|cause| self.failed("list", "the key Secrets", &cause))?;
        // The oldest form of key has no label.
        let oldest = key_secret::DEFAULT_PREFIX;
        match self
            .server
            .get(&format!("{}/{oldest}", self.path()), &subject(oldest))
        {
            Ok(secret) if !all.iter().any(|one| name_of(one) == oldest) => all.push(secret),
            Ok(_) => {}
            Err(cause) if cause.status == Some(StatusCode::NOT_FOUND) => {}
            Err(cause) => return Err(self.failed("get", "the oldest key Secret", &cause)),
        }
        Ok(all)
    }

    /// Whether there is a Secret of a name, whatever it holds.
    pub(crate) fn has(&self, name: &str) -> Result<bool, Failure> {
        match self
            .server
            .get(&format!("{}/{name}", self.path()), &subject(name))
        {
            Ok(_) => Ok(true),
            Err(cause) if cause.status == Some(StatusCode::NOT_FOUND) => Ok(false),
            Err(cause) => Err(self.failed("get", &format!("Secret {name}"), &cause)),
        }
    }

    /// Creates a key Secret.
    pub(crate) fn create(&self, secret: &Secret) -> Result<(), Failure> {
        let name = secret.metadata.name.clone().unwrap_or_default();
        let object = serde_json::to_value(secret).unwrap_or_default();
        self.server
            .create(&self.path(), &object, &subject(&name))
            .map(drop)
            .map_err(|cause| self.failed("create", &format!("Secret {name}"), &cause))
    }

    /// Sets an annotation of a key Secret that is still the one that was read.
    pub(crate) fn annotate(
        &self,
        secret: &ObjectId,
        name: &str,
        value: &str,
    ) -> Result<(), Failure> {
        self.patch(secret, &json!({"annotations": {name: value}}))
    }

    /// Takes a key out of use.
    pub(crate) fn retire(&self, secret: &ObjectId) -> Result<(), Failure> {
        self.patch(secret, &json!({"labels": {labels::SEALING_KEY: RETIRED}}))
    }

    fn patch(&self, secret: &ObjectId, metadata: &Value) -> Result<(), Failure> {
        let mut metadata = metadata.clone();
        // Another Secret of the name is another key.
        metadata["uid"] = secret.uid.as_str().into();
        let path = format!("{}/{}", self.path(), secret.name);
        self.server
            .merge_patch(
                &path,
                &json!({"metadata": metadata}),
                &subject(&secret.name),
            )
            .map_err(|cause| self.failed("patch", &format!("Secret {}", secret.name), &cause))
    }

    /// The SealedSecrets of all namespaces, page by page.
    pub(crate) fn sealed_secrets(&self) -> SealedPages<'_> {
        SealedPages {
            store: self,
            next: Some(String::new()),
            found: VecDeque::new(),
        }
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }

    fn failed(&self, verb: &str, what: &str, cause: &Cause) -> Failure {
        let failure = Failure::new(cause.code, cause.told(format!("cannot {verb} {what}")));
        match cause.status {
            Some(StatusCode::FORBIDDEN) => failure.hint(format!(
                "this takes the right to {verb} secrets in namespace {}, which whoever keeps the keys has",
                self.namespace
            )),
            _ => failure,
        }
    }
}

/// Value of the label of a key that is out of use.
const RETIRED: &str = "retired";

/// Which object is meant.
pub(crate) struct ObjectId {
    /// Its name.
    pub(crate) name: String,
    /// Tells it from another of the same name.
    pub(crate) uid: String,
}

/// SealedSecrets, as they come.
pub(crate) struct SealedPages<'s> {
    store: &'s KeyStore,
    /// Where the next page begins; none after the last.
    next: Option<String>,
    found: VecDeque<Value>,
}

impl SealedPages<'_> {
    /// The next object.
    ///
    /// # Errors
    ///
    /// The rest cannot be listed: what is not seen may be what matters.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            if let Some(object) = self.found.pop_front() {
                return Ok(Some(object));
            }
            let Some(from) = self.next.take() else {
                return Ok(None);
            };
            self.page(&from)?;
        }
    }

    fn page(&mut self, from: &str) -> Result<(), Failure> {
        let group = names::API_VERSION;
        let path = format!(
            "/apis/{group}/{}?limit={PAGE}&continue={from}",
            names::PLURAL
        );
        let failed = |cause| self.store.failed("list", "the SealedSecrets", &cause);
        let list = self
            .store
            .server
            .get(&path, names::PLURAL)
            .map_err(failed)?;
        let more = list.pointer("/metadata/continue").and_then(Value::as_str);
        self.next = more.filter(|more| !more.is_empty()).map(str::to_owned);
        self.found.extend(items_of(list).map_err(failed)?);
        Ok(())
    }
}

/// The objects of a list. An answer that is none must not be taken for a list of nothing.
fn items_of(mut list: Value) -> Result<Vec<Value>, Cause> {
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        // How Go writes an empty list that nobody made.
        Some(Value::Null) => Ok(Vec::new()),
        _ => Err(Cause::api("the answer is no list".to_owned())),
    }
}

/// What errors call a Secret.
fn subject(name: &str) -> String {
    format!("secrets {name}")
}

fn name_of(secret: &Value) -> &str {
    let name = secret.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or_default()
}
