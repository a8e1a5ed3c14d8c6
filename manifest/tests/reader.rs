//! What a stream means, and what is wrong with those that mean nothing.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read};

use sealed_manifest::{Document, Documents, Format, Limits, ReadError, ReadErrorKind};
use serde_json::{Value, json};

fn read(stream: &str) -> Result<Vec<Document>, ReadError> {
    read_bytes(stream.as_bytes())
}

fn read_bytes(stream: &[u8]) -> Result<Vec<Document>, ReadError> {
    Documents::new(stream, "in.yaml").collect()
}

fn values(stream: &str) -> Vec<Value> {
    read(stream)
        .unwrap_or_else(|error| unreachable!("{stream:?}: {error}"))
        .into_iter()
        .map(Document::into_value)
        .collect()
}

fn error(stream: &str) -> String {
    read(stream).expect_err(stream).to_string()
}

#[test]
fn documents_are_found_in_every_mixture() {
    let (a, b, c) = (json!({"a": 1}), json!({"b": 2}), json!({"c": 3}));
    for stream in [
        "a: 1\n---\nb: 2\n---\nc: 3\n",
        "---\na: 1\n---\nb: 2\n---\nc: 3\n---\n",
        "---\n---\na: 1\n---\n---\n# only a comment\n---\nnull\n---\n~\n---\nb: 2\n--- # comment\nc: 3",
        "{\"a\":1}{\"b\":2}\n{\"c\":3}\n",
        "{\"a\":1}\n---\n{\"b\":2}\n---\n{\"c\":3}",
        "\n  {\"a\":1}\n---\n{\"b\":2}\n{\n  \"c\": 3\n}\n\n",
        "a: 1\n---\n{\"b\":2}{\"c\":3}",
        "{\"a\":1}\n---\nb: 2\n---\n{\"c\":3}",
        "{\"a\":1}{\"b\":2}\n---\nc: 3\n",
        "{\"a\":1} # one\n{\"b\":2}\n# three\n{\"c\":3}\n# end\n",
        "{\"a\":1}\n{\"b\":2}\nc: 3\n",
        "{a: 1,}\n---\n{b: 2} # {\n---\n{\"c\": 3,}\n",
        "{\"a\": 1} \n---\n{\n# note }\n\"b\": 2}\n---\nc: 3\n",
        "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n# directive\n---\nb: 2\n...\nc: 3\n...\n",
        "# licence\n---\na: 1\n...\n---\nb: 2\n...\n...\n---\nc: 3\n",
        "--- {a: 1}\n--- {\"b\": 2}\n---\tc: 3\n"
            .replace("\tc: 3", "\n  c: 3")
            .as_str(),
        "a: 1\r\n---\r\nb: 2\r\n--- # x\r\nc: 3\r\n",
        "{\"a\":1}\r\n---\r\n{\"b\":2}\r\n{\"c\":3}\r\n",
        "\u{feff}a: 1\n---\nb: 2\n---\nc: 3\n",
        "\u{feff}{\"a\":1}{\"b\":2}{\"c\":3}",
    ] {
        assert_eq!(
            values(stream),
            [a.clone(), b.clone(), c.clone()],
            "{stream:?}"
        );
    }
}

#[test]
fn streams_that_say_nothing_have_no_documents() {
    for stream in [
        "",
        "\n",
        "\u{feff}",
        "# nothing here\n",
        "---\n---\n",
        "...\n",
        "---",
        "--- # x\n...\n",
        "null\n",
        "~",
        "  \t \n",
        "\r\n---\r\n",
        "%YAML 1.1\n---\n",
        "--- ~\n--- null\n",
    ] {
        assert_eq!(values(stream), Vec::<Value>::new(), "{stream:?}");
    }
}

