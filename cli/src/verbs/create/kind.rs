//! The kinds of Secrets: what each must hold (the checks of Kubernetes), and what is made of the values given for it.

use std::collections::BTreeMap;

use sealed_api::Code;
use sealed_crypto::base64;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::values::{Items, check_pair};

/// A kind of Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// User name and password.
    BasicAuth,
    /// Credentials of container registries.
    DockerRegistry,
    /// Anything.
    Generic,
    /// A private key for SSH.
    SshAuth,
    /// A certificate and its key.
    Tls,
}

/// Keys of values from which the credentials of a registry are made: the flags of their names.
pub(super) const DOCKER: [&str; 4] = [
    "docker-email",
    "docker-password",
    "docker-server",
    "docker-username",
];
const DOCKER_CONFIG: &str = ".dockerconfigjson";
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

impl Kind {
    /// The type of the Secret, where the kind decides it.
    pub(super) fn type_(self) -> Option<&'static str> {
        match self {
            Self::BasicAuth => Some("kubernetes.io/basic-auth"),
            Self::DockerRegistry => Some("kubernetes.io/dockerconfigjson"),
            Self::Generic => None,
            Self::SshAuth => Some("kubernetes.io/ssh-auth"),
            Self::Tls => Some("kubernetes.io/tls"),
        }
    }

    /// The key of a file that is given without one, where it is not the file's name.
    pub(super) fn file_key(self) -> Option<&'static str> {
        match self {
            Self::DockerRegistry => Some(DOCKER_CONFIG),
            Self::SshAuth => Some("ssh-privatekey"),
            Self::BasicAuth | Self::Generic | Self::Tls => None,
        }
    }

    /// The data of the Secret.
    pub(super) fn finish(self, items: Items) -> Result<Items, Failure> {
        let lacks = |key| items.value(key).is_none_or(<[u8]>::is_empty);
        match self {
            Self::Generic if items.is_empty() => Err(Failure::usage("there is nothing to seal")
                .hint("values come from --prompt, --from-stdin, --from-file, --from-env-file, --from-literal or --generate")),
            Self::BasicAuth if lacks("username") && lacks("password") => {
                Err(Failure::usage("a Secret of this type has a `username` or a `password`")
                    .hint("such as --username NAME --prompt password"))
            }
            Self::SshAuth if lacks("ssh-privatekey") => {
                Err(Failure::usage("a Secret of this type has an `ssh-privatekey`")
                    .hint("such as --from-file ~/.ssh/id_ed25519, or --generate ssh-privatekey=ssh-key"))
            }
            Self::BasicAuth | Self::Generic | Self::SshAuth => Ok(items),
            Self::Tls => match (items.value("tls.crt"), items.value("tls.key")) {
                (Some(certificate), Some(key)) => {
                    check_pair(certificate, key)?;
                    Ok(items)
                }
                _ => Err(Failure::usage("a Secret of this type has `tls.crt` and `tls.key`").hint(
                    "such as --cert FILE --key FILE, or --generate tls.key=tls,host=NAME; the certificate to seal with is --sealing-cert",
                )),
            },
            Self::DockerRegistry => registry(items),
        }
    }
}

/// A registry's entry of `~/.docker/config.json`, its fields in the order of kubectl.
#[derive(Serialize)]
struct Entry<'a> {
    username: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    auth: &'a str,
}

#[derive(Serialize)]
struct Config<'a> {
    auths: BTreeMap<&'a str, Entry<'a>>,
}

