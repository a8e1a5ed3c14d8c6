//! What there is to know about a certificate, for people and for programs.

use jiff::Timestamp;
use sealed_crypto::Certificate;
use serde::Serialize;

use crate::cluster::ApiServer;
use crate::distance::relative;

/// About a certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    fingerprint: String,
    key_bits: u32,
    not_before: Timestamp,
    not_after: Timestamp,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    certificates: usize,
    source: Source,
}

/// Whether it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Valid,
    Expired,
    NotYetValid,
}

/// Where it is from.
#[derive(Debug, Serialize)]
pub(super) struct Source {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fetched: Option<Timestamp>,
}

impl Source {
    /// A file, a URL or a stream.
    pub(super) fn place(shown: &str) -> Self {
        Self {
            from: shown.to_owned(),
            context: None,
            server: None,
            fetched: None,
        }
    }

    /// Something in a cluster.
    pub(super) fn cluster(shown: &str, server: &ApiServer) -> Self {
        Self {
            from: shown.to_owned(),
            context: server.context().map(|context| context.name.clone()),
            server: Some(server.base().to_owned()),
            fetched: None,
        }
    }

    /// The same of a certificate that was fetched then and kept.
    pub(super) fn fetched(self, fetched: Option<Timestamp>) -> Self {
        Self { fetched, ..self }
    }

    /// What errors call it.
    pub(super) fn shown(&self) -> String {
        self.from.clone()
    }
}

impl Facts {
    /// Of the first of `certificates` in a text.
    pub(super) fn of(
        certificate: &Certificate,
        certificates: usize,
        source: Source,
        now: Timestamp,
    ) -> Self {
        let state = if certificate.is_expired_at(now) {
            State::Expired
        } else if certificate.not_before() > now {
            State::NotYetValid
        } else {
            State::Valid
        };
        let subject = certificate.subject_common_name().map(str::to_owned);
        Self {
            fingerprint: certificate.fingerprint().to_string(),
            key_bits: certificate.bits(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            state,
            subject: subject.filter(|subject| !subject.is_empty()),
            certificates,
            source,
        }
    }

    /// For people, a line each.
    pub(super) fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = vec![
            format!("fingerprint: {}", self.fingerprint),
            format!("key:         RSA, {} bits", self.key_bits),
            format!(
                "valid from:  {}, {}",
                self.not_before,
                relative(self.not_before, now)
            ),
            format!(
                "valid until: {}, {}",
                self.not_after,
                relative(self.not_after, now)
            ),
        ];
        if let Some(subject) = &self.subject {
            lines.push(format!("subject:     {subject}"));
        }
        if self.certificates > 1 {
            lines.push(format!(
                "note:        the first of {} certificates, which is the one that counts",
                self.certificates
            ));
        }
        let context = self.source.context.as_ref();
        let context = context.map_or_else(String::new, |name| format!(", context `{name}`"));
        let server = self.source.server.as_ref();
        let server = server.map_or_else(String::new, |server| format!(", cluster {server}"));
        lines.push(format!(
            "from:        {}{context}{server}",
            self.source.from
        ));
        if let Some(fetched) = self.source.fetched {
            lines.push(format!(
                "fetched:     {fetched}, {}",
                relative(fetched, now)
            ));
        }
        lines
    }
}
