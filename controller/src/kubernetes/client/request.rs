//! Single requests and what can come of them.
//!
//! kube's typed `Api` is used for watches only: it puts the whole answer into a log line when it cannot decode it,
//! and answers about Secrets must never be printed.

use http::{HeaderValue, Method, Request, Response, StatusCode, header::ACCEPT};
use http_body_util::BodyExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::client::Body;
use kube::core::params::{DeleteParams, GetParams, ListParams, PostParams, Preconditions};
use kube::core::{ObjectList, Request as Requests, Status};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use super::{Meter, refusal};
use crate::outcome::ApiFailure;

/// An answer to a write that leaves the content out: we know it, and a Secret should not travel twice.
const METADATA_ONLY: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request could not be formed, so it was not sent: a name that no URL can hold.
    #[error("cannot form the request")]
    Invalid(#[source] kube::core::request::Error),
    /// The API server refused. The text is its own, as events and conditions show it.
    #[error("{}", .0.message)]
    Refused(Box<Status>),
    /// The answer is not what the API promises. Its text may hold data, so only the place is told.
    #[error("cannot decode the answer of the API server (line {line}, column {column})")]
    Undecodable {
        /// Line of the answer, from 1.
        line: usize,
        /// Column of that line, from 1.
        column: usize,
    },
    /// It would have changed something, before anything may be changed.
    #[error("not sent: this controller only observes")]
    Withheld,
    /// No answer, or not a complete one.
    #[error("cannot reach the API server: {0}")]
    Unreachable(String),
}

impl ApiError {
    /// The HTTP status that the API server gave, if it answered.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(status) => Some(status.code),
            Self::Invalid(_) | Self::Undecodable { .. } | Self::Withheld | Self::Unreachable(_) => {
                None
            }
        }
    }

    /// The refusal of a write of a Secret, without words that may quote what it holds.
    pub(crate) fn without_contents(self) -> Self {
        self.told_as(refusal::without_contents)
    }

    /// The refusal of a write that nothing may be quoted of: its code alone.
    pub(crate) fn by_code_alone(self) -> Self {
        self.told_as(|status| refusal::by_code(status, "the key"))
    }

    fn told_as(self, told: impl FnOnce(&Status) -> String) -> Self {
        match self {
            Self::Refused(mut status) => {
                status.message = told(&status);
                Self::Refused(status)
            }
            other => other,
        }
    }

    /// What the planner is told.
    pub(crate) fn failure(&self) -> ApiFailure {
        ApiFailure {
            status: self.code(),
            message: self.to_string(),
        }
    }

    /// The object, its namespace or its type does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Somebody else was first: the resourceVersion, the uid or the name is not what the request assumed.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// RBAC does not allow it.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// The namespace is going away and takes no new objects; a retry is pointless before it exists again.
    pub(crate) fn is_terminating(&self) -> bool {
        match self {
            Self::Refused(status) => status.details.as_ref().is_some_and(|details| {
                details
                    .causes
                    .iter()
                    .any(|cause| cause.reason == "NamespaceTerminating")
            }),
            Self::Invalid(_) | Self::Undecodable { .. } | Self::Withheld | Self::Unreachable(_) => {
                false
            }
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status),
            kube::Error::SerdeError(error) => Self::undecodable(&error),
            kube::Error::BuildRequest(error) => Self::Invalid(error),
            other => Self::Unreachable(innermost(&other)),
        }
    }
}

impl ApiError {
    /// What `From` would say, of an error that is only lent.
    pub(crate) fn text(error: &kube::Error) -> String {
        match error {
            kube::Error::Api(status) => status.message.clone(),
            kube::Error::SerdeError(error) => Self::undecodable(error).to_string(),
            other => Self::Unreachable(innermost(other)).to_string(),
        }
    }

