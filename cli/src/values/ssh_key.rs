//! SSH key pairs, Ed25519, as OpenSSH writes them (its PROTOCOL.key and RFC 8709).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use rand::Rng as _;
use sealed_api::Code;
use sealed_crypto::base64;
use zeroize::Zeroizing;

use super::Plaintext;
use crate::failure::Failure;

const ALGORITHM: &str = "ssh-ed25519";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// Of an unencrypted key, in bytes.
const BLOCK: usize = 8;
/// Characters of base64 in a line.
const LINE: usize = 70;

/// A key pair.
pub(super) struct SshKey {
    /// The file that `ssh` reads.
    pub(super) private: Plaintext,
    /// The line for `authorized_keys`.
    pub(super) public: String,
}

impl SshKey {
    /// Makes one; the comment tells people what it is for.
    pub(super) fn generate(comment: &str) -> Result<Self, Failure> {
        let mut seed = Zeroizing::new([0; 32]);
        let mut check = [0; 4];
        rand::rng().fill_bytes(seed.as_mut_slice());
        rand::rng().fill_bytes(&mut check);
        Self::of(&seed, check, comment)
    }

    /// `check` stands in the file twice: that both are equal tells that it was decrypted, where it is encrypted.
    fn of(seed: &[u8; 32], check: [u8; 4], comment: &str) -> Result<Self, Failure> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Failure::new(Code::BadKey, "the cryptographic library made no SSH key"))?;
        let point = pair.public_key().as_ref();

        let mut public = Vec::new();
        string(&mut public, ALGORITHM.as_bytes());
        string(&mut public, point);

        let mut private = Zeroizing::new(Vec::with_capacity(512));
        private.extend(check);
        private.extend(check);
        private.extend(&public);
        // The private half is the seed and the public key behind it.
        let both = Zeroizing::new([seed, point].concat());
        string(&mut private, &both);
        string(&mut private, comment.as_bytes());
        let missing = private.len().next_multiple_of(BLOCK) - private.len();
        private.extend((1..).take(missing));

        let mut file = Zeroizing::new(Vec::with_capacity(1024));
        file.extend(MAGIC);
        for none in ["none", "none", ""] {
            string(&mut file, none.as_bytes()); // cipher, key derivation, its options
        }
        file.extend(1_u32.to_be_bytes());
        string(&mut file, &public);
        string(&mut file, &private);
        Ok(Self {
            private: armored(&file),
            public: format!("{ALGORITHM} {} {comment}", base64::encode(&public))
                .trim_end()
                .to_owned(),
        })
    }
}

/// A length and the bytes (RFC 4251 §5).
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a key is far below 4 GiB");
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

fn armored(file: &[u8]) -> Plaintext {
    let encoded = Zeroizing::new(base64::encode(file));
    let mut text = Zeroizing::new(Vec::with_capacity(encoded.len() * 2));
    text.extend(b"-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for line in encoded.as_bytes().chunks(LINE) {
        text.extend(line);
        text.push(b'\n');
    }
    text.extend(b"-----END OPENSSH PRIVATE KEY-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8032 §7.1, test 1; the file as `ssh-keygen -y` takes it (OpenSSH 9.2 printed the public line).
    #[test]
    fn the_file_is_one_that_openssh_reads() {
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec,
            0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03,
            0x1c, 0xae, 0x7f, 0x60,
        ];
        let Ok(key) = SshKey::of(&seed, [1, 2, 3, 4], "ci@example") else {
            panic!("the seed is one");
        };
        assert_eq!(key.public, PUBLIC);
        assert_eq!(String::from_utf8_lossy(&key.private), PRIVATE);
    }

    const PUBLIC: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ci@example";
    const PRIVATE: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGgAAAJABAgMEAQID
BAAAAAtzc2gtZWQyNTUxOQAAACDXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg
AAAECdYbGd7/1aYLqESvSS7CzEREnFaXsyaRlwO6wDHK5/YNdamAGCsQq31Uv+08lkBzoO
4XLz2qYjJa8CGmj3B1EaAAAACmNpQGV4YW1wbGUBAgM=
-----END OPENSSH PRIVATE KEY-----
";

    #[test]
    fn two_keys_are_never_the_same() {
        let (one, other) = (SshKey::generate(""), SshKey::generate(""));
        assert!(one.is_ok_and(|one| other.is_ok_and(|other| one.public != other.public)));
    }
}
