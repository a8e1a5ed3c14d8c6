//! Which cluster is meant, and as whom: kubeconfig files with kubectl's flags laid over them.
//!
//! kube's own resolution differs from kubectl's in its errors and knows no flags, so the parts are chosen here and kube gets
//! a kubeconfig of exactly one context.

mod validity;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig as File, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use sealed_api::Code;

use crate::args::Connection;
use crate::cluster::api_server::Context as UsedContext;
use crate::cluster::proxy;
use crate::environment::Environment;
use crate::failure::{Failure, io_cause};
use crate::suggest;

/// Where a pod finds what it needs to talk to its API server.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A server that says nothing for so long is gone; without a limit a dead connection would hang for ever.
const SILENCE: Duration = Duration::from_mins(2);

/// The merged kubeconfig files and the flags.
pub(crate) struct Kubeconfig<'a> {
    file: File,
    connection: &'a Connection,
    environment: &'a Environment,
}

impl<'a> Kubeconfig<'a> {
    /// Reads `--kubeconfig`, else the files of the variable `KUBECONFIG`, else `~/.kube/config`. Only the first must exist.
    pub(crate) fn load(
        connection: &'a Connection,
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let mut file = File::default();
        if let Some(path) = &connection.kubeconfig {
            file = read(Path::new(path))?.ok_or_else(|| missing(path))?;
        } else {
            for path in default_paths(environment) {
                if let Some(next) = read(&path)? {
                    file = file
                        .merge(next)
                        .map_err(|error| unreadable(&path, &error.to_string()))?;
                }
            }
        }
        Ok(Self {
            file,
            connection,
            environment,
        })
    }

    /// The namespace that is meant when nobody names one.
    pub(crate) fn namespace(&self) -> Result<String, Failure> {
        if let Err(failure) = self.check() {
            return self.pod_namespace().ok_or(failure);
        }
        let namespace = self.context().and_then(|context| context.namespace.clone());
        Ok(namespace
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or_else(|| "default".to_owned()))
    }

    /// Whether what is chosen can be used, in the order of client-go.
    fn check(&self) -> Result<(), Failure> {
        let mut faults = Vec::new();
        if let Some(name) = self.context_name().filter(|_| !self.has_context()) {
            faults.push(format!(
                "context was not found for specified context: {name}"
            ));
        }
        let user = self.chosen_user().unwrap_or_default();
        faults.extend(validity::of_user(
            self.user_name().unwrap_or_default(),
            &user,
        ));
        let name = self.cluster_name().unwrap_or_default();
        let cluster = self.chosen_cluster();
        let is_unknown = cluster.as_ref().is_ok_and(|cluster| {
            cluster.server.is_none()
                && cluster.proxy_url.is_none()
                && cluster.certificate_authority.is_none()
                && !self.file.clusters.iter().any(|named| named.name == name)
        });
        if is_unknown {
            faults.push(validity::EMPTY_CLUSTER.to_owned());
        } else {
            faults.extend(validity::of_cluster(name, &cluster.unwrap_or_default()));
        }
        match faults.as_slice() {
            [] => Ok(()),
            [one] if one == validity::EMPTY_CLUSTER => Err(no_configuration()),
            faults => Err(invalid(faults)),
        }
    }

