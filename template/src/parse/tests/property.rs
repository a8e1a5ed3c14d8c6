//! What holds for any text.

use proptest::prelude::*;

use super::{parsed, printed};

/// Parts of templates, with few that make them fail.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(
        &[
            "{{",
            "}}",
            "{{- ",
            " -}}",
            " ",
            "\n",
            ".",
            ".x",
            "$",
            "$x",
            ":=",
            "=",
            ",",
            "|",
            "(",
            ")",
            "\"a\\n\"",
            "`r`",
            "'c'",
            "1",
            "-0x1f",
            "1.5e3",
            "1+2i",
            "print ",
            "nil ",
            "true ",
            "if ",
            "else ",
            "end",
            "range ",
            "with ",
            "block ",
            "define ",
            "template ",
            "break",
            "/*",
            "*/",
            "a",
            "{{.x}}",
            "{{$x := 1}}",
            "{{if .}}",
            "{{range $x, $y := .}}",
            "{{with $x := print 1 | len}}",
            "{{else}}",
            "{{else if $x}}",
            "{{end}}",
            "{{define `t`}}",
            "{{block `b` (.x).y}}",
            "{{template `b`}}",
        ][..],
    );
    prop_oneof![
        9 => fixed.prop_map(|part| part.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ]
}

/// Actions that a text may have in any order, and what may stand between them.
fn element() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            " a\n",
            "é",
            "{{.x.y}}",
            "{{ $x := 1 | print . -}} ",
            "{{- $ }}",
            "{{(print 1.5 'c').x}}",
            "{{template \"\\x00é\" .}}",
            "{{/* c */}}",
            "{{printf `%d` 0x1f 1+2i nil true (.x | len)}}",
        ][..],
    );
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 32, 4, |inner| {
            let body = prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
            let keyword = prop::sample::select(&["if", "with", "range $i, $e :="][..]);
            (keyword, body.clone(), body).prop_map(|(keyword, body, otherwise)| {
                format!("{{{{{keyword} .z}}}}{body}{{{{else}}}}{otherwise}{{{{end}}}}")
            })
        })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(parts in prop::collection::vec(part(), 0..30)) {
        if let Err(error) = parsed(parts.concat()) {
            prop_assert!(error.line() > 0);
        }
    }

    #[test]
    fn what_is_printed_reads_the_same(elements in prop::collection::vec(element(), 0..6)) {
        let tree = parsed(elements.concat()).unwrap();
        let text = printed(&tree, b"t");
        let again = parsed(text.clone()).unwrap();
        prop_assert_eq!(printed(&again, b"t"), text);
    }
}
