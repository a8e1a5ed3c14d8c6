//! What follows from what was found, as pure functions.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use sealed_crypto::Certificate;
use serde_json::Value;

use super::report::{Check, State};
use crate::certificate::day;
use crate::failure::Failure;
use crate::name::{COMPATIBILITY, VERSION};
use crate::rules::Rules;

/// From this much on, clocks are said to differ: a second or two is the way of the answer.
const NOTABLE_SKEW: i64 = 60;
/// From this much on it makes certificates and tokens fail.
const BAD_SKEW: i64 = 300;
/// A certificate that ends sooner should have been followed by another.
const ENDS_SOON: i64 = 30;

/// Our own version.
pub(super) fn program() -> Check {
    Check::ok(
        "program",
        format!("seal {VERSION}, which understands the command lines of kubeseal {COMPATIBILITY}"),
    )
}

/// What the repository says about its SealedSecrets, where it says anything.
pub(super) fn rules(found: Result<Option<Rules>, Failure>) -> (Option<Check>, Option<Rules>) {
    match found {
        Ok(None) => (None, None),
        Ok(Some(rules)) => {
            let check = Check::ok("rules", format!("{} counts here", rules.shown()));
            (Some(check), Some(rules))
        }
        Err(failure) => (Some(Check::failed("rules", &failure)), None),
    }
}

/// The certificate that was given to seal with.
pub(super) fn own_certificate(
    read: Result<Certificate, Failure>,
    shown: &str,
    now: Timestamp,
) -> (Check, Option<Certificate>) {
    match read {
        Ok(certificate) => (
            validity("--cert", &certificate, shown, now),
            Some(certificate),
        ),
        Err(failure) => (Check::failed("--cert", &failure), None),
    }
}

/// Whether a certificate can be sealed with.
pub(super) fn validity(
    check: &'static str,
    certificate: &Certificate,
    shown: &str,
    now: Timestamp,
) -> Check {
    let about = format!(
        "{shown}: {}, {} bits",
        certificate.fingerprint(),
        certificate.bits()
    );
    let left = certificate.not_after().duration_since(now).as_hours() / 24;
    if certificate.is_expired_at(now) {
        return Check::new(
            check,
            State::Problem,
            format!("{about}, expired on {}", day(certificate.not_after())),
        )
        .hint("have the controller make a new key (docs/keys.md), then `seal cert -w FILE`");
    }
    if !certificate.is_offerable_at(now) {
        return Check::new(
            check,
            State::Note,
            format!(
                "{about}, not valid before {}",
                day(certificate.not_before())
            ),
        )
        .hint("either the clock here is slow, or that of the controller was fast");
    }
    if left < ENDS_SOON {
        return Check::new(check, State::Note, format!("{about}, ends in {left} days")).hint(
            "is the controller's key renewal switched off? docs/keys.md tells how to ask for a key",
        );
    }
    Check::ok(check, format!("{about}, ends in {left} days"))
}

/// Whether the certificate at hand is the one that the controller offers.
pub(super) fn agreement(own: &Certificate, offered: &Certificate) -> Check {
    if own.fingerprint() == offered.fingerprint() {
        return Check::ok("--cert", "it is the certificate that the controller offers");
    }
    Check::new(
        "--cert",
        State::Note,
        format!("the controller offers another certificate, {}", offered.fingerprint()),
    )
    .hint("an older key of this cluster still opens values, one of another cluster does not; `seal cert -w FILE` fetches the present certificate")
}

/// What to look at when the API server could not be asked, by what was told of it.
pub(super) fn way_to_a_server(told: &str) -> &'static str {
    if told.starts_with("cannot get credentials") {
        "the kubeconfig names where they come from; log in there again"
    } else if told.contains("invalid peer certificate") {
        "is the kubeconfig of another cluster, or older than this one, or is a proxy in between? its certificate authority is not the server's"
    } else {
        "is the address right, and does a VPN or proxy have to be on?"
    }
}

/// The version of the API server.
pub(super) fn api_server(base: &str, version: &Value) -> Check {
    let version = version["gitVersion"]
        .as_str()
        .unwrap_or("of unknown version");
    Check::ok(
        "API server",
        format!("{base} answers, Kubernetes {version}"),
    )
}

/// This machine's clock beside the API server's, which it tells in the header `Date`.
pub(super) fn clock(date: Option<&str>, now: Timestamp) -> Check {
    let there = date.and_then(|date| rfc2822::parse(date).ok());
    let Some(there) = there else {
        return Check::new(
            "clock",
            State::Unknown,
            "the API server does not tell the time",
        );
    };
    let ahead = now.duration_since(there.timestamp()).as_secs();
    let told = match ahead {
        0.. => format!("the clock here is {ahead} s ahead of the API server's"),
        _ => format!("the clock here is {} s behind the API server's", -ahead),
    };
    match ahead.abs() {
        BAD_SKEW.. => Check::new("clock", State::Problem, told)
            .hint("set it: certificates and tokens are judged by it"),
        NOTABLE_SKEW.. => Check::new("clock", State::Note, told),
        _ => Check::ok("clock", "agrees with the API server's"),
    }
}

/// The Deployment of the controller: its version and whether it runs.
pub(super) fn deployment(deployment: &Value) -> Check {
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array();
    let image = containers
        .and_then(|containers| containers.first()?["image"].as_str())
        .unwrap_or("an unknown image");
    let count = |field: &str| deployment["status"][field].as_i64().unwrap_or_default();
    let (ready, wanted) = (
        count("readyReplicas"),
        deployment["spec"]["replicas"].as_i64(),
    );
    let told = format!("{image}, {ready} of {} replicas ready", wanted.unwrap_or(1));
    if ready == 0 {
        return Check::new("deployment", State::Problem, told)
            .hint("`kubectl describe` and `kubectl logs` of its pods tell why");
    }
    Check::ok("deployment", told)
}

