mod property;

use serde_json::Value as Json;

use super::*;
use crate::buffer::Buffer;
use crate::limits::Limits;

/// The functions of the language and, as names, those that SealedSecrets have besides.
fn functions() -> Functions {
    const SIGNATURES: &str = include_str!("../../conformance/gotemplate_funcs.json");
    let signatures: Json = serde_json::from_str(SIGNATURES).unwrap();
    let mut functions = Functions::builtin();
    for name in signatures["functions"].as_object().unwrap().keys() {
        functions.add(Box::leak(name.clone().into_boxed_str()), || true);
    }
    functions
}

fn parsed(text: impl Into<Str>) -> Result<Tree, ParseError> {
    parse(
        "t",
        text.into(),
        &Functions::builtin(),
        &mut Budget::default(),
    )
}

/// How the body of a template prints.
fn printed(tree: &Tree, name: &[u8]) -> Buffer {
    tree.print(tree.bodies[name])
}

#[track_caller]
fn assert_prints(text: &str, expected: &str) {
    let tree = parsed(text).unwrap();
    assert_eq!(
        printed(&tree, b"t").escape_ascii().to_string(),
        expected.as_bytes().escape_ascii().to_string()
    );
}

/// Each text with the line and the message that Go gives.
#[track_caller]
fn assert_refused(cases: &[(&str, usize, &str)]) {
    for (text, line, message) in cases {
        let Err(error) = parsed(*text) else {
            panic!("{text} is a template");
        };
        assert_eq!(
            (error.line(), &*error.message()),
            (*line, *message),
            "{text}"
        );
    }
}

#[test]
fn every_case_is_read_or_refused_as_in_go() {
    const CASES: &str = include_str!("../../conformance/gotemplate_cases.json");
    let cases: Json = serde_json::from_str(CASES).unwrap();
    let functions = functions();
    for case in cases["cases"].as_array().unwrap() {
        let text = case["template"].as_str().unwrap();
        let name = case["name"].as_str().unwrap_or("t");
        let result = parse(name, text.into(), &functions, &mut Budget::default());
        let message = result.err().map(|error| error.to_string());
        let error = &case["error"];
        let expected = error["message"]
            .as_str()
            .filter(|_| error["phase"] == "parse");
        assert_eq!(message.as_deref(), expected, "{} {text}", case["id"]);
    }
}

#[test]
fn spaces_go_only_where_a_marker_has_one_beside_it() {
    assert_prints("a \n{{- 1 -}}\t\r\n b", "a{{1}}b");
    assert_prints("a {{-1 }} b", "a {{-1}} b");
    assert_prints("a {{- -1\n-}} b", "a{{-1}}b");
    assert_prints("a {{- /* {{ }} */ -}} b", "ab");
    assert_prints("a {{/**/}} b", "a  b");
    assert_prints("a\u{a0} {{- 1}}", "a\u{a0}{{1}}");
    assert_prints("a {{1  -}} {{- 2}}", "a {{1}}{{2}}");
}

#[test]
fn else_if_is_an_if_inside_else() {
    assert_prints(
        "{{if 1}}a{{else if 2}}b{{else}}c{{end}}",
        "{{if 1}}a{{else}}{{if 2}}b{{else}}c{{end}}{{end}}",
    );
    assert_prints(
        "{{with 1}}a{{else with $x := 2}}{{$x}}{{end}}",
        "{{with 1}}a{{else}}{{with $x := 2}}{{$x}}{{end}}{{end}}",
    );
    assert_refused(&[
        (
            "{{if .}}{{else}}{{else}}{{end}}",
            1,
            "expected end; found {{else}}",
        ),
        (
            "{{range .}}{{else if .}}{{end}}",
            1,
            "unexpected <if> in input",
        ),
        (
            "{{with .}}{{else if .}}{{end}}",
            1,
            "unexpected <if> in input",
        ),
        ("{{if .}}{{end}}\n{{else}}", 2, "unexpected {{else}}"),
        ("{{if .}}", 1, "unexpected EOF"),
    ]);
}

#[test]
fn pipelines_print_as_they_were_meant() {
    assert_prints(
        "{{ $x:=1|print  (.a.b | len).c   \"\\x41\" }}{{$x.y}}",
        "{{$x := 1 | print (.a.b | len).c \"\\x41\"}}{{$x.y}}",
    );
    assert_prints("{{range $i, $x = .}}{{end}}", "{{range $i, $x = .}}{{end}}");
    assert_prints("{{print |}}", "{{print}}");
}

