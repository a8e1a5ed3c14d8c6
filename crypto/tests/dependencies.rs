//! This crate stays small enough to audit and usable without Kubernetes.

use std::process::Command;

#[test]
fn no_kubernetes_no_runtime_and_no_json_comes_along() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", env!("CARGO_PKG_NAME")])
        .args([
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let packages: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(packages.contains(&"aws-lc-rs"), "{tree}");
    for heavy in [
        "tokio",
        "kube",
        "kube-client",
        "k8s-openapi",
        "serde_json",
        "openssl",
        "ring",
    ] {
        assert!(!packages.contains(&heavy), "{heavy} in\n{tree}");
    }
}
