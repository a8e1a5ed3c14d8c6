//! Which cluster is meant and as whom: kubectl's flags, and the variables that stand for them.

use sealed_pflag::{Flag, Matches};

/// The variables of the flags about the controller and the connection, and more.
macro_rules! variables {
    ($($more:literal),*) => {
        &[
            "SEALED_SECRETS_AS",
            "SEALED_SECRETS_AS_GROUP",
            "SEALED_SECRETS_AS_UID",
            "SEALED_SECRETS_CERTIFICATE_AUTHORITY",
            "SEALED_SECRETS_CLIENT_CERTIFICATE",
            "SEALED_SECRETS_CLIENT_KEY",
            "SEALED_SECRETS_CLUSTER",
            "SEALED_SECRETS_CONTEXT",
            "SEALED_SECRETS_CONTROLLER_NAME",
            "SEALED_SECRETS_CONTROLLER_NAMESPACE",
            "SEALED_SECRETS_DISABLE_COMPRESSION",
            "SEALED_SECRETS_INSECURE_SKIP_TLS_VERIFY",
            "SEALED_SECRETS_KUBECONFIG",
            "SEALED_SECRETS_NAMESPACE",
            "SEALED_SECRETS_PASSWORD",
            "SEALED_SECRETS_PROXY_URL",
            "SEALED_SECRETS_REQUEST_TIMEOUT",
            "SEALED_SECRETS_SERVER",
            "SEALED_SECRETS_TLS_SERVER_NAME",
            "SEALED_SECRETS_TOKEN",
            "SEALED_SECRETS_USER",
            "SEALED_SECRETS_USERNAME",
            $($more),*
        ]
    };
}

/// The variables of [`controller_flags`](super::controller_flags).
pub(crate) const CONTROLLER_VARIABLES: &[&str] = variables!();

/// The same, and that of `--cert`.
pub(crate) const CERTIFICATE_VARIABLES: &[&str] = variables!("SEALED_SECRETS_CERT");

/// The variables of [`sealing_flags`](super::sealing_flags), and of `--scope` and `--format`.
pub(crate) const SEALING_VARIABLES: &[&str] = variables!(
    "SEALED_SECRETS_CACHE_CERT",
    "SEALED_SECRETS_CERT",
    "SEALED_SECRETS_FORMAT",
    "SEALED_SECRETS_SCOPE"
);

/// The flags of kubectl that say which cluster is meant and as whom.
pub(super) fn connection_flags() -> [Flag; 19] {
    [
        Flag::text("as", "", "User to impersonate"),
        Flag::string_array("as-group", "Group to impersonate; may be repeated"),
        Flag::text("as-uid", "", "UID to impersonate"),
        Flag::text(
            "certificate-authority",
            "",
            "File of the certificate authority of the API server",
        ),
        Flag::text("client-certificate", "", "File of the client certificate"),
        Flag::text("client-key", "", "File of the client certificate's key"),
        Flag::text("cluster", "", "Cluster of the kubeconfig to use"),
        Flag::text("context", "", "Context of the kubeconfig to use"),
        Flag::bool(
            "disable-compression",
            false,
            "Ask for uncompressed responses",
        ),
        Flag::bool(
            "insecure-skip-tls-verify",
            false,
            "Do not check the certificate of the API server, so that anybody may pose as it",
        ),
        Flag::text("namespace", "", "Namespace of the Secret").short('n'),
        Flag::text("password", "", "Password for basic authentication"),
        Flag::text("proxy-url", "", "Proxy on the way to the API server"),
        Flag::text(
            "request-timeout",
            "0",
            "How long a request may take, such as 10s or 2m; 0 is without end",
        ),
        Flag::text("server", "", "Address of the API server"),
        Flag::text(
            "tls-server-name",
            "",
            "Name the API server's certificate must be for, if not the one in its address",
        ),
        Flag::text("token", "", "Bearer token"),
        Flag::text("user", "", "User of the kubeconfig to act as"),
        Flag::text("username", "", "Name for basic authentication"),
    ]
}

