//! Hostile templates end in an error, in bounded time, memory and stack.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use sealed_template::{
    Budget, CallError, Context, Environment, ExecError, Functions, Limit, Limits, List, Map,
    Mapping, Reason, Rendered, Str, Template, Value,
};

/// A clock that moves by a millisecond each time it is read.
#[derive(Default)]
struct Ticking(Cell<u64>);

impl Environment for Ticking {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        self.0.set(self.0.get() + 1);
        Duration::from_millis(self.0.get())
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn dict() -> Mapping<Value> {
    Mapping::new([])
}

fn set(
    context: &mut Context<'_>,
    map: Mapping<Value>,
    key: Str,
    value: Value,
) -> Result<Mapping<Value>, CallError> {
    context.set(&map, key, value)?;
    Ok(map)
}

fn year(context: &mut Context<'_>) -> isize {
    let since = context.now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |_| 1970)
}

fn functions() -> Functions {
    let mut functions = Functions::builtin();
    functions
        .add("dict", dict)
        .add("set", set)
        .add("year", year);
    functions
}

fn root() -> Value {
    let list = List::of_any(vec![Value::int(1), Value::string("b"), Value::Nil]);
    let map = Map::of_strings([("k".into(), "v".into())]);
    let entries = [
        ("a".into(), Value::string("\u{e9}\"<")),
        ("n".into(), Value::int(3)),
        ("l".into(), list.into()),
        ("m".into(), map.into()),
        ("nil".into(), Value::Nil),
    ];
    Map::of_any(entries.into()).into()
}

fn render_with(text: &str, budget: &mut Budget) -> Result<Rendered, ExecError> {
    let functions = functions();
    let template = Template::parse("t", text, &functions, &mut Budget::default());
    let template = template.expect("a template");
    template.render(root(), &Ticking::default(), budget)
}

fn render(text: &str) -> Result<Rendered, ExecError> {
    render_with(text, &mut Budget::default())
}

