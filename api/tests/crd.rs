//! deploy/crd.yaml is what the types say.

#[test]
fn the_shipped_definition_is_made_from_the_types() {
    let shipped =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crd.yaml"));
    assert_eq!(
        shipped.unwrap(),
        sealed_api::crd::file(sealed_manifest::to_yaml),
        "deploy/crd.yaml is out of date: run `make generate`"
    );
}
