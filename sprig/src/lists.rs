//! Functions for lists.

mod chunk;
mod ends;
mod search;

use sealed_template::{CallError, Context, Functions, List, Rest, Slice, Value};

use crate::cast::to_int;

/// Registers a function under several names: those that begin with `must` return an error in Go where the
/// others panic, which a template cannot tell apart.
macro_rules! add {
    ($functions:ident, $($($name:literal)|+ => $function:expr;)+) => {
        $($($functions.add($name, $function);)+)+
    };
}

pub(crate) fn register(functions: &mut Functions) {
    add! { functions,
        "list" | "tuple" => |Rest(items): Rest<Value>| Slice::new(items);
        "first" | "mustFirst" => ends::first;
        "last" | "mustLast" => ends::last;
        "rest" | "mustRest" => ends::rest;
        "initial" | "mustInitial" => ends::initial;
        "append" | "push" | "mustAppend" | "mustPush" => append;
        "prepend" | "mustPrepend" => prepend;
        "concat" => concat;
        "reverse" | "mustReverse" => reverse;
        "compact" | "mustCompact" => compact;
        "uniq" | "mustUniq" => search::uniq;
        "without" | "mustWithout" => search::without;
        "has" | "mustHas" => |context: &mut Context<'_>, needle: Value, haystack: Value| {
            search::has(context, &needle, haystack)
        };
        "slice" | "mustSlice" => slice;
        "chunk" | "mustChunk" => chunk::chunk;
    }
}

fn append(context: &mut Context<'_>, list: Value, item: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot push on type")?;
    let mut items = list.to_vec();
    items.push(item);
    Ok(Slice::new(items))
}

fn prepend(context: &mut Context<'_>, list: Value, item: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot prepend on type")?;
    let items = list.items();
    Ok(Slice::new(
        std::iter::once(item).chain(items.iter().cloned()),
    ))
}

/// All items of all lists; the nil list if there are none.
fn concat(context: &mut Context<'_>, Rest(lists): Rest<Value>) -> Result<Value, CallError> {
    let mut items = Vec::new();
    for list in lists {
        match list {
            Value::Nil => return Err(nil_dereference()),
            Value::List(list) => {
                pay_for(context, list.len())?;
                context.charge(list.len().saturating_mul(size_of::<Value>()))?;
                items.extend_from_slice(&list.items());
            }
            other => {
                let kind = other.kind();
                return Err(CallError::new(format!("Cannot concat type {kind} as list")));
            }
        }
    }
    let list = if items.is_empty() {
        Slice::<Value>::nil()
    } else {
        Slice::new(items)
    };
    Ok(list.into_list().into())
}

fn reverse(context: &mut Context<'_>, list: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot find reverse on type")?;
    Ok(Slice::new(list.items().iter().rev().cloned()))
}

/// The items that are not empty.
fn compact(context: &mut Context<'_>, list: Value) -> Result<Slice<Value>, CallError> {
    let list = list_of(context, list, "Cannot compact on type")?;
    Ok(Slice::new(
        list.items().iter().filter(|item| item.is_true()).cloned(),
    ))
}

/// A part of a list, of the same type and the same items. As in Go it may reach beyond the end of a list that
/// is itself a part.
fn slice(list: Value, Rest(indices): Rest<Value>) -> Result<Value, CallError> {
    let list = as_list(list, "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = indices.first().map_or(0, to_int);
    let end = indices
        .get(1)
        .map_or_else(|| list.len().cast_signed(), to_int);
    let part = usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| list.slice(start, end))
        .ok_or_else(|| CallError::new("reflect.Value.Slice: slice index out of bounds"))?;
    Ok(part.into())
}

/// The list that `value` is, and the work of a pass over it accounted for; `complaint` is how Go refuses what
/// is none.
fn list_of(context: &mut Context<'_>, value: Value, complaint: &str) -> Result<List, CallError> {
    let list = as_list(value, complaint)?;
    pay_for(context, list.len())?;
    Ok(list)
}

fn as_list(value: Value, complaint: &str) -> Result<List, CallError> {
    match value {
        Value::List(list) => Ok(list),
        Value::Nil => Err(nil_dereference()),
        other => Err(CallError::new(format!("{complaint} {}", other.kind()))),
    }
}

/// Accounts for a pass over `count` items. A step is worth several of them.
fn pay_for(context: &mut Context<'_>, count: usize) -> Result<(), CallError> {
    context.spend(u64::try_from(count / 8).unwrap_or(u64::MAX))
}

/// What Go says where a list is asked of nil.
fn nil_dereference() -> CallError {
    CallError::new("runtime error: invalid memory address or nil pointer dereference")
}

#[cfg(test)]
mod tests {
    use sealed_template::{IntType, Type};

    use super::*;
    use crate::testing::call;

    fn numbers(numbers: &[i64]) -> Value {
        let items = numbers.iter().copied().map(Value::int);
        List::new(&Type::INT, items.collect()).into()
    }

    fn ints(value: &Value) -> Vec<i64> {
        let Value::List(list) = value else {
            panic!("{value:?}");
        };
        let int = |item: &Value| match item {
            Value::Int(IntType::Int, number) => *number,
            other => panic!("{other:?}"),
        };
        list.items().iter().map(int).collect()
    }

    #[test]
    fn typed_lists_become_lists_of_anything() {
        for (name, arguments, expected) in [
            (
                "append",
                vec![numbers(&[1, 2]), Value::int(3)],
                vec![1, 2, 3],
            ),
            (
                "prepend",
                vec![numbers(&[1, 2]), Value::int(3)],
                vec![3, 1, 2],
            ),
            ("reverse", vec![numbers(&[1, 2])], vec![2, 1]),
            ("compact", vec![numbers(&[1, 0, 2])], vec![1, 2]),
            ("concat", vec![numbers(&[1]), numbers(&[2])], vec![1, 2]),
        ] {
            let result = call(name, arguments).expect(name);
            assert_eq!(result.type_name(), "[]interface {}");
            assert_eq!(ints(&result), expected);
        }
    }

    #[test]
    fn a_slice_shares_the_items_and_the_type() {
        let list = List::new(&Type::INT, vec![Value::int(3), Value::int(1)]);
        let indices = vec![list.clone().into(), Value::int(1)];
        let part = call("slice", indices).expect("within bounds");
        assert_eq!(part.type_name(), "[]int");
        list.sort_by(|a, b| ints(&numbers_of(a)).cmp(&ints(&numbers_of(b))));
        assert_eq!(ints(&part), [3]);
    }

    fn numbers_of(value: &Value) -> Value {
        List::new(&Type::INT, vec![value.clone()]).into()
    }

    #[test]
    fn a_slice_of_a_slice_reaches_to_the_end_of_the_first() {
        let part = call(
            "slice",
            vec![numbers(&[1, 2, 3]), Value::int(0), Value::int(1)],
        );
        let whole = call(
            "slice",
            vec![part.expect("a part"), Value::int(0), Value::int(3)],
        );
        assert_eq!(ints(&whole.expect("all of it")), [1, 2, 3]);
    }

    #[test]
    fn refusals_name_the_kind() {
        for (name, text) in [
            ("append", "Cannot push on type string"),
            ("slice", "list should be type of slice or array but string"),
            ("concat", "Cannot concat type string as list"),
            ("has", "Cannot find has on type string"),
        ] {
            let error = call(name, vec!["x".into(), "x".into()]).expect_err(name);
            assert_eq!(error, CallError::new(text));
        }
        let error = call("first", vec![Value::Nil]).expect_err("nil");
        assert_eq!(error, nil_dereference());
    }
}
