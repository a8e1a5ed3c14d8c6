//! `index`, `slice`, `len`.

use crate::error::CallError;
use crate::function::Rest;
use crate::operand::Operand;
use crate::types::{Type, UintType};
use crate::value::{List, Map, Value};

/// `index x 1 2` is Go's `x[1][2]`.
pub(super) fn index(item: Operand, indexes: Rest<Operand>) -> Result<Operand, CallError> {
    let mut item = item.indirect_interface();
    if matches!(item, Operand::Invalid) {
        return Err(CallError::new("index of untyped nil"));
    }
    for index in indexes.0 {
        let index = index.indirect_interface();
        item = match item.value() {
            Value::Nil | Value::NilPointer(_) => {
                return Err(CallError::new("index of nil pointer"));
            }
            Value::String(text) => {
                let position = position(&index, text.len())?;
                let byte = text
                    .get(position)
                    .ok_or_else(|| CallError::new("reflect: string index out of range"))?;
                Operand::Concrete(Value::Uint(UintType::Uint8, u64::from(*byte)))
            }
            Value::List(list) => {
                let position = position(&index, list.len())?;
                list.operand(position)
                    .ok_or_else(|| CallError::new("reflect: slice index out of range"))?
            }
            Value::Map(map) => entry(map, &index)?,
            value => {
                let text = format!("can't index item of type {}", pointed_to(value));
                return Err(CallError::new(text));
            }
        };
    }
    Ok(item)
}

/// An entry of a map, or the zero of the type that its entries have.
fn entry(map: &Map, key: &Operand) -> Result<Operand, CallError> {
    let Value::String(key) = key.value() else {
        let text = match key.type_of() {
            None => "value is nil; should be of type string".to_owned(),
            Some(type_) => format!("value has type {type_}; should be string"),
        };
        return Err(CallError::new(text));
    };
    let entry = map.get(key).unwrap_or_else(|| zero(*map.element()));
    Ok(Operand::element(*map.element(), entry))
}

/// The zero of a type that maps and lists can hold.
fn zero(type_: Type) -> Value {
    match type_ {
        Type::Any | Type::Operand => Value::Nil,
        Type::Bool => Value::Bool(false),
        Type::Int(type_) => Value::Int(type_, 0),
        Type::Uint(type_) => Value::Uint(type_, 0),
        Type::Float64 => Value::Float(0.0),
        Type::Complex128 => Value::Complex(0.0, 0.0),
        Type::String => Value::string(""),
        Type::Slice(element) => Value::List(List::nil(element)),
        Type::Map(element) => Value::Map(Map::nil(element)),
        Type::Named(_) => Value::NilPointer(type_),
    }
}

/// An argument as an index, at most `capacity`.
fn position(index: &Operand, capacity: usize) -> Result<usize, CallError> {
    let number = match index {
        Operand::Concrete(value) => match value.underlying() {
            Value::Int(_, number) => Some(number),
            Value::Uint(_, number) => Some(number.cast_signed()),
            _ => None,
        },
        Operand::Interface(_) | Operand::Invalid => None,
    };
    let Some(number) = number else {
        let text = match index.type_of() {
            Some(type_) => format!("cannot index slice/array with type {type_}"),
            None => "cannot index slice/array with nil".to_owned(),
        };
        return Err(CallError::new(text));
    };
    usize::try_from(number)
        .ok()
        .filter(|position| *position <= capacity)
        .ok_or_else(|| CallError::new(format!("index out of range: {number}")))
}

/// `slice x 1 2` is Go's `x[1:2]`.
pub(super) fn slice(item: Operand, indexes: Rest<Operand>) -> Result<Operand, CallError> {
    let indexes = indexes.0;
    let too_many = indexes.len() > 3;
    let (len, capacity) = match item.value() {
        Value::Nil => return Err(CallError::new("slice of untyped nil")),
        Value::NilPointer(_) => return Err(CallError::new("slice of nil pointer")),
        _ if too_many => {
            let text = format!("too many slice indexes: {}", indexes.len());
            return Err(CallError::new(text));
        }
        Value::String(_) if indexes.len() == 3 => {
            return Err(CallError::new("cannot 3-index slice a string"));
        }
        Value::String(text) => (text.len(), text.len()),
        Value::List(list) => (list.len(), list.capacity()),
        value => {
            let text = format!("can't slice item of type {}", pointed_to(value));
            return Err(CallError::new(text));
        }
    };
    let mut positions = Vec::with_capacity(3);
    // Unlike `index`, this does not look into interfaces: Go refuses what was read out of a list or map.
    for index in indexes {
        positions.push(position(&index, capacity)?);
    }
    let from = positions.first().copied().unwrap_or(0);
    let to = positions.get(1).copied().unwrap_or(len);
    let end = positions.get(2).copied();
    in_order(from, to)?;
    if let Some(end) = end {
        in_order(to, end)?;
    }
    let part = match item.value() {
        Value::String(text) => text.get(from..to).map(Value::string),
        Value::List(list) => list
            .slice_up_to(from, to, end.unwrap_or(capacity))
            .map(Value::List),
        _ => None,
    };
    Ok(part.map_or(Operand::Invalid, Operand::Concrete))
}

