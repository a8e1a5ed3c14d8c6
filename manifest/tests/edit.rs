//! What a changed text looks like, byte for byte.

use sealed_manifest::edit::{self, Change, EditErrorKind, Target};
use serde_json::{Value, json};

fn target(text: &str) -> Target<'_> {
    Target::new(text, "in.yaml", 1)
}

/// Splits `spec.encryptedData.k`.
fn path(dotted: &str) -> Vec<&str> {
    dotted.split('.').collect()
}

#[track_caller]
fn replaced(text: &str, dotted: &str, value: impl Into<Value>, wanted: &str) {
    let edited = target(text).replace(&path(dotted), value);
    assert_eq!(edited.expect(text), wanted, "{text:?}");
}

#[track_caller]
fn inserted(text: &str, dotted: &str, value: impl Into<Value>, wanted: &str) {
    let edited = target(text).insert(&path(dotted), value);
    assert_eq!(edited.expect(text), wanted, "{text:?}");
}

#[track_caller]
fn removed(text: &str, dotted: &str, wanted: &str) {
    let edited = target(text).remove(&path(dotted));
    assert_eq!(edited.expect(text), wanted, "{text:?}");
}

#[test]
fn a_replaced_value_keeps_its_quotes_and_its_surroundings() {
    for (text, wanted) in [
        ("a:\n  k: old # c\n  l: x\n", "a:\n  k: NEW= # c\n  l: x\n"),
        ("a:\n  k:   \"old\"\n", "a:\n  k:   \"NEW=\"\n"),
        ("a:\n  k: 'it''s'   # c\n", "a:\n  k: 'NEW='   # c\n"),
        ("a: {k: old, l: x} # c\n", "a: {k: NEW=, l: x} # c\n"),
        ("a: {\"k\": \"old\"}\n", "a: {\"k\": NEW=}\n"),
        ("a:\n  k:\n  l: x\n", "a:\n  k: NEW=\n  l: x\n"),
        ("a:\n  k: # c\n  l: x\n", "a:\n  k: NEW= # c\n  l: x\n"),
        ("a:\n  k: ~\n", "a:\n  k: NEW=\n"),
        ("a:\n  k: !!str 12\n", "a:\n  k: NEW=\n"),
        ("a:\n  k: &x old\n", "a:\n  k: NEW=\n"),
        ("x: &x v\na:\n  k: *x\n", "x: &x v\na:\n  k: NEW=\n"),
        (
            "a:\n  k:\n    old\n  l: x\n",
            "a:\n  k:\n    NEW=\n  l: x\n",
        ),
        ("a:\n  k: one\n    two\n  l: x\n", "a:\n  k: NEW=\n  l: x\n"),
        (
            "a:\n  k: |\n    AAAA\n    BBBB\n  l: x\n",
            "a:\n  k: NEW=\n  l: x\n",
        ),
        (
            "a:\n  k: |-  # c\n    AAAA\n\n    BBBB\n\n# d\n  l: x\n",
            "a:\n  k: NEW=  # c\n\n# d\n  l: x\n",
        ),
        ("a:\n  k: >+\n    AAAA\n\n\n", "a:\n  k: NEW=\n\n\n"),
        ("a:\n  k: !!str |2-\n      AAAA\n", "a:\n  k: NEW=\n"),
        ("a:\n  k: |\n  l: x\n", "a:\n  k: NEW=\n  l: x\n"),
        (
            "a:\n  k: # c\n    m: 1\n    n: 2 # d\n  l: x\n",
            "a:\n  k: NEW= # c # d\n  l: x\n",
        ),
        (
            "a:\n  k:\n  - 1\n  - 2\n  l: x\n",
            "a:\n  k: NEW=\n  l: x\n",
        ),
        ("a:\n  k: [1,\n    2]\n  l: x\n", "a:\n  k: NEW=\n  l: x\n"),
        ("a:\n  \"k\" : old\n", "a:\n  \"k\" : NEW=\n"),
        ("a:\n  k: old", "a:\n  k: NEW="),
        ("a:\n  k: |\n    old", "a:\n  k: NEW=\n"),
        (
            "a:\r\n  k: old # c\r\n  l: |\r\n    x\r\n",
            "a:\r\n  k: NEW= # c\r\n  l: |\r\n    x\r\n",
        ),
        (
            "a:\r\n  k: |\r\n    x\r\n    y\r\n  l: z\r\n",
            "a:\r\n  k: NEW=\r\n  l: z\r\n",
        ),
    ] {
        replaced(text, "a.k", "NEW=", wanted);
    }
}

