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
/// The field of the spec that holds the sealed values.
pub const ITEMS: &str = "encryptedData";
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
    /// On a Secret that outlives its SealedSecret for a while: the uid of that.
    pub const RETAINED: &str = "seal-tool/retained";
    /// On a [`RETAINED`] Secret whose SealedSecret is gone: since when, and whether it is held for ever.
    pub const ORPHANED: &str = "seal-tool/orphaned";

    /// On a key Secret in use: a value that was never used before asks for a new key.
    pub const RENEW: &str = "seal-tool/renew";
    /// On a key Secret, written when it is made: digests of the values of [`RENEW`] that it answers.
    pub const RENEWED_FOR: &str = "seal-tool/renewed-for";
    /// On a key Secret: when it was last backed up, RFC 3339.
    pub const BACKED_UP: &str = "seal-tool/backed-up";
    /// On the escrow of a key: the fingerprint of the key.
    pub const FINGERPRINT: &str = "seal-tool/fingerprint";
    /// On the escrow of a key: the name of the key's Secret.
    pub const KEY_SECRET: &str = "seal-tool/key-secret";
}

/// Labels.
pub mod labels {
    /// On a key Secret. Only the value [`ACTIVE`] makes it a sealing key; any other value retires it.
    pub const SEALING_KEY: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
    /// Value of [`SEALING_KEY`] on a key in use.
    pub const ACTIVE: &str = "active";
    /// On a SealedSecret: exported as a label of the condition metric.
    pub const INSTANCE: &str = "app.kubernetes.io/instance";
    /// On a ConfigMap: it holds the escrow of a key, encrypted and safe to commit.
    pub const ESCROW: &str = "seal-tool/escrow";
    /// Value of [`ESCROW`].
    pub const SEALING_KEY_ESCROW: &str = "sealing-key";
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

/// The escrow of a new key: an age file, in a ConfigMap or in standalone mode a file.
pub mod escrow {
    /// Start of the names of escrows; the digest of the key follows.
    pub const PREFIX: &str = "sealed-secrets-escrow-";
    /// Data key of the age file in a ConfigMap.
    pub const AGE_FILE: &str = "key.age";
}

/// The ConfigMap that offers the certificate to whoever may read it.
pub mod published {
    /// Data key of the certificate, PEM.
    pub const CERTIFICATE: &str = "cert.pem";
    /// Data key of its fingerprint.
    pub const FINGERPRINT: &str = "fingerprint";
}

/// Values of the field `audit`, which picks out of the log who used keys and what became of them.
pub mod audit {
    /// Name of the field.
    pub const FIELD: &str = "audit";
    /// The first key was made.
    pub const KEY_MADE: &str = "key-made";
    /// A key can be used.
    pub const KEY_REGISTERED: &str = "key-registered";
    /// A key Secret, or its certificate, cannot be used.
    pub const KEY_REFUSED: &str = "key-refused";
    /// A key was made after others.
    pub const KEY_RENEWED: &str = "key-renewed";
    /// A key is not used any more: deleted, relabelled or replaced.
    pub const KEY_RETIRED: &str = "key-retired";
    /// Somebody had an object re-encrypted, or tried to.
    pub const ROTATE: &str = "rotate";
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
    /// Exists only while the Secret holds something else than was sealed, because somebody edited it.
    pub const DRIFTED: &str = "Drifted";

    /// Reason of [`DRIFTED`]: the edit is left as it is.
    pub const HAND_EDITED: &str = "HandEdited";
    /// Reason of [`DRIFTED`]: the edit is undone, and somebody keeps making it.
    pub const CONTESTED: &str = "Contested";

    /// Condition status: yes.
    pub const TRUE: &str = "True";
    /// Condition status: no.
    pub const FALSE: &str = "False";
}

/// Events on SealedSecrets and on key Secrets.
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

    /// Reason: somebody edited the Secret.
    pub const DRIFTED: &str = "Drifted";

    /// Reason, on a key Secret: its key cannot be used, or its certificate not be offered.
    pub const KEY_UNUSABLE: &str = "ErrKeyUnusable";
    /// Reason, on the newest key Secret: no certificate can be offered, so nothing can be sealed.
    pub const NO_CERTIFICATE: &str = "ErrNoCertificate";
    /// Reason, on the newest key Secret: it was not backed up for too long.
    pub const KEY_WITHOUT_BACKUP: &str = "KeyWithoutBackup";
    /// Reason, on a key Secret: the first key was made.
    pub const KEY_CREATED: &str = "KeyCreated";
    /// Reason, on a key Secret: a key was made after others.
    pub const KEY_RENEWED: &str = "KeyRenewed";
    /// Reason, on a key Secret: somebody brought a key, or changed one, and it is used from now on.
    pub const KEY_REGISTERED: &str = "KeyRegistered";
    /// Reason, on a key Secret: its key is not used any more.
    pub const KEY_RETIRED: &str = "KeyRetired";

