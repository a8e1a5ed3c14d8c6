//! What Go prints, by real Go.

use proptest::prelude::*;

use super::*;
use crate::limits::Limit;
use crate::str::Str;
use crate::testing::with_context;
use crate::types::{IntType, NamedType, Type, UintType};
use crate::value::{List, Map, Members, Object};

fn formatted(format: &[u8], arguments: &[Value]) -> Result<Vec<u8>, CallError> {
    with_context(|context| printf(context, format, arguments)).map(Buffer::into_vec)
}

#[track_caller]
fn assert_formats(cases: &[(&str, &[Value], &str)]) {
    for (format, arguments, expected) in cases {
        let text = formatted(format.as_bytes(), arguments).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), *expected, "{format}");
    }
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    List::of_any(items.into_iter().collect()).into()
}

fn strings<const N: usize>(items: [&str; N]) -> Value {
    List::new(&Type::String, items.map(Value::from).into()).into()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(key, value)| (Str::from(key), value));
    Map::of_any(entries.into()).into()
}

const BYTE: Type = Type::Uint(UintType::Uint8);

fn bytes(items: &[u8]) -> Value {
    let items = items
        .iter()
        .map(|&byte| Value::Uint(UintType::Uint8, byte.into()));
    List::new(&BYTE, items.collect()).into()
}

fn any(number: i64) -> Value {
    Value::int(number)
}

#[test]
fn what_cannot_be_printed_is_a_complaint_in_the_text() {
    assert_formats(&[
        ("%d", &["x".into()], "%!d(string=x)"),
        ("%d %d", &[any(1)], "1 %!d(MISSING)"),
        (
            "x",
            &[any(1), "a".into(), Value::Nil],
            "x%!(EXTRA int=1, string=a, <nil>)",
        ),
        ("%z %!", &[any(1)], "%!z(int=1) %!!(MISSING)"),
        ("%", &[], "%!(NOVERB)"),
        ("%[3]d", &[any(1)], "%!d(BADINDEX)"),
        ("%[x]d", &[any(1)], "%!d(BADINDEX)"),
        ("%[1]5d", &[any(7)], "%!d(BADINDEX)"),
        ("%*d", &["a".into(), any(1)], "%!(BADWIDTH)1"),
        ("%*d", &[any(2_000_000), any(7)], "%!(BADWIDTH)7"),
        ("%.*d", &[any(-1), any(7)], "%!(BADPREC)7"),
        ("%99999999d", &[any(7)], "%!(NOVERB)%!(EXTRA int=7)"),
        ("%s", &[Value::Nil], "%!s(<nil>)"),
        (
            "%d",
            &[list([any(1), "a".into(), Value::Nil])],
            "[1 %!d(string=a) <nil>]",
        ),
        ("%w", &[list([any(1)])], "%!w([]interface {}=[1])"),
        ("%p", &[any(1)], "%!p(int=1)"),
    ]);
    let text = formatted(b"%\xFF", &[any(1)]).unwrap();
    assert_eq!(text, "%!\u{FFFD}(int=1)".as_bytes());
}

#[test]
fn indexes_and_stars_choose_the_argument() {
    assert_formats(&[
        ("%[2]d %[1]d", &[any(1), any(2)], "2 1"),
        ("%[2]*[1]d|", &[any(7), any(4)], "   7|"),
        ("%[1]q %[1]d", &[any(97)], "'a' 97"),
        ("%*d|%-*d|", &[any(4), any(7), any(4), any(7)], "   7|7   |"),
        ("%0*d|", &[any(-4), any(7)], "7   |"),
        ("%[3]*.[2]*[1]f|", &[12.0.into(), any(2), any(6)], " 12.00|"),
    ]);
}

#[test]
fn integers_have_their_verbs_and_flags() {
    let smile = any(0x1F600);
    assert_formats(&[
        (
            "%d %+d % d %5d|%-5d|%05d",
            &[(); 6].map(|()| any(42)),
            "42 +42  42    42|42   |00042",
        ),
        (
            "%+05d %.3d %8.3d",
            &[(); 3].map(|()| any(42)),
            "+0042 042      042",
        ),
        (
            "%x %X %#x %#08x %b %#b",
            &[(); 6].map(|()| any(255)),
            "ff FF 0xff 0x000000ff 11111111 0b11111111",
        ),
        ("%o %#o %O", &[(); 3].map(|()| any(8)), "10 010 0o10"),
        (
            "%c %q %U %#U",
            &[(); 4].map(|()| smile.clone()),
            "😀 '😀' U+1F600 U+1F600 '😀'",
        ),
        (
            "%d %x %c %.0d|%+.0d|",
            &[any(-42), any(-42), any(-1), any(0), any(0)],
            "-42 -2a \u{FFFD} ||",
        ),
        ("%#v", &[Value::Uint(UintType::Uint16, 10)], "0xa"),
    ]);
}