#[test]
fn json_keeps_its_layout() {
    let pretty = "{\n  \"a\": {\n    \"k\": \"old\",\n    \"l\": [1]\n  }\n}\n";
    replaced(
        pretty,
        "a.k",
        "N<>é\n",
        "{\n  \"a\": {\n    \"k\": \"N<>é\\n\",\n    \"l\": [1]\n  }\n}\n",
    );
    inserted(
        pretty,
        "a.m",
        "v",
        "{\n  \"a\": {\n    \"k\": \"old\",\n    \"l\": [1],\n    \"m\": \"v\"\n  }\n}\n",
    );
    inserted(
        pretty,
        "b.c.d",
        "v",
        "{\n  \"a\": {\n    \"k\": \"old\",\n    \"l\": [1]\n  },\n  \"b\": {\n    \"c\": {\n      \"d\": \"v\"\n    }\n  }\n}\n",
    );
    removed(pretty, "a.k", "{\n  \"a\": {\n    \"l\": [1]\n  }\n}\n");
    removed(pretty, "a.l", "{\n  \"a\": {\n    \"k\": \"old\"\n  }\n}\n");
    removed(pretty, "a", "{}\n");
    inserted(
        "{\n    \"a\": {}\n}\n",
        "a.k",
        "v",
        "{\n    \"a\": {\n        \"k\": \"v\"\n    }\n}\n",
    );
    inserted(
        "{\n\t\"a\": null\n}",
        "a.k",
        "v",
        "{\n\t\"a\": {\n\t\t\"k\": \"v\"\n\t}\n}",
    );

    let compact = "{\"a\":{\"k\":\"old\",\"l\":1},\"b\":{}}";
    replaced(
        compact,
        "a.k",
        "new",
        "{\"a\":{\"k\":\"new\",\"l\":1},\"b\":{}}",
    );
    inserted(
        compact,
        "a.m",
        "v",
        "{\"a\":{\"k\":\"old\",\"l\":1,\"m\":\"v\"},\"b\":{}}",
    );
    inserted(
        compact,
        "b.m",
        "v",
        "{\"a\":{\"k\":\"old\",\"l\":1},\"b\":{\"m\":\"v\"}}",
    );
    inserted(
        compact,
        "c.m",
        "v",
        "{\"a\":{\"k\":\"old\",\"l\":1},\"b\":{},\"c\":{\"m\":\"v\"}}",
    );
    removed(compact, "a.l", "{\"a\":{\"k\":\"old\"},\"b\":{}}");
    removed(compact, "a", "{\"b\":{}}");

    let spaced = "{\"a\": {\"k\": \"old\"}}\n";
    inserted(
        spaced,
        "a.l",
        "v",
        "{\"a\": {\"k\": \"old\", \"l\": \"v\"}}\n",
    );
}

