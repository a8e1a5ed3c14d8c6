//! Values that are made up here, so that nobody has to think of them, or ever see them: `--generate KEY=KIND,OPTION=VALUE`.

use jiff::Timestamp;
use rand::RngExt as _;
use zeroize::Zeroizing;

use super::ssh_key::SshKey;
use super::tls_pair::TlsPair;
use super::{Items, pair};
use crate::failure::Failure;
use crate::io::Talk;

/// What the help of `--generate` says.
pub(crate) const HELP: &str = "KEY=KIND: make a value up. KIND is password[,length=32][,alphabet=alphanumeric|hex|printable], \
uuid, ssh-key[,comment=TEXT] (with KEY.pub), or tls,host=NAME[,host=…][,days=365] (a self-signed certificate beside tls.key); may be repeated";

const FLAG: &str = "--generate";
const DEFAULT_LENGTH: usize = 32;
/// Sixteen alphanumeric characters are 95 bits; less would be for somebody's convenience and not for a machine.
const SHORTEST: usize = 16;
const LONGEST: usize = 4096;
const DEFAULT_DAYS: u16 = 365;

/// How to make a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// Random characters.
    Password {
        /// How many.
        length: usize,
        /// Which.
        alphabet: Alphabet,
    },
    /// An Ed25519 key for SSH, with its public half beside it.
    SshKey {
        /// What people see in `authorized_keys`.
        comment: String,
    },
    /// A self-signed certificate beside its key.
    Tls {
        /// Names and addresses that it is for.
        hosts: Vec<String>,
        /// For how long.
        days: u16,
    },
    /// A random UUID (RFC 9562, version 4).
    Uuid,
}

/// The characters of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Letters and digits, which need no escaping anywhere.
    Alphanumeric,
    /// Hexadecimal digits.
    Hex,
    /// Everything that ASCII can show, but for the blank.
    Printable,
}

impl Recipe {
    /// Reads `KEY=KIND,OPTION=VALUE…`; the key comes first in the result.
    pub(crate) fn parse_with_key(text: &str) -> Result<(String, Self), Failure> {
        let (key, recipe) = pair(text, FLAG, "KEY=KIND")?;
        Ok((key.to_owned(), Self::parse(recipe)?))
    }

    /// Reads `KIND,OPTION=VALUE…`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut parts = text.split(',');
        let kind = parts.next().unwrap_or_default();
        let mut options: Vec<(&str, &str)> = Vec::new();
        for part in parts {
            options.push(pair(part, FLAG, "options as OPTION=VALUE")?);
        }
        let known: &[&str] = match kind {
            "password" => &["length", "alphabet"],
            "ssh-key" => &["comment"],
            "tls" => &["host", "days"],
            "uuid" => &[],
            _ => {
                return Err(Failure::usage(format!("{FLAG} knows no kind `{kind}`"))
                    .hint("the kinds are password, ssh-key, tls and uuid"));
            }
        };
        if let Some((name, _)) = options.iter().find(|(name, _)| !known.contains(name)) {
            return Err(no_option(kind, name, known));
        }
        let all = |name: &str| {
            let fitting = options.iter().filter(|(option, _)| *option == name);
            fitting
                .map(|(_, value)| (*value).to_owned())
                .collect::<Vec<_>>()
        };
        let last = |name: &str| all(name).pop();
        Ok(match kind {
            "password" => Self::Password {
                length: number("length", last("length"), DEFAULT_LENGTH, SHORTEST..=LONGEST)?,
                alphabet: Alphabet::parse(last("alphabet").as_deref())?,
            },
            "ssh-key" => Self::SshKey {
                comment: last("comment").unwrap_or_default(),
            },
            "tls" => Self::Tls {
                hosts: match all("host") {
                    hosts if hosts.is_empty() => {
                        return Err(Failure::usage(format!("{FLAG} …=tls needs host=NAME"))
                            .hint("the name that clients connect to, such as db.web.svc; may be repeated"));
                    }
                    hosts => hosts,
                },
                days: number("days", last("days"), DEFAULT_DAYS, 1..=u16::MAX)?,
            },
            _ => Self::Uuid,
        })
    }

    /// Makes the value, and what belongs to it under keys of its own. What others have to know of it is said.
    pub(crate) fn make(
        &self,
        key: &str,
        now: Timestamp,
        items: &mut Items,
        talk: &mut Talk<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Password { length, alphabet } => items.add(key, alphabet.draw(*length)),
            Self::Uuid => {
                let mut bytes = Zeroizing::new([0; 16]);
                rand::rng().fill(bytes.as_mut_slice());
                let uuid = uuid::Builder::from_random_bytes(*bytes).into_uuid();
                items.add(key, Zeroizing::new(uuid.to_string().into_bytes()))
            }
            Self::SshKey { comment } => {
                let made = SshKey::generate(comment)?;
                talk.say(&format!(
                    "note: the public key of `{key}` is {}",
                    made.public
                ));
                let public = format!("{}\n", made.public).into_bytes();
                items.add(key, made.private)?;
                items.add(&format!("{key}.pub"), Zeroizing::new(public))
            }
            Self::Tls { hosts, days } => {
                let made = TlsPair::self_signed(hosts, *days, now)?;
                items.add(key, made.key)?;
                items.add(
                    &certificate_key(key),
                    Zeroizing::new(made.certificate.into_bytes()),
                )
            }
        }
    }

    /// Whether it makes one value and no other beside it.
    pub(crate) fn is_single(&self) -> bool {
        match self {
            Self::Password { .. } | Self::Uuid => true,
            Self::SshKey { .. } | Self::Tls { .. } => false,
        }
    }
}