#[test]
fn floats_have_their_verbs_and_flags() {
    let nan = || Value::Float(f64::NAN);
    assert_formats(&[
        (
            "%v %g %e %f %.1f",
            &[1e6.into(), 1e5.into(), 1.5.into(), 1.5.into(), 0.25.into()],
            "1e+06 100000 1.500000e+00 1.500000 0.2",
        ),
        (
            "%6.1f|%06.1f %+.2e %G",
            &[2.5.into(), (-2.5).into(), 12345.0.into(), 1e-10.into()],
            "   2.5|-002.5 +1.23e+04 1E-10",
        ),
        (
            "%x %b %#g %#.3x",
            &[1.5.into(), 1.0.into(), 1.0.into(), 1.0.into()],
            "0x1.8p+00 4503599627370496p-52 1.00000 0x1.000p+00",
        ),
        (
            "%v %05v %+v %v",
            &[nan(), nan(), nan(), f64::INFINITY.into()],
            "NaN   NaN NaN +Inf",
        ),
        (
            "%v %.1f",
            &[Value::Complex(1.0, 2.0), Value::Complex(1.0, -2.0)],
            "(1+2i) (1.0-2.0i)",
        ),
    ]);
}

#[test]
fn strings_have_their_verbs_and_count_in_characters() {
    let text = || Value::from("héy");
    assert_formats(&[
        (
            "%s|%5s|%-5s|%05s|%.2s",
            &[(); 5].map(|()| text()),
            "héy|  héy|héy  |00héy|hé",
        ),
        (
            "%q %+q %#q",
            &[(); 3].map(|()| "h\"é".into()),
            "\"h\\\"é\" \"h\\\"\\u00e9\" `h\"é`",
        ),
        (
            "%x %X % x %# x %.1x",
            &[(); 5].map(|()| "hé".into()),
            "68c3a9 68C3A9 68 c3 a9 0x68 0xc3 0xa9 68",
        ),
    ]);
    let raw = formatted(
        b"%s %q",
        &[Value::string(&b"\xFF"[..]), Value::string(&b"\xFF"[..])],
    );
    assert_eq!(raw.unwrap(), b"\xFF \"\\xff\"");
}

#[test]
fn lists_and_maps_print_what_they_hold() {
    assert_formats(&[
        (
            "%v",
            &[list([any(1), "a".into(), Value::Nil])],
            "[1 a <nil>]",
        ),
        (
            "%v",
            &[map([("b", any(1)), ("a", Value::Nil)])],
            "map[a:<nil> b:1]",
        ),
        ("%v", &[List::nil(&Type::Any).into()], "[]"),
        (
            "%q %3d",
            &[strings(["a", "b"]), list([any(1), any(2)])],
            "[\"a\" \"b\"] [  1   2]",
        ),
        (
            "%v %s %x %q %d",
            &[(); 5].map(|()| bytes(b"hi")),
            "[104 105] hi 6869 \"hi\" [104 105]",
        ),
    ]);
}

#[test]
fn go_syntax_names_the_types() {
    assert_formats(&[
        (
            "%#v",
            &[list([any(1), "a".into(), Value::Nil, 1.0.into()])],
            "[]interface {}{1, \"a\", interface {}(nil), 1}",
        ),
        (
            "%#v",
            &[map([("a", strings(["b"]))])],
            "map[string]interface {}{\"a\":[]string{\"b\"}}",
        ),
        (
            "%#v",
            &[Map::nil(&Type::Any).into()],
            "map[string]interface {}(nil)",
        ),
        ("%#v", &[bytes(b"a")], "[]byte{0x61}"),
        (
            "%#v",
            &[list([bytes(b"a")])],
            "[]interface {}{[]uint8{0x61}}",
        ),
        (
            "%T %T %5T|",
            &[strings([]), Value::Nil, any(1)],
            "[]string <nil>   int|",
        ),
    ]);
}

/// An object of a named type.
#[derive(Default)]
struct Named {
    type_: Option<&'static NamedType>,
    number: Option<i64>,
    fields: Vec<(&'static str, Value)>,
    text: Option<&'static str>,
}

impl Object for Named {
    fn type_of(&self) -> Type {
        Type::Named(self.type_.unwrap())
    }

    fn methods(&self) -> &'static Members {
        static NONE: Members = Members::new();
        &NONE
    }