#[test]
fn a_new_entry_follows_its_mapping() {
    for (text, wanted) in [
        ("a:\n  l: x\nb: 1\n", "a:\n  l: x\n  k: v\nb: 1\n"),
        (
            "a:\n    l: x # c\n\n# d\nb: 1\n",
            "a:\n    l: x # c\n    k: v\n\n# d\nb: 1\n",
        ),
        ("a:\n  l: x", "a:\n  l: x\n  k: v\n"),
        (
            "a:\r\n  l: x\r\nb: 1\r\n",
            "a:\r\n  l: x\r\n  k: v\r\nb: 1\r\n",
        ),
        ("a:\r\n  l: x", "a:\r\n  l: x\r\n  k: v\r\n"),
        (
            "a:\n  l: |\n    x\n\nb: 1\n",
            "a:\n  l: |\n    x\n  k: v\n\nb: 1\n",
        ),
        (
            "a:\n  l: |+\n    x\n\nb: 1\n",
            "a:\n  l: |+\n    x\n\n  k: v\nb: 1\n",
        ),
        ("a:\n  l: |+\n\nb: 1\n", "a:\n  l: |+\n\n  k: v\nb: 1\n"),
        (
            "a:\n  l:\n    m:\n    - n: o\n      p:\n",
            "a:\n  l:\n    m:\n    - n: o\n      p:\n  k: v\n",
        ),
        (
            "a:\n  l:\n  - 1\n  -\nb:\n",
            "a:\n  l:\n  - 1\n  -\n  k: v\nb:\n",
        ),
        ("a: {l: x}\n", "a: {l: x, k: v}\n"),
        ("a: { l: x, }\n", "a: { l: x, k: v, }\n"),
        (
            "a: {\n  l: x,\n  m: y\n}\n",
            "a: {\n  l: x,\n  m: y,\n  k: v\n}\n",
        ),
        ("a: {l}\n", "a: {l, k: v}\n"),
        ("a: {}\nb: 1\n", "a:\n  k: v\nb: 1\n"),
        ("a: {} # c\nb: 1\n", "a: # c\n  k: v\nb: 1\n"),
        ("a:\nb: 1\n", "a:\n  k: v\nb: 1\n"),
        ("a: # c\n# d\nb: 1\n", "a: # c\n  k: v\n# d\nb: 1\n"),
        ("a: null # c\n", "a: # c\n  k: v\n"),
        ("a: ~", "a:\n  k: v\n"),
        ("{a: {}}\n", "{a: {k: v}}\n"),
        ("b: 1\n...\n", "b: 1\na:\n  k: v\n...\n"),
        (
            "---\nb: 1\n---\nc: 1\n",
            "---\nb: 1\na:\n  k: v\n---\nc: 1\n",
        ),
        ("{}\n", "{\"a\": {\"k\": \"v\"}}\n"),
        ("# c\n--- {}\n", "# c\n--- {a: {k: v}}\n"),
    ] {
        inserted(text, "a.k", "v", wanted);
    }
    inserted(
        "- a\n- k: v\n  l: w\n- b\n",
        "1.m",
        "x",
        "- a\n- k: v\n  l: w\n  m: x\n- b\n",
    );
    inserted("- {}\n", "0.m", "x", "- {m: x}\n");
}

#[test]
fn new_mappings_are_indented_like_the_others() {
    inserted(
        "spec:\n    template:\n        type: Opaque\n",
        "spec.encryptedData.k",
        "v",
        "spec:\n    template:\n        type: Opaque\n    encryptedData:\n        k: v\n",
    );
    inserted(
        "kind: S\nspec:\n",
        "spec.a.b.c",
        json!({"x": ["y", {"z": "yes"}]}),
        "kind: S\nspec:\n  a:\n    b:\n      c:\n        x:\n        - \"y\"\n        - z: \"yes\"\n",
    );
}

