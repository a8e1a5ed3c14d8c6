//! The checks that ask the cluster, each resting on those before it.

use http::{Method, StatusCode};
use sealed_api::{Code, names};

use super::Known;
use super::args::Request;
use super::checks::{self, Right, rights};
use super::report::{Check, Report, State};
use crate::certificate;
use crate::cluster::{ApiServer, Cause, Cluster, Kubeconfig, Service};
use crate::environment::Environment;
use crate::io::Talk;

/// Examines the cluster as far as it can be reached.
pub(super) fn examine(
    request: &Request,
    known: &Known,
    environment: &Environment,
    report: &mut Report,
    talk: &mut Talk<'_>,
) {
    let has_certificate = known.certificate.is_some();
    let Some((server, namespace)) = connect(request, has_certificate, environment, report) else {
        return;
    };
    if !is_there(&server, environment, report) {
        return;
    }
    definition(&server, report);
    let service = controller(&server, request, has_certificate, environment, report, talk);
    // Found in another namespace than the one asked for, it is that one's rights that count.
    let (home, port) = match &service {
        Some(service) => (service.namespace.clone(), service.port.clone()),
        None => (
            request.controller.namespace.clone(),
            format!("http:{}:", request.controller.name),
        ),
    };
    permissions(&server, &rights(&home, &port, &namespace), report);
    if let Some(service) = service {
        let cluster = Cluster::new(server, service);
        offered(&cluster, known, environment, report);
    }
}

/// The kubeconfig, and the namespace that it names.
fn connect(
    request: &Request,
    has_certificate: bool,
    environment: &Environment,
    report: &mut Report,
) -> Option<(ApiServer, String)> {
    let connection = &request.controller.connection;
    let kubeconfig = match Kubeconfig::load(connection, environment) {
        Ok(kubeconfig) => kubeconfig,
        Err(failure) => {
            report.add(Check::failed("kubeconfig", &failure));
            return None;
        }
    };
    if kubeconfig.is_silent() {
        let state = if has_certificate {
            State::Note
        } else {
            State::Problem
        };
        report.add(
            Check::new(
                "kubeconfig",
                state,
                "there is none, so nothing about a cluster can be checked",
            )
            .hint("sealing needs no cluster: --cert FILE is enough; otherwise set KUBECONFIG or give --kubeconfig"),
        );
        return None;
    }
    let namespace = request
        .namespace
        .clone()
        .or_else(|| kubeconfig.namespace().ok())
        .unwrap_or_else(|| "default".to_owned());
    match ApiServer::connect(connection, environment) {
        Ok(server) => {
            let context = server.context();
            let context =
                context.map_or_else(String::new, |one| format!("context `{}`, ", one.name));
            report.add(Check::ok(
                "kubeconfig",
                format!(
                    "{context}cluster {}, namespace `{namespace}`",
                    server.base()
                ),
            ));
            Some((server, namespace))
        }
        Err(failure) => {
            report.add(Check::failed("kubeconfig", &failure));
            None
        }
    }
}

/// Whether the API server answers, and what time it is there.
fn is_there(server: &ApiServer, environment: &Environment, report: &mut Report) -> bool {
    let answer = match server.send(&Method::GET, "/version", "application/json", Vec::new()) {
        Ok(answer) => answer,
        Err(cause) => {
            let check = failed("API server", &cause);
            let hint = checks::way_to_a_server(&check.message);
            report.add(check.hint(hint));
            return false;
        }
    };
    let date = answer.date.clone();
    let check = match answer.expect_ok("get", "version") {
        Ok(body) => {
            let version = serde_json::from_slice(&body).unwrap_or_default();
            checks::api_server(server.base(), &version)
        }
        Err(cause) => failed("API server", &cause).hint("are the credentials still good?"),
    };
    let is_good = check.state == State::Ok;
    report.add(check);
    report.add(checks::clock(date.as_deref(), environment.now));
    is_good
}

/// Whether the cluster knows SealedSecrets at all.
fn definition(server: &ApiServer, report: &mut Report) {
    let path = format!("/apis/{}", names::API_VERSION);
    report.add(match server.get(&path, names::PLURAL) {
        Ok(_) => Check::ok(
            "type",
            format!(
                "the cluster knows {} of {}",
                names::KIND,
                names::API_VERSION
            ),
        ),
        Err(cause) if cause.status == Some(StatusCode::NOT_FOUND) => Check::new(
            "type",
            State::Problem,
            format!("the cluster does not know {}", names::KIND),
        )
        .hint("install the controller with its CustomResourceDefinition: deploy/README.md"),
        Err(cause) => unknown("type", &cause),
    });
}

/// The controller's Service and Deployment.
fn controller(
    server: &ApiServer,
    request: &Request,
    has_certificate: bool,
    environment: &Environment,
    report: &mut Report,
    talk: &mut Talk<'_>,
) -> Option<Service> {
    // Nothing is asked and nothing remembered on the way.
    let environment = Environment {
        stderr_is_terminal: false,
        terminal: crate::prompt::Terminal::Absent,
        ..environment.clone()
    };
    let service = match Service::find(server, &request.controller, &environment, talk) {
        Ok(service) => service,
        Err(failure) => {
            let check = Check::failed("controller", &failure);
            // Whoever has a certificate need not see the controller; that there is none is another matter.
            let is_hidden = has_certificate && failure.code() != Code::NotFound;
            let state = if is_hidden { State::Note } else { check.state };
            report.add(Check { state, ..check });
            return None;
        }
    };
    let (namespace, name) = (&service.namespace, service.name());
    report.add(Check::ok(
        "controller",
        format!("Service `{name}` in namespace `{namespace}`"),
    ));
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    report.add(match server.get(&path, &format!("deployments {name}")) {
        Ok(deployment) => checks::deployment(&deployment),
        Err(cause) => unknown("deployment", &cause),
    });
    Some(service)
}

/// What the person may do.
fn permissions(server: &ApiServer, rights: &[Right], report: &mut Report) {
    for right in rights {
        const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        match server.create(PATH, &right.review(), "selfsubjectaccessreviews") {
            Ok(review) => report.add(right.judged(&review)),
            Err(cause) => {
                report.add(unknown("rights", &cause));
                return;
            }
        }
    }
}

/// The certificate that the controller offers.
fn offered(cluster: &Cluster, known: &Known, environment: &Environment, report: &mut Report) {
    let read = cluster
        .certificate()
        .and_then(|bytes| certificate::read(&bytes, "the controller"));
    match read {
        Ok(offered) => {
            report.add(checks::validity(
                "certificate",
                &offered,
                "the controller offers",
                environment.now,
            ));
            report.refuse_disallowed("certificate", known, Some(&offered));
            if let Some(own) = &known.certificate {
                report.add(checks::agreement(own, &offered));
            }
        }
        // Whoever has a certificate needs none from the controller.
        Err(failure) if known.certificate.is_some() => report.add(Check {
            state: State::Note,
            ..Check::failed("certificate", &failure)
        }),
        Err(failure) => report.add(Check::failed("certificate", &failure)),
    }
}

fn failed(check: &'static str, cause: &Cause) -> Check {
    Check::refused(check, cause.code, cause.words())
}

fn unknown(check: &'static str, cause: &Cause) -> Check {
    Check {
        state: State::Unknown,
        ..failed(check, cause)
    }
}