    /// Reason, on the Lease: the leader has changed. Spelt as every Kubernetes component spells it.
    pub const LEADER_ELECTION: &str = "LeaderElection";

    /// Message of [`UNSEALED`].
    pub const UNSEALED_MESSAGE: &str = "SealedSecret unsealed successfully";
}

/// The controller's HTTP interface.
pub mod http {
    /// Liveness, by upstream's name.
    pub const HEALTHZ: &str = "/healthz";
    /// Liveness, by the name that Kubernetes' own components give it.
    pub const LIVEZ: &str = "/livez";
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
    /// Ours: when the key came into use that is offered for sealing; 0 when none is.
    pub const CURRENT_KEY: &str = "sealed_secrets_controller_current_key_timestamp_seconds";
    /// Ours: keys in use that no backup is known of.
    pub const KEYS_WITHOUT_BACKUP: &str = "sealed_secrets_controller_keys_without_backup";
    /// Ours: when the oldest of them came into use; 0 when there is none.
    pub const OLDEST_WITHOUT_BACKUP: &str =
        "sealed_secrets_controller_oldest_key_without_backup_timestamp_seconds";
    /// Ours: when the newest key was last backed up; 0 when it was not.
    pub const NEWEST_BACKUP: &str = "sealed_secrets_controller_newest_key_backup_timestamp_seconds";
    /// Ours: key Secrets that hold no key that can be used.
    pub const UNUSABLE_KEYS: &str = "sealed_secrets_controller_unusable_key_secrets";
    /// Ours: whether this process is the one that reconciles.
    pub const LEADER: &str = "sealed_secrets_controller_leader";
    /// Ours: what would become of how many objects, while nothing is written.
    pub const FORESEEN: &str = "sealed_secrets_controller_foreseen_objects";
    /// Ours: hand edits of Secrets that were found, by namespace and what was done about them.
    pub const DRIFT: &str = "sealed_secrets_controller_drift_total";
    /// Ours: private-key operations, wrong keys included.
    pub const RSA_DECRYPTIONS: &str = "sealed_secrets_controller_rsa_decryptions_total";
    /// Ours: sealed values in the cluster by the key that opens them.
    pub const SEALED_ITEMS_BY_KEY: &str = "sealed_secrets_controller_sealed_items_by_key";
    /// Ours: how long passes take.
    pub const RECONCILE_DURATION: &str = "sealed_secrets_controller_reconcile_duration_seconds";
    /// Ours: objects that have a pass before them, by how far they are from it.
    pub const QUEUE_OBJECTS: &str = "sealed_secrets_controller_queue_objects";
    /// Ours: threads of a pool.
    pub const WORKER_THREADS: &str = "sealed_secrets_controller_worker_threads";
    /// Ours: jobs that a pool works on.
    pub const WORKER_JOBS_RUNNING: &str = "sealed_secrets_controller_worker_jobs_running";
    /// Ours: jobs that wait for a thread of a pool.
    pub const WORKER_JOBS_WAITING: &str = "sealed_secrets_controller_worker_jobs_waiting";
    /// Ours: requests to the API server.
    pub const API_REQUESTS: &str = "sealed_secrets_controller_api_requests_total";
    /// Ours: whether a watch works.
    pub const WATCH_UP: &str = "sealed_secrets_controller_watch_up";
    /// Ours: when a watch last reported a change.
    pub const WATCH_LAST_EVENT: &str =
        "sealed_secrets_controller_watch_last_event_timestamp_seconds";
    /// Ours: when a watch last began with a complete list.
    pub const WATCH_LAST_LIST: &str = "sealed_secrets_controller_watch_last_list_timestamp_seconds";
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
        for ours in [
            KEYS,
            PAUSED,
            RESYNC,
            RENEW,
            RENEWED_FOR,
            BACKED_UP,
            FINGERPRINT,
            KEY_SECRET,
            labels::ESCROW,
        ] {
            assert!(ours.starts_with(OUR_PREFIX), "{ours}");
        }
    }
}
