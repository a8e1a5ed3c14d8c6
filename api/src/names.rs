//! Every string that other programs, clusters and people see: kinds, annotations, labels, condition types,
//! event reasons, paths, metric names.
//!
//! They stand in one place because a drop-in lives by them: none may change, and none may be spelt twice.
//! Those of the `bitnami.com` group and the [`PREFIX`] belong to the existing system; those under
//! [`OUR_PREFIX`] are this project's own, because an annotation under somebody else's prefix could be given
//! another meaning by its owner at any time.

/// API group of SealedSecrets.
pub const GROUP: &str = "bitnami.com";
/// The one version of the API.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of a SealedSecret.
pub const API_VERSION: &str = "bitnami.com/v1alpha1";
/// `kind` of a SealedSecret.
pub const KIND: &str = "SealedSecret";
/// `kind` of a list of SealedSecrets.
pub const LIST_KIND: &str = "SealedSecretList";
/// Plural name, as in URLs.
pub const PLURAL: &str = "sealedsecrets";
/// Singular name, as on a kubectl command line.
pub const SINGULAR: &str = "sealedsecret";
/// Name of the `CustomResourceDefinition`.
pub const CRD_NAME: &str = "sealedsecrets.bitnami.com";

/// Prefix of the existing system's annotations and labels.
pub const PREFIX: &str = "sealedsecrets.bitnami.com/";
/// Prefix of this project's own annotations.
pub const OUR_PREFIX: &str = "seal-tool/";

/// The only value with which an annotation below is switched on: `True`, `1` and ` true` do not count.
pub const TRUE: &str = "true";

/// Kinds of Secrets and lists that the programs read and write.
pub mod secret {
    /// `kind` of a Secret.
    pub const KIND: &str = "Secret";
    /// `apiVersion` of a Secret.
    pub const API_VERSION: &str = "v1";
    /// `kind` of the list that `kubectl get -o yaml` writes.
    pub const LIST_KIND: &str = "List";
    /// `kind` of the list the API server answers with.
    pub const SECRET_LIST_KIND: &str = "SecretList";
    /// Type of a Secret that names none.
    pub const OPAQUE: &str = "Opaque";
    /// Type of a Secret whose keys the token controller adds to.
    pub const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
}

/// Annotations, and where each is looked for.
pub mod annotations {
    /// On a SealedSecret's own metadata: every value is cluster-wide. Wins over [`NAMESPACE_WIDE`].
    pub const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
    /// On a SealedSecret's own metadata: every value is namespace-wide.
    pub const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
    /// On an existing Secret: the controller may overwrite it and become its owner.
    pub const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
    /// On an existing Secret: the controller may merge into it and leaves its owner alone.
    pub const PATCH: &str = "sealedsecrets.bitnami.com/patch";
    /// On a SealedSecret's template: the Secret gets no owner reference.
    pub const SKIP_SET_OWNER_REFERENCES: &str =
        "sealedsecrets.bitnami.com/skip-set-owner-references";

    /// Written by `kubectl apply`. Holds the whole plain Secret, so sealing removes it.
    pub const KUBECTL_LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    /// Written by kubecfg. Holds the whole plain Secret, so sealing removes it.
    pub const KUBECFG_LAST_APPLIED: &str = "kubecfg.ksonnet.io/last-applied-configuration";

    /// On a SealedSecret: fingerprints of the keys its values were sealed for. A hint, never trusted.
    pub const KEYS: &str = "seal-tool/keys";
    /// On a SealedSecret: the controller leaves this object alone while the value is `true`.
    pub const PAUSED: &str = "seal-tool/paused";
    /// On a SealedSecret: any new value asks for one more pass.
    pub const RESYNC: &str = "seal-tool/resync";
}

/// Labels.
pub mod labels {
    /// On a key Secret. Only the value [`ACTIVE`] makes it a sealing key; any other value retires it.
    pub const SEALING_KEY: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
    /// Value of [`SEALING_KEY`] on a key in use.
    pub const ACTIVE: &str = "active";
    /// On a SealedSecret: exported as a label of the condition metric.
    pub const INSTANCE: &str = "app.kubernetes.io/instance";
}

/// The Secrets that hold sealing keys.
pub mod key_secret {
    /// Type of a key Secret the controller writes. Reading does not check it.
    pub const TYPE: &str = "kubernetes.io/tls";
    /// Data key of the private key, PEM.
    pub const PRIVATE_KEY: &str = "tls.key";
    /// Data key of the certificate, PEM.
    pub const CERTIFICATE: &str = "tls.crt";
    /// Default of `--key-prefix`: `generateName` of new keys, and the whole name of the oldest form of key.
    pub const DEFAULT_PREFIX: &str = "sealed-secrets-key";
}

/// Condition types and their values, in the order in which they stand in a status.
pub mod conditions {
    /// Whether the Secret is what the SealedSecret says. Always at index 0: printer columns point there.
    pub const SYNCED: &str = "Synced";
    /// The same for tools that follow kstatus.
    pub const READY: &str = "Ready";
    /// Carries the record that lets a restarted controller skip what it settled before.
    pub const SETTLED: &str = "Settled";
    /// Exists only while work is under way.
    pub const RECONCILING: &str = "Reconciling";
    /// Exists only while the object cannot succeed without a change to it or to the keys.
    pub const STALLED: &str = "Stalled";

    /// Condition status: yes.
    pub const TRUE: &str = "True";
    /// Condition status: no.
    pub const FALSE: &str = "False";
}

