//! Renders templates and prints values in tests, in an environment that stands still.

use crate::{Budget, Context, Functions, List, Map, Still, Template, Value};

fn root() -> Value {
    let ints = || List::of_any([3, 1, 2].map(Value::int).into());
    let map = Map::of_any([("k".into(), Value::string("v"))].into());
    let entries = [
        ("ints".into(), ints().into()),
        ("map".into(), map.into()),
        ("nil".into(), Value::Nil),
        ("number".into(), Value::int(1)),
        ("text".into(), Value::string("abc")),
    ];
    Map::of_any(entries.into()).into()
}

/// Runs `work` within the limits that hold by default.
pub(crate) fn with_context<R>(work: impl FnOnce(&mut Context<'_>) -> R) -> R {
    work(&mut Context::new(&Still, &mut Budget::default()))
}

/// What a template prints, or Go's text of what is wrong with it.
pub(crate) fn render(text: &str) -> String {
    let functions = Functions::builtin();
    let mut budget = Budget::default();
    let template = match Template::parse("t", text, &functions, &mut budget) {
        Ok(template) => template,
        Err(error) => return error.to_string(),
    };
    let bytes = match template.render(root(), &Still, &mut budget) {
        Ok(rendered) => rendered.output.into_vec(),
        Err(error) => error.private().text().to_vec(),
    };
    bytes.utf8_chunks().fold(String::new(), |text, chunk| {
        text + chunk.valid() + &chunk.invalid().escape_ascii().to_string()
    })
}

/// Asserts what templates print, or the end of Go's text of what is wrong with them.
#[track_caller]
pub(crate) fn assert_renders(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let rendered = render(text);
        let message = rendered
            .split_once(">: ")
            .map_or(&*rendered, |(_, message)| message);
        assert!(
            rendered == *expected || message == *expected,
            "{text}: {rendered}"
        );
    }
}