fn registry(mut items: Items) -> Result<Items, Failure> {
    let fields = DOCKER.map(|key| items.take(key));
    if let Some(config) = items.value(DOCKER_CONFIG) {
        if let Some((name, _)) = DOCKER
            .iter()
            .zip(&fields)
            .find(|(_, field)| field.is_some())
        {
            return Err(Failure::usage(format!(
                "the file is the whole configuration, and --{name} stands beside it"
            ))
            .hint("leave out one of them"));
        }
        let is_config = serde_json::from_slice::<serde::de::IgnoredAny>(config).is_ok();
        return if is_config {
            only_config(items)
        } else {
            Err(Failure::new(
                Code::MalformedInput,
                format!("the value of `{DOCKER_CONFIG}` is not valid JSON"),
            ))
        };
    }
    let mut texts = [const { "" }; 4];
    for ((text, field), key) in texts.iter_mut().zip(&fields).zip(DOCKER) {
        let bytes = field.as_ref().map_or(&[][..], |field| field.as_slice());
        // Of a password that came with a line end, such as the token of a cloud's command line.
        *text = std::str::from_utf8(bytes)
            .map_err(|_| {
                Failure::new(
                    Code::MalformedInput,
                    format!("the value of `{key}` is not UTF-8 text"),
                )
            })?
            .trim_end_matches(['\r', '\n']);
    }
    let [email, password, server, username] = texts;
    if username.is_empty() || password.is_empty() {
        return Err(Failure::usage("a registry needs a user name and a password").hint(
            "such as --docker-username NAME --prompt docker-password, or --from-file ~/.docker/config.json",
        ));
    }
    let joined = Zeroizing::new(format!("{username}:{password}"));
    let auth = Zeroizing::new(base64::encode(joined.as_bytes()));
    let entry = Entry {
        username,
        password,
        email,
        auth: &auth,
    };
    let server = if server.is_empty() {
        DOCKER_HUB
    } else {
        server
    };
    let config = Config {
        auths: BTreeMap::from([(server, entry)]),
    };
    let json = serde_json::to_vec(&config).expect("texts have a form in JSON");
    items.add(DOCKER_CONFIG, Zeroizing::new(json))?;
    only_config(items)
}

/// The kubelet reads nothing else of such a Secret, so another key is a mistake.
fn only_config(items: Items) -> Result<Items, Failure> {
    let mut keys = items.iter().map(|(key, _)| key);
    let Some(key) = keys.find(|key| *key != DOCKER_CONFIG) else {
        drop(keys);
        return Ok(items);
    };
    Err(
        Failure::usage(format!("a Secret of this type has no key `{key}`")).hint(format!(
            "its only key is `{DOCKER_CONFIG}`, made of the keys {}",
            DOCKER.join(", ")
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    fn finished(kind: Kind, given: &[(&str, &str)]) -> Result<Items, String> {
        let mut items = Items::default();
        for (key, value) in given {
            items
                .add(key, Zeroizing::new(value.as_bytes().to_vec()))
                .unwrap();
        }
        kind.finish(items)
            .map_err(|failure| failure.text(Name::Seal))
    }

    /// As `kubectl create secret docker-registry x --docker-username=u --docker-password='p"' --docker-email=e` writes it.
    #[test]
    fn the_configuration_of_a_registry_is_kubectls() {
        let given = [
            ("docker-username", "u"),
            ("docker-password", "p\""),
            ("docker-email", "e"),
        ];
        let items = finished(Kind::DockerRegistry, &given).unwrap();
        assert_eq!(
            String::from_utf8_lossy(items.value(DOCKER_CONFIG).unwrap()),
            r#"{"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p\"","email":"e","auth":"dTpwIg=="}}}"#
        );
        assert_eq!(
            items.iter().map(|(key, _)| key).collect::<Vec<_>>(),
            [DOCKER_CONFIG]
        );
    }

    #[test]
    fn each_kind_has_what_kubernetes_asks_for() {
        for (kind, given, words) in [
            (Kind::Generic, &[][..], "nothing to seal"),
            (
                Kind::BasicAuth,
                &[("user", "x")],
                "`username` or a `password`",
            ),
            (Kind::SshAuth, &[("ssh-publickey", "x")], "`ssh-privatekey`"),
            (Kind::Tls, &[("tls.crt", "x")], "`tls.crt` and `tls.key`"),
            (
                Kind::Tls,
                &[("tls.crt", "x"), ("tls.key", "x")],
                "no certificate in PEM",
            ),
            (
                Kind::DockerRegistry,
                &[("docker-username", "u")],
                "user name and a password",
            ),
            (
                Kind::DockerRegistry,
                &[(DOCKER_CONFIG, "{")],
                "not valid JSON",
            ),
            (
                Kind::DockerRegistry,
                &[(DOCKER_CONFIG, "{}"), ("docker-email", "e")],
                "--docker-email",
            ),
            (
                Kind::DockerRegistry,
                &[(DOCKER_CONFIG, "{}"), ("x", "e")],
                "no key `x`",
            ),
        ] {
            let told = finished(kind, given).err().unwrap_or_default();
            assert!(told.contains(words), "{given:?}: {told}");
        }
        assert!(finished(Kind::BasicAuth, &[("password", "x")]).is_ok());
        assert!(finished(Kind::DockerRegistry, &[(DOCKER_CONFIG, "{}")]).is_ok());
    }
}