#[test]
fn new_text_is_quoted_where_it_must_be() {
    for (value, written) in [
        (json!("yes"), "\"yes\""),
        (json!("a: b"), "'a: b'"),
        (json!("a\nb\n"), "\"a\\nb\\n\""),
        (
            json!("long ".repeat(40).trim()),
            &*"long ".repeat(40).trim().to_owned(),
        ),
        (json!(true), "true"),
        (json!(12), "12"),
        (json!(1.0), "1.0"),
        (json!(null), "null"),
        (json!({}), "{}"),
        (json!([]), "[]"),
    ] {
        replaced("a: x # c\n", "a", value, &format!("a: {written} # c\n"));
    }
    replaced("a: 'x'\n", "a", "tab\t", "a: \"tab\\t\"\n");
    replaced("a: {b: x}\n", "a.b", "p,q", "a: {b: 'p,q'}\n");
    replaced(
        "a: {b: x}\n",
        "a.b",
        json!({"c": ["yes", 1]}),
        "a: {b: {c: [\"yes\", 1]}}\n",
    );
    replaced(
        "a: x # c\nb: 1\n",
        "a",
        json!({"c": ["d"]}),
        "a: # c\n  c:\n  - d\nb: 1\n",
    );
    inserted("b: 1\n", "a", "one\ntwo\n", "b: 1\na: |\n  one\n  two\n");
    inserted(
        "b: 1\r\n",
        "a",
        "one\ntwo\n",
        "b: 1\r\na: |\r\n  one\r\n  two\r\n",
    );
    inserted("b: 1", "a", "\n", "b: 1\na: \"\\n\"\n");
    inserted("b: 1\n", "yes", "v", "b: 1\n\"yes\": v\n");
}

#[test]
fn a_removed_entry_takes_its_lines_along() {
    for (text, wanted) in [
        ("a:\n  k: v # c\n  l: x\n", "a:\n  l: x\n"),
        (
            "a:\n  l: x\n  # about k\n  k: v\nb: 1\n",
            "a:\n  l: x\n  # about k\nb: 1\n",
        ),
        (
            "a:\n  k:\n    m: 1\n    n:\n    - 2\n  l: x\n",
            "a:\n  l: x\n",
        ),
        ("a:\n  k: |\n    x\n    y\n\n  l: x\n", "a:\n\n  l: x\n"),
        ("a:\n  k: |+\n    x\n\n  l: x\n", "a:\n  l: x\n"),
        ("a:\n  l: x\n  k:\n", "a:\n  l: x\n"),
        ("a:\n  l: x\n  k: v", "a:\n  l: x\n"),
        ("a:\n  k: v # c\nb: 1\n", "a: {} # c\nb: 1\n"),
        ("a: # c\n  k: v\nb: 1\n", "a: {} # c\nb: 1\n"),
        ("a: {k: v, l: x}\n", "a: {l: x}\n"),
        ("a: {l: x, k: v}\n", "a: {l: x}\n"),
        ("a: {l: x, k: v, m: y}\n", "a: {l: x, m: y}\n"),
        ("a: { k: v }\n", "a: {}\n"),
        ("a:\n  k: 1\n  l: x\n  k: 2\n", "a:\n  l: x\n"),
        ("a:\r\n  k: v\r\n  l: x\r\n", "a:\r\n  l: x\r\n"),
    ] {
        removed(text, "a.k", wanted);
    }
    removed("- k: v\n  l: w\n- b\n", "0.k", "- l: w\n- b\n");
    removed("- k: v\n- b\n", "0.k", "- {}\n- b\n");
    removed("k: v # c\n", "k", "{} # c\n");
}

