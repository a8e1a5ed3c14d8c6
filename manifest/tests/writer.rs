//! What is written, byte for byte as recorded from the existing tools.

use sealed_manifest::{Documents, to_yaml};
use serde_json::{Value, json};

/// Written by kubeseal for the same annotations.
const QUOTING: &str = r#"annotations:
  bool: "true"
  brace: '{a}'
  bs: a\b
  colon: 'a: b'
  crlf: "a\r\nb"
  dash: '- a'
  date: "2020-01-01"
  dq: say "hi"
  empty: ""
  float: "1.5"
  hash: 'a #b'
  hex: "0x1F"
  jsonstr: '{"a":"b"}'
  lead: '  x'
  multi: |-
    a
    b
  multinl: |
    a
    b
  "n": "n"
  "null": "null"
  num: "123"
  oct: "017"
  "on": "on"
  pct: '%x'
  plus: "+1"
  quote: it's
  star: '*x'
  tab: "a\tb"
  tilde: "~"
  trail: 'x  '
  uni: "é☃\U0001F600"
  "yes": "yes"
"#;

fn read_back(text: &str) -> Value {
    let mut documents = Documents::new(text.as_bytes(), "written");
    let value = documents
        .next()
        .map_or(Value::Null, |found| found.expect(text).into_value());
    assert!(documents.next().is_none(), "{text}");
    value
}

#[test]
fn scalars_are_quoted_as_recorded() {
    let value = json!({"annotations": {
        "multi": "a\nb", "multinl": "a\nb\n", "lead": "  x", "trail": "x  ", "empty": "", "num": "123", "float": "1.5",
        "bool": "true", "yes": "yes", "null": "null", "tilde": "~", "date": "2020-01-01", "colon": "a: b", "hash": "a #b",
        "dash": "- a", "quote": "it's", "dq": "say \"hi\"", "star": "*x", "pct": "%x", "brace": "{a}", "tab": "a\tb",
        "uni": "é☃😀", "bs": "a\\b", "hex": "0x1F", "oct": "017", "n": "n", "on": "on", "plus": "+1", "crlf": "a\r\nb",
        "jsonstr": "{\"a\":\"b\"}"
    }});
    assert_eq!(to_yaml(&value), QUOTING);
    assert_eq!(read_back(QUOTING), value);
}

#[test]
fn keys_are_in_natural_order() {
    let value =
        json!({"a10": 1, "a2": 1, "B": 1, "_x": 1, "10": 1, "2": 1, "a-b": 1, "z": 1, "é": 1});
    assert_eq!(
        to_yaml(&value),
        "_x: 1\n\"2\": 1\n\"10\": 1\nB: 1\na-b: 1\na2: 1\na10: 1\nz: 1\né: 1\n"
    );
}

#[test]
fn collections_are_in_block_style() {
    let value = json!({
        "empty": {}, "none": [], "nothing": null, "flag": false, "float": 1.0,
        "list": ["a", {"k": "v", "m": {"n": "x"}}, [1, [2, 3]], {}, [], "l\nm"],
        "owners": [{"apiVersion": "v1", "controller": true}]
    });
    let text = "empty: {}\nflag: false\nfloat: 1.0\nlist:\n- a\n- k: v\n  m:\n    \"n\": x\n- - 1\n  - - 2\n    - 3\n- {}\n- []\n- |-\n  l\n  m\nnone: []\nnothing: null\nowners:\n- apiVersion: v1\n  controller: true\n";
    assert_eq!(to_yaml(&value), text);
    assert_eq!(read_back(text), value);
}

#[test]
fn values_without_a_mapping_are_written_too() {
    for (value, text) in [
        (json!("yes"), "\"yes\"\n"),
        (json!("a\nb\n"), "|\n  a\n  b\n"),
        (json!({}), "{}\n"),
        (json!([1, 2]), "- 1\n- 2\n"),
        (json!(null), "null\n"),
    ] {
        assert_eq!(to_yaml(&value), text);
        assert_eq!(read_back(text), value);
    }
}

#[test]
fn long_text_wraps_as_recorded_and_base64_does_not() {
    let words: Vec<_> = (0..40).map(|word| format!("word{word}")).collect();
    let long = words.join(" ");
    let base64 = "QWdCeTN".repeat(400);
    let value = json!({"spec": {"template": {"metadata": {"annotations": {"long": long, "sealed": base64}}}}});
    let text = to_yaml(&value);
    let recorded = "        long: word0 word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11\n          word12 word13 word14 word15 word16 word17 word18 word19 word20 word21 word22\n          word23 word24 word25 word26 word27 word28 word29 word30 word31 word32 word33\n          word34 word35 word36 word37 word38 word39\n";
    assert!(text.contains(recorded), "{text}");
    assert!(text.contains(&format!("        sealed: {base64}\n")));
    assert_eq!(read_back(&text), value);
}

#[test]
fn keys_of_any_kind_and_length_are_read_back() {
    for key in [
        "a\nb",
        "",
        "a: b",
        " ",
        "- x",
        "yes",
        "<<",
        "k".repeat(900).as_str(),
        "k".repeat(3000).as_str(),
        "\u{1}",
        "😀",
    ] {
        for inner in [
            json!("v"),
            json!({"x": "y"}),
            json!(["x", {"y": "z"}]),
            json!("a\nb"),
            json!([["x"]]),
        ] {
            let value = json!({"outer": [{key: inner.clone()}], key: inner, "last": 1});
            let text = to_yaml(&value);
            assert_eq!(read_back(&text), value, "{text}");
        }
    }
}