impl Alphabet {
    fn parse(name: Option<&str>) -> Result<Self, Failure> {
        match name {
            None | Some("alphanumeric") => Ok(Self::Alphanumeric),
            Some("hex") => Ok(Self::Hex),
            Some("printable") => Ok(Self::Printable),
            Some(other) => Err(
                Failure::usage(format!("{FLAG} knows no alphabet `{other}`"))
                    .hint("the alphabets are alphanumeric, hex and printable"),
            ),
        }
    }

    fn characters(self) -> Vec<u8> {
        match self {
            Self::Alphanumeric => (b'0'..=b'9')
                .chain(b'A'..=b'Z')
                .chain(b'a'..=b'z')
                .collect(),
            Self::Hex => (b'0'..=b'9').chain(b'a'..=b'f').collect(),
            Self::Printable => (b'!'..=b'~').collect(),
        }
    }

    /// Each character as likely as any other.
    fn draw(self, length: usize) -> Zeroizing<Vec<u8>> {
        let characters = self.characters();
        let mut random = rand::rng();
        let one = || {
            let at = random.random_range(0..characters.len());
            characters.get(at).copied()
        };
        // With its full size at once, so that no shorter copy is left behind.
        let mut drawn = Zeroizing::new(Vec::with_capacity(length));
        drawn.extend(std::iter::repeat_with(one).flatten().take(length));
        drawn
    }
}

/// Where the certificate goes that belongs to a key: `tls.crt` beside `tls.key`.
fn certificate_key(key: &str) -> String {
    format!("{}.crt", key.strip_suffix(".key").unwrap_or(key))
}

fn number<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    given: Option<String>,
    default: N,
    range: std::ops::RangeInclusive<N>,
) -> Result<N, Failure> {
    let Some(given) = given else {
        return Ok(default);
    };
    match given.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Failure::usage(format!(
            "{FLAG}: {name} is a number from {} to {}",
            range.start(),
            range.end()
        ))),
    }
}