#[test]
fn several_changes_are_made_at_once() {
    let text = "metadata:\n  annotations: {}\nspec:\n  encryptedData:\n    a: old # c\n    b: gone\n  template:\n    metadata:\n      labels:\n        x: y\n";
    let changes = [
        Change::set(&["spec", "encryptedData", "a"], "A2"),
        Change::set(&["spec", "encryptedData", "c"], "C1"),
        Change::set(&["spec", "encryptedData", "d"], "D1"),
        Change::remove(&["spec", "encryptedData", "b"]),
        Change::set(&["metadata", "annotations", "p/q"], "true"),
        Change::set(&["metadata", "annotations", "p/r"], "z"),
        Change::set(&["spec", "template", "metadata", "labels", "v"], "w"),
        Change::set(&["spec", "template", "metadata", "annotations", "s"], "t"),
        Change::set(&["spec", "template", "metadata", "annotations", "u"], "t"),
        Change::insert(&["spec", "template", "type"], "Opaque"),
    ];
    let wanted = "metadata:\n  annotations:\n    p/q: \"true\"\n    p/r: z\nspec:\n  encryptedData:\n    a: A2 # c\n    c: C1\n    d: D1\n  template:\n    metadata:\n      labels:\n        x: y\n        v: w\n      annotations:\n        s: t\n        u: t\n    type: Opaque\n";
    assert_eq!(target(text).apply(&changes).unwrap(), wanted);

    let changes = [
        Change::remove(&["spec", "encryptedData", "a"]),
        Change::remove(&["spec", "encryptedData", "b"]),
        Change::set(&["spec", "encryptedData", "a"], "again"),
        Change::set(&["spec", "encryptedData", "a"], "and again"),
    ];
    let edited = target(text).apply(&changes).unwrap();
    assert!(
        edited.contains("  encryptedData: # c\n    a: and again\n")
            || edited.contains("  encryptedData:\n    a: and again\n"),
        "{edited}"
    );
    assert_eq!(target(text).apply(&[]).unwrap(), text);
    let flow = "{a: 1, b: 2, c: 3, d: 4}\n";
    let changes = [
        Change::remove(&["c"]),
        Change::remove(&["d"]),
        Change::remove(&["a"]),
    ];
    assert_eq!(target(flow).apply(&changes).unwrap(), "{b: 2}\n");
}

#[test]
fn an_equal_value_changes_nothing() {
    for text in [
        "a: \"v\"\n",
        "a: !!str v\n",
        "a: |-\n  v\n",
        "{\"a\":\"\\u0076\"}",
    ] {
        assert_eq!(target(text).set(&["a"], "v").unwrap(), text);
    }
}

#[test]
fn only_the_document_in_question_changes() {
    let text = "\u{feff}a: 1 # é\n---\na: b: c\n---\n{\"a\": 1}\n{\"a\": 2}\n---\na: 3\n...\n%YAML 1.1\n---\na: 4\n";
    for (document, from, to) in [
        (1, "a: 1 #", "a: X #"),
        (3, "{\"a\": 1}", "{\"a\": \"X\"}"),
        (4, "{\"a\": 2}", "{\"a\": \"X\"}"),
        (5, "a: 3", "a: X"),
        (6, "a: 4", "a: X"),
    ] {
        let edited = Target::new(text, "s", document)
            .replace(&["a"], "X")
            .unwrap();
        assert_eq!(edited, text.replacen(from, to, 1));
    }
    let error = Target::new(text, "s", 2).replace(&["a"], "X").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("s: document 2, line 3: cannot edit it: not valid YAML: "),
        "{error}"
    );
    let error = Target::new(text, "s", 7).replace(&["a"], "X").unwrap_err();
    assert!(
        matches!(error.kind(), EditErrorKind::NoDocument { count: 6 }),
        "{error}"
    );
}