/// Which cluster is meant and as whom: kubectl's flags. Whatever is unset comes from the kubeconfig.
#[derive(Clone, Default)]
pub(crate) struct Connection {
    /// `--kubeconfig`.
    pub(crate) kubeconfig: Option<String>,
    /// `--as`.
    pub(crate) impersonate: Option<String>,
    /// `--as-group`.
    pub(crate) impersonate_groups: Vec<String>,
    /// `--as-uid`.
    pub(crate) impersonate_uid: Option<String>,
    /// `--certificate-authority`.
    pub(crate) certificate_authority: Option<String>,
    /// `--client-certificate`.
    pub(crate) client_certificate: Option<String>,
    /// `--client-key`.
    pub(crate) client_key: Option<String>,
    /// `--cluster`.
    pub(crate) cluster: Option<String>,
    /// `--context`.
    pub(crate) context: Option<String>,
    /// `--disable-compression`.
    pub(crate) disable_compression: bool,
    /// `--insecure-skip-tls-verify`.
    pub(crate) insecure_skip_tls_verify: bool,
    /// `--password`.
    pub(crate) password: Option<String>,
    /// `--proxy-url`.
    pub(crate) proxy_url: Option<String>,
    /// `--request-timeout`.
    pub(crate) request_timeout: Option<String>,
    /// `--server`.
    pub(crate) server: Option<String>,
    /// `--tls-server-name`.
    pub(crate) tls_server_name: Option<String>,
    /// `--token`.
    pub(crate) token: Option<String>,
    /// `--user`.
    pub(crate) user: Option<String>,
    /// `--username`.
    pub(crate) username: Option<String>,
}

impl std::fmt::Debug for Connection {
    /// Without the credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("kubeconfig", &self.kubeconfig)
            .field("context", &self.context)
            .field("cluster", &self.cluster)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Takes the values of its flags out of what was matched.
    pub(crate) fn of(matches: &Matches) -> Self {
        Self::of_others(matches, &[])
    }

    /// The same without the flags `taken`, which mean something else there.
    pub(crate) fn of_others(matches: &Matches, taken: &[&str]) -> Self {
        let text = |name: &str| {
            let text = (!taken.contains(&name)).then(|| matches.text(name));
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            kubeconfig: text("kubeconfig"),
            impersonate: text("as"),
            impersonate_groups: matches.list("as-group").to_vec(),
            impersonate_uid: text("as-uid"),
            certificate_authority: text("certificate-authority"),
            client_certificate: text("client-certificate"),
            client_key: text("client-key"),
            cluster: text("cluster"),
            context: text("context"),
            disable_compression: matches.bool("disable-compression"),
            insecure_skip_tls_verify: matches.bool("insecure-skip-tls-verify"),
            password: text("password"),
            proxy_url: text("proxy-url"),
            request_timeout: text("request-timeout"),
            server: text("server"),
            tls_server_name: text("tls-server-name"),
            token: text("token"),
            user: text("user"),
            username: text("username"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{controller_flags, sealing_flags, table};
    use crate::name::Name;

    #[test]
    fn every_flag_has_its_variable() {
        let all = [
            (controller_flags(), CONTROLLER_VARIABLES),
            (sealing_flags(), SEALING_VARIABLES),
        ];
        for (flags, variables) in all {
            for flag in flags {
                let name = flag.name().to_ascii_uppercase().replace('-', "_");
                let variable = format!("SEALED_SECRETS_{name}");
                assert!(variables.contains(&variable.as_str()), "{variable}");
            }
        }
    }

    #[test]
    fn credentials_do_not_show_in_debug_output() {
        let words = ["--token", "hunter2", "--password", "hunter2"].map(str::to_owned);
        let matches = table(Name::Seal).parse([], words).unwrap();
        let shown = format!("{:?}", Connection::of(&matches));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
