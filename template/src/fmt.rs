//! Go's `fmt`: how values are printed.
//!
//! What cannot be printed as asked is printed as a complaint, such as `%!d(string=x)`, and is no error: in a
//! template it is data like the rest. Errors are limits only.

mod directive;
mod number;
mod printer;
mod spec;
#[cfg(test)]
mod tests;
mod text;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::CallError;
use crate::strconv;
use crate::types::Kind;
use crate::value::Value;

use directive::Directives;
use printer::Printer;

/// Appends what `%v` prints.
///
/// # Errors
///
/// A bound that is passed, and no other.
pub fn write_value(
    context: &mut Context<'_>,
    out: &mut Buffer,
    value: &Value,
) -> Result<(), CallError> {
    match value {
        Value::String(text) => {
            context.charge(text.len())?;
            out.extend_from_slice(text);
        }
        Value::Int(_, number) => strconv::append_int(out, *number, 10),
        _ => Printer::new(context, out).argument(value, 'v')?,
    }
    Ok(())
}

/// Go's `fmt.Sprint`: a space stands between two values if neither is a string.
///
/// # Errors
///
/// A bound that is passed, and no other.
pub fn print(context: &mut Context<'_>, values: &[Value]) -> Result<Buffer, CallError> {
    let mut out = Buffer::new();
    let mut is_after_string = true;
    for value in values {
        let is_string = value.kind() == Kind::String;
        if !is_string && !is_after_string {
            out.push(b' ');
        }
        write_value(context, &mut out, value)?;
        is_after_string = is_string;
    }
    Ok(out)
}

/// Go's `fmt.Sprintln`: a space stands between any two values, and a newline at the end.
pub(crate) fn println(context: &mut Context<'_>, values: &[Value]) -> Result<Buffer, CallError> {
    let mut out = Buffer::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        write_value(context, &mut out, value)?;
    }
    out.push(b'\n');
    Ok(out)
}

/// Go's `fmt.Sprintf`.
///
/// # Errors
///
/// A bound that is passed, and no other.
pub fn printf(
    context: &mut Context<'_>,
    format: &[u8],
    arguments: &[Value],
) -> Result<Buffer, CallError> {
    let mut out = Buffer::new();
    Directives::new(format, arguments).print(&mut Printer::new(context, &mut out))?;
    Ok(out)
}
