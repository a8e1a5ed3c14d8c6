//! AES-256-CBC: `base64(iv ‖ ciphertext)`, with the password itself, cut or filled with zeros, as the key.
//!
//! Nothing tells a wrong password or a changed text from the right one, as in Sprig.

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use sealed_template::{CallError, Context, Str};
use zeroize::Zeroizing;

use super::cost;
use crate::base64;

const BLOCK_LEN: usize = 16;

/// `encryptAES`
pub(super) fn encrypt(
    context: &mut Context<'_>,
    password: Str,
    plaintext: Str,
) -> Result<Str, CallError> {
    if plaintext.is_empty() {
        return Ok("".into());
    }
    context.spend(cost::reading(&plaintext))?;
    let mut iv = [0; BLOCK_LEN];
    context.random(&mut iv);

    let padding = BLOCK_LEN.saturating_sub(plaintext.len() % BLOCK_LEN);
    let padded_len = plaintext.len().saturating_add(padding);
    let mut text = Zeroizing::new(Vec::with_capacity(padded_len));
    text.extend_from_slice(&plaintext);
    text.resize(padded_len, padding.to_le_bytes()[0]);

    EncryptingKey::cbc(key(&password)?)
        .and_then(|key| {
            key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(iv)))
        })
        .map_err(|_| failed())?;
    Ok(base64::encode(&[&iv, text.as_slice()].concat()).into())
}

/// `decryptAES`: trusts what it reads. Where the last byte of the plaintext cannot be the length of a padding,
/// Go panics, and the text of that is the error here.
pub(super) fn decrypt(
    context: &mut Context<'_>,
    password: Str,
    ciphertext: Str,
) -> Result<Str, CallError> {
    if ciphertext.is_empty() {
        return Ok("".into());
    }
    context.spend(cost::reading(&ciphertext))?;
    let mut text = base64::decode(&ciphertext)
        .map_err(|at| CallError::new(format!("illegal base64 data at input byte {at}")))?;
    let text_len = text.len();
    let Some((iv, blocks)) = text.split_first_chunk_mut::<BLOCK_LEN>() else {
        // Slicing in Go may go beyond the end, up to what was set aside.
        let capacity = base64::decoded_len(ciphertext.len());
        return Err(out_of_range(if capacity < BLOCK_LEN {
            format!("[:{BLOCK_LEN}] with capacity {capacity}")
        } else {
            format!("[{BLOCK_LEN}:{text_len}]")
        }));
    };
    if blocks.len() % BLOCK_LEN != 0 {
        return Err(CallError::new("crypto/cipher: input not full blocks"));
    }
    DecryptingKey::cbc(key(&password)?)
        .and_then(|key| {
            key.decrypt(blocks, DecryptionContext::Iv128(FixedLength::from(*iv)))
                .map(drop)
        })
        .map_err(|_| failed())?;
    let Some(padding) = blocks.last().map(|last| usize::from(*last)) else {
        return Err(CallError::new("runtime error: index out of range [-1]"));
    };
    match blocks.len().checked_sub(padding) {
        Some(len) => Ok(blocks.get(..len).unwrap_or_default().into()),
        None => Err(out_of_range(format!(
            "[:-{}]",
            padding.saturating_sub(blocks.len())
        ))),
    }
}

fn key(password: &[u8]) -> Result<UnboundCipherKey, CallError> {
    let mut key = Zeroizing::new([0; 32]);
    key.iter_mut()
        .zip(password)
        .for_each(|(to, from)| *to = *from);
    UnboundCipherKey::new(&AES_256, &*key).map_err(|_| failed())
}

fn out_of_range(bounds: String) -> CallError {
    CallError::new(format!("runtime error: slice bounds out of range {bounds}"))
}

fn failed() -> CallError {
    CallError::new("AES failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn decrypted(password: &str, text: &str) -> Result<String, String> {
        match with_context(|context| decrypt(context, password.into(), text.into())) {
            Ok(text) => Ok(text.to_text().into_owned()),
            Err(error) => Err(error.to_text().into_owned()),
        }
    }

    #[test]
    fn what_sprig_encrypted_can_be_read() {
        let text = "fNoIaJvgtLIkgyGXxfCdXNo2LgwbYH8+/8Sd/6fgjRTqCvr8M14Q2bvTMYdZbGwo";
        assert_eq!(
            decrypted("pätch", text),
            Ok("own vector, 2 blocks!".to_owned())
        );
    }

    #[test]
    fn what_was_encrypted_can_be_read() {
        for len in [0, 1, 15, 16, 17, 100] {
            let plaintext = "x".repeat(len);
            for password in ["", "short", "a password of more than thirty-two bytes"] {
                let text = with_context(|context| {
                    encrypt(context, password.into(), plaintext.as_str().into())
                });
                let text = text.unwrap().to_text().into_owned();
                assert_eq!(decrypted(password, &text), Ok(plaintext.clone()), "{len}");
            }
        }
    }

    /// The texts are those of Go's panics.
    #[test]
    fn texts_that_cannot_be_read_are_refused_as_in_go() {
        for (text, error) in [
            ("not-base64", "illegal base64 data at input byte 3"),
            (
                "YWJj",
                "runtime error: slice bounds out of range [:16] with capacity 3",
            ),
            // Fifteen bytes, for which Go sets eighteen aside.
            (
                "AAAAAAAAAAAAAAAAAAAA\n\n\n\n",
                "runtime error: slice bounds out of range [16:15]",
            ),
            (
                "AAAAAAAAAAAAAAAAAAAAAA==",
                "runtime error: index out of range [-1]",
            ),
            (
                "AAAAAAAAAAAAAAAAAAAAAAA=",
                "crypto/cipher: input not full blocks",
            ),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "runtime error: slice bounds out of range [:-19]",
            ),
        ] {
            assert_eq!(decrypted("k", text), Err(error.to_owned()), "{text:?}");
        }
    }
}