#[test]
fn documents_know_their_place() {
    let stream = "\u{feff}# head\n---\n\n# note\na: 1\n---\n---\n{\"b\": 2}\n\n  {\"c\": 3}  {\"d\": 4}\n---\n- e\n";
    let documents = read(stream).unwrap();
    let places: Vec<_> = documents
        .iter()
        .map(|found| (found.index(), found.line(), found.format()))
        .collect();
    assert_eq!(
        places,
        [
            (1, 5, Format::Yaml),
            (2, 8, Format::Json),
            (3, 10, Format::Json),
            (4, 10, Format::Json),
            (5, 12, Format::Yaml)
        ]
    );
    for document in &documents {
        let at = document.offset();
        assert_eq!(&stream[at..at + document.text().len()], document.text());
        assert_eq!(document.origin(), "in.yaml");
    }
    assert_eq!(documents[0].text(), "# head\n---\n\n# note\na: 1\n");
    assert_eq!(documents[1].text(), "---\n{\"b\": 2}\n");
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let documents = read("password: hunter2\n").unwrap();
    assert!(!format!("{documents:?}").contains("hunter2"));
    for stream in [
        "password: hunter2: x\n",
        "{\"password\": \"hunter2\", }]",
        "p: *hunter2\n",
        "a: !!int hunter2",
    ] {
        let error = read(stream).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn errors_name_origin_document_and_line() {
    for (stream, wanted) in [
        ("a: b: c\n", "in.yaml: document 1, line 1: not valid YAML: "),
        (
            "a: 1\n---\nb: 2\nc: d: e\n---\nf: 1\n",
            "in.yaml: document 2, line 4: not valid YAML: ",
        ),
        (
            "---\n---\nmetadata:\n\tname: x\n",
            "in.yaml: document 1, line 4: not valid YAML: ",
        ),
        ("a: 1\n--- foo\nb: 2\n", "in.yaml: document 2, line "),
        ("a: 1\n... foo\nb: 2\n", "in.yaml: document 1, line "),
        ("a: 1\n...\nfoo: b: c\n", "in.yaml: document 2, line 3: "),
        (
            "{\"a\":1}garbage",
            "in.yaml: document 2, line 1: unexpected text after a JSON object",
        ),
        (
            "{\"a\":1}\n{\"b\":2}garbage\n",
            "in.yaml: document 3, line 2: unexpected text after a JSON object",
        ),
        (
            "{\"a\":1},{\"b\":2}",
            "in.yaml: document 2, line 1: unexpected text after a JSON object",
        ),
        (
            "{\"a\":1}\ngarbage\n",
            "in.yaml: document 2, line 2: unexpected text after a JSON object",
        ),
        (
            "{\"a\":1}\n[1]\n",
            "in.yaml: document 2, line 2: unexpected text after a JSON object",
        ),
        (
            "{\"a\":1}\n---\n{\"b\": \"x",
            "in.yaml: document 2, line 3: not valid JSON: EOF while parsing a string",
        ),
        (
            "{\n\"a\":[1]\n\"b\":2\n}\n",
            "in.yaml: document 1, line 3: not valid JSON: expected `,` or `}`",
        ),
        ("a: 1\n{\"b\": 2}\n", "in.yaml: document 1, line "),
        (
            "---\n%YAML 1.1\n---\na: 1\n",
            "in.yaml: document 1, line 2: ",
        ),
        (
            "a: &a [1, *a]\n",
            "in.yaml: document 1, line 1: an anchored value contains itself",
        ),
        (
            "a: *nope\n",
            "in.yaml: document 1, line 1: not valid YAML: ",
        ),
        (
            "a: !!int x\n",
            "in.yaml: document 1, line 1: a value does not fit its tag !!int",
        ),
        (
            "a: !!binary x\n",
            "in.yaml: document 1, line 1: a !!binary value is not base64",
        ),
        (
            "a: .inf\n",
            "in.yaml: document 1, line 1: an infinite or undefined number",
        ),
        (
            "? [a]\n: 1\n",
            "in.yaml: document 1, line 1: a mapping key is a list",
        ),
        (
            "x: 1\n~: 1\n",
            "in.yaml: document 1, line 2: a mapping key is null",
        ),
        (
            "{18446744073709551615: a}",
            "in.yaml: document 1, line 1: a mapping key is a number above 2^63",
        ),
        ("a: 1\n<<: 2\n", "in.yaml: document 1, line 2: a merge key"),
        (
            "{\n/* note */\n\"a\": 1}\n",
            "in.yaml: document 1, line 2: not valid YAML: a key in braces",
        ),
        (
            "- a: \"x\n  y\"\n- b: c: d\n",
            "in.yaml: document 1, line 3: not valid YAML: mapping values",
        ),
        (
            "a: x\0y\n",
            "in.yaml: document 1, line 1: the control character U+0000 is not allowed",
        ),
        (
            "a: 1\rb: 2\r---\rc: 3\r",
            "in.yaml: document 1, line 1: a second document begins inside this one",
        ),
    ] {
        let told = error(stream);
        assert!(told.starts_with(wanted), "{stream:?}: {told}");
    }
}

#[test]
fn reading_goes_on_behind_a_malformed_document() {
    let stream =
        "a: b: c\n---\nb: 2\n---\n{\"c\": 3} x\ny\n---\n{\"d\": \n---\n\"\\xff\n---\ne: 5\n";
    let found: Vec<_> = Documents::new(stream.as_bytes(), "s")
        .map(|found| found.map(Document::into_value).ok())
        .collect();
    assert_eq!(
        found,
        [
            None,
            Some(json!({"b": 2})),
            Some(json!({"c": 3})),
            None,
            None,
            None,
            Some(json!({"e": 5}))
        ]
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_named() {
    for stream in [
        &b"a: 1\n---\nb: caf\xe9\n"[..],
        b"{\"a\": 1}\n{\"k\": \"caf\xe9\"}",
    ] {
        let error = read_bytes(stream).unwrap_err();
        assert!(
            matches!(error.kind(), ReadErrorKind::Utf8 { byte: 0xE9 }),
            "{error}"
        );
        assert_eq!(error.index(), 2);
    }
    let error = read_bytes(b"a: 1\n---\nb: caf\xe9\n").unwrap_err();
    assert_eq!((error.line(), error.column()), (3, 7));
}

#[test]
fn utf_16_is_read_or_refused_but_never_empty() {
    let text = "kind: Secret\r\nname: \u{1F600}\r\n---\r\n{\"a\": 1}\r\n";
    for to_bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let with_mark: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(to_bytes)
            .collect();
        let documents = read_bytes(&with_mark).unwrap();
        assert_eq!(
            documents[0].value(),
            &json!({"kind": "Secret", "name": "\u{1F600}"})
        );
        assert_eq!(documents[1].line(), 4);
        read_bytes(&with_mark[2..]).unwrap_err();
        read_bytes(&with_mark[..with_mark.len() - 1]).unwrap_err();
    }
}

/// Gives some bytes, then an error; counts how often it is asked.
struct Failing<'b> {
    bytes: &'b [u8],
    asked: usize,
}

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.asked += 1;
        assert!(self.asked < 100, "the reader loops");
        match self.bytes.read(buffer)? {
            0 => Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a directory",
            )),
            read => Ok(read),
        }
    }
}

