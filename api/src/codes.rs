//! Stable codes of what can go wrong.
//!
//! The command line prints them (`error[wrong-key]: …`), the controller writes them as reasons of conditions
//! (`WrongKey`), and the documentation has a page for each: one enum, so that a person who meets a code
//! anywhere finds the same explanation. A code never changes its meaning; messages may.

use std::fmt;

/// Declares the codes once: variant, text form, one sentence.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $meaning:literal;)*) => {
        /// One kind of failure. Sorted by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as the command line prints it: `wrong-key`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The code as the reason of a Kubernetes condition: `WrongKey`.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            /// What the code means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }
        }
    };
}

codes! {
    AlreadyExists = "already-exists", "What is to be written is there already, and is something else.";
    ApiError = "api-error", "The Kubernetes API answered with an error that is not this object's fault.";
    BadBase64 = "bad-base64", "A value that has to be base64 is not.";
    BadBlob = "bad-blob", "The deprecated `spec.data` opens, but holds no Secret.";
    BadCertificate = "bad-certificate", "The certificate cannot be used for sealing.";
    BadConfiguration = "bad-configuration", "A kubeconfig, flag or environment variable cannot be used.";
    BadKey = "bad-key", "A private key cannot be read or used.";
    BadName = "bad-name", "A name or namespace is one that Kubernetes does not allow.";
    BadTime = "bad-time", "A field that holds a time cannot be read as one.";
    BothData = "both-data", "`spec.data` and `spec.encryptedData` are set at the same time.";
    DeprecatedData = "deprecated-data", "The deprecated `spec.data` is set, and this program does not accept it.";
    DisallowedCertificate = "disallowed-certificate", "The certificate is not among those that `.seal.yaml` allows.";
    EmptySecret = "empty-secret", "The Secret has no data, which is more often a mistake than meant.";
    EncryptedBackup = "encrypted-backup", "A backup is encrypted, and nothing at hand opens it.";
    ExpiredCertificate = "expired-certificate", "The certificate's validity has ended.";
    FieldTwice = "field-twice", "An object has the same field twice, in different spellings.";
    ImmutableSecret = "immutable-secret", "The Secret is marked immutable and its data would change.";
    KeyInUse = "key-in-use", "The sealing key is needed, so it stays in use.";
    LossyNumber = "lossy-number", "An unquoted number would change its digits on the way to text.";
    MalformedInput = "malformed-input", "The input is not well-formed YAML or JSON, or not an object.";
    MalformedValue = "malformed-value", "A sealed value is damaged or was never sealed, whatever the key.";
    MissingName = "missing-name", "The object has no name, and its scope needs one.";
    MissingNamespace = "missing-namespace", "The object has no namespace, and its scope needs one.";
    NamespaceMismatch = "namespace-mismatch", "The input is in another namespace than the one asked for.";
    NoCertificate = "no-certificate", "There is no certificate to seal with.";
    NoKeys = "no-keys", "There is no sealing key where one is needed.";
    NoSecrets = "no-secrets", "The input holds no Secret.";
    NotBackedUp = "not-backed-up", "A sealing key is in no backup.";
    NotFound = "not-found", "A file or an object that is needed does not exist.";
    NotManaged = "not-managed", "A Secret of this name exists and does not belong to the SealedSecret.";
    RejectedSecret = "rejected-secret", "The API server refuses the Secret, or the right to write it.";
    ReservedKey = "reserved-key", "The SealedSecret would write a Secret that the controller takes for a sealing key.";
    ScopeConflict = "scope-conflict", "The scope asked for contradicts the object's scope annotation.";
    SealedElsewhere = "sealed-elsewhere", "Name, namespace or scope of the object differ from those in its template, for which it was probably sealed.";
    SecretType = "secret-type", "A Secret of this name exists with another type, which cannot change.";
    TemplateFailed = "template-failed", "A template stopped with an error while it ran.";
    TemplateInvalid = "template-invalid", "A template cannot be parsed.";
    UnexpectedKey = "unexpected-key", "Everybody would seal for a key that nobody has answered for.";
    Unreachable = "unreachable", "The cluster or the controller cannot be reached.";
    UnreadableFile = "unreadable-file", "A file or standard input cannot be read.";
    Unsealed = "unsealed", "Everything opened; not a failure.";
    UnwritableOutput = "unwritable-output", "The output cannot be written.";
    Usage = "usage", "The command line makes no sense as given.";
    WrongKey = "wrong-key", "No key at hand opens a value under the object's namespace, name and scope.";
    WrongKind = "wrong-kind", "The object is of another kind or version than the one wanted.";
    WrongType = "wrong-type", "A field holds another type of value than it must.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_and_are_sorted() {
        for code in Code::ALL {
            let from_words: String = code
                .as_str()
                .split('-')
                .map(|word| word[..1].to_uppercase() + &word[1..])
                .collect();
            assert_eq!(from_words, code.reason());
        }
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].as_str() < pair[1].as_str())
        );
    }
}
