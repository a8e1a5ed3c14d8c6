//! How a pass over one SealedSecret ended, and everything that follows from it: the texts, the
//! metric, the condition and when to try again.

use sealed_api::Code;
use sealed_api::DecodeError;
use sealed_api::UnsealFailure;
use sealed_api::names::events;

use crate::drift::{Drifted, Handling};
use crate::message::bounded;
use crate::metrics::FailureReason;
use crate::object_key::ObjectKey;
use crate::queue::{Pace, Verdict};

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The Secret is what the SealedSecret says.
    Synced,
    /// It was, and somebody has edited it since.
    Drifted(Drifted),
    /// It is not.
    Failed(Failure),
}

/// Why a pass failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub cause: Cause,
    /// The text of the status: upstream's where upstream has one, bounded, without any value.
    pub message: String,
}

/// What kind of failure it is. Everything a failure leads to is an exhaustive match on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The Secret is immutable and its data would change.
    Immutable,
    /// The SealedSecret cannot be decoded.
    Malformed(Code),
    /// The templates passed a bound that they may keep another time.
    Overrun(Code),
    /// The API server understood a request and refuses it: an invalid key name, a quota, an
    /// admission webhook, a missing right.
    Rejected,
    /// The Secret would be a sealing key of this controller, or have the name of one.
    ReservedKey,
    /// The Secret has another type, which cannot change.
    SecretType,
    /// The API server does not answer, or not now.
    Unavailable,
    /// A Secret of this name belongs to somebody else.
    Unmanaged,
    /// A value does not open or a template does not render.
    Unseal(Code),
}

/// What is told to whoever describes the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `Normal` or `Warning`.
    pub kind: &'static str,
    /// One of [`names::events`](sealed_api::names::events).
    pub reason: &'static str,
    /// What happened, in upstream's words.
    pub message: String,
}

/// Why the API server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFailure {
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The server's message, or why there was no answer.
    pub message: String,
}

/// How the API server ends its message when the data of an immutable Secret would change.
const IMMUTABLE_ENDING: &str = "field is immutable when `immutable` is set";

impl ApiFailure {
    /// Somebody else was faster: the object is another one, exists already or is gone. Nothing
    /// failed; what was read is out of date.
    pub fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }

    /// There is no such object.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    fn cause(&self) -> Cause {
        match self.status {
            Some(422) if self.message.ends_with(IMMUTABLE_ENDING) => Cause::Immutable,
            // Not the request's fault: the token is being renewed, the server asks for patience.
            Some(401 | 408 | 409 | 429) => Cause::Unavailable,
            Some(400..=499) => Cause::Rejected,
            _ => Cause::Unavailable,
        }
    }
}

impl Failure {
    /// The object cannot be decoded.
    pub fn malformed(error: &DecodeError) -> Self {
        Self {
            cause: Cause::Malformed(error.code()),
            message: bounded(&format!(
                "cannot read the SealedSecret: {}: {}",
                error.field(),
                error.reason()
            )),
        }
    }

    /// A value does not open or a template does not render.
    pub fn unseal(failure: &UnsealFailure) -> Self {
        Self {
            cause: if failure.is_transient() {
                Cause::Overrun(failure.code())
            } else {
                Cause::Unseal(failure.code())
            },
            message: failure.published(),
        }
    }

    /// The API server did not do what it was asked. Whoever passes on its answer to a write has
    /// made sure that it quotes no value.
    pub fn api(failure: &ApiFailure) -> Self {
        Self {
            cause: failure.cause(),
            message: bounded(&failure.message),
        }
    }

    /// The Secret is immutable and its data would change. The text is the API server's, which is
    /// spared a request that it can only refuse.
    pub fn immutable(secret: &str) -> Self {
        Self {
            cause: Cause::Immutable,
            message: format!("Secret \"{secret}\" is invalid: data: Forbidden: {IMMUTABLE_ENDING}"),
        }
    }

    /// The Secret has another type than `wanted`. The text is the API server's.
    pub fn secret_type(secret: &str, wanted: &str) -> Self {
        Self {
            cause: Cause::SecretType,
            message: format!(
                "Secret \"{secret}\" is invalid: type: Invalid value: \"{wanted}\": field is immutable"
            ),
        }
    }

    /// A Secret of this name belongs to somebody else.
    pub fn unmanaged(secret: &str) -> Self {
        Self {
            cause: Cause::Unmanaged,
            message: format!("failed update: {}", not_managed(secret)),
        }
    }

    /// The Secret would be a sealing key of this controller, or have the name of one.
    pub fn reserved_key(secret: &str) -> Self {
        Self {
            cause: Cause::ReservedKey,
            message: format!(
                "refused to write Secret \"{secret}\": its labels or its name are those of a sealing \
                 key of this controller (--allow-sealed-keys permits it)"
            ),
        }
    }