    fn undecodable(error: &serde_json::Error) -> Self {
        Self::Undecodable {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// The text at the end of the chain (`connection refused`): the layers above it say only that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// What remains of a written object.
#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "sealed_api::deserialize_metadata")]
    metadata: ObjectMeta,
}

/// The API server, as this controller uses it.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: kube::Client,
    once: kube::Client,
    /// Cancelled when anything may be changed.
    writing: CancellationToken,
    meter: Meter,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    pub(super) fn new(client: kube::Client, once: kube::Client, meter: Meter) -> Self {
        let writing = CancellationToken::new();
        writing.cancel();
        Self {
            client,
            once,
            writing,
            meter,
        }
    }

    /// The same cluster, to which nothing but GET is sent before `writing` is cancelled: whatever else goes wrong, who
    /// only observes changes nothing.
    pub(crate) fn read_only_until(self, writing: CancellationToken) -> Self {
        Self { writing, ..self }
    }

    /// An API server that gives this refusal to every request.
    #[cfg(test)]
    pub(crate) fn refusing(code: u16, message: &str) -> Self {
        let body = serde_json::json!({ "kind": "Status", "code": code, "message": message });
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = Response::builder()
                .status(code)
                .body(Body::from(body.to_string().into_bytes()));
            std::future::ready(answer)
        });
        let client = kube::Client::new(service, "default");
        Self::new(client.clone(), client, Meter::for_tests())
    }

    /// What counts this cluster's requests and watches.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The client below, for watches.
    pub(crate) fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// The same cluster through a client that sends each request once, whatever the answer.
    pub(crate) fn without_retry(&self) -> Self {
        Self {
            client: self.once.clone(),
            ..self.clone()
        }
    }

    /// GET of one object; `None` when it does not exist.
    pub(crate) async fn read<K>(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<K>, ApiError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let request = requests::<K>(namespace)
            .get(name, &GetParams::default())
            .map_err(ApiError::Invalid)?;
        match self.send(request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page of a list.
    pub(crate) async fn list<K>(
        &self,
        namespace: Option<&str>,
        parameters: &ListParams,
    ) -> Result<ObjectList<K>, ApiError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
    {
        let request = requests::<K>(namespace)
            .list(parameters)
            .map_err(ApiError::Invalid)?;
        self.send(request).await
    }

    /// POST of a new object. The answer is its metadata.
    pub(crate) async fn create<K>(
        &self,
        namespace: &str,
        object: &K,
    ) -> Result<ObjectMeta, ApiError>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let request = requests::<K>(Some(namespace))
            .create(&PostParams::default(), encode(object)?)
            .map_err(ApiError::Invalid)?;
        self.write(request).await
    }

    /// POST of a new object whose stored form matters: the name that the API server gave it.
    pub(crate) async fn create_and_read<K>(
        &self,
        namespace: &str,
        object: &K,
    ) -> Result<K, ApiError>
    where
        K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
    {
        let request = requests::<K>(Some(namespace))
            .create(&PostParams::default(), encode(object)?)
            .map_err(ApiError::Invalid)?;
        self.send(request).await
    }

    /// PUT of an object, which must carry the resourceVersion that was read: a write that came between is a conflict.
    pub(crate) async fn replace<K>(
        &self,
        namespace: &str,
        name: &str,
        object: &K,
    ) -> Result<ObjectMeta, ApiError>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let request = requests::<K>(Some(namespace))
            .replace(name, &PostParams::default(), encode(object)?)
            .map_err(ApiError::Invalid)?;
        self.write(request).await
    }

    /// PUT of a status. Of the body only `status` and `metadata.resourceVersion` count, so it is any JSON.
    pub(crate) async fn replace_status<K>(
        &self,
        namespace: &str,
        name: &str,
        body: &impl Serialize,
    ) -> Result<ObjectMeta, ApiError>
    where
        K: Resource<DynamicType = ()>,
    {
        let request = requests::<K>(Some(namespace))
            .replace_subresource("status", name, &PostParams::default(), encode(body)?)
            .map_err(ApiError::Invalid)?;
        self.write(request).await
    }

    /// PATCH by strategic merge, which only events are granted.
    pub(crate) async fn merge<K>(
        &self,
        namespace: &str,
        name: &str,
        patch: &impl Serialize,
    ) -> Result<ObjectMeta, ApiError>
    where
        K: Resource<DynamicType = ()>,
    {
        let request = Request::patch(format!("{}/{name}", K::url_path(&(), Some(namespace))))
            .header(
                http::header::CONTENT_TYPE,
                "application/strategic-merge-patch+json",
            )
            .body(encode(patch)?)
            .map_err(|error| ApiError::Invalid(kube::core::request::Error::BuildRequest(error)))?;
        self.write(request).await
    }

    /// DELETE of exactly the object that was observed.
    pub(crate) async fn delete<K>(
        &self,
        namespace: &str,
        name: &str,
        observed: &ObjectMeta,
    ) -> Result<(), ApiError>
    where
        K: Resource<DynamicType = ()>,
    {
        let parameters = DeleteParams::default().preconditions(Preconditions {
            uid: observed.uid.clone(),
            resource_version: observed.resource_version.clone(),
        });
        let request = requests::<K>(Some(namespace))
            .delete(name, &parameters)
            .map_err(ApiError::Invalid)?;
        // The answer is the object or a Status, as the server likes.
        self.send::<serde::de::IgnoredAny>(request).await.map(drop)
    }

    async fn write(&self, mut request: Request<Vec<u8>>) -> Result<ObjectMeta, ApiError> {
        request.headers_mut().insert(ACCEPT, METADATA_ONLY);
        let written: Written = self.send(request).await?;
        Ok(written.metadata)
    }

    async fn send<T: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> Result<T, ApiError> {
        if request.method() != Method::GET && !self.writing.is_cancelled() {
            return Err(ApiError::Withheld);
        }
        let response = self.client.send(request.map(Body::from)).await?;
        decode(response).await
    }
}

