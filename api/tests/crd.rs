//! deploy/crd.yaml is what the types say.

#[test]
fn the_shipped_definition_is_made_from_the_types() {
    let shipped =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/crd.yaml"));
    let made = sealed_api::crd::file(serde_saphyr::to_string);
    assert_eq!(
        shipped.unwrap(),
        made.unwrap(),
        "deploy/crd.yaml is out of date: run `make generate`"
    );
}
