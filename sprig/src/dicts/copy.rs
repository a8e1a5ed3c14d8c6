//! Copies that share nothing with their originals.

use std::collections::BTreeMap;

use sealed_template::{CallError, Context, List, Map, Str, Value};

/// A copy of `value` with copies of all lists and maps in it.
pub(super) fn deep_copy(context: &mut Context<'_>, value: &Value) -> Result<Value, CallError> {
    match value {
        Value::Nil => Err(CallError::new(
            "reflect: call of reflect.Value.Type on zero Value",
        )),
        value => copy(context, value, 0),
    }
}

fn copy(context: &mut Context<'_>, value: &Value, depth: usize) -> Result<Value, CallError> {
    context.charge(size_of::<(Str, Value)>())?;
    context.nested(depth, |context| {
        let depth = depth.saturating_add(1);
        Ok(match value {
            Value::List(list) if !list.is_nil() => {
                let items = list.to_vec();
                let copies = items.iter().map(|item| copy(context, item, depth));
                List::new(list.element(), copies.collect::<Result<_, _>>()?).into()
            }
            Value::Map(map) if !map.is_nil() => {
                let entries = map.to_vec().into_iter();
                let copies = entries.map(|(key, item)| Ok((key, copy(context, &item, depth)?)));
                let copies = copies.collect::<Result<BTreeMap<_, _>, CallError>>()?;
                Map::new(map.element(), copies).into()
            }
            Value::Object(object) => object.deep_copy().unwrap_or_else(|| value.clone()),
            other => other.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use sealed_template::{Limit, Type};

    use super::*;
    use crate::testing::{with_context, with_steps};

    #[test]
    fn copies_share_nothing_and_keep_their_types() {
        let inner = Map::of_strings([("a".into(), "1".into())]);
        let outer = Value::from(List::of_any(vec![inner.clone().into(), Value::Nil]));
        let copy = with_context(|context| deep_copy(context, &outer)).expect("a copy");
        inner.remove(b"a");
        let Value::List(copy) = copy else {
            panic!("{copy:?}");
        };
        let Some(Value::Map(inner)) = copy.get(0) else {
            panic!("no map");
        };
        assert_eq!(*inner.element(), Type::String);
        assert_eq!(inner.len(), 1);
        assert!(matches!(copy.get(1), Some(Value::Nil)));
    }

    #[test]
    fn nil_lists_stay_nil() {
        let nil = Value::from(List::nil(&Type::Any));
        let copy = with_context(|context| deep_copy(context, &nil));
        assert!(matches!(copy, Ok(Value::List(list)) if list.is_nil()));
    }

    #[test]
    fn what_is_shared_a_million_times_is_too_much() {
        let mut value = Value::int(1);
        for _ in 0..40 {
            value = List::of_any(vec![value.clone(), value]).into();
        }
        let result = with_steps(1_000, |context| deep_copy(context, &value));
        let error = result.expect_err("2^40 copies");
        assert_eq!(error.passed_limit(), Some(Limit::Steps));
    }
}