#[test]
fn pipelines_that_cannot_work_are_refused() {
    assert_refused(&[
        ("{{}}", 1, "missing value for command"),
        ("{{if}}{{end}}", 1, "missing value for if"),
        ("{{()}}", 1, "missing value for parenthesized pipeline"),
        (
            "{{1\n| 2\n| 3}}",
            3,
            "non executable command in pipeline stage 2",
        ),
        (
            "{{template `a` 1 | .}}",
            1,
            "non executable command in pipeline stage 2",
        ),
        ("{{| print}}", 1, r#"unexpected "|" in command"#),
        ("{{print , .}}", 1, r#"unexpected "," in operand"#),
        ("{{print break}}", 1, "unexpected <break> in operand"),
        ("{{(1)(2)}}", 1, r#"unexpected "(" in operand"#),
        ("{{1 `a`2}}", 1, r#"unexpected "2" in operand"#),
        ("{{nil.x}}", 1, r#"unexpected . after term "nil""#),
        ("{{\"a\".x.y}}", 1, r#"unexpected . after term "\"a\"""#),
        ("{{$a, $b := 1}}", 1, "too many declarations in command"),
        (
            "{{range $a, $b, $c := .}}{{end}}",
            1,
            "too many declarations in range",
        ),
        (
            "{{range $a, 1}}{{end}}",
            1,
            "range can only initialize variables",
        ),
        ("{{range $x, }}{{end}}", 1, "missing value for range"),
    ]);
}

#[test]
fn names_must_be_known() {
    assert_refused(&[
        ("{{nope}}", 1, r#"function "nope" not defined"#),
        ("{{print | nope \"}}", 1, r#"function "nope" not defined"#),
        ("{{$undefined.x}}", 1, r#"undefined variable "$undefined""#),
        ("{{$x\n foo}}", 2, r#"undefined variable "$x""#),
        (
            "{{if $x := 1}}{{end}}{{$x}}",
            1,
            r#"undefined variable "$x""#,
        ),
        (
            "{{range .}}{{$x := 1}}{{end}}{{$x}}",
            1,
            r#"undefined variable "$x""#,
        ),
        (
            "{{$x := 1}}{{define `d`}}{{$x}}{{end}}",
            1,
            r#"undefined variable "$x""#,
        ),
        (
            "{{block `b` $x := 1}}{{$x}}{{end}}",
            1,
            r#"undefined variable "$x""#,
        ),
    ]);
    assert_prints(
        "{{block `b` $x := 1}}{{end}}{{$x}}",
        "{{template \"b\" $x := 1}}{{$x}}",
    );
    assert_prints(
        "{{if $x := 1}}{{else}}{{$x}}{{end}}",
        "{{if $x := 1}}{{else}}{{$x}}{{end}}",
    );
    assert_prints(
        "{{$x := 1}}{{if $x := $x}}{{end}}{{$x}}",
        "{{$x := 1}}{{if $x := $x}}{{end}}{{$x}}",
    );
}

#[test]
fn break_belongs_to_a_range_of_the_same_template() {
    assert_prints(
        "{{range .}}{{if .}}{{break}}{{end}}{{end}}",
        "{{range .}}{{if .}}{{break}}{{end}}{{end}}",
    );
    assert_refused(&[
        ("{{break}}", 1, "{{break}} outside {{range}}"),
        (
            "{{range .}}{{else}}{{continue}}{{end}}",
            1,
            "{{continue}} outside {{range}}",
        ),
        (
            "{{range .}}{{block `b` .}}{{break}}{{end}}{{end}}",
            1,
            "{{break}} outside {{range}}",
        ),
        (
            "{{range .}}{{break x}}{{end}}",
            1,
            r#"unexpected "x" in {{break}}"#,
        ),
    ]);
    let mut functions = Functions::builtin();
    functions.add("break", || true);
    let tree = parse(
        "t",
        "{{break 1}}".into(),
        &functions,
        &mut Budget::default(),
    );
    assert_eq!(printed(&tree.unwrap(), b"t"), b"{{break 1}}");
}

#[test]
fn blank_bodies_give_way_to_others() {
    for (text, body) in [
        ("{{define `t`}}a{{end}} \n", "a"),
        ("{{define `t`}} {{/**/}}{{end}}b", "b"),
        ("{{define `t`}}a{{end}}{{define `t`}}\u{2003}{{end}}", "a"),
        ("{{define `t`}} {{end}}{{define `t`}}b{{end}}", "b"),
        ("{{define `t`}} {{end}}\n", "\n"),
    ] {
        assert_prints(text, body);
    }
    let tree = parsed("a{{define `x`}}b{{block `y` .}}{{.z}}{{end}}{{end}}").unwrap();
    assert_eq!(printed(&tree, b"x"), b"b{{template \"y\" .}}");
    assert_eq!(printed(&tree, b"y"), b"{{.z}}");
    assert_refused(&[
        (
            "{{define `b`}}x{{end}}\n{{define `b`}}y\n{{end}}\n",
            3,
            r#"template: multiple definition of template "b""#,
        ),
        (
            "{{define `t`}}x{{end}}\n\ny\n",
            4,
            r#"template: multiple definition of template "t""#,
        ),
        ("{{define `b`}}\n", 2, "unexpected EOF"),
        (
            "{{define `b`\n}}\n\n{{else}}{{end}}",
            4,
            "unexpected {{else}} in define clause",
        ),
        (
            "{{block `b`\n.\n}}\n\n{{else}}{{end}}",
            3,
            "unexpected {{else}} in block clause",
        ),
        (
            "{{if .}}{{define `x`}}{{end}}{{end}}",
            1,
            "unexpected <define> in command",
        ),
        ("{{template .}}", 1, "unexpected <.> in template clause"),
        (r#"{{template "\q"}}"#, 1, "invalid syntax"),
    ]);
}

#[test]
fn what_is_no_item_is_refused() {
    assert_refused(&[
        ("a{{", 1, "unclosed action"),
        (
            "{{if .}}\n{{(\n}}",
            3,
            "unclosed left paren in action started at t:2",
        ),
        (
            "{{ \n\"abc",
            2,
            "unterminated quoted string in action started at t:1",
        ),
        ("{{\n.x\n", 3, "unclosed action started at t:1"),
        ("{{'a\n'}}", 1, "unterminated character constant"),
        (r#"{{"a\"}}"#, 1, "unterminated quoted string"),
        ("{{`a", 1, "unterminated raw quoted string"),
        ("{{/* a", 1, "unclosed comment"),
        ("{{/* a */ }}", 1, "comment ends before closing delimiter"),
        ("{{1)}}", 1, "unexpected right paren"),
        ("{{:}}", 1, "expected :="),
        ("{{.x²}}", 1, "bad character U+00B2 '²'"),
        ("{{.x\u{200b}}}", 1, "bad character U+200B"),
        ("{{→}}", 1, "unrecognized character in action: U+2192 '→'"),
        ("{{1x}}", 1, r#"bad number syntax: "1x""#),
        (
            "{{end averyveryverylongidentifier}}",
            1,
            r#"unexpected "averyveryv"... in end"#,
        ),
        (
            "{{end \"日本語日本語日本語日本語\"}}",
            1,
            r#"unexpected "\"日本語日本語日本語"... in end"#,
        ),
        ("}}{{ .x } }}", 1, r#"unexpected "}" in operand"#),
    ]);
    let error = parsed(&b"{{\xff}}"[..]).unwrap_err();
    assert_eq!(
        error.message(),
        "unrecognized character in action: U+FFFD '\u{FFFD}'"
    );
}

#[test]
fn operands_with_fields_are_where_the_second_part_is() {
    let text = "a\n{{ .x }}{{ .x.y.z }}{{ $.x.y }}{{ (.x).y }}{{ print .x }}";
    let tree = parsed(text).unwrap();
    let nodes = tree.nodes.iter().zip(0..);
    let operands = nodes.filter(|(node, _)| {
        matches!(
            node.kind,
            Kind::Field(_) | Kind::Variable { .. } | Kind::Chain(..)
        )
    });
    let places: Vec<_> = operands
        .map(|(_, id)| {
            let id = NodeId(id);
            let place = tree.position(id);
            (
                String::from_utf8(tree.print(id).into_vec()).unwrap(),
                place.line,
                place.column,
            )
        })
        .collect();
    let places: Vec<_> = places
        .iter()
        .map(|(text, line, column)| (text.as_str(), *line, *column))
        .collect();
    let expected = [
        (".x", 2, 3),
        (".x.y.z", 2, 13),
        ("$.x.y", 2, 24),
        (".x", 2, 35),
        ("(.x).y", 2, 38),
        (".x", 2, 52),
    ];
    assert_eq!(places, expected);
}

#[test]
fn nesting_is_bounded() {
    type Text = fn(usize) -> String;

    fn parens(depth: usize) -> String {
        format!("{{{{{}1{}}}}}", "(".repeat(depth), ")".repeat(depth))
    }
    fn ifs(depth: usize) -> String {
        "{{if 1}}".repeat(depth) + &"{{end}}".repeat(depth)
    }
    fn else_ifs(depth: usize) -> String {
        format!(
            "{{{{if 1}}}}{}{{{{end}}}}",
            "{{else if 1}}".repeat(depth - 1)
        )
    }
    fn blocks(depth: usize) -> String {
        let open = |number| format!("{{{{block `{number}` 1}}}}");
        (0..depth).map(open).collect::<String>() + &"{{end}}".repeat(depth)
    }
    let deep: [(Text, &str); 4] = [
        (parens, "max expression depth exceeded"),
        (ifs, "max block depth exceeded"),
        (else_ifs, "max block depth exceeded"),
        (blocks, "max block depth exceeded"),
    ];
    let limits = Limits {
        parse_depth: 8_000,
        ..Limits::default()
    };
    for (text, message) in deep {
        let parsed = |depth| {
            let budget = &mut Budget::new(limits.clone());
            parse("t", text(depth).into(), &Functions::builtin(), budget)
        };
        assert_eq!(parsed(8_001).unwrap_err().message(), message);
        // What is let through is read and printed on whatever stack there is.
        assert!(!printed(&parsed(8_000).unwrap(), b"t").is_empty());
    }
}
