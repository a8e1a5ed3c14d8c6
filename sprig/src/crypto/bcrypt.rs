//! Password hashes.

use sealed_template::{CallError, Context, Str};

use super::cost::{self, costly};

const COST: u32 = 10;
/// Blowfish takes no longer key.
const MAX_LEN: usize = 72;

/// `bcrypt`: the hash of a password under a random salt. What goes wrong is said in the result.
pub(super) fn bcrypt(context: &mut Context<'_>, password: Str) -> Result<Str, CallError> {
    if password.len() > MAX_LEN {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".into(),
        );
    }
    let mut salt = [0; 16];
    context.random(&mut salt);
    let hash = costly(context, cost::BCRYPT, || {
        ::bcrypt::hash_with_salt(password.as_bytes(), COST, salt)
    })?;
    Ok(match hash {
        Ok(hash) => hash.format_for_version(::bcrypt::Version::TwoA).into(),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}").into(),
    })
}

/// `htpasswd`: a line of Apache's password file.
pub(super) fn htpasswd(
    context: &mut Context<'_>,
    user: Str,
    password: Str,
) -> Result<Str, CallError> {
    if user.contains(&b':') {
        return Ok([b"invalid username: ", user.as_bytes()].concat().into());
    }
    let hash = bcrypt(context, password)?;
    Ok([user.as_bytes(), b":", hash.as_bytes()].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn hashed(password: &str) -> String {
        let hash = with_context(|context| bcrypt(context, password.into()));
        hash.unwrap().to_text().into_owned()
    }

    #[test]
    fn hashes_are_of_version_2a_and_fit_the_password() {
        let longest = "x".repeat(MAX_LEN);
        for password in ["", "pässword", "a\0b", &longest] {
            let hash = hashed(password);
            assert!(hash.starts_with("$2a$10$"), "{hash}");
            assert_eq!(::bcrypt::verify(password, &hash).ok(), Some(true), "{hash}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_result() {
        let too_long = "x".repeat(MAX_LEN + 1);
        let text = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
        assert_eq!(hashed(&too_long), text);

        let line = |user: &str, password: &str| {
            let line = with_context(|context| htpasswd(context, user.into(), password.into()));
            line.unwrap().to_text().into_owned()
        };
        assert_eq!(line("a:b", "x"), "invalid username: a:b");
        assert_eq!(line("u", &too_long), format!("u:{text}"));
        assert!(line("u", "x").starts_with("u:$2a$10$"));
    }
}