    /// The event that reports the failure of `object`.
    pub fn event(&self, object: &ObjectKey) -> Event {
        let (reason, message) = match self.cause {
            Cause::Malformed(_) | Cause::Overrun(_) | Cause::Unseal(_) => (
                events::UNSEAL_FAILED,
                bounded(&format!("Failed to unseal: {}", self.message)),
            ),
            Cause::Immutable => (events::UPDATE_FAILED, immutable_advice(object)),
            Cause::Unmanaged => (events::UPDATE_FAILED, not_managed(&object.name)),
            Cause::Rejected | Cause::ReservedKey | Cause::SecretType | Cause::Unavailable => {
                (events::UPDATE_FAILED, self.message.clone())
            }
        };
        Event {
            kind: events::WARNING,
            reason,
            message,
        }
    }
}

fn not_managed(secret: &str) -> String {
    format!("Resource \"{secret}\" already exists and is not managed by SealedSecret")
}

fn immutable_advice(object: &ObjectKey) -> String {
    format!(
        "Error updating {object}: the target Secret is immutable. Once a Secret is marked as \
         immutable, it is not possible to revert this change nor to mutate the contents of the \
         data field. You can only delete and recreate the Secret."
    )
}

impl Cause {
    /// The stable code: the reason of the conditions.
    pub fn code(self) -> Code {
        match self {
            Self::Immutable => Code::ImmutableSecret,
            Self::Malformed(code) | Self::Overrun(code) | Self::Unseal(code) => code,
            Self::Rejected => Code::RejectedSecret,
            Self::ReservedKey => Code::ReservedKey,
            Self::SecretType => Code::SecretType,
            Self::Unavailable => Code::ApiError,
            Self::Unmanaged => Code::NotManaged,
        }
    }

    /// The label `reason` of `unseal_errors_total`.
    pub fn metric(self) -> FailureReason {
        match self {
            Self::Malformed(_) | Self::Overrun(_) | Self::Unseal(_) => FailureReason::Unseal,
            Self::ReservedKey | Self::Unmanaged => FailureReason::Unmanaged,
            Self::Immutable | Self::Rejected | Self::SecretType | Self::Unavailable => {
                FailureReason::Update
            }
        }
    }

    /// Whether time alone may end it: the condition is then `Reconciling`, else `Stalled`.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Overrun(_) | Self::Unavailable => true,
            Self::Immutable
            | Self::Malformed(_)
            | Self::Rejected
            | Self::ReservedKey
            | Self::SecretType
            | Self::Unmanaged
            | Self::Unseal(_) => false,
        }
    }

    /// Whether the Secret that is there stands in the way: another attempt is worth its cost only
    /// once that Secret has changed.
    pub fn is_blocker(self) -> bool {
        match self {
            Self::Immutable | Self::ReservedKey | Self::SecretType | Self::Unmanaged => true,
            Self::Malformed(_)
            | Self::Overrun(_)
            | Self::Rejected
            | Self::Unavailable
            | Self::Unseal(_) => false,
        }
    }

    /// When to try again. Never giving up is what upstream's users ask for first.
    pub fn next(self) -> Verdict {
        match self {
            // Only the object or the keyring can change the answer, and both are watched.
            Self::Malformed(_) | Self::Unseal(_) => Verdict::Settled,
            Self::Unavailable => Verdict::Retry(Pace::Fast),
            // Each attempt at what is overrun may cost as much as the last one.
            Self::Immutable
            | Self::Overrun(_)
            | Self::Rejected
            | Self::ReservedKey
            | Self::SecretType
            | Self::Unmanaged => Verdict::Retry(Pace::Slow),
        }
    }
}

impl Outcome {
    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Synced | Self::Drifted(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }

    /// Whether the Secret was made what the SealedSecret says, whatever became of it since.
    pub fn is_synced(&self) -> bool {
        self.failure().is_none()
    }

    /// The event that reports it.
    pub fn event(&self, object: &ObjectKey) -> Event {
        match self {
            Self::Synced => Event {
                kind: events::NORMAL,
                reason: events::UNSEALED,
                message: events::UNSEALED_MESSAGE.to_owned(),
            },
            Self::Drifted(drifted) => Event {
                kind: events::WARNING,
                reason: events::DRIFTED,
                message: drifted.message(),
            },
            Self::Failed(failure) => failure.event(object),
        }
    }

    /// When to work on the object again.
    pub fn next(&self) -> Verdict {
        match self {
            Self::Synced => Verdict::Settled,
            Self::Drifted(drifted) => match drifted.handling {
                Handling::Left => Verdict::Settled,
                Handling::Contested { calm } => Verdict::After(calm),
            },
            Self::Failed(failure) => failure.cause.next(),
        }
    }
}

#[cfg(test)]
mod tests;