fn requests<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> Requests {
    Requests::new(K::url_path(&(), namespace))
}

fn encode(object: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(object)
        .map_err(|error| ApiError::Invalid(kube::core::request::Error::SerializeBody(error)))
}

async fn decode<T: DeserializeOwned>(response: Response<Body>) -> Result<T, ApiError> {
    let code = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    if code.is_success() {
        return serde_json::from_slice(&bytes).map_err(|error| ApiError::undecodable(&error));
    }
    Err(ApiError::Refused(Box::new(refusal(code, &bytes))))
}

/// The Status that came with a refusal, or one made up for a proxy that answers in its own words.
fn refusal(code: StatusCode, bytes: &[u8]) -> Status {
    match serde_json::from_slice::<Status>(bytes) {
        Ok(status) if !status.message.is_empty() => Status {
            code: code.as_u16(),
            ..status
        },
        _ => {
            let mut status = Status::failure(&format!("the API server answered {code}"), "");
            status.code = code.as_u16();
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;

    use super::*;

    #[test]
    fn a_refusal_speaks_with_the_words_of_the_api_server() {
        let body = br#"{"kind":"Status","message":"secrets \"a\" already exists","reason":"AlreadyExists","code":409}"#;
        let error = ApiError::Refused(Box::new(refusal(StatusCode::CONFLICT, body)));
        assert_eq!(error.to_string(), r#"secrets "a" already exists"#);
        assert!(error.is_conflict());
    }

    #[test]
    fn an_answer_of_something_else_is_told_by_its_code_alone() {
        let error = ApiError::Refused(Box::new(refusal(
            StatusCode::BAD_GATEWAY,
            b"<html>password=x",
        )));
        assert_eq!(error.to_string(), "the API server answered 502 Bad Gateway");
        assert_eq!(error.code(), Some(502));
    }

    #[tokio::test]
    async fn nothing_is_changed_before_that_is_allowed() {
        let writing = CancellationToken::new();
        let cluster = Cluster::refusing(403, "no").read_only_until(writing.clone());
        let sent = async || {
            let once = cluster.without_retry();
            let secret = Secret::default();
            let mut codes = Vec::new();
            for cluster in [&cluster, &once] {
                let created = cluster.create("web", &secret).await;
                let deleted = cluster
                    .delete::<Secret>("web", "app", &ObjectMeta::default())
                    .await;
                let read = cluster.read::<Secret>(Some("web"), "app").await;
                codes.extend(
                    [created.err(), deleted.err(), read.err()]
                        .map(|error| error.and_then(|error| error.code())),
                );
            }
            codes
        };
        let refused = Some(403);
        assert_eq!(sent().await, [None, None, refused, None, None, refused]);
        writing.cancel();
        assert_eq!(sent().await, [refused; 6]);
    }

    #[test]
    fn an_undecodable_answer_is_not_quoted() {
        let wrong = serde_json::from_str::<Written>(r#"{"metadata":"hunter2"}"#)
            .err()
            .unwrap();
        let text = ApiError::undecodable(&wrong).to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("line 1, column 21"), "{text}");
    }

    #[test]
    fn a_terminating_namespace_is_recognised_by_its_cause() {
        let body = br#"{"message":"forbidden: being terminated","code":403,
            "details":{"causes":[{"reason":"NamespaceTerminating","message":"m","field":"metadata.namespace"}]}}"#;
        let error = ApiError::Refused(Box::new(refusal(StatusCode::FORBIDDEN, body)));
        assert!(error.is_terminating() && error.is_forbidden());
    }

    #[test]
    fn the_end_of_the_chain_is_what_is_told() {
        let io = std::io::Error::other("connection refused");
        let error = ApiError::from(kube::Error::ReadEvents(io));
        assert_eq!(
            error.to_string(),
            "cannot reach the API server: connection refused"
        );
    }
}
