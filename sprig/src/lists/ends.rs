//! The first and the last item, and what is left without them.

use sealed_template::{CallError, Context, List, Slice, Value};

use super::{as_list, list_of};

/// The first item, nil if there is none.
pub(super) fn first(list: Value) -> Result<Value, CallError> {
    let list = as_list(list, "Cannot find first on type")?;
    Ok(list.get(0).unwrap_or(Value::Nil))
}

/// The last item, nil if there is none.
pub(super) fn last(list: Value) -> Result<Value, CallError> {
    let list = as_list(list, "Cannot find last on type")?;
    let items = list.items();
    Ok(items.last().cloned().unwrap_or(Value::Nil))
}

/// All but the first item; the nil list if there is none.
pub(super) fn rest(context: &mut Context<'_>, list: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot find rest on type")?;
    Ok(part(&list, 1, list.len()))
}

/// All but the last item; the nil list if there is none.
pub(super) fn initial(context: &mut Context<'_>, list: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot find initial on type")?;
    Ok(part(&list, 0, list.len().saturating_sub(1)))
}

fn part(list: &List, from: usize, to: usize) -> Slice<Value> {
    if list.is_empty() {
        return Slice::nil();
    }
    Slice::new(list.items().get(from..to).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    #[test]
    fn rest_and_initial_of_nothing_are_nil() {
        let empty = || Value::from(List::of_any(Vec::new()));
        with_context(|context| {
            assert!(rest(context, empty()).expect("a list").is_nil());
            assert!(initial(context, empty()).expect("a list").is_nil());
        });
        assert!(matches!(first(empty()), Ok(Value::Nil)));
        assert!(matches!(last(empty()), Ok(Value::Nil)));
    }

    #[test]
    fn rest_and_initial_of_one_item_are_empty_but_not_nil() {
        let one = || Value::from(List::of_any(vec![Value::Nil]));
        with_context(|context| {
            let rest = rest(context, one()).expect("a list");
            assert!(rest.is_empty() && !rest.is_nil());
            let initial = initial(context, one()).expect("a list");
            assert!(initial.is_empty() && !initial.is_nil());
        });
    }
}