/// What a person may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Right {
    /// What it is for.
    pub(super) purpose: &'static str,
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    pub(super) subresource: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
    /// What to do without it.
    pub(super) without: &'static str,
}

/// The rights that jobs of `seal` take, with the controller behind the Service `port` of `controller`, and the objects in
/// `namespace`.
pub(super) fn rights(controller: &str, port: &str, namespace: &str) -> Vec<Right> {
    let proxy = |purpose, verb, without| Right {
        purpose,
        verb,
        group: "",
        resource: "services",
        subresource: "proxy",
        namespace: controller.to_owned(),
        name: port.to_owned(),
        without,
    };
    vec![
        proxy(
            "fetch the certificate",
            "get",
            "seal with --cert FILE, or have the role sealed-secrets-service-proxier bound to you",
        ),
        proxy(
            "have SealedSecrets validated and re-encrypted",
            "create",
            "have the role sealed-secrets-service-proxier bound to you; sealing does not need it",
        ),
        Right {
            purpose: "apply SealedSecrets",
            verb: "create",
            group: sealed_api::names::GROUP,
            resource: sealed_api::names::PLURAL,
            subresource: "",
            namespace: namespace.to_owned(),
            name: String::new(),
            without: "leave it to Git and its controller, or have the right granted",
        },
        Right {
            purpose: "back the sealing keys up",
            verb: "list",
            group: "",
            resource: "secrets",
            subresource: "",
            namespace: controller.to_owned(),
            name: String::new(),
            without: "only who runs the cluster needs it",
        },
    ]
}

impl Right {
    /// The question to the API server.
    pub(super) fn review(&self) -> Value {
        serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": self.namespace,
                "verb": self.verb,
                "group": self.group,
                "resource": self.resource,
                "subresource": self.subresource,
                "name": self.name,
            }},
        })
    }

    /// Its answer.
    pub(super) fn judged(&self, review: &Value) -> Check {
        let path = match self.subresource {
            "" => self.resource.to_owned(),
            sub => format!("{}/{sub}", self.resource),
        };
        let right = format!("{} {path} in {}", self.verb, self.namespace);
        if review["status"]["allowed"] == true {
            return Check::ok("rights", format!("you may {} ({right})", self.purpose));
        }
        Check::new(
            "rights",
            State::Note,
            format!("you may not {} ({right})", self.purpose),
        )
        .hint(self.without)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is a time")
    }

    fn certificate(name: &str) -> Certificate {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
        let pem = std::fs::read(format!("{folder}{name}")).expect("it is there");
        Certificate::from_pem(&pem).expect("it is good")
    }

    #[test]
    fn what_to_look_at_depends_on_what_is_in_the_way() {
        let hint = |told: &str| way_to_a_server(told);
        let unreached = "cannot reach the API server https://192.0.2.1: ";
        assert!(hint("cannot get credentials for the API server").contains("log in"));
        assert!(
            hint(&format!(
                "{unreached}invalid peer certificate: UnknownIssuer"
            ))
            .contains("authority")
        );
        assert!(hint(&format!("{unreached}connection refused")).contains("VPN"));
    }

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let now = time("2026-11-21T03:00:00Z");
        for (date, state) in [
            ("Sat, 21 Nov 2026 03:00:30 GMT", State::Ok),
            ("Sat, 21 Nov 2026 02:58:00 GMT", State::Note),
            ("Sat, 21 Nov 2026 03:05:00 GMT", State::Problem),
            ("Sat, 21 Nov 2026 02:00:00 GMT", State::Problem),
            ("yesterday", State::Unknown),
        ] {
            assert_eq!(clock(Some(date), now).state, state, "{date}");
        }
        assert_eq!(clock(None, now).state, State::Unknown);
    }

    #[test]
    fn a_certificate_is_judged_by_the_day() {
        let a = certificate("rsa2048-a.crt.pem");
        let day = jiff::SignedDuration::from_hours(24);
        for (now, state) in [
            (a.not_before() - day, State::Note),
            (a.not_before(), State::Ok),
            (a.not_after() - day * 29, State::Note),
            (a.not_after() + day, State::Problem),
        ] {
            assert_eq!(validity("certificate", &a, "it", now).state, state, "{now}");
        }
        let b = certificate("rsa2048-b.crt.pem");
        assert_eq!(agreement(&a, &a).state, State::Ok);
        assert_eq!(agreement(&a, &b).state, State::Note);
    }

    #[test]
    fn a_right_is_there_only_when_the_server_says_so() {
        let right = &rights("kube-system", "http:x:", "web")[0];
        assert_eq!(
            right.review()["spec"]["resourceAttributes"]["name"],
            "http:x:"
        );
        for (status, state) in [
            (json!({"status": {"allowed": true}}), State::Ok),
            (json!({"status": {"allowed": false}}), State::Note),
            (json!({}), State::Note),
        ] {
            assert_eq!(right.judged(&status).state, state);
        }
    }

    #[test]
    fn a_controller_without_ready_replicas_is_a_problem() {
        let with = |ready: i64| {
            deployment(&json!({
                "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": "x:v1"}]}}},
                "status": {"readyReplicas": ready},
            }))
        };
        assert_eq!(
            with(1),
            Check::ok("deployment", "x:v1, 1 of 2 replicas ready")
        );
        assert_eq!(with(0).state, State::Problem);
    }
}
