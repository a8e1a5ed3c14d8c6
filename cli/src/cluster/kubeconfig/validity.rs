//! What is wrong with a cluster and a user of a kubeconfig, before anything is sent: client-go's checks and words.

use std::fs::File;

use http::Uri;
use kube::config::{AuthInfo, Cluster};

use crate::failure::io_cause;

/// What a cluster without an address is said to lack, when nothing else is known about it either.
pub(super) const EMPTY_CLUSTER: &str = "cluster has no server defined";

/// What is wrong with how a user proves who they are; `name` may be empty.
pub(super) fn of_user(name: &str, user: &AuthInfo) -> Vec<String> {
    let mut faults = Vec::new();
    let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let has_certificate =
        is_given(&user.client_certificate) || is_given(&user.client_certificate_data);
    if has_certificate {
        if !is_given(&user.client_key) && user.client_key_data.is_none() {
            faults.push(format!("client-key-data or client-key must be specified for {name} to use the clientCert authentication method."));
        }
        faults.extend(unreadable(
            "client-cert",
            user.client_certificate.as_ref(),
            name,
        ));
        faults.extend(unreadable("client-key", user.client_key.as_ref(), name));
    }
    if user.token.is_some() && (is_given(&user.username) || user.password.is_some()) {
        faults.push(format!("more than one authentication method found for {name}; found [token basicAuth], only one is allowed"));
    }
    // Without a user to be, the groups would silently not be asked for.
    let has_more = is_given(&user.impersonate_uid)
        || user
            .impersonate_groups
            .as_ref()
            .is_some_and(|groups| !groups.is_empty());
    if has_more && !is_given(&user.impersonate) {
        faults.push(format!(
            "requesting uid, groups or user-extra for {name} without impersonating a user"
        ));
    }
    faults
}

/// What is wrong with where a cluster is; nothing is known about one that is not there.
pub(super) fn of_cluster(name: &str, cluster: &Cluster) -> Vec<String> {
    let mut faults = Vec::new();
    if cluster.server.as_deref().unwrap_or_default().is_empty() {
        faults.push(match name {
            "" => "default cluster has no server defined".to_owned(),
            name => format!("no server found for cluster {}", sealed_pflag::quote(name)),
        });
    }
    if let Some(proxy) = cluster
        .proxy_url
        .as_deref()
        .filter(|proxy| !proxy.is_empty())
    {
        let scheme = proxy.parse::<Uri>().ok();
        let scheme = scheme
            .as_ref()
            .and_then(Uri::scheme_str)
            .unwrap_or_default();
        if !["http", "https", "socks5"].contains(&scheme) {
            faults.push(format!(
                "invalid 'proxy-url' {} for cluster {}: unsupported scheme {}, must be http, https, or socks5",
                sealed_pflag::quote(proxy),
                sealed_pflag::quote(name),
                sealed_pflag::quote(scheme)
            ));
        }
    }
    let authority = cluster.certificate_authority.as_ref();
    faults.extend(unreadable("certificate-authority", authority, name));
    faults
}

/// Whether a file that is named can be opened.
fn unreadable(what: &str, path: Option<&String>, name: &str) -> Option<String> {
    let path = path.filter(|path| !path.is_empty())?;
    let error = File::open(path).err()?;
    Some(format!(
        "unable to read {what} {path} for {name} due to open {path}: {}",
        io_cause(&error)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn groups_without_a_user_are_refused() {
        let mut user = AuthInfo {
            impersonate_groups: Some(vec!["admins".to_owned()]),
            ..AuthInfo::default()
        };
        assert_eq!(
            of_user("", &user),
            ["requesting uid, groups or user-extra for  without impersonating a user"]
        );
        user.impersonate = Some(text("bob"));
        assert_eq!(of_user("", &user), [""; 0]);
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let user = AuthInfo {
            client_certificate: Some(text("/nonexistent/c")),
            ..AuthInfo::default()
        };
        assert_eq!(
            of_user("u", &user),
            [
                "client-key-data or client-key must be specified for u to use the clientCert authentication method.",
                "unable to read client-cert /nonexistent/c for u due to open /nonexistent/c: no such file or directory",
            ]
        );
        let cluster = Cluster {
            server: Some(text("https://x")),
            certificate_authority: Some(text("/nonexistent/ca")),
            proxy_url: Some(text("zz")),
            ..Cluster::default()
        };
        assert_eq!(
            of_cluster("c", &cluster),
            [
                "invalid 'proxy-url' \"zz\" for cluster \"c\": unsupported scheme \"\", must be http, https, or socks5",
                "unable to read certificate-authority /nonexistent/ca for c due to open /nonexistent/ca: no such file or directory",
            ]
        );
    }

    #[test]
    fn a_cluster_needs_an_address() {
        assert_eq!(
            of_cluster("c", &Cluster::default()),
            ["no server found for cluster \"c\""]
        );
    }
}