/// The bound that a template passes.
fn passed_limit(text: &str, limits: Limits) -> Option<Limit> {
    match render_with(text, &mut Budget::new(limits)) {
        Err(error) => match error.reason() {
            Reason::Limit(limit) => Some(limit),
            _ => None,
        },
        Ok(_) => None,
    }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[test]
fn templates_that_call_each_other_without_end_stop() {
    let text = r#"{{define "a"}}{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{end}}{{template "a"}}"#;
    assert_eq!(
        passed_limit(text, Limits::default()),
        Some(Limit::Recursion)
    );
}

#[test]
fn blocks_around_calls_count_against_their_depth() {
    let (open, close) = ("{{if 1}}".repeat(100), "{{end}}".repeat(100));
    let text = format!(
        "{{{{define `a`}}}}{open}{{{{template `a`}}}}{close}{{{{end}}}}{{{{template `a`}}}}"
    );
    let error = render(&text).expect_err("too deep");
    assert_eq!(error.reason(), Reason::Limit(Limit::Recursion));
    assert!(!error.private().text().ends_with(b"(5000)"));
}

#[test]
fn as_many_calls_are_deep_as_the_limits_say() {
    let text = "{{define `a`}}{{if .}}{{template `a` (slice . 1)}}{{end}}{{end}}\
                {{template `a` (printf `%20d` 1)}}";
    // The first call has 20 characters left, the last none.
    let passed = |calls| passed_limit(text, limits(|limits| limits.recursion = calls));
    assert_eq!(passed(20), Some(Limit::Recursion));
    assert_eq!(passed(21), None);
}

#[test]
fn a_thousand_calls_deep_renders() {
    let text = "{{define `a`}}{{if .}}{{template `a` (slice . 1)}}{{else}}bottom{{end}}{{end}}\
                {{template `a` (printf `%1000d` 1)}}";
    assert_eq!(render(text).expect("deep calls").output, b"bottom");
}

#[test]
fn endless_loops_run_out_of_steps() {
    let text = "{{range 9223372036854775807}}{{end}}";
    assert_eq!(passed_limit(text, Limits::default()), Some(Limit::Steps));
}

#[test]
fn long_texts_count_each_time_they_are_passed() {
    let loops = |count| {
        format!("{{{{$x := printf `%1048576d` 1}}}}{{{{range {count}}}}}{{{{len $x}}}}{{{{end}}}}")
    };
    let limits = limits(|limits| limits.steps = 50_000);
    assert_eq!(passed_limit(&loops(10), limits.clone()), None);
    assert_eq!(passed_limit(&loops(100), limits), Some(Limit::Steps));
}

#[test]
fn slow_loops_run_out_of_time() {
    let limits = limits(|limits| limits.time = Duration::from_millis(20));
    let text = "{{range 100000}}{{end}}";
    assert_eq!(passed_limit(text, limits), Some(Limit::Time));
}

#[test]
fn output_is_bounded_for_texts_and_for_values() {
    for text in [
        "{{range 100}}0123456789{{end}}",
        "{{range 1000}}{{.}}{{end}}",
    ] {
        let limits = limits(|limits| limits.output = 999);
        assert_eq!(passed_limit(text, limits), Some(Limit::Output));
    }
    let exact = limits(|limits| limits.output = 1000);
    let text = "{{range 100}}0123456789{{end}}";
    assert!(render_with(text, &mut Budget::new(exact)).is_ok());
}

#[test]
fn strings_that_double_run_out_of_memory() {
    let text = "{{$x := `x`}}{{range 64}}{{$x = print $x $x}}{{end}}";
    assert_eq!(passed_limit(text, Limits::default()), Some(Limit::Memory));
}

#[test]
fn what_is_shared_is_charged_once() {
    let limits = limits(|limits| limits.memory = 100_000);
    let text = r#"{{$d := set dict "k" (printf "%1000d" 1)}}{{range 1000}}{{$x := index $d "k"}}{{end}}ok"#;
    let rendered = render_with(text, &mut Budget::new(limits));
    assert_eq!(rendered.expect("enough memory").output, b"ok");
}

#[test]
fn a_map_that_contains_itself_cannot_be_printed_or_compared() {
    let cycle = r#"{{$d := dict}}{{$x := set $d "d" $d}}"#;
    for text in [
        "{{$d}}",
        "{{print $d}}",
        "{{printf `%v` $d}}",
        "{{html $d}}",
        "{{eq $d $d}}",
    ] {
        let text = format!("{cycle}{text}");
        assert_eq!(
            passed_limit(&text, Limits::default()),
            Some(Limit::ValueDepth),
            "{text}"
        );
    }
}

#[test]
fn values_nest_as_deep_as_the_limits_say() {
    let text = "{{$d := dict}}{{range 10}}{{$d = set dict `d` $d}}{{end}}{{print $d}}";
    let passed = |depth| passed_limit(text, limits(|limits| limits.value_depth = depth));
    assert_eq!(passed(9), Some(Limit::ValueDepth));
    assert_eq!(passed(10), None);
}

#[test]
fn templates_that_share_a_budget_share_its_bounds() {
    let mut budget = Budget::new(limits(|limits| limits.output = 25));
    let text = "0123456789";
    assert!(render_with(text, &mut budget).is_ok());
    assert!(render_with(text, &mut budget).is_ok());
    let error = render_with(text, &mut budget).expect_err("too much output");
    assert_eq!(error.reason(), Reason::Limit(Limit::Output));
}

/// On a stack that is smaller than the nesting needs.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn a_thousand_levels_of_each_kind_render() {
    on_a_small_stack(|| {
        for (open, inside, close) in [
            ("{{if 1}}", "x", "{{end}}"),
            ("{{if 0}}{{else}}", "x", "{{end}}"),
            ("{{with 1}}", "x", "{{end}}"),
            ("{{range 1}}", "x", "{{end}}"),
        ] {
            let text = format!("{}{inside}{}", open.repeat(1000), close.repeat(1000));
            assert_eq!(render(&text).expect(open).output, b"x", "{open}");
        }
        let text = format!("{{{{{}`x`{}}}}}", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(render(&text).expect("parentheses").output, b"x");
        let text = format!("{{{{{}`x`{}}}}}", "print (".repeat(1000), ")".repeat(1000));
        assert_eq!(render(&text).expect("calls").output, b"x");
    });
}

#[test]
fn nesting_past_the_bound_is_no_template() {
    on_a_small_stack(|| {
        let blocks = "{{if 1}}".repeat(100_000) + &"{{end}}".repeat(100_000);
        let parentheses = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
        for (text, message) in [
            (blocks, "max block depth exceeded"),
            (parentheses, "max expression depth exceeded"),
        ] {
            let functions = functions();
            let error = Template::parse("t", text, &functions, &mut Budget::default());
            assert_eq!(error.expect_err("too deep").message(), message);
        }
    });
}

#[test]
fn what_a_text_is_parsed_to_is_paid_for() {
    let parsed = |text: &str, memory| {
        let mut budget = Budget::new(limits(|limits| limits.memory = memory));
        let error = Template::parse("t", text, &functions(), &mut budget).err()?;
        error.passed_limit()
    };
    let actions = "{{.}}".repeat(10_000);
    assert_eq!(parsed(&actions, 100 * actions.len()), Some(Limit::Memory));
    assert_eq!(parsed(&actions, 300 * actions.len()), None);
    // Text is kept once.
    let plain = "x".repeat(100_000);
    assert_eq!(parsed(&plain, plain.len()), Some(Limit::Memory));
    assert_eq!(parsed(&plain, plain.len() + 1_000), None);
}

#[test]
fn the_clock_makes_a_rendering_non_deterministic() {
    for (text, expected) in [
        ("{{.a}}", true),
        ("{{year}}", false),
        ("{{if false}}{{year}}{{end}}", true),
        ("{{if and true year}}{{end}}", false),
    ] {
        let rendered = render(text).expect(text);
        assert_eq!(rendered.is_deterministic, expected, "{text}");
    }
}

#[test]
fn published_errors_quote_no_value() {
    let error = render("{{.a.x}}").expect_err("no such field");
    assert_eq!(error.to_string(), "no-such-field");
    assert_eq!(format!("{error:?}"), "ExecError(NoSuchField)");
    let rendered = render("{{.a}}").expect("a rendering");
    assert_eq!(format!("{rendered:?}"), "Rendered(4 bytes)");
}

#[test]
fn a_template_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Template<'static>>();
}

