//! Functions for JSON, as Go's `encoding/json` reads and writes it.

mod decode;
mod encode;
mod indent;
mod text;

use sealed_template::{CallError, Context, Functions, Str, Value};

use decode::{Decoded, decode};
use encode::{Form, encode};

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("fromJson", |context: &mut Context<'_>, text: Str| {
            or(
                decode(context, &text).map(|decoded| decoded.value),
                Value::Nil,
            )
        })
        .add("mustFromJson", |context: &mut Context<'_>, text: Str| {
            decode(context, &text).and_then(Decoded::into_result)
        });
    functions
        .add("toJson", |context: &mut Context<'_>, value: Value| {
            or(encode(context, &value, Form::Compact), "".into())
        })
        .add("toPrettyJson", |context: &mut Context<'_>, value: Value| {
            or(encode(context, &value, Form::Pretty), "".into())
        })
        .add("mustToJson", |context: &mut Context<'_>, value: Value| {
            encode(context, &value, Form::Compact)
        })
        .add(
            "mustToPrettyJson",
            |context: &mut Context<'_>, value: Value| encode(context, &value, Form::Pretty),
        );
    // Unlike the others it panics in Go.
    for name in ["toRawJson", "mustToRawJson"] {
        functions.add(name, |context: &mut Context<'_>, value: Value| {
            encode(context, &value, Form::Raw)
        });
    }
}

/// The value that a JSON text says, nil in place of a number that is too large.
pub(crate) fn read(context: &mut Context<'_>, text: &[u8]) -> Result<Value, CallError> {
    decode(context, text).map(|decoded| decoded.value)
}

/// The result, or `nothing` in place of an error that Sprig swallows. Limits are not Go's: they stay errors.
fn or<T>(result: Result<T, CallError>, nothing: T) -> Result<T, CallError> {
    result.or_else(|error| match error.passed_limit() {
        Some(_) => Err(error),
        None => Ok(nothing),
    })
}
