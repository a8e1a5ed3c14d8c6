//! The Secret that a port serves with, watched by its name in the controller's own namespace.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::runtime::watcher::Event;
use sealed_api::Wiping;

use super::client::Cluster;
use super::watch::{Happening, Reach, Selection, Watch};
use crate::http::{ServerCertificate, TlsFault};

/// Replaces the certificate whenever the Secret changes. Does not end.
pub(super) async fn follow(cluster: Cluster, home: String, certificate: Arc<ServerCertificate>) {
    let selection = Selection {
        fields: Some(format!("metadata.name={}", certificate.secret())),
        ..Selection::default()
    };
    let reach = Reach::Namespace(home);
    let mut watch = Watch::<Secret>::new(&cluster, certificate.name(), &reach, selection);
    let mut listed = false;
    loop {
        let Happening::Event(event) = watch.next().await else {
            continue;
        };
        match event {
            Event::Init => listed = false,
            Event::InitApply(secret) | Event::Apply(secret) => {
                listed = true;
                certificate.replace(&Wiping::from(secret));
            }
            Event::InitDone if listed => {}
            Event::InitDone | Event::Delete(_) => certificate.refuse(TlsFault::Absent),
        }
    }
}
