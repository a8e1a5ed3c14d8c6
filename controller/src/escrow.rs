//! Escrow of new keys: before a key is used for the first time, its Secret is encrypted to recipients who keep their
//! identities offline, in a form that is safe to commit.
//!
//! An escrow is one armored [age](https://age-encryption.org/v1) file. Decrypted, it is a `v1` List with the key Secret as
//! it is stored, which `kubectl apply` restores and a recovery (`--recovery-private-key`) reads. So Git and one offline
//! identity are enough to rebuild a cluster, and there is no moment at which something is sealed for a key that exists
//! only in that cluster.

use std::io::Write as _;
use std::panic::catch_unwind;

use age::armor::{ArmoredWriter, Format};
use age::x25519::Recipient;
use k8s_openapi::api::core::v1::Secret;
use sealed_api::names::{self, escrow};
use sealed_crypto::Fingerprint;
use sealed_manifest::to_yaml;
use serde::Serialize;
use zeroize::Zeroizing;

/// Why a key cannot be put into escrow.
#[derive(Debug, thiserror::Error)]
pub enum EscrowError {
    /// The recipients do not go together.
    #[error("cannot encrypt the new key to the recipients of --escrow-recipient")]
    Encrypt(#[from] age::EncryptError),
    /// Writing failed, though it writes to memory.
    #[error("cannot write the escrow of the new key")]
    Write(#[from] std::io::Error),
}

/// Whoever can decrypt an escrow. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Reads public keys as `age-keygen` prints them; `None` when there are none.
    ///
    /// # Errors
    ///
    /// Text about the first that cannot be used. It does not repeat it: a private key is easily pasted instead.
    pub fn parse(items: &[String]) -> Result<Option<Self>, String> {
        let parsed = items
            .iter()
            .map(|item| recipient(item.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((!parsed.is_empty()).then_some(Self(parsed)))
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The age file of a key Secret.
    ///
    /// # Errors
    ///
    /// When it cannot be encrypted; nothing is known that makes it so.
    pub fn encrypt(&self, secret: &Secret) -> Result<String, EscrowError> {
        let list = Zeroizing::new(to_yaml(&List {
            api_version: names::secret::API_VERSION,
            kind: names::secret::LIST_KIND,
            items: [secret],
        }));
        let recipients = self
            .0
            .iter()
            .map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients)?;
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(list.as_bytes())?;
        let file = writer.finish()?.finish()?;
        String::from_utf8(file)
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData).into())
    }
}

fn recipient(text: &str) -> Result<Recipient, String> {
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return Err(
            "holds an age identity, which is private: it must be the recipient, \
                    which `age-keygen -y` prints of it"
                .to_owned(),
        );
    }
    let recipient: Recipient = text
        .parse()
        .map_err(|why| format!("must be age recipients, which begin with age1: {why}"))?;
    // age panics over the few points that would make the encryption void; better at the start than at a renewal.
    let usable = catch_unwind(|| {
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        age::Encryptor::with_recipients(recipients).is_ok()
    });
    if usable.unwrap_or(false) {
        Ok(recipient)
    } else {
        Err("nothing can be encrypted to this recipient".to_owned())
    }
}

/// What `kubectl get -o yaml` prints of several objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: [&'a Secret; 1],
}

/// The name of a key's escrow. It follows from the key and not from the name of its Secret: another key can never come
/// to be under it, however many controllers make keys at the same time.
pub fn name(key: Fingerprint) -> String {
    let digest = key.as_bytes().iter().take(8);
    digest.fold(escrow::PREFIX.to_owned(), |name, byte| {
        name + &format!("{byte:02x}")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use age::x25519::Identity;
    use k8s_openapi::ByteString;
    use sealed_api::{Origin, decode_secret};
    use sealed_manifest::Documents;

    use super::*;

    fn secret() -> Secret {
        Secret {
            data: Some([("tls.key".to_owned(), ByteString(b"hunter2".to_vec()))].into()),
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        }
    }

    fn decrypt(file: &str, identity: &Identity) -> Option<String> {
        let armor = age::armor::ArmoredReader::new(file.as_bytes());
        let decryptor = age::Decryptor::new_buffered(armor).unwrap();
        let identity = std::iter::once(identity as &dyn age::Identity);
        let mut text = String::new();
        decryptor
            .decrypt(identity)
            .ok()?
            .read_to_string(&mut text)
            .unwrap();
        Some(text)
    }

    #[test]
    fn each_recipient_and_nobody_else_decrypts_the_secret_as_it_is() {
        let [a, b, stranger] = [(); 3].map(|()| Identity::generate());
        let recipients = [&a, &b].map(|identity| identity.to_public().to_string());
        let recipients = Recipients::parse(&recipients).unwrap().unwrap();
        assert_eq!(recipients.count(), 2);
        let file = recipients.encrypt(&secret()).unwrap();
        assert!(
            file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"),
            "{file}"
        );
        assert!(!file.contains("hunter2") && !file.contains("aHVudGVyMg"));
        for identity in [&a, &b] {
            let text = decrypt(&file, identity).unwrap();
            let mut documents = Documents::new(text.as_bytes(), "escrow");
            let mut list = documents.next().unwrap().unwrap().into_value();
            assert_eq!(
                (&list["apiVersion"], &list["kind"]),
                (&"v1".into(), &"List".into())
            );
            let item = list["items"][0].take();
            assert_eq!(decode_secret(item, Origin::Yaml).unwrap(), secret());
        }
        assert_eq!(decrypt(&file, &stranger), None);
    }

    #[test]
    fn what_is_no_recipient_is_refused_and_not_repeated() {
        let private = Identity::generate();
        let private = age::secrecy::ExposeSecret::expose_secret(&private.to_string()).to_owned();
        let x25519 = Identity::generate().to_public().to_string();
        for text in [
            "age1xyz",
            // All zeros, a point of small order: whatever is encrypted to it, everybody decrypts.
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            "ssh-ed25519 AAAA",
            &private,
            &private.to_lowercase(),
            &x25519[..50],
            "",
        ] {
            let refused = Recipients::parse(&[x25519.clone(), text.to_owned()]).unwrap_err();
            assert!(text.is_empty() || !refused.contains(text), "{refused}");
        }
        assert_eq!(Recipients::parse(&[]), Ok(None));
    }
}