#[test]
fn a_stream_that_cannot_be_read_is_one_error() {
    for bytes in ["", "a: 1\n---\nb: 2\n", "{\"a\": 1}\n"] {
        let mut documents = Documents::new(
            BufReader::new(Failing {
                bytes: bytes.as_bytes(),
                asked: 0,
            }),
            "dir",
        );
        let error = documents.find_map(Result::err).unwrap();
        assert!(matches!(error.kind(), ReadErrorKind::Io(_)));
        assert!(
            error.to_string().ends_with("cannot read: is a directory"),
            "{error}"
        );
        assert!(documents.next().is_none());
    }
}

#[test]
fn limits_hold() {
    let limits = Limits {
        document_bytes: 100,
        ..Limits::default()
    };
    let small = "a: 1\n---\n".repeat(1000);
    assert_eq!(
        Documents::with_limits(small.as_bytes(), "s", limits)
            .flatten()
            .count(),
        1000
    );
    for long in [
        format!("a: {}\n", "x".repeat(100)),
        "- x\n".repeat(30),
        format!("{{\"a\": \"{}\"}}", "x".repeat(100)),
    ] {
        let mut documents = Documents::with_limits(long.as_bytes(), "s", limits);
        let error = documents.next().unwrap().unwrap_err();
        assert!(
            matches!(error.kind(), ReadErrorKind::TooLarge { limit: 100 }),
            "{error}"
        );
        assert!(documents.next().is_none());
    }
}

#[test]
fn documents_of_too_many_nodes_are_refused() {
    let limits = Limits {
        nodes: 100,
        ..Limits::default()
    };
    let read = |stream: &str| {
        Documents::with_limits(stream.as_bytes(), "s", limits)
            .next()
            .unwrap()
    };
    let zeros = |count: usize| vec!["0"; count].join(",");
    // The list, the mapping, the key and 97 values; without key and mapping 99.
    assert!(read(&format!("{{\"a\": [{}]}}", zeros(97))).is_ok());
    assert!(read(&format!("a: [{}]", zeros(97))).is_ok());
    assert!(read(&"- 0\n".repeat(99)).is_ok());
    for many in [
        format!("{{\"a\": [{}]}}", zeros(98)),
        // The parser looks ahead for 1,024 characters first.
        format!("{{\"a\": [{}", zeros(2000)),
        format!("{{'a': [{}]}}", zeros(98)),
        format!("a: [{}]", zeros(98)),
        "- 0\n".repeat(100),
        format!("- \"a\nb\"\n{}", "- 0\n".repeat(100)),
        "a: b\n".repeat(50),
    ] {
        let error = read(&many).unwrap_err();
        assert!(
            matches!(error.kind(), ReadErrorKind::NodeLimit { limit: 100 }),
            "{error}"
        );
    }
    // What is wrong with it is told without reading it as JSON, which would make as many of them.
    let error = read(&format!("{{\"a\": \"\u{7f}\", \"b\": [{}", zeros(98))).unwrap_err();
    assert!(
        matches!(error.kind(), ReadErrorKind::ControlCharacter { .. }),
        "{error}"
    );
}

