//! A certificate that was kept, with and without the cluster that it is of.

use std::path::Path;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{Endpoints, Service};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use sealed_crypto::Certificate;
use serde_json::json;
use testkit::cluster::{HOME, SERVICE_ACCOUNT};
use testkit::fixtures::{self, KEY, KeyPair, OTHER_KEY};
use testkit::{Output, Program, eventually};

use super::kit::{SOON, Tool, World, with_world};

/// A proxy that is not there: nothing reaches the cluster, and everything else of it is the same.
const NO_WAY: [&str; 2] = ["--proxy-url", "http://127.0.0.1:1"];

#[tokio::test]
async fn a_kept_certificate_is_used_without_a_cluster_and_not_beside_another_controller()
-> Result<()> {
    with_world(async |world| {
        let home = tempfile::tempdir()?;
        let home = home.path();
        world.with_key(KEY).await?;
        let controller = world.ours().await?;
        world
            .cluster
            .expose(&controller, HOME, SERVICE_ACCOUNT, None)
            .await?;
        let fetched = seal(world, home, &[]).await?;
        ensure!(!fetched.stderr.contains("warning"), "{}", fetched.stderr);

        // The way to the cluster is gone.
        let offline = seal(world, home, &NO_WAY).await?;
        hit(&offline, KEY)?;
        world.create(&offline.stdout).await?;
        world.opened("db").await?;

        // The API server answers, and nobody stands behind the Service that is still the same.
        controller.stop().await?;
        hit(&seal(world, home, &[]).await?, KEY)?;
        let unasked = online(world, home)?.run().await?;
        ensure!(
            unasked.stderr.contains("error[unreachable]"),
            "{}",
            unasked.stderr
        );

        // The controller was installed anew: its Service is another one, and so may be its keys.
        remove_service(world).await?;
        make_service(world).await?;
        eventually(
            "the API server's proxy knows the new Service",
            SOON,
            async || {
                let remade = seal(world, home, &[]).await?;
                miss(&remade, "of another Service than the one that is there now")
            },
        )
        .await?;
        miss(
            &seal(world, home, &NO_WAY).await?,
            "no certificate of this controller is kept",
        )?;

        // Once it answers, its certificate is the one that is kept.
        remove_service(world).await?;
        world.with_key(OTHER_KEY).await?;
        let controller = world.ours().await?;
        world
            .cluster
            .expose(&controller, HOME, SERVICE_ACCOUNT, None)
            .await?;
        seal(world, home, &[]).await?;
        hit(&seal(world, home, &NO_WAY).await?, OTHER_KEY)
    })
    .await
}

/// `seal` with a Secret, on a machine with this home.
fn online(world: &World, home: &Path) -> Result<Program> {
    let secret = fixtures::secret(&world.namespace, "db", [("password", "hunter2")]);
    let program = world.online(Tool::Seal)?.env("HOME", home);
    Ok(program.stdin(fixtures::manifest(&secret)?))
}

async fn seal(world: &World, home: &Path, more: &[&str]) -> Result<Output> {
    online(world, home)?
        .arg("--cache-cert")
        .args(more)
        .run()
        .await
}

/// Sealed with the certificate that was kept, which is told.
fn hit(output: &Output, key: KeyPair) -> Result<()> {
    let certificate = Certificate::from_pem(key.certificate()?.as_bytes())?;
    let fingerprint = certificate.fingerprint().to_string();
    let (code, told) = (output.code, &output.stderr);
    ensure!(
        code == Some(0) && told.contains("warning: using the certificate"),
        "{told}"
    );
    ensure!(told.ends_with(&format!(" ago: {fingerprint}\n")), "{told}");
    ensure!(output.stdout.contains(&fingerprint), "{}", output.stdout);
    Ok(())
}

/// Not sealed, for this reason.
fn miss(output: &Output, why: &str) -> Result<()> {
    ensure!(
        output.code == Some(1) && output.stdout.is_empty(),
        "{output:?}"
    );
    ensure!(output.stderr.contains(why), "{}", output.stderr);
    Ok(())
}

async fn remove_service(world: &World) -> Result<()> {
    let services: Api<Service> = Api::namespaced(world.client.clone(), HOME);
    services
        .delete(SERVICE_ACCOUNT, &DeleteParams::default())
        .await?;
    Ok(())
}

/// A Service without a pod behind it, as the controllers of a whole cluster would leave it.
async fn make_service(world: &World) -> Result<()> {
    let metadata = ObjectMeta {
        name: Some(SERVICE_ACCOUNT.to_owned()),
        ..ObjectMeta::default()
    };
    let service = Service {
        metadata: metadata.clone(),
        spec: serde_json::from_value(json!({ "ports": [{ "port": 8080 }] }))?,
        ..Service::default()
    };
    let services: Api<Service> = Api::namespaced(world.client.clone(), HOME);
    services.create(&PostParams::default(), &service).await?;
    let nobody = Endpoints {
        metadata,
        ..Endpoints::default()
    };
    let endpoints: Api<Endpoints> = Api::namespaced(world.client.clone(), HOME);
    endpoints.create(&PostParams::default(), &nobody).await?;
    Ok(())
}