fn in_order(from: usize, to: usize) -> Result<(), CallError> {
    if from <= to {
        return Ok(());
    }
    Err(CallError::new(format!(
        "invalid slice index: {from} > {to}"
    )))
}

pub(super) fn len(item: Operand) -> Result<isize, CallError> {
    let len = match &item {
        // What the reflection says when it is asked for the type of nothing.
        Operand::Invalid => {
            return Err(CallError::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        operand => match operand.value() {
            Value::Nil | Value::NilPointer(_) => return Err(CallError::new("len of nil pointer")),
            Value::String(text) => text.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            value => {
                return Err(CallError::new(format!("len of type {}", pointed_to(value))));
            }
        },
    };
    Ok(isize::try_from(len).unwrap_or(isize::MAX))
}

/// The name of the type, for a pointer of the type that it points to.
fn pointed_to(value: &Value) -> String {
    let name = value.type_name();
    match name.strip_prefix('*') {
        Some(name) => name.to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;

    #[test]
    fn one_past_the_end_fails_in_the_reflection() {
        assert_renders(&[
            (
                "{{index .text 3}}",
                "error calling index: reflect: string index out of range",
            ),
            (
                "{{index .ints 3}}",
                "error calling index: reflect: slice index out of range",
            ),
            (
                "{{index .ints 4}}",
                "error calling index: index out of range: 4",
            ),
            (
                "{{index .ints -1}}",
                "error calling index: index out of range: -1",
            ),
        ]);
    }

    #[test]
    fn a_missing_entry_is_the_zero_of_its_type() {
        assert_renders(&[
            ("{{index .map `none`}}", "<no value>"),
            (
                "{{index .map `none` 1}}",
                "error calling index: index of nil pointer",
            ),
        ]);
    }

    #[test]
    fn slices_reach_up_to_the_capacity_that_is_left_to_them() {
        assert_renders(&[
            ("{{slice (slice .ints 0 1) 0 3}}", "[3 1 2]"),
            (
                "{{slice (slice .ints 0 1 1) 0 2}}",
                "error calling slice: index out of range: 2",
            ),
            (
                "{{slice .ints 1}} {{slice .text 1 2}} {{slice .text 3}}|",
                "[1 2] b |",
            ),
        ]);
    }

    #[test]
    fn slices_are_refused_in_the_order_of_go() {
        assert_renders(&[
            ("{{slice nil}}", "error calling slice: slice of untyped nil"),
            (
                "{{slice 1 2 3 4 5}}",
                "error calling slice: too many slice indexes: 4",
            ),
            (
                "{{slice 1}}",
                "error calling slice: can't slice item of type int",
            ),
            (
                "{{slice .text 0 1 2}}",
                "error calling slice: cannot 3-index slice a string",
            ),
            (
                "{{slice .text .none}}",
                "error calling slice: cannot index slice/array with nil",
            ),
            ("{{slice .text (index .ints 1)}}", "bc"),
            (
                "{{slice .text .number}}",
                "error calling slice: cannot index slice/array with type interface {}",
            ),
            (
                "{{slice .text 2 1}}",
                "error calling slice: invalid slice index: 2 > 1",
            ),
        ]);
    }

    #[test]
    fn nothing_has_no_length() {
        assert_renders(&[
            ("{{len .text}} {{len .ints}} {{len .map}}", "3 3 1"),
            ("{{len .nil}}", "error calling len: len of nil pointer"),
            (
                "{{len nil}}",
                "error calling len: reflect: call of reflect.Value.Type on zero Value",
            ),
            ("{{len 1.5}}", "error calling len: len of type float64"),
        ]);
    }
}