/// Events on a SealedSecret.
pub mod events {
    /// `source.component` and `reportingComponent`.
    pub const COMPONENT: &str = "sealed-secrets";
    /// Event type of good news.
    pub const NORMAL: &str = "Normal";
    /// Event type of bad news.
    pub const WARNING: &str = "Warning";

    /// Reason: the Secret was written or confirmed.
    pub const UNSEALED: &str = "Unsealed";
    /// Reason: a value does not open or a template does not render.
    pub const UNSEAL_FAILED: &str = "ErrUnsealFailed";
    /// Reason: the Secret could not be written.
    pub const UPDATE_FAILED: &str = "ErrUpdateFailed";

    /// Reason, on a key Secret: it holds no key that can be used.
    pub const KEY_UNUSABLE: &str = "ErrKeyUnusable";
    /// Reason, on the newest key Secret: no certificate can be offered, so nothing can be sealed.
    pub const NO_CERTIFICATE: &str = "ErrNoCertificate";

    /// Reason, on the Lease: the leader has changed. Spelt as every Kubernetes component spells it.
    pub const LEADER_ELECTION: &str = "LeaderElection";

    /// Message of [`UNSEALED`].
    pub const UNSEALED_MESSAGE: &str = "SealedSecret unsealed successfully";
}

/// The controller's HTTP interface.
pub mod http {
    /// Liveness.
    pub const HEALTHZ: &str = "/healthz";
    /// Readiness.
    pub const READYZ: &str = "/readyz";
    /// The certificate to seal with.
    pub const CERTIFICATE: &str = "/v1/cert.pem";
    /// Whether a SealedSecret opens.
    pub const VERIFY: &str = "/v1/verify";
    /// Re-encrypts a SealedSecret to the current key.
    pub const ROTATE: &str = "/v1/rotate";
    /// Metrics, on their own port.
    pub const METRICS: &str = "/metrics";

    /// `Content-Type` of [`CERTIFICATE`].
    pub const PEM: &str = "application/x-pem-file";
    /// `Content-Type` of short texts.
    pub const TEXT: &str = "text/plain; charset=utf-8";
    /// `Content-Type` of [`ROTATE`].
    pub const JSON: &str = "application/json";
    /// `Content-Type` of [`METRICS`], spelt as Prometheus' own Go library spells it.
    pub const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
}

/// The Lease by which replicas agree on a leader.
pub mod lease {
    /// `apiVersion` of a Lease.
    pub const API_VERSION: &str = "coordination.k8s.io/v1";
    /// `kind` of a Lease.
    pub const KIND: &str = "Lease";
    /// Default of `--lease-name`.
    pub const DEFAULT_NAME: &str = "sealed-secrets-controller";
}

/// Where an installation stands unless it is told otherwise.
pub mod install {
    /// Namespace of the controller.
    pub const NAMESPACE: &str = "kube-system";
    /// Deployment, Service and ServiceAccount.
    pub const CONTROLLER: &str = "sealed-secrets-controller";
    /// Service of the metrics port.
    pub const METRICS_SERVICE: &str = "sealed-secrets-controller-metrics";
    /// Port of the HTTP interface.
    pub const PORT: u16 = 8080;
    /// Port of the metrics.
    pub const METRICS_PORT: u16 = 8081;
}

/// Metric names. The help texts stand beside the code that counts.
pub mod metrics {
    /// Constant; the label `revision` carries the version.
    pub const BUILD_INFO: &str = "sealed_secrets_controller_build_info";
    /// One per pass over an object.
    pub const UNSEAL_REQUESTS: &str = "sealed_secrets_controller_unseal_requests_total";
    /// One per failed pass, by reason and namespace.
    pub const UNSEAL_ERRORS: &str = "sealed_secrets_controller_unseal_errors_total";
    /// -1, 0 or 1 for each object and condition.
    pub const CONDITION_INFO: &str = "sealed_secrets_controller_condition_info";
    /// HTTP requests by path, code and method.
    pub const HTTP_REQUESTS: &str = "sealed_secrets_controller_http_requests_total";
    /// Ours: when the certificate ends that is offered for sealing; 0 when none is.
    pub const CERTIFICATE_EXPIRY: &str =
        "sealed_secrets_controller_certificate_expiry_timestamp_seconds";
    /// Ours: key Secrets that hold no key that can be used.
    pub const UNUSABLE_KEYS: &str = "sealed_secrets_controller_unusable_key_secrets";
    /// Ours: whether this process is the one that reconciles.
    pub const LEADER: &str = "sealed_secrets_controller_leader";
    /// Ours: private-key operations, wrong keys included.
    pub const RSA_DECRYPTIONS: &str = "sealed_secrets_controller_rsa_decryptions_total";
    /// Duration of HTTP requests by path and method.
    pub const HTTP_DURATION: &str = "sealed_secrets_controller_http_request_duration_seconds";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_names_agree_with_their_parts() {
        assert_eq!(API_VERSION, format!("{GROUP}/{VERSION}"));
        assert_eq!(CRD_NAME, format!("{PLURAL}.{GROUP}"));
        assert_eq!(LIST_KIND, format!("{KIND}List"));
    }

    #[test]
    fn every_annotation_has_the_prefix_of_its_owner() {
        use annotations::*;
        for theirs in [
            CLUSTER_WIDE,
            NAMESPACE_WIDE,
            MANAGED,
            PATCH,
            SKIP_SET_OWNER_REFERENCES,
            labels::SEALING_KEY,
        ] {
            assert!(theirs.starts_with(PREFIX), "{theirs}");
        }
        for ours in [KEYS, PAUSED, RESYNC] {
            assert!(ours.starts_with(OUR_PREFIX), "{ours}");
        }
    }
}
