//! Version 1 of the Master Password algorithm, as Sprig has it: the lengths in it count bytes.

use aws_lc_rs::hmac;
use sealed_template::{CallError, Context, Str};
use zeroize::Zeroizing;

use super::cost::{self, costly};

const SEED: &[u8] = b"com.lyndir.masterpassword";

const LOG_N: u8 = 15;
const R: u32 = 8;
const P: u32 = 2;

/// `derivePassword`: the password of a site, from a master password.
///
/// scrypt takes 32 MiB meanwhile, which are freed before the result is there, so they are not charged.
pub(super) fn derive(
    context: &mut Context<'_>,
    counter: u32,
    kind: Str,
    password: Str,
    user: Str,
    site: Str,
) -> Result<Str, CallError> {
    let Some(templates) = templates(&kind) else {
        let text = [b"cannot find password template ", kind.as_bytes()];
        return Ok(text.concat().into());
    };
    context.spend(cost::scrypt_salt(&user).saturating_add(cost::reading(&password)))?;
    let Some(key) = costly(context, cost::SCRYPT, || master_key(&password, &user))? else {
        return Ok("failed to derive password: scrypt: parameters are too large".into());
    };
    let message = [&salt(&site)[..], &counter.to_be_bytes()].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*key), &message);
    Ok(fill(templates, tag.as_ref()).into())
}

fn master_key(password: &[u8], user: &[u8]) -> Option<Zeroizing<[u8; 64]>> {
    let mut key = Zeroizing::new([0; 64]);
    let parameters = scrypt::Params::new(LOG_N, R, P).ok()?;
    scrypt::scrypt(password, &salt(user), &parameters, &mut *key).ok()?;
    Some(key)
}

/// The seed, and `name` behind its length in 32 bits.
fn salt(name: &[u8]) -> Vec<u8> {
    let len = u32::try_from(name.len()).unwrap_or(u32::MAX);
    [SEED, &len.to_be_bytes(), name].concat()
}

/// The first byte of `tag` chooses a template, each further byte a character for a place in it.
fn fill(templates: &[&str], tag: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = tag.split_first() else {
        return Vec::new();
    };
    let template = pick(templates, *first).copied().unwrap_or_default();
    template
        .bytes()
        .zip(rest)
        .filter_map(|(class, byte)| pick(characters(class), *byte).copied())
        .collect()
}

fn pick<T>(choices: &[T], byte: u8) -> Option<&T> {
    choices.get(usize::from(byte).checked_rem(choices.len())?)
}

fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

/// What may stand for a letter of a template.
fn characters(class: u8) -> &'static [u8] {
    match class {
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        b'x' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
        _ => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    /// The answers are Sprig's.
    #[test]
    fn passwords_are_those_of_sprig() {
        for (counter, kind, password, user, site, expected) in [
            (
                3,
                "long",
                "master pw",
                "alice",
                "db.internal",
                "Jehu3(TupaXuto",
            ),
            (
                u32::MAX,
                "maximum",
                "master pw",
                "alice",
                "db.internal",
                "WCF%UDuZDJe8gMzYo96^",
            ),
            (0, "medium", "", "", "", "RozMog8!"),
            (7, "short", "é", "ü", "ß", "Pub2"),
            (2, "basic", "a", "b", "c", "GL16IDE8"),
            (1, "pin", "p", "u", "s", "2461"),
            (
                1,
                "bogus",
                "p",
                "u",
                "s",
                "cannot find password template bogus",
            ),
        ] {
            let derived = with_context(|context| {
                derive(
                    context,
                    counter,
                    kind.into(),
                    password.into(),
                    user.into(),
                    site.into(),
                )
            });
            assert_eq!(derived.unwrap().to_text(), expected, "{kind}");
        }
    }
}
