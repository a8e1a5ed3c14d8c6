//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use std::cmp::Ordering;

use crate::context::Context;
use crate::error::CallError;
use crate::fmt;
use crate::function::Rest;
use crate::operand::Operand;
use crate::value::Value;

/// A value of a kind that can be compared, without its type: an `int64` equals a `time.Duration`.
#[derive(PartialEq)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    String(&'a [u8]),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(bool) => Basic::Bool(*bool),
        Value::Int(_, number) => Basic::Int(*number),
        Value::Uint(_, number) => Basic::Uint(*number),
        Value::Float(number) => Basic::Float(*number),
        Value::Complex(real, imaginary) => Basic::Complex(*real, *imaginary),
        Value::String(text) => Basic::String(text),
        Value::Object(object) => match object.underlying()? {
            Value::Int(_, number) => Basic::Int(number),
            Value::Uint(_, number) => Basic::Uint(number),
            Value::Float(number) => Basic::Float(number),
            _ => return None,
        },
        Value::Nil | Value::List(_) | Value::Map(_) | Value::NilPointer(_) => return None,
    })
}

/// Whether the first argument equals any of the others.
pub(super) fn eq(
    context: &mut Context<'_>,
    first: Operand,
    others: Rest<Operand>,
) -> Result<bool, CallError> {
    if others.0.is_empty() {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in others.0 {
        if equal(context, first.value(), other.value())? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn ne(context: &mut Context<'_>, a: Operand, b: Operand) -> Result<bool, CallError> {
    equal(context, a.value(), b.value()).map(|equal| !equal)
}

pub(super) fn lt(a: Operand, b: Operand) -> Result<bool, CallError> {
    less(a.value(), b.value())
}

pub(super) fn le(context: &mut Context<'_>, a: Operand, b: Operand) -> Result<bool, CallError> {
    Ok(less(a.value(), b.value())? || equal(context, a.value(), b.value())?)
}

pub(super) fn gt(context: &mut Context<'_>, a: Operand, b: Operand) -> Result<bool, CallError> {
    le(context, a, b).map(|less_or_equal| !less_or_equal)
}

pub(super) fn ge(a: Operand, b: Operand) -> Result<bool, CallError> {
    lt(a, b).map(|less| !less)
}

fn equal(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<bool, CallError> {
    match (basic(a), basic(b)) {
        (Some(Basic::Int(int)), Some(Basic::Uint(uint)))
        | (Some(Basic::Uint(uint)), Some(Basic::Int(int))) => Ok(u64::try_from(int) == Ok(uint)),
        (Some(x), Some(y)) if std::mem::discriminant(&x) == std::mem::discriminant(&y) => {
            Ok(x == y)
        }
        (None, None) => equal_references(context, a, b),
        _ if matches!(a, Value::Nil) || matches!(b, Value::Nil) => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

/// Equality of what is neither a number nor a text: it can be nil, or an object.
fn equal_references(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<bool, CallError> {
    let is_untyped_nil = matches!(a, Value::Nil) || matches!(b, Value::Nil);
    if a.kind() != b.kind() && !is_untyped_nil {
        let arguments = [a.clone(), type_name(a), type_name(b), b.clone()];
        let text = fmt::printf(context, b"non-comparable types %s: %v, %s: %v", &arguments)?;
        return Err(CallError::new(text));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    if let (Value::Object(a), Value::Object(b)) = (a, b) {
        return Ok(a.equals(&**b));
    }
    let arguments = [b.clone(), type_name(b)];
    let text = fmt::printf(context, b"non-comparable type %s: %v", &arguments)?;
    Err(CallError::new(text))
}

fn type_name(value: &Value) -> Value {
    Value::string(value.type_name())
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil | Value::NilPointer(_) => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, CallError> {
    let invalid = || CallError::new("invalid type for comparison");
    let ordering = match (basic(a).ok_or_else(invalid)?, basic(b).ok_or_else(invalid)?) {
        (Basic::Int(a), Basic::Int(b)) => Some(a.cmp(&b)),
        (Basic::Uint(a), Basic::Uint(b)) => Some(a.cmp(&b)),
        (Basic::Int(a), Basic::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Uint(a), Basic::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b),
        (Basic::String(a), Basic::String(b)) => Some(a.cmp(b)),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            return Err(invalid());
        }
        _ => return Err(incompatible(a, b)),
    };
    Ok(ordering == Some(Ordering::Less))
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    CallError::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;

    #[test]
    fn integers_compare_across_signs() {
        // The bytes of a string are unsigned.
        assert_renders(&[
            (
                "{{eq 97 (index `a` 0)}} {{eq (index `a` 0) -97}}",
                "true false",
            ),
            (
                "{{lt -1 (index `a` 0)}} {{lt (index `a` 0) -1}}",
                "true false",
            ),
            (
                "{{ge (index `a` 0) 97}} {{gt 98 (index `a` 0)}}",
                "true true",
            ),
        ]);
    }

    #[test]
    fn nothing_equals_only_nothing() {
        assert_renders(&[
            (
                "{{eq nil nil}} {{eq .nil nil}} {{eq .none .nil}}",
                "true true true",
            ),
            (
                "{{eq nil .ints}} {{eq .map nil}} {{eq 0 nil}}",
                "false false false",
            ),
        ]);
    }

    #[test]
    fn the_first_equal_argument_ends_the_comparison() {
        assert_renders(&[
            ("{{eq 1 1 `x`}}", "true"),
            (
                "{{eq 1 2 `x`}}",
                "error calling eq: incompatible types for comparison: int and string",
            ),
        ]);
    }

    #[test]
    fn what_cannot_be_compared_is_quoted() {
        assert_renders(&[
            (
                "{{eq .ints .ints}}",
                "error calling eq: non-comparable type [%!s(int=3) %!s(int=1) %!s(int=2)]: []interface {}",
            ),
            (
                "{{ne .map .ints}}",
                "error calling ne: non-comparable types map[k:v]: map[string]interface {}, \
                 []interface {}: [3 1 2]",
            ),
            (
                "{{lt 1 nil}}",
                "error calling lt: invalid type for comparison",
            ),
            (
                "{{le 1i 1i}}",
                "error calling le: invalid type for comparison",
            ),
        ]);
    }
}