    /// What kube needs to make a client.
    pub(crate) fn client_config(&self) -> Result<kube::Config, Failure> {
        let user = self.chosen_user()?;
        if let Some(name) = self.connection.context.as_deref()
            && self.context_name().is_some()
            && !self.has_context()
        {
            let failure = Failure::new(
                Code::BadConfiguration,
                format!("the kubeconfig has no context `{name}`"),
            )
            .kubeseal(format!("context \"{name}\" does not exist"));
            let names = self.file.contexts.iter().map(|named| named.name.as_str());
            return Err(match suggest::nearest(name, names) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`kubectl config get-contexts` lists them"),
            });
        }
        let cluster = self.chosen_cluster()?;
        let server = cluster.server.clone().unwrap_or_default();
        if server.is_empty() && self.in_pod() {
            return kube::Config::incluster().map_err(|error| {
                Failure::new(
                    Code::BadConfiguration,
                    format!("cannot use the configuration of the pod: {error}"),
                )
            });
        }
        self.check()?;
        let url = if server.contains("://") {
            server
        } else {
            format!("http://{server}")
        };
        let user = if url.starts_with("https://") {
            user
        } else {
            without_credentials(&user)
        };
        let proxy = cluster.proxy_url.clone();
        let file = File {
            clusters: vec![NamedCluster {
                name: "chosen".to_owned(),
                cluster: Some(Cluster {
                    server: Some(url),
                    ..cluster
                }),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: "chosen".to_owned(),
                auth_info: Some(user),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext {
                name: "chosen".to_owned(),
                context: Some(Context {
                    cluster: "chosen".to_owned(),
                    user: Some("chosen".to_owned()),
                    ..Context::default()
                }),
                ..NamedContext::default()
            }],
            current_context: Some("chosen".to_owned()),
            ..File::default()
        };
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::new(
                Code::BadConfiguration,
                format!("cannot use the kubeconfig: {error}"),
            )
        };
        let mut config = kube::Config::try_from(file).map_err(|error| unusable(&error))?;
        config.default_retry = false; // the service proxy has its own rule
        config.read_timeout = Some(SILENCE);
        config.proxy_url = match proxy.filter(|proxy| !proxy.is_empty()) {
            Some(proxy) => Some(proxy.parse().map_err(|error| unusable(&error))?),
            None => proxy::for_url(&config.cluster_url, self.environment)?,
        };
        Ok(config)
    }

    /// Whether nothing at all says which cluster is meant.
    pub(crate) fn is_silent(&self) -> bool {
        self.file.clusters.is_empty()
            && self.file.contexts.is_empty()
            && self.context_name().is_none()
            && self.connection.server.is_none()
            && !self.in_pod()
    }

    /// The context that decides about the cluster; with `--server` alone none does.
    pub(super) fn used_context(&self) -> Option<UsedContext> {
        self.context()?;
        Some(UsedContext {
            name: self.context_name()?.to_owned(),
            is_typed: self.connection.context.is_some(),
        })
    }

    fn context_name(&self) -> Option<&str> {
        let chosen = self.connection.context.as_deref();
        chosen
            .or(self.file.current_context.as_deref())
            .filter(|name| !name.is_empty())
    }

    fn has_context(&self) -> bool {
        let name = self.context_name();
        let mut contexts = self.file.contexts.iter();
        contexts.any(|named| Some(named.name.as_str()) == name)
    }

    fn context(&self) -> Option<&Context> {
        let name = self.context_name()?;
        self.file
            .contexts
            .iter()
            .find(|named| named.name == name)?
            .context
            .as_ref()
    }

    fn cluster_name(&self) -> Option<&str> {
        let chosen = self.connection.cluster.as_deref();
        chosen.or_else(|| self.context().map(|context| context.cluster.as_str()))
    }

    fn user_name(&self) -> Option<&str> {
        let chosen = self.connection.user.as_deref();
        chosen.or_else(|| self.context()?.user.as_deref())
    }

    fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.file
            .clusters
            .iter()
            .find(|named| named.name == name)?
            .cluster
            .as_ref()
    }

    fn chosen_cluster(&self) -> Result<Cluster, Failure> {
        let flags = self.connection;
        let found = self
            .cluster_name()
            .and_then(|name| self.cluster(name))
            .cloned();
        let mut cluster = match (found, &flags.cluster) {
            (Some(cluster), _) => cluster,
            (None, None) => Cluster::default(),
            (None, Some(name)) => {
                return Err(Failure::new(
                    Code::BadConfiguration,
                    format!("the kubeconfig has no cluster `{name}`"),
                )
                .kubeseal(format!("cluster \"{name}\" does not exist")));
            }
        };
        lay_over(&mut cluster.server, flags.server.as_ref());
        lay_over(&mut cluster.tls_server_name, flags.tls_server_name.as_ref());
        lay_over(&mut cluster.proxy_url, flags.proxy_url.as_ref());
        if flags.certificate_authority.is_some() {
            cluster
                .certificate_authority
                .clone_from(&flags.certificate_authority);
            cluster.certificate_authority_data = None;
        }
        if flags.insecure_skip_tls_verify {
            cluster.insecure_skip_tls_verify = Some(true);
            cluster.certificate_authority = None;
            cluster.certificate_authority_data = None;
        }
        if flags.disable_compression {
            cluster.disable_compression = Some(true);
        }
        Ok(cluster)
    }

    fn chosen_user(&self) -> Result<AuthInfo, Failure> {
        let flags = self.connection;
        let name = self.user_name();
        let found = self
            .file
            .auth_infos
            .iter()
            .find(|named| Some(named.name.as_str()) == name);
        let mut user = match (found.and_then(|named| named.auth_info.clone()), &flags.user) {
            (Some(user), _) => user,
            (None, None) => AuthInfo::default(),
            (None, Some(name)) => {
                return Err(Failure::new(
                    Code::BadConfiguration,
                    format!("the kubeconfig has no user `{name}`"),
                )
                .kubeseal(format!("auth info \"{name}\" does not exist")));
            }
        };
        if let Some(token) = &flags.token {
            // A token that was given now beats every other way of proving who one is.
            let impersonation = without_credentials(&user);
            user = AuthInfo {
                token: Some(token.clone().into()),
                ..impersonation
            };
        }
        if flags.username.is_some() || flags.password.is_some() {
            lay_over(&mut user.username, flags.username.as_ref());
            if let Some(password) = &flags.password {
                user.password = Some(password.clone().into());
            }
            if flags.token.is_none() {
                user.token = None;
                user.token_file = None;
            }
        }
        if flags.client_certificate.is_some() {
            user.client_certificate
                .clone_from(&flags.client_certificate);
            user.client_certificate_data = None;
        }
        if flags.client_key.is_some() {
            user.client_key.clone_from(&flags.client_key);
            user.client_key_data = None;
        }
        lay_over(&mut user.impersonate, flags.impersonate.as_ref());
        lay_over(&mut user.impersonate_uid, flags.impersonate_uid.as_ref());
        if !flags.impersonate_groups.is_empty() {
            user.impersonate_groups = Some(flags.impersonate_groups.clone());
        }
        Ok(user)
    }

    fn in_pod(&self) -> bool {
        let named = |name| self.environment.variable(name).is_some();
        named("KUBERNETES_SERVICE_HOST")
            && named("KUBERNETES_SERVICE_PORT")
            && Path::new(SERVICE_ACCOUNT).join("token").exists()
    }

    fn pod_namespace(&self) -> Option<String> {
        if !self.in_pod() {
            return None;
        }
        let mounted = || std::fs::read_to_string(Path::new(SERVICE_ACCOUNT).join("namespace")).ok();
        let namespace = self
            .environment
            .variable("POD_NAMESPACE")
            .map(str::to_owned)
            .or_else(mounted);
        let namespace = namespace
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        Some(namespace.unwrap_or_else(|| "default".to_owned()))
    }
}