fn soup() -> impl Strategy<Value = String> {
    let token = proptest::sample::select(vec![
        "{{",
        "}}",
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        " ",
        "(",
        ")",
        "|",
        ":=",
        "=",
        ",",
        ".",
        "$",
        "$x",
        "$y",
        ".a",
        ".n",
        ".l",
        ".m.k",
        ".nil",
        ".none.x",
        "1",
        "-1",
        "9223372036854775807",
        "2.5",
        "1i",
        "'x'",
        "\"s\"",
        "`r`",
        "\"%v %d %s\"",
        "true",
        "nil",
        "if",
        "else",
        "else if",
        "end",
        "with",
        "range",
        "break",
        "continue",
        "define",
        "template",
        "block",
        "\"t\"",
        "\"u\"",
        "and",
        "or",
        "not",
        "index",
        "slice",
        "len",
        "print",
        "printf",
        "println",
        "html",
        "js",
        "urlquery",
        "call",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "dict",
        "set",
        "year",
        "text",
        "/* c */",
        "\n",
    ]);
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.join(" "))
}

/// A text that parses more often: actions in blocks that are closed.
fn actions() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        ".",
        ".a",
        ".n",
        ".l",
        ".m",
        ".m.k",
        ".nil",
        ".none.x",
        "$",
        "$.l",
        "1",
        "-1",
        "2.5",
        "1i",
        "'x'",
        "\"s\"",
        "\"%v %d %5.2f %q\"",
        "true",
        "nil",
        "and",
        "or",
        "not",
        "index",
        "slice",
        "len",
        "print",
        "printf",
        "html",
        "js",
        "urlquery",
        "call",
        "eq",
        "ne",
        "lt",
        "ge",
        "dict",
        "set",
        "year",
    ]);
    let command = proptest::collection::vec(word, 1..5).prop_map(|words| words.join(" "));
    let pipeline =
        proptest::collection::vec(command, 1..3).prop_map(|commands| commands.join(" | "));
    let pipeline = pipeline.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner).prop_map(|(a, b)| format!("print ({a}) ({b})"))
    });
    let leaf = pipeline
        .clone()
        .prop_map(|pipeline| format!("{{{{{pipeline}}}}}"));
    leaf.prop_recursive(3, 16, 3, move |inner| {
        let body = proptest::collection::vec(inner, 1..3).prop_map(|parts| parts.concat());
        let block =
            proptest::sample::select(vec!["if", "with", "range", "range $k, $v :=", "with $x :="]);
        (block, pipeline.clone(), body.clone(), body).prop_map(|(block, pipeline, body, other)| {
            format!("{{{{{block} {pipeline}}}}}{body}{{{{else}}}}{other}{{{{end}}}}")
        })
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![soup(), actions()]) {
        let functions = functions();
        if let Ok(template) = Template::parse("t", text, &functions, &mut Budget::default()) {
            let mut budget = Budget::new(limits(|limits| limits.steps = 10_000));
            if let Err(error) = template.render(root(), &Ticking::default(), &mut budget) {
                prop_assert!(error.private().text().starts_with(b"template: t:"));
            }
        }
    }
}