    fn underlying(&self) -> Option<Value> {
        self.number.map(Value::int64)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn text(&self) -> Option<Str> {
        self.text.map(Str::from)
    }

    fn equals(&self, _: &dyn Object) -> bool {
        false
    }
}

fn hour() -> Value {
    static DURATION: NamedType = NamedType {
        name: "time.Duration",
        kind: Kind::Int(IntType::Int64),
    };
    Value::object(Named {
        type_: Some(&DURATION),
        number: Some(3600),
        text: Some("1h"),
        ..Named::default()
    })
}

fn structure(type_: &'static NamedType) -> Value {
    Value::object(Named {
        type_: Some(type_),
        fields: vec![("Cert", "c".into()), ("For", hour()), ("after", hour())],
        ..Named::default()
    })
}

#[test]
fn named_numbers_print_as_text_or_as_numbers() {
    assert_formats(&[
        (
            "%v %s %q %x",
            &[(); 4].map(|()| hour()),
            "1h 1h \"1h\" 3168",
        ),
        (
            "%d %05d %o %#v",
            &[(); 4].map(|()| hour()),
            "3600 03600 7020 3600",
        ),
        ("%t", &[hour()], "%!t(time.Duration=3600)"),
    ]);
}

#[test]
fn structs_print_their_fields_and_unexported_ones_without_their_methods() {
    static PLAIN: NamedType = NamedType {
        name: "x.T",
        kind: Kind::Struct,
    };
    static POINTER: NamedType = NamedType {
        name: "*x.T",
        kind: Kind::Pointer,
    };
    let plain = || structure(&PLAIN);
    let pointer = || structure(&POINTER);
    assert_formats(&[
        ("%v", &[plain()], "{c 1h 3600}"),
        ("%+v", &[plain()], "{Cert:c For:1h after:3600}"),
        ("%#v", &[plain()], "x.T{Cert:\"c\", For:3600, after:3600}"),
        ("%v", &[pointer()], "&{c 1h 3600}"),
        (
            "%#v",
            &[pointer()],
            "&x.T{Cert:\"c\", For:3600, after:3600}",
        ),
        ("%v", &[list([pointer()])], "[0xc000000000]"),
        (
            "%v %d",
            &[
                Value::NilPointer(Type::Named(&POINTER)),
                Value::NilPointer(Type::Named(&POINTER)),
            ],
            "<nil> 0",
        ),
    ]);
}

#[test]
fn print_puts_spaces_between_what_is_no_string() {
    let values = [
        any(1),
        any(2),
        "a".into(),
        any(3),
        Value::Nil,
        "b".into(),
        "c".into(),
    ];
    let printed = with_context(|context| print(context, &values)).unwrap();
    assert_eq!(printed, b"1 2a3 <nil>bc");
    let printed = with_context(|context| println(context, &values)).unwrap();
    assert_eq!(printed, b"1 2 a 3 <nil> b c\n");
}

#[test]
fn a_map_that_contains_itself_is_an_error() {
    let map = Map::of_any([].into());
    let error = with_context(|context| {
        context.set(&map, "self".into(), map.clone().into())?;
        print(context, &[map.clone().into()])
    });
    assert_eq!(error.unwrap_err().passed_limit(), Some(Limit::ValueDepth));
}

#[test]
fn lists_that_share_their_items_are_paid_for_each_time() {
    let mut value = list([]);
    for _ in 0..40 {
        value = list([value.clone(), value]);
    }
    let error = with_context(|context| print(context, &[value])).unwrap_err();
    assert_eq!(error.passed_limit(), Some(Limit::Steps));
}

#[test]
fn padding_is_paid_for_before_it_is_made() {
    let width = b"%10000000s%[1]10000000d%[1].10000000f".repeat(20);
    let error = formatted(&width, &[any(1)]).unwrap_err();
    assert_eq!(error.passed_limit(), Some(Limit::Memory));
}

/// Formats of what directives are made of, mostly malformed.
fn formats() -> impl Strategy<Value = Vec<u8>> {
    let bytes = b"%%%%+-# 0123456789.*[]vTtbcdoOqxXUeEfFgGspwz\xFF\xC3\xA9";
    proptest::collection::vec(proptest::sample::select(bytes.to_vec()), 0..24)
}

proptest! {
    #[test]
    fn any_format_is_printed_or_passes_a_limit(
        format in formats(),
        number: i64,
        float: f64,
        text: Vec<u8>,
    ) {
        let text = Value::string(text);
        let arguments = [any(number), float.into(), text, Value::Nil, hour(), any(3)];
        if let Err(error) = formatted(&format, &arguments) {
            prop_assert!(error.passed_limit().is_some());
        }
    }
}
