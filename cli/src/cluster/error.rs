//! What a server or the network said, in client-go's words.

use std::error::Error;
use std::{fmt, io};

use http::{Method, StatusCode};
use sealed_api::Code;
use serde_json::Value;

use crate::failure::{io_cause, without_userinfo};

/// Why a request failed.
pub(crate) struct Cause {
    /// Stable code.
    pub(crate) code: Code,
    /// The reason, as client-go would word it.
    pub(super) text: String,
    /// The same without the layers of client-go, where no answer came.
    pub(super) unreached: Option<String>,
    /// What the server answered, if it did.
    pub(crate) status: Option<StatusCode>,
}

impl Cause {
    /// The server answered nonsense.
    pub(super) fn api(text: String) -> Self {
        Self {
            code: Code::ApiError,
            text,
            unreached: None,
            status: None,
        }
    }

    /// No answer came.
    pub(super) fn unreachable(method: &Method, url: &str, text: &str) -> Self {
        let cause = text
            .rsplit_once("connect: ")
            .map_or(text, |(_, cause)| cause);
        let told = format!("cannot reach the API server {}: {cause}", server_of(url));
        Self::unsent(method, url, text, told)
    }

    /// Nothing was asked, for want of credentials.
    pub(super) fn no_credentials(method: &Method, url: &str, cause: &str) -> Self {
        let told = format!(
            "cannot get credentials for the API server {}: {cause}",
            server_of(url)
        );
        Self::unsent(method, url, &format!("getting credentials: {cause}"), told)
    }

    fn unsent(method: &Method, url: &str, text: &str, told: String) -> Self {
        let verb = match *method {
            Method::PATCH => "Patch",
            Method::POST => "Post",
            _ => "Get",
        };
        Self {
            code: Code::Unreachable,
            text: format!("{verb} {}: {text}", sealed_pflag::quote(url)),
            unreached: Some(told),
            status: None,
        }
    }

    /// The server refused: the message of a `Status`, else a sentence for the code. `subject` is what was asked for: its
    /// resource, and its name if it has one.
    pub(super) fn from_status(status: StatusCode, body: &[u8], verb: &str, subject: &str) -> Self {
        let told = told(body);
        Self {
            code: match status.as_u16() {
                404 => Code::NotFound,
                // The API server's word on what it was to ask. What others say of themselves is an answer.
                502..=504 if told.is_some() => Code::Unreachable,
                _ => Code::ApiError,
            },
            status: Some(status),
            ..Self::api(told.unwrap_or_else(|| sentence(status, body, verb, subject)))
        }
    }

    /// The reason for people.
    pub(crate) fn words(&self) -> &str {
        self.unreached.as_ref().unwrap_or(&self.text)
    }

    /// The same behind what was to be done. Where no answer came it stands alone: nothing that was asked for is at fault.
    pub(crate) fn told(&self, what: impl fmt::Display) -> String {
        match &self.unreached {
            Some(told) => told.clone(),
            None => format!("{what}: {}", self.text),
        }
    }
}

/// The URL without its path.
fn server_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

/// The message of a `Status`, which is how the API server speaks.
fn told(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let message = answer["message"].as_str()?;
    (answer["kind"] == "Status" && !message.is_empty()).then(|| message.to_owned())
}

fn sentence(status: StatusCode, body: &[u8], verb: &str, subject: &str) -> String {
    let body = String::from_utf8_lossy(body);
    let body = body.trim();
    let sentence = match status.as_u16() {
            400 => "the server rejected our request for an unknown reason".to_owned(),
            401 => "the server has asked for the client to provide credentials".to_owned(),
            403 | 406 | 415 if !body.is_empty() => body.to_owned(),
            404 => "the server could not find the requested resource".to_owned(),
            405 => "the server does not allow this method on the requested resource".to_owned(),
            409 => "the server reported a conflict".to_owned(),
            422 => "the server rejected our request due to an error in our request".to_owned(),
            429 => "the server has received too many requests and has asked us to try again later".to_owned(),
            500 | 502 => format!("an error on the server ({}) has prevented the request from succeeding", sealed_pflag::quote(body)),
            503 => "the server is currently unable to handle the request".to_owned(),
            504 => "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned(),
            code => format!("the server responded with the status code {code} but did not return more information"),
        };
    format!("{sentence} ({verb} {subject})")
}

/// What the network said, without the layers it came through.
pub(crate) fn network(error: &(dyn Error + 'static), url: &str) -> String {
    let url = without_userinfo(url);
    let mut innermost = error;
    loop {
        if let Some(io) = innermost.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            let address = url
                .split("://")
                .nth(1)
                .and_then(|rest| rest.split('/').next());
            return format!(
                "dial tcp {}: connect: {}",
                address.unwrap_or_default(),
                io_cause(io)
            );
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return innermost.to_string(),
        }
    }
}

/// An error with its causes, each told once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_called_by_its_own_resource() {
        let refused = Cause::from_status(StatusCode::CONFLICT, b"", "patch", "secrets k1");
        assert_eq!(
            refused.told("cannot patch Secret k1"),
            "cannot patch Secret k1: the server reported a conflict (patch secrets k1)"
        );
    }

    #[test]
    fn no_answer_is_told_by_the_method_and_to_people_without_it() {
        let url = "https://api:6443/api/v1/namespaces/kube-system/secrets/k1";
        let text = "dial tcp api:6443: connect: connection refused";
        let cause = Cause::unreachable(&Method::PATCH, url, text);
        assert_eq!(cause.text, format!("Patch \"{url}\": {text}"));
        let told = "cannot reach the API server https://api:6443: connection refused";
        assert_eq!(cause.words(), told);
        assert_eq!(cause.told("cannot patch Secret k1"), told);
    }
}
