//! Functions for defaults and emptiness.

use sealed_template::{CallError, Functions, Rest, Str, Value};

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("all", |Rest(values): Rest<Value>| {
            values.iter().all(|value| !is_empty(value))
        })
        .add("any", |Rest(values): Rest<Value>| {
            values.iter().any(|value| !is_empty(value))
        })
        .add("coalesce", |Rest(values): Rest<Value>| {
            values
                .into_iter()
                .find(|value| !is_empty(value))
                .unwrap_or(Value::Nil)
        })
        .add("default", |default: Value, Rest(given): Rest<Value>| {
            given
                .into_iter()
                .next()
                .filter(|value| !is_empty(value))
                .unwrap_or(default)
        })
        .add("empty", |value: Value| is_empty(&value))
        .add("fail", |message: Str| {
            Err::<Str, _>(CallError::new(message))
        })
        .add(
            "ternary",
            |yes: Value, no: Value, condition: bool| {
                if condition { yes } else { no }
            },
        );
}

/// Whether a value is the zero of its type, or has no items. A struct never is.
pub(crate) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

#[cfg(test)]
mod tests {
    use sealed_template::{Kind, List, Map, NamedType, Type};

    use super::*;
    use crate::testing::call;

    const POINTER: &NamedType = &NamedType {
        name: "*p.T",
        kind: Kind::Pointer,
    };

    fn is_true(result: Result<Value, CallError>) -> bool {
        matches!(result, Ok(Value::Bool(true)))
    }

    #[test]
    fn zeros_and_nothing_are_empty() {
        let empty = [
            Value::Nil,
            Value::NilPointer(Type::Named(POINTER)),
            false.into(),
            Value::int(0),
            0.0.into(),
            (-0.0).into(),
            "".into(),
            List::of_any(Vec::new()).into(),
            Map::nil(&Type::Any).into(),
        ];
        for value in &empty {
            assert!(is_true(call("empty", vec![value.clone()])), "{value:?}");
        }
        assert!(is_true(call("all", Vec::new())));
        assert!(!is_true(call("any", empty.to_vec())));
        let full = [
            true.into(),
            Value::int(-1),
            f64::NAN.into(),
            "0".into(),
            List::of_any(vec![Value::Nil]).into(),
        ];
        assert!(is_true(call("all", full.to_vec())));
    }

    #[test]
    fn a_default_stands_in_for_what_is_empty() {
        let number = |result: Result<Value, CallError>| match result {
            Ok(Value::Int(_, number)) => number,
            other => panic!("{other:?}"),
        };
        let int = Value::int;
        assert_eq!(number(call("default", vec![int(1)])), 1);
        assert_eq!(number(call("default", vec![int(1), Value::Nil])), 1);
        assert_eq!(number(call("default", vec![int(1), int(2), int(3)])), 2);
        assert_eq!(
            number(call("coalesce", vec![int(0), "".into(), int(3), int(4)])),
            3
        );
        assert!(matches!(call("coalesce", vec![int(0)]), Ok(Value::Nil)));
    }
}
