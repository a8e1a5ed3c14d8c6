//! The functions of the template language.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what can be registered takes its arguments by value"
)]

mod compare;
mod escape;
mod index;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::CallError;
use crate::fmt;
use crate::function::{Functions, Rest};
use crate::operand::Operand;
use crate::str::Str;
use crate::value::Value;

pub(crate) fn register(functions: &mut Functions) {
    functions
        // The executor does what these do: it may leave arguments unevaluated, and needs their source text.
        .add("and", first)
        .add("or", first)
        .add("call", first)
        .add("not", not)
        .add("index", index::index)
        .add("slice", index::slice)
        .add("len", index::len)
        .add("print", print)
        .add("printf", printf)
        .add("println", println)
        .add("html", escape::html)
        .add("js", escape::js)
        .add("urlquery", escape::urlquery)
        .add("eq", compare::eq)
        .add("ne", compare::ne)
        .add("lt", compare::lt)
        .add("le", compare::le)
        .add("gt", compare::gt)
        .add("ge", compare::ge);
}

fn first(first: Operand, _: Rest<Operand>) -> Operand {
    first
}

fn not(operand: Operand) -> bool {
    !operand.value().is_true()
}

fn print(context: &mut Context<'_>, arguments: Rest<Value>) -> Result<Str, CallError> {
    fmt::print(context, &arguments.0).map(Str::from)
}

fn println(context: &mut Context<'_>, arguments: Rest<Value>) -> Result<Str, CallError> {
    fmt::println(context, &arguments.0).map(Str::from)
}

fn printf(
    context: &mut Context<'_>,
    format: Str,
    arguments: Rest<Value>,
) -> Result<Str, CallError> {
    fmt::printf(context, &format, &arguments.0).map(Str::from)
}

/// Why `call` cannot call `value`, whose source text is `written`, or which came through the pipeline.
pub(crate) fn not_a_function(written: Option<Buffer>, value: &Value) -> CallError {
    let Some(type_) = value.type_of() else {
        return CallError::new("call of nil");
    };
    // Go asks the reflection for the value as a string, which it gives for strings alone.
    let name = written.unwrap_or_else(|| match value {
        Value::String(text) => text.to_vec().into(),
        _ => format!("<{type_} Value>").into_bytes().into(),
    });
    let mut text = Buffer::from(b"non-function ".to_vec());
    text.extend_from_slice(&name);
    text.extend_from_slice(format!(" of type {type_}").as_bytes());
    CallError::new(text)
}
