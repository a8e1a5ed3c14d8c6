//! Finding items in lists.

use sealed_template::{CallError, Context, Rest, Slice, Value};

use super::{list_of, pay_for};
use crate::reflection::deep_equal;

/// The items, each once, where it first stands.
pub(super) fn uniq(context: &mut Context<'_>, list: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot find uniq on type")?;
    let mut distinct = Vec::new();
    for item in list.to_vec() {
        if !contains(context, &distinct, &item)? {
            distinct.push(item);
        }
    }
    Ok(Slice::new(distinct))
}

/// The items that are none of `omitted`.
pub(super) fn without(
    context: &mut Context<'_>,
    list: Value,
    Rest(omitted): Rest<Value>,
) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot find without on type")?;
    let mut kept = Vec::new();
    for item in list.to_vec() {
        if !contains(context, &omitted, &item)? {
            kept.push(item);
        }
    }
    Ok(Slice::new(kept))
}

/// Whether `needle` is an item; it is none of nil.
pub(super) fn has(
    context: &mut Context<'_>,
    needle: &Value,
    haystack: Value,
) -> Result<bool, CallError> {
    if matches!(haystack, Value::Nil) {
        return Ok(false);
    }
    let list = list_of(context, haystack, "Cannot find has on type")?;
    let items = list.items();
    contains(context, &items, needle)
}

fn contains(context: &mut Context<'_>, items: &[Value], needle: &Value) -> Result<bool, CallError> {
    pay_for(context, items.len())?;
    for item in items {
        if deep_equal(context, needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use sealed_template::{Limit, List};

    use super::*;
    use crate::testing::{call, with_steps};

    #[test]
    fn types_must_be_equal_too() {
        let list = || {
            Value::from(List::of_any(vec![
                Value::int(1),
                Value::int64(1),
                Value::int(1),
            ]))
        };
        let Ok(Value::List(distinct)) = call("uniq", vec![list()]) else {
            panic!("no list");
        };
        assert_eq!(distinct.len(), 2);
        let Ok(Value::List(rest)) = call("without", vec![list(), Value::int(1)]) else {
            panic!("no list");
        };
        assert_eq!(rest.len(), 1);
        assert!(matches!(
            call("has", vec![Value::Float(1.0), list()]),
            Ok(Value::Bool(false))
        ));
    }

    #[test]
    fn has_finds_nothing_in_nil() {
        assert!(matches!(
            call("has", vec![Value::int(1), Value::Nil]),
            Ok(Value::Bool(false))
        ));
    }

    #[test]
    fn uniq_of_a_long_list_uses_up_the_steps() {
        let items = (0..1_000).map(Value::int).collect();
        let error = with_steps(10_000, |context| uniq(context, List::of_any(items).into()))
            .err()
            .expect("too many comparisons");
        assert_eq!(error.passed_limit(), Some(Limit::Steps));
    }
}
