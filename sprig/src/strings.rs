//! Functions for strings.

mod case;
mod cut;
mod pieces;
mod values;
mod words;
mod wrap;

use memchr::memmem;
use sealed_template::{Functions, Str};

pub(crate) use values::strval;

pub(crate) fn register(functions: &mut Functions) {
    case::register(functions);
    cut::register(functions);
    pieces::register(functions);
    values::register(functions);
    words::register(functions);
    wrap::register(functions);
    functions
        .add("hello", || Str::from("Hello!"))
        .add("contains", |part: Str, text: Str| {
            memmem::find(&text, &part).is_some()
        })
        .add("hasPrefix", |part: Str, text: Str| text.starts_with(&part))
        .add("hasSuffix", |part: Str, text: Str| text.ends_with(&part))
        .add(
            "plural",
            |one: Str, many: Str, count: isize| {
                if count == 1 { one } else { many }
            },
        );
}