fn lay_over(value: &mut Option<String>, flag: Option<&String>) {
    if flag.is_some() {
        *value = flag.cloned();
    }
}

/// Credentials are never sent over plain HTTP, where everybody on the way reads them; impersonation is none.
fn without_credentials(user: &AuthInfo) -> AuthInfo {
    AuthInfo {
        impersonate: user.impersonate.clone(),
        impersonate_uid: user.impersonate_uid.clone(),
        impersonate_groups: user.impersonate_groups.clone(),
        impersonate_user_extra: user.impersonate_user_extra.clone(),
        ..AuthInfo::default()
    }
}

fn default_paths(environment: &Environment) -> Vec<PathBuf> {
    match environment.variable("KUBECONFIG") {
        Some(list) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => environment
            .home()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    }
}

/// The file, if there is one.
fn read(path: &Path) -> Result<Option<File>, Failure> {
    match std::fs::metadata(path) {
        Ok(_) => File::read_from(path).map(Some).map_err(|error| {
            let cause = match &error {
                KubeconfigError::ReadConfig(error, _) => io_cause(error),
                error => malformed(&error.to_string()),
            };
            unreadable(path, &cause)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &io_cause(&error))),
    }
}

/// Where a kubeconfig is malformed. The parser's own message quotes the lines around, which may hold a token.
fn malformed(message: &str) -> String {
    let mut words = message
        .split_whitespace()
        .skip_while(|word| *word != "line")
        .skip(1);
    let line = words
        .next()
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()));
    match line.filter(|line| !line.is_empty()) {
        Some(line) => format!("line {line} is not what a kubeconfig has there"),
        None => "it is not a kubeconfig".to_owned(),
    }
}

fn missing(path: &str) -> Failure {
    Failure::new(
        Code::NotFound,
        format!("cannot read the kubeconfig `{path}`: no such file or directory"),
    )
    .kubeseal(format!("stat {path}: no such file or directory"))
}

fn unreadable(path: &Path, cause: &str) -> Failure {
    let shown = path.display().to_string();
    Failure::new(
        Code::BadConfiguration,
        format!("cannot read the kubeconfig `{shown}`: {cause}"),
    )
    .kubeseal(format!(
        "error loading config file {}: {cause}",
        sealed_pflag::quote(&shown)
    ))
}

fn no_configuration() -> Failure {
    Failure::new(Code::BadConfiguration, "no kubeconfig says which cluster to ask")
        .kubeseal("invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable")
        .hint("set KUBECONFIG, or give --kubeconfig or --server")
}

fn invalid(faults: &[String]) -> Failure {
    let text = match faults {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Failure::new(
        Code::BadConfiguration,
        format!("cannot use the kubeconfig: {}", faults.join("; ")),
    )
    .kubeseal(format!("invalid configuration: {text}"))
}