fn no_option(kind: &str, name: &str, known: &[&str]) -> Failure {
    let failure = Failure::usage(format!("{FLAG} …={kind} knows no option `{name}`"));
    if known.is_empty() {
        failure.hint("it has none")
    } else {
        failure.hint(format!("its options are {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_pair;
    use super::*;
    use crate::name::Name;

    fn made(recipe: &str) -> Items {
        let mut items = Items::default();
        let mut said = Vec::new();
        let (key, recipe) = Recipe::parse_with_key(recipe).unwrap();
        let now = "2026-11-27T02:00:00Z".parse().unwrap();
        recipe
            .make(&key, now, &mut items, &mut Talk(&mut said))
            .unwrap();
        items
    }

    #[test]
    fn passwords_have_the_length_and_the_characters_asked_for() {
        for (recipe, length, fits) in [
            (
                "p=password",
                32,
                u8::is_ascii_alphanumeric as fn(&u8) -> bool,
            ),
            ("p=password,length=64,alphabet=hex", 64, |b| {
                b.is_ascii_digit() || (b'a'..=b'f').contains(b)
            }),
            (
                "p=password,alphabet=printable,length=16",
                16,
                u8::is_ascii_graphic,
            ),
        ] {
            let (one, other) = (made(recipe), made(recipe));
            let value = one.value("p").unwrap();
            assert!(value.len() == length && value.iter().all(fits), "{recipe}");
            assert_ne!(one.value("p"), other.value("p"));
        }
    }

    #[test]
    fn every_character_of_an_alphabet_is_drawn() {
        for alphabet in [Alphabet::Alphanumeric, Alphabet::Hex, Alphabet::Printable] {
            let drawn = alphabet.draw(LONGEST);
            // That one of 94 is missing among 4096 has a chance of 1e-17.
            assert!(alphabet.characters().iter().all(|one| drawn.contains(one)));
        }
    }

    #[test]
    fn uuids_are_of_version_four() {
        let items = made("id=uuid");
        let text = std::str::from_utf8(items.value("id").unwrap()).unwrap();
        let uuid = uuid::Uuid::parse_str(text).unwrap();
        assert_eq!((text.len(), uuid.get_version_num()), (36, 4));
    }

    #[test]
    fn a_certificate_belongs_to_the_key_it_is_made_with() {
        let (one, other) = (
            made("tls.key=tls,host=db.web.svc,host=192.0.2.1,days=10"),
            made("tls.key=tls,host=db.web.svc"),
        );
        let [crt, key] = ["tls.crt", "tls.key"].map(|key| one.value(key).unwrap());
        assert_eq!(check_pair(crt, key), Ok(()));
        let (_, pem) = x509_parser::pem::parse_x509_pem(crt).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let validity = certificate.validity();
        assert_eq!(
            [validity.not_before, validity.not_after].map(|time| time.timestamp()),
            ["2026-11-26T00:00:00Z", "2026-12-07T00:00:00Z"]
                .map(|time| time.parse::<Timestamp>().unwrap().as_second())
        );
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 2);
        let told = check_pair(crt, other.value("tls.key").unwrap());
        assert!(
            told.is_err_and(|failure| { failure.text(Name::Seal).contains("does not belong") })
        );
    }

    #[test]
    fn an_ssh_key_comes_with_its_public_half() {
        let items = made("identity=ssh-key,comment=flux");
        let public = String::from_utf8_lossy(items.value("identity.pub").unwrap()).into_owned();
        assert!(
            public.starts_with("ssh-ed25519 AAAA") && public.ends_with(" flux\n"),
            "{public}"
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (recipe, words) in [
            ("p", "KEY=KIND"),
            ("=uuid", "KEY=KIND"),
            ("p=pasword", "no kind `pasword`"),
            ("p=password,length=4", "length is a number from 16 to 4096"),
            ("p=password,len=20", "no option `len`"),
            ("p=password,alphabet=greek", "no alphabet `greek`"),
            ("p=password,length", "OPTION=VALUE"),
            ("p=uuid,length=3", "it has none"),
            ("tls.key=tls", "needs host=NAME"),
            (
                "tls.key=tls,host=a,days=0",
                "days is a number from 1 to 65535",
            ),
        ] {
            let told = Recipe::parse_with_key(recipe).unwrap_err().text(Name::Seal);
            assert!(
                told.starts_with("error[usage]: ") && told.contains(words),
                "{told}"
            );
        }
    }
}