#[test]
fn what_cannot_be_changed_is_an_error() {
    type Kind = fn(&EditErrorKind) -> bool;
    let absent: Kind = |kind| matches!(kind, EditErrorKind::Absent);
    let entangled: Kind = |kind| matches!(kind, EditErrorKind::Entangled);
    let unsupported: Kind = |kind| matches!(kind, EditErrorKind::Unsupported);
    let shared: Kind = |kind| matches!(kind, EditErrorKind::Shared { .. });
    let no_mapping: Kind = |kind| matches!(kind, EditErrorKind::NotAMapping { .. });
    for (text, change, expected) in [
        ("a: 1\n", Change::replace(&["b"], "x"), absent),
        ("a: 1\n", Change::remove(&["b", "c"]), absent),
        ("a: [1]\n", Change::replace(&["a", "1", "b"], "x"), absent),
        ("a: 1\n", Change::insert(&["a"], "x"), |kind| {
            matches!(kind, EditErrorKind::Present)
        }),
        ("a: 1\n", Change::set(&["a", "b"], "x"), no_mapping),
        ("a: [1]\n", Change::set(&["a", "0"], "x"), no_mapping),
        ("a: 1\n", Change::set(&[], "x"), no_mapping),
        (
            "a: &a {b: 1}\nc: *a\n",
            Change::set(&["c", "b"], "x"),
            shared,
        ),
        (
            "a: &a {b: 1}\nc: *a\n",
            Change::set(&["a", "b"], "x"),
            entangled,
        ),
        (
            "a: &a {b: 1}\nc: *a\n",
            Change::set(&["a", "d"], "x"),
            entangled,
        ),
        ("a: &a x\nc: *a\n", Change::set(&["a"], "y"), entangled),
        ("a: &a x\nc: *a\n", Change::remove(&["a"]), entangled),
        (
            "m: &m {b: 1}\na:\n  b: 2\n  <<: *m\n",
            Change::set(&["a", "b"], "x"),
            entangled,
        ),
        (
            "m: &m {b: 1}\na:\n  <<: *m\n  b: 2\n",
            Change::remove(&["a", "b"]),
            entangled,
        ),
        ("? a\n: 1\n", Change::remove(&["a"]), unsupported),
        ("? a\n: 1\nb: 2\n", Change::remove(&["a"]), unsupported),
        ("a: &x\nb: 1\n", Change::set(&["a"], "x"), unsupported),
    ] {
        let error = target(text).apply(&[change]).expect_err(text);
        assert!(expected(error.kind()), "{text:?}: {error:?}");
        assert!(
            error.to_string().starts_with("in.yaml: document 1, line "),
            "{error}"
        );
    }
    let error = target("# c\na:\n  b: 1\n")
        .insert(&["a", "b"], "x")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "in.yaml: document 1, line 3: cannot edit `a.b`: there is such an entry already"
    );
}

#[test]
fn the_change_to_blame_is_named() {
    let text = "a: &x 1\nb: *x\n? c\n: 1\nd: 1\n";
    for (culprit, name) in [
        (Change::set(&["a"], "v"), "`a`"),
        (Change::remove(&["c"]), "`c`"),
    ] {
        let changes = [Change::set(&["d"], "v"), Change::set(&["e"], "v"), culprit];
        let error = target(text).apply(&changes).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn several_documents_are_changed_at_once() {
    let text = "a: 1 # c\n---\n# d\nb: {c: 2}\n---\n{\"e\":3}\n{\"f\":4}\n";
    let changes = [
        (4, Change::set(&["g"], "y")),
        (1, Change::set(&["a"], "x")),
        (2, Change::remove(&["b", "c"])),
        (1, Change::set(&["h"], "z")),
    ];
    let wanted = "a: x # c\nh: z\n---\n# d\nb: {}\n---\n{\"e\":3}\n{\"f\":4,\"g\":\"y\"}\n";
    assert_eq!(edit::apply(text, "in.yaml", &changes).unwrap(), wanted);
    assert_eq!(edit::apply(text, "in.yaml", &[]).unwrap(), text);

    let changes = [
        (2, Change::set(&["b"], "x")),
        (3, Change::replace(&["a"], "x")),
    ];
    let error = edit::apply(text, "in.yaml", &changes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "in.yaml: document 3, line 6: cannot edit `a`: there is no such entry"
    );
    for document in [0, 5] {
        let error =
            edit::apply(text, "in.yaml", &[(document, Change::set(&["a"], "x"))]).unwrap_err();
        assert!(
            matches!(error.kind(), EditErrorKind::NoDocument { count: 4 }),
            "{error}"
        );
    }
}
