//! `genPrivateKey`

use sealed_template::{CallError, Context, Str};

use super::{PrivateKey, Size, dsa, ec, ed25519};
use crate::crypto::pem;

/// `genPrivateKey`: a new key as PEM. An unknown type is said in the result.
pub(in super::super) fn generate(context: &mut Context<'_>, kind: Str) -> Result<Str, CallError> {
    let key = match kind.as_bytes() {
        b"" | b"rsa" => PrivateKey::generate_rsa(context, Size::Bits4096),
        b"dsa" => return Ok(pem::encode("DSA PRIVATE KEY", &dsa::generate(context)?)),
        b"ecdsa" => ec::Key::generate(context).map(PrivateKey::Ec),
        b"ed25519" => ed25519::Key::generate(context).map(PrivateKey::Ed25519),
        _ => return Ok([b"Unknown type ", kind.as_bytes()].concat().into()),
    };
    key?.to_pem()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sealed_template::{Budget, Limit, Limits};

    use super::*;
    use crate::System;
    use crate::testing::{with_context, with_steps};

    #[test]
    fn keys_are_of_the_kind_that_was_asked_for_and_can_be_read() {
        let system = System::new();
        let mut limits = Limits::default();
        limits.time = Duration::from_mins(10);
        for (kind, label) in [
            ("", "RSA PRIVATE KEY"),
            ("dsa", "DSA PRIVATE KEY"),
            ("ecdsa", "EC PRIVATE KEY"),
            ("ed25519", "PRIVATE KEY"),
        ] {
            let mut budget = Budget::new(limits.clone());
            let mut context = Context::new(&system, &mut budget);
            let text = generate(&mut context, kind.into()).unwrap();
            let begin = format!("-----BEGIN {label}-----\n");
            assert!(text.starts_with(begin.as_bytes()), "{kind}");
            let key = PrivateKey::from_pem(&mut context, &text).unwrap();
            if kind != "dsa" {
                assert!(key.to_pem().unwrap() == text, "{kind}");
            }
        }
    }

    #[test]
    fn an_unknown_type_is_said_in_the_result() {
        let text = with_context(|context| generate(context, "x25519".into()));
        assert_eq!(text.unwrap().to_text(), "Unknown type x25519");
    }

    /// The random bytes of tests are all zero, so that no prime is ever found.
    #[test]
    fn a_search_without_luck_ends() {
        let error = with_steps(10_000, |context| generate(context, "dsa".into())).unwrap_err();
        assert_eq!(error.passed_limit(), Some(Limit::Steps));
    }

    #[test]
    fn nothing_is_begun_that_the_budget_has_no_steps_for() {
        for kind in ["", "dsa", "ecdsa", "ed25519"] {
            let error = with_steps(10, |context| generate(context, kind.into())).unwrap_err();
            assert_eq!(error.passed_limit(), Some(Limit::Steps), "{kind}");
        }
    }
}