#[test]
fn alias_bombs_are_refused() {
    let mut wide = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (from, to) in "abcde".chars().zip("bcdef".chars()) {
        let items = vec![format!("*{from}"); 10].join(",");
        writeln!(wide, "{to}: &{to} [{items}]").unwrap();
    }
    assert!(matches!(
        read(&wide).unwrap_err().kind(),
        ReadErrorKind::AliasLimit { .. }
    ));

    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 1000].join(",")
    );
    assert!(matches!(
        read(&long).unwrap_err().kind(),
        ReadErrorKind::AliasLimit { .. }
    ));

    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..10_000 {
        writeln!(deep, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(matches!(
        read(&deep).unwrap_err().kind(),
        ReadErrorKind::Nesting { .. } | ReadErrorKind::AliasLimit { .. }
    ));
}

#[test]
fn an_alias_as_a_key_repeats_its_text_too() {
    let stream = |keys: usize| {
        let anchor = "x".repeat(1000);
        format!("a: &a {anchor}\nb:\n{}", "- *a : 1\n".repeat(keys))
    };
    let limits = Limits {
        document_bytes: 100_000,
        alias_bytes: 10_000,
        ..Limits::default()
    };
    let read = |keys| {
        Documents::with_limits(stream(keys).as_bytes(), "s", limits)
            .next()
            .unwrap()
    };
    assert!(read(9).is_ok());
    let error = read(10).unwrap_err();
    assert!(
        matches!(error.kind(), ReadErrorKind::AliasLimit { limit: 10_000 }),
        "{error}"
    );
}

#[test]
fn deep_documents_are_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("{\"a\":", "}")] {
        let stream = format!("{}1{}", open.repeat(5000), close.repeat(5000));
        read(&stream).unwrap_err();
    }
    let fine = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    assert_eq!(values(&fine).len(), 1);
}

#[test]
fn keys_become_text_and_the_last_wins() {
    assert_eq!(
        values(
            "y: a\nno: b\n1: c\n0x10: d\n1.50: e\n1e20: f\n2024-01-01: g\n'null': h\n.inf: i\n-.INF: j\n!!str yes: k\n"
        ),
        [
            json!({"true": "a", "false": "b", "1": "c", "16": "d", "1.5": "e", "1e+20": "f", "2024-01-01": "g", "null": "h",
            ".inf": "i", "-.inf": "j", "yes": "k"})
        ]
    );
    assert_eq!(values("k: one\nk: two\n"), [json!({"k": "two"})]);
    assert_eq!(values("y: one\ntrue: two\n"), [json!({"true": "two"})]);
    assert_eq!(
        values("a: &k key\n*k : v\n"),
        [json!({"a": "key", "key": "v"})]
    );
}

#[test]
fn merge_keys_take_effect_where_they_stand() {
    let base = "x: &m {q: 1, r: 2}\ny: &n {q: 3, s: 4}\n";
    for (text, wanted) in [
        ("z: {<<: *m, q: 9}", json!({"q": 9, "r": 2})),
        ("z: {q: 9, <<: *m}", json!({"q": 1, "r": 2})),
        ("z: {<<: [*m, *n]}", json!({"q": 1, "r": 2, "s": 4})),
        ("z: {<<: {q: 5}}", json!({"q": 5})),
        ("z: {'<<': 1}", json!({"<<": 1})),
        ("z: {!!merge <<: *n}", json!({"q": 3, "s": 4})),
    ] {
        assert_eq!(values(&format!("{base}{text}\n"))[0]["z"], wanted, "{text}");
    }
    for text in [
        "z: {<<: 1}",
        "z: {<<: }",
        "z: {<<: [1]}",
        "z: {<<: [[*m]]}",
        "l: &l [1]\nz: {<<: *l}",
    ] {
        assert!(
            matches!(
                read(&format!("{base}{text}\n")).unwrap_err().kind(),
                ReadErrorKind::Merge
            ),
            "{text}"
        );
    }
}

