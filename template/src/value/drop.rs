//! Dropping values without recursion.

use std::rc::Rc;

use super::Value;

/// Drops `values` and all they alone hold, in a loop: a template can nest lists a million deep, and the
/// compiler's own way of dropping them would overflow the stack.
pub(super) fn flat(values: impl IntoIterator<Item = Value>) {
    let mut pending: Vec<Value> = values
        .into_iter()
        .filter(|value| matches!(value, Value::List(_) | Value::Map(_)))
        .collect();
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut array) = Rc::into_inner(list.into_array()) {
                    pending.append(array.0.get_mut());
                }
            }
            Value::Map(map) => {
                if let Some(mut entries) = Rc::into_inner(map.into_entries()) {
                    pending.extend(std::mem::take(entries.0.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{List, Map};
    use super::*;

    #[test]
    fn a_million_levels_drop_without_overflow() {
        let mut value = Value::Nil;
        for _ in 0..500_000 {
            value = Value::List(List::of_any(vec![value]));
            value = Value::Map(Map::of_any([("k".into(), value)].into()));
        }
        drop(value);
    }
}
