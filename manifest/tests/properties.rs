//! What holds for every stream, every value and every change.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sealed_manifest::edit::{Change, Target};
use sealed_manifest::{Document, Documents, Limits, to_json, to_yaml};
use serde_json::{Map, Value, json};

/// Text full of what YAML treats specially.
fn awkward_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,8}",
        3 => prop::sample::select(vec![
            " ", "  ", "\n", "\n\n", "\t", "\r\n", ": ", ":", " #", "#", "- ", "-", "? ", "'", "\"", "\\", "{", "}", "[", "]",
            ",", "&", "*", "!", "|", ">", "%", "@", "`", "~", "=", "<<", "---", "...", "yes", "no", "null", "0x1F", "017",
            "1_000", "1e3", ".5", "12:30:45", "2024-01-01", "é", "☃", "😀", "\u{7f}", "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "\0",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    any_value(any::<f64>().boxed())
}

fn any_value(floats: BoxedStrategy<f64>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        5 => awkward_text().prop_map(Value::from),
        1 => "[A-Za-z0-9+/]{60,300}=".prop_map(Value::from),
        1 => "([a-z]{1,9} ){10,40}[a-z]".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => floats.prop_filter_map("JSON has no such number", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(awkward_text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Without floats of many digits: `serde_json` reads them one unit in the last place off unless its feature
/// `float_roundtrip` is on, which is not worth its price here (no Secret holds a float).
fn object() -> impl Strategy<Value = Value> {
    let short_floats = any::<i32>().prop_map(|number| f64::from(number) / 1000.0);
    btree_map(awkward_text(), any_value(short_floats.boxed()), 1..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn read(stream: &[u8]) -> Vec<Value> {
    Documents::new(stream, "property")
        .map(|found| found.map(Document::into_value))
        .collect::<Result<_, _>>()
        .expect("written text can be read")
}

proptest! {
    #[test]
    fn written_yaml_says_what_was_written(value in value()) {
        let text = to_yaml(&value);
        prop_assert!(text.ends_with('\n'));
        let wanted = if value.is_null() { vec![] } else { vec![value] };
        prop_assert_eq!(read(text.as_bytes()), wanted, "{}", text);
    }

    #[test]
    fn written_json_says_what_was_written(value in object()) {
        let text = to_json(&value);
        prop_assert_eq!(text.trim_end().len() + 1, text.len());
        prop_assert_eq!(read(text.as_bytes()), vec![value], "{}", text);
    }

    /// Documents keep their number, order and text, however they are strung together.
    #[test]
    fn streams_are_the_sum_of_their_documents(
        documents in vec((object(), 0..4_usize), 0..6),
        utf16 in any::<bool>(),
        mark in any::<bool>(),
    ) {
        let mut stream = String::new();
        let mut wanted = Vec::new();
        for (value, form) in documents {
            let text = match form {
                0 => format!("---\n{}", to_yaml(&value)),
                1 => format!("--- # {}\n# comment\n{}...\n", wanted.len(), to_yaml(&value)),
                2 => format!("---\n{}{value}\n", to_json(&value)),
                _ => format!("---\n---\nnull\n---\n {value} {value}"),
            };
            wanted.push(value.clone());
            if form > 1 {
                wanted.push(value);
            }
            if !stream.is_empty() && !stream.ends_with('\n') {
                stream.push('\n');
            }
            stream.push_str(&text);
        }
        if mark || utf16 {
            stream.insert(0, '\u{feff}');
        }
        let bytes = if utf16 {
            stream.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            stream.clone().into_bytes()
        };
        prop_assert_eq!(read(&bytes), wanted, "{}", stream);
    }

    /// Whatever the bytes, the reader comes to an end, and its documents stand where it says.
    #[test]
    fn any_bytes_can_be_read(bytes in vec(any::<u8>(), 0..200)) {
        let limits = Limits { document_bytes: 120, alias_bytes: 1000, nodes: 30 };
        let count = Documents::with_limits(&bytes[..], "bytes", limits).take(1000).count();
        prop_assert!(count <= bytes.len());
    }

    #[test]
    fn any_text_can_be_read(text in soup()) {
        let found: Vec<_> = Documents::new(text.as_bytes(), "soup").collect();
        prop_assert!(found.len() <= text.len());
        let mut end = 0;
        for document in found.into_iter().flatten() {
            prop_assert!(document.offset() >= end);
            end = document.offset() + document.text().len();
            prop_assert_eq!(&text[document.offset()..end], document.text());
            prop_assert!(!document.value().is_null());
            // What was read can be written and read again.
            prop_assert_eq!(&read(to_yaml(document.value()).as_bytes())[0], document.value());
        }
    }

    /// Any change of any text gives the intended value or an error.
    #[test]
    fn changes_of_any_text_give_the_intended_value(
        text in soup(),
        number in 1..3_usize,
        pick in any::<prop::sample::Index>(),
        new in value(),
        action in 0..4_u8,
        name in awkward_text(),
    ) {
        let Some(document) = Documents::new(text.as_bytes(), "soup").flatten().find(|found| found.index() == number) else {
            return Ok(());
        };
        let mut paths = Vec::new();
        collect_paths(document.value(), &mut Vec::new(), &mut paths);
        let mut path = pick.get(&paths).clone();
        if action == 0 {
            path.push(name);
        }
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let target = Target::new(&text, "soup", number);
        let edited = match action {
            0 | 1 => target.set(&steps, new.clone()),
            2 => target.replace(&steps, new.clone()),
            _ => target.remove(&steps),
        };
        if let Ok(edited) = edited {
            let after = Documents::new(edited.as_bytes(), "soup").flatten().find(|found| found.index() == number);
            let after = after.map(Document::into_value).unwrap_or_default();
            let steps: Vec<_> = path.iter().map(|step| step.replace('~', "~0").replace('/', "~1")).collect();
            let pointer = if steps.is_empty() { String::new() } else { format!("/{}", steps.join("/")) };
            prop_assert_eq!(after.pointer(&pointer), (action < 3).then_some(&new), "{:?} -> {:?}", text, edited);
        }
    }
}

/// Fragments of manifests in any order: lines of which many are YAML together, and marks that break them.
fn soup() -> impl Strategy<Value = String> {
    let lines = vec![
        "a: 1\n",
        "b:\n",
        "  c: x\n",
        "  d: |\n",
        "    text\n",
        "- e\n",
        "- f: g\n",
        "---\n",
        "...\n",
        "# note\n",
        "\n",
        "m:\n  n: o\n  p: q # r\n",
        "s: {}\n",
        "t: [1, {u: v}]\n",
        "w: &x {y: z}\n",
        "v: *x\n",
        "<<: *x\n",
        "aa: >\n  folded\n  text\n\n",
        "ab: |+\n  kept\n\n\n",
        "ac: !!str 12\n",
        "? ad\n: ae\n",
        "af: 'ag'\n",
        "ah:\n- ai: aj\n  ak:\n    al: ~\n",
        "a:\n",
        "  {an: ao}\n",
        "ap: \"aq\n  ar\"\r\n",
        "as:\tat\n",
    ];
    let marks = vec![
        "--- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"k\": \"v\"",
        "k: v",
        "{\"j\": {\"k\": 1}}",
        "{h: i}",
        " # note\n",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        "'q'",
        "'",
        "\"",
        "|+\n",
        ">-\n",
        " ",
        "  ",
        "\t",
        "\r\n",
        "\r",
        "%YAML 1.1\n",
        "? ",
        ": ",
        "~",
        "é",
        "\u{feff}",
        "\0",
        "{\n  \"x\": \"y\",\n  \"z\": []\n}\n",
    ];
    let fragment = prop_oneof![
        6 => prop::sample::select(lines),
        1 => prop::sample::select(marks),
    ];
    vec(fragment, 0..10).prop_map(|fragments| fragments.concat())
}

fn collect_paths(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    paths.push(path.clone());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.push(step);
        collect_paths(child, path, paths);
        path.pop();
    }
}

/// A manifest as a person may have written it, in which every value is a word of its own.
#[derive(Clone, Debug)]
struct Manifest {
    text: String,
    /// Path and word of each value.
    leaves: Vec<(Vec<String>, String)>,
    /// Paths of mappings.
    mappings: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
enum Shape {
    Leaf {
        quotes: u8,
        comment: bool,
    },
    Flow {
        names: Vec<u8>,
        spaced: bool,
        lines: bool,
    },
    Mapping {
        entries: Vec<(u8, Self)>,
        comment: bool,
    },
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        4 => (0..6_u8, any::<bool>()).prop_map(|(quotes, comment)| Shape::Leaf { quotes, comment }),
        1 => (vec(0..9_u8, 1..4), any::<bool>(), any::<bool>())
            .prop_map(|(names, spaced, lines)| Shape::Flow { names, spaced, lines }),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        (vec((0..9_u8, inner), 1..5), any::<bool>())
            .prop_map(|(entries, comment)| Shape::Mapping { entries, comment })
    })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (
        vec((0..9_u8, shape()), 1..5),
        1..5_usize,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(entries, step, crlf, end, other)| {
            let mut manifest = Manifest {
                text: String::new(),
                leaves: Vec::new(),
                mappings: vec![Vec::new()],
            };
            if other {
                manifest
                    .text
                    .push_str("# head\nother: document # \"{\n---\n");
            }
            write_entries(&mut manifest, &entries, &mut Vec::new(), step);
            if other {
                manifest.text.push_str("---\n{\"other\": \"document\"}\n");
            } else if !end {
                manifest.text.truncate(manifest.text.trim_end().len());
            }
            if crlf {
                manifest.text = manifest.text.replace('\n', "\r\n");
            }
            manifest
        })
}

fn write_entries(
    manifest: &mut Manifest,
    entries: &[(u8, Shape)],
    path: &mut Vec<String>,
    step: usize,
) {
    let indent = " ".repeat(path.len() * step);
    for (position, (name, shape)) in entries.iter().enumerate() {
        let name = format!("{}{position}", char::from(b'a' + name));
        let word = format!("word{}x", manifest.leaves.len());
        manifest.text.extend([&indent, name.as_str(), ":"]);
        path.push(name);
        match shape {
            Shape::Leaf { quotes, comment } => {
                let comment = if *comment { "  # word0x: 'note\"" } else { "" };
                let deeper = " ".repeat(step);
                let written = match quotes {
                    0 => format!(" '{word}'{comment}\n"),
                    1 => format!(" \"{word}\"{comment}\n"),
                    2 => format!("   {word}{comment}\n\n"),
                    3 => format!("{comment}\n{indent}{deeper}{word}{comment}\n"),
                    4 => format!(" |-{comment}\n{indent}{deeper}{word}\n"),
                    _ => format!(" {word}{comment}\n"),
                };
                manifest.text.push_str(&written);
                manifest.leaves.push((path.clone(), word));
            }
            Shape::Flow {
                names,
                spaced,
                lines,
            } => {
                let blank = if *spaced { " " } else { "" };
                let between = if *lines {
                    format!(",\n{indent}     ")
                } else {
                    ", ".to_owned()
                };
                let mut parts = Vec::new();
                for (position, name) in names.iter().enumerate() {
                    let name = format!("{}{position}", char::from(b'p' + name));
                    let word = format!("word{}x", manifest.leaves.len());
                    parts.push(format!("{name}: {word}"));
                    let mut path = path.clone();
                    path.push(name);
                    manifest.leaves.push((path, word));
                }
                let parts = parts.join(&between);
                manifest
                    .text
                    .extend([" {", blank, &parts, blank, "} # }\n"]);
                manifest.mappings.push(path.clone());
            }
            Shape::Mapping { entries, comment } => {
                manifest
                    .text
                    .push_str(if *comment { " # note\n\n" } else { "\n" });
                manifest.mappings.push(path.clone());
                write_entries(manifest, entries, path, step);
                if *comment {
                    manifest.text.push_str("# behind\n");
                }
            }
        }
        path.pop();
    }
}

fn number_of(manifest: &Manifest) -> usize {
    if manifest.text.starts_with("# head") {
        2
    } else {
        1
    }
}

fn steps(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// How much two texts share at their beginnings and ends, without overlap.
fn shared(left: &str, right: &str) -> usize {
    let most = left.len().min(right.len());
    let front = left
        .bytes()
        .zip(right.bytes())
        .take_while(|(left, right)| left == right)
        .count();
    let back = left
        .bytes()
        .rev()
        .zip(right.bytes().rev())
        .take_while(|(left, right)| left == right)
        .count();
    (front + back).min(most)
}

proptest! {
    /// A word of the text becomes another word and every other byte stays.
    #[test]
    fn a_replaced_word_is_the_only_difference(manifest in manifest(), pick in any::<prop::sample::Index>()) {
        let (path, word) = pick.get(&manifest.leaves);
        let target = Target::new(&manifest.text, "manifest", number_of(&manifest));
        let edited = target.replace(&steps(path), "New=").expect(&manifest.text);
        let at = manifest.text.match_indices(word.as_str()).map(|(at, _)| at).find(|&at| {
            // Words also stand in comments.
            !manifest.text[..at].ends_with("# ")
        });
        let at = at.expect("every word is in the text");
        let front = &manifest.text[..at];
        let header = front.trim_end();
        let header = header.strip_suffix("  # word0x: 'note\"").unwrap_or(header);
        if let Some(header) = header.strip_suffix("|-") {
            // A block: its header becomes the value, its line goes.
            prop_assert!(edited.starts_with(&format!("{header}New=")), "{}", edited);
            prop_assert!(edited.ends_with(manifest.text[at + word.len()..].trim_start_matches(['\r', '\n'])), "{}", edited);
        } else {
            let wanted = format!("{front}New={}", &manifest.text[at + word.len()..]);
            prop_assert_eq!(edited, wanted);
        }
    }

    /// A new entry is one piece of text more.
    #[test]
    fn an_inserted_entry_is_the_only_difference(manifest in manifest(), pick in any::<prop::sample::Index>(), text in awkward_text()) {
        let mut path = pick.get(&manifest.mappings).clone();
        path.push("zz".to_owned());
        let target = Target::new(&manifest.text, "manifest", number_of(&manifest));
        let edited = target.insert(&steps(&path), text).expect(&manifest.text);
        prop_assert!(shared(&manifest.text, &edited) >= manifest.text.len(), "{}\n->\n{}", manifest.text, edited);
    }

    /// A removed entry is one piece of text less, and putting it back gives the value again.
    #[test]
    fn a_removed_entry_is_the_only_difference(manifest in manifest(), pick in any::<prop::sample::Index>()) {
        let (path, word) = pick.get(&manifest.leaves);
        let number = number_of(&manifest);
        let edited = Target::new(&manifest.text, "manifest", number).remove(&steps(path)).expect(&manifest.text);
        prop_assert!(!edited.replace("# word0x", "").contains(word.as_str()));
        if !edited.contains("{}") {
            prop_assert!(shared(&manifest.text, &edited) >= edited.len(), "{}\n->\n{}", manifest.text, edited);
        }
        let back = Target::new(&edited, "manifest", number).insert(&steps(path), word.as_str()).expect(&edited);
        prop_assert_eq!(read(back.as_bytes()), read(manifest.text.as_bytes()));
    }

    /// Changes together do what they do one after the other.
    #[test]
    fn changes_together_do_what_they_do_alone(manifest in manifest(), picks in vec((any::<prop::sample::Index>(), 0..3_u8), 1..6)) {
        let number = number_of(&manifest);
        let changes: Vec<Change> = picks
            .iter()
            .enumerate()
            .map(|(position, (pick, action))| {
                let (path, _) = pick.get(&manifest.leaves);
                match action {
                    0 => Change::set(&steps(path), format!("new{position}")),
                    1 => {
                        let mut path = pick.get(&manifest.mappings).clone();
                        path.push(format!("n{position}"));
                        path.push("deep".to_owned());
                        Change::set(&steps(&path), format!("new{position}"))
                    }
                    _ => Change::remove(&steps(path)),
                }
            })
            .collect();
        let together = Target::new(&manifest.text, "manifest", number).apply(&changes);
        let mut alone = Ok(manifest.text);
        for change in &changes {
            alone = alone.and_then(|text| Target::new(&text, "manifest", number).apply(std::slice::from_ref(change)));
        }
        match (together, alone) {
            (Ok(together), Ok(alone)) => prop_assert_eq!(read(together.as_bytes()), read(alone.as_bytes())),
            (together, alone) => prop_assert_eq!(together.is_ok(), alone.is_ok()),
        }
    }

    /// JSON keeps its layout too.
    #[test]
    fn json_is_changed_in_place(outer in btree_map("[a-z]{1,3}", "[a-z]{1,5}", 1..5), pretty in any::<bool>(), pick in any::<prop::sample::Index>()) {
        let map: Map<String, Value> = outer.iter().map(|(key, value)| (key.clone(), json!({"k": value, "l": [value]}))).collect();
        let text = if pretty { to_json(&map) } else { Value::Object(map.clone()).to_string() };
        let keys: Vec<&String> = outer.keys().collect();
        let key = pick.get(&keys).as_str();
        let target = Target::new(&text, "json", 1);
        let write = |map: &Map<String, Value>| if pretty { to_json(map) } else { Value::Object(map.clone()).to_string() };

        let mut replaced = map.clone();
        replaced[key]["k"] = json!("N/=");
        prop_assert_eq!(target.replace(&[key, "k"], "N/=").unwrap(), write(&replaced));

        let mut inserted = map.clone();
        inserted[key]["m"] = json!({"n": "o"});
        prop_assert_eq!(target.insert(&[key, "m", "n"], "o").unwrap(), write(&inserted));

        let mut removed = map;
        removed.remove(key);
        prop_assert_eq!(target.remove(&[key]).unwrap(), write(&removed));
    }
}