#[test]
fn numbers_keep_their_kind() {
    let found = values(
        "[8080, 0755, 18446744073709551615, -9223372036854775808, 1.50, 1e3, 1.0, 18446744073709551616]",
    );
    let found = found[0].as_array().unwrap();
    assert!(
        found[..4]
            .iter()
            .all(|number| number.is_i64() || number.is_u64())
    );
    assert!(found[4..].iter().all(Value::is_f64));
    assert_eq!(found[1], 493);
    assert_eq!(found[2], u64::MAX);
}

#[test]
fn text_of_several_lines_follows_yaml() {
    let found = values(concat!(
        "lit: |\n  a\n    b\n  c\nstrip: |-\n  a\n  b\nkeep: |+\n  a\n\nfold: >\n  one\n  two\n\n  three\n",
        "indent: |2\n    two more\n  end\nplain: one\n  two\n  three\ndouble: \"line \\\n  joined\"\nsingle: 'it''s'\n",
        "escapes: \"tab\\t nl\\n uni\\u00e9 hex\\x41 nul\\0 slash\\/\"\n",
    ));
    assert_eq!(
        found[0],
        json!({"lit": "a\n  b\nc\n", "strip": "a\nb", "keep": "a\n\n", "fold": "one two\nthree\n", "indent": "  two more\nend\n",
            "plain": "one two three", "double": "line joined", "single": "it's", "escapes": "tab\t nl\n unié hexA nul\0 slash/"})
    );
    assert_eq!(
        values("x: |\r\n  one\r\n  two\r\n")[0],
        json!({"x": "one\ntwo\n"})
    );
}

#[test]
fn memory_does_not_grow_with_the_number_of_documents() {
    /// Endless objects; fails the test when too much is asked for ahead of what was handed out.
    struct Endless {
        given: usize,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let unit = b"{\"a\": 1}\n";
            self.given += 1;
            assert!(self.given < 10_000);
            let count = (buffer.len() / unit.len()).max(1) * unit.len();
            for (slot, byte) in buffer.iter_mut().zip(unit.iter().cycle()).take(count) {
                *slot = *byte;
            }
            Ok(count.min(buffer.len()))
        }
    }
    let documents = Documents::new(
        BufReader::with_capacity(900, Endless { given: 0 }),
        "endless",
    );
    assert_eq!(documents.take(5000).flatten().count(), 5000);
}

#[test]
fn quoted_text_may_go_on_at_any_column() {
    for (stream, wanted) in [
        ("a: 'x\ny'\nb: 1\n", json!({"a": "x y", "b": 1})),
        (
            "a:\n  b: \"x\n  y\n\n z\"\n  c: 'p\nq'\n",
            json!({"a": {"b": "x y\nz", "c": "p q"}}),
        ),
        ("- a: \"x \\\n  y\"\n", json!([{"a": "x y"}])),
    ] {
        assert_eq!(values(stream), [wanted], "{stream:?}");
    }
}

#[test]
fn keys_in_braces_stay_on_their_line() {
    assert_eq!(values("{? a\n b : 1}\n"), [json!({"a b": 1})]);
    assert_eq!(values("{\"a\"\n: 1, b:\n 2}\n"), [json!({"a": 1, "b": 2})]);
    for stream in [
        "{a\n b: 1}\n",
        "{\"kind\": 1, // note\n \"a\": 1}\n",
        "{/* x\n */ \"a\": 1}\n",
    ] {
        read(stream).unwrap_err();
    }
}

#[test]
fn a_block_at_the_end_of_the_stream_has_the_line_ends_it_shows() {
    for (stream, wanted) in [
        ("a: |\n  x", "x"),
        ("a: |+\n  x", "x"),
        ("a: >\n  x", "x"),
        ("a: |\n  x  ", "x  "),
        ("a: |-\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |\n  x \n   ", "x \n "),
        ("a: |\n  x \n   \n  ", "x \n \n"),
        ("a: |\n  x\r", "x\n"),
        ("a: |\n  x\n# c", "x\n"),
        ("a: |\n  x\n---\n", "x\n"),
        ("a: |+\n  x\n\n", "x\n\n"),
        ("a: |+\n\n", "\n"),
        ("a: |+\n\n  ", "\n"),
        ("a: |+\n  ", ""),
        ("a: |+", ""),
        ("a: |", ""),
    ] {
        assert_eq!(values(stream), [json!({"a": wanted})], "{stream:?}");
    }
}
