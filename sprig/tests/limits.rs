//! What functions make and do is paid for, also where no argument or result shows how much it is.

use sealed_sprig::{System, functions};
use sealed_template::{Budget, Limit, Limits, List, Map, Reason, Template, Value};

const LEN: usize = 100 << 10;

/// The values: each text is of about [`LEN`] bytes.
fn root() -> Value {
    let text =
        |beginning: &str, end: &str| Value::string(beginning.to_owned() + &"a".repeat(LEN) + end);
    let key = include_str!("../../tests/vectors/keys/key-ed25519.pem");
    let host = text("", "");
    let hosts = List::of_any(vec![host.clone(); 10]);
    let path = Value::string("a/../".repeat(LEN / 5) + "b");
    let invalid = [b"[\"", vec![0xff; LEN].as_slice(), b"\"]"].concat();
    let entries = [
        ("hosts".into(), hosts.into()),
        ("invalid".into(), Value::string(invalid)),
        ("json".into(), text("[[\"", "\"]]")),
        ("key".into(), Value::string(key)),
        ("object".into(), text("{\"", "\": 1}")),
        ("path".into(), path),
        ("text".into(), host),
        ("url".into(), text("http://h/", "")),
        ("version".into(), text("1.0.0-", "")),
    ];
    Map::of_any(entries.into()).into()
}

/// Why a template fails.
fn failure(text: &str, change: impl FnOnce(&mut Limits)) -> Option<Reason> {
    let mut limits = Limits::default();
    change(&mut limits);
    let functions = functions();
    let template =
        Template::parse("t", text, &functions, &mut Budget::default()).expect("a template");
    let mut budget = Budget::new(limits);
    let rendered = template.render(root(), &System::new(), &mut budget);
    rendered.err().map(|error| error.reason())
}

#[test]
fn values_within_values_are_paid_for() {
    for (text, memory) in [
        ("{{$_ := fromJson .json}}", LEN),
        ("{{$_ := fromJson .object}}", LEN),
        ("{{$_ := fromJson .invalid}}", 3 * LEN),
        ("{{$_ := urlParse .url}}", LEN),
        ("{{$_ := semver .version}}", LEN),
        (
            "{{$_ := (semver .version).IncPatch.SetPrerelease .text}}",
            3 * LEN,
        ),
        ("{{$v := semver `1`}}{{$_ := $v.Scan .version}}", LEN),
        ("{{$_ := genCAWithKey .text 1 .key}}", LEN),
    ] {
        let fails = |memory| failure(text, |limits| limits.memory = memory);
        assert_eq!(fails(memory), Some(Reason::Limit(Limit::Memory)), "{text}");
        assert_eq!(fails(64 * memory), None, "{text}");
    }
}

#[test]
fn memory_to_work_in_is_paid_for() {
    for (text, memory) in [
        (
            "{{$_ := urlJoin (dict `path` .text `fragment` .text)}}",
            6 * LEN,
        ),
        (
            "{{$_ := genSelfSignedCertWithKey `x` nil .hosts 1 .key}}",
            50 * LEN,
        ),
        ("{{$_ := toJson (semver .version)}}", 10 * LEN),
        // The result is short, but its memory is that of what it was made of.
        ("{{$_ := clean .path}}", LEN / 2),
    ] {
        let fails = |memory| failure(text, |limits| limits.memory = memory);
        assert_eq!(fails(memory), Some(Reason::Limit(Limit::Memory)), "{text}");
        assert_eq!(fails(64 * memory), None, "{text}");
    }
}

#[test]
fn a_long_user_name_costs_what_hashing_it_takes() {
    let text = "{{derivePassword 1 `long` `password` .text `site`}}";
    let fails = |steps| failure(text, |limits| limits.steps = steps);
    assert_eq!(fails(100_000), Some(Reason::Limit(Limit::Steps)));
    assert_eq!(fails(150_000), None);
}
