//! Values of any type as strings.

use sealed_template::{
    Buffer, CallError, Context, Functions, GoType as _, Operand, Rest, Slice, Str, Type, Value,
    fmt, strconv,
};

use super::pieces::joined;

pub(super) fn register(functions: &mut Functions) {
    functions
        .add("cat", cat)
        .add("join", join)
        .add("quote", quote)
        .add("sortAlpha", sort_alpha)
        .add("squote", squote)
        .add("toString", |context: &mut Context<'_>, value: Value| {
            strval(context, &value)
        })
        .add("toStrings", |context: &mut Context<'_>, value: Value| {
            strslice(context, &value)
        });
}

/// A value as a string: strings and bytes are what they are, everything else as `%v` prints it.
pub(crate) fn strval(context: &mut Context<'_>, value: &Value) -> Result<Str, CallError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::List(list) if list.is_bytes() => Ok(list.to_bytes().into()),
        _ => {
            let mut out = Buffer::new();
            fmt::write_value(context, &mut out, value)?;
            Ok(out.into())
        }
    }
}

/// The items of a list as strings, without those that are nil; of everything else, one string. A `[]string`
/// stays the slice it is.
pub(crate) fn strslice(context: &mut Context<'_>, value: &Value) -> Result<Slice<Str>, CallError> {
    match value {
        Value::Nil => Ok(Slice::new([])),
        Value::List(list) if *list.element() == Type::String => {
            Slice::from_operand(Operand::from_value(value.clone()))
        }
        Value::List(list) => {
            let items = list.to_vec();
            let strings = present(&items).map(|item| strval(context, item));
            Ok(Slice::new(strings.collect::<Result<Vec<_>, _>>()?))
        }
        value => Ok(Slice::new([strval(context, value)?])),
    }
}

/// The values that are not nil.
fn present(values: &[Value]) -> impl Iterator<Item = &Value> {
    values.iter().filter(|value| !matches!(value, Value::Nil))
}

/// The values that are not nil, with spaces between them, each as `write` writes it.
fn spaced(
    context: &mut Context<'_>,
    values: &[Value],
    write: impl Fn(&mut Context<'_>, &mut Buffer, &Value) -> Result<(), CallError>,
) -> Result<Str, CallError> {
    let mut out = Buffer::new();
    for (index, value) in present(values).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        write(context, &mut out, value)?;
    }
    Ok(out.into())
}

fn cat(context: &mut Context<'_>, Rest(values): Rest<Value>) -> Result<Str, CallError> {
    spaced(context, &values, fmt::write_value)
}

fn quote(context: &mut Context<'_>, Rest(values): Rest<Value>) -> Result<Str, CallError> {
    spaced(context, &values, |context, out, value| {
        let text = strval(context, value)?;
        // A byte becomes four at the most: `\\x00`.
        context.charge(text.len().saturating_mul(4))?;
        context.pass_over(text.len())?;
        strconv::append_quote(out, &text);
        Ok(())
    })
}

/// Single quotes around each value, and nothing escaped.
fn squote(context: &mut Context<'_>, Rest(values): Rest<Value>) -> Result<Str, CallError> {
    spaced(context, &values, |context, out, value| {
        out.push(b'\'');
        fmt::write_value(context, out, value)?;
        out.push(b'\'');
        Ok(())
    })
}

fn join(context: &mut Context<'_>, separator: Str, value: Value) -> Result<Str, CallError> {
    let strings = strslice(context, &value)?;
    let strings = strings.items();
    let pieces = strings.iter().filter_map(|string| match string {
        Value::String(text) => Some(text.as_bytes()),
        _ => None,
    });
    joined(context, pieces, &separator)
}

/// The items as strings in the order of their bytes. A `[]string` is itself sorted, for all who hold it.
fn sort_alpha(context: &mut Context<'_>, value: Value) -> Result<Slice<Str>, CallError> {
    let Value::List(_) = value else {
        return Ok(Slice::new([strval(context, &value)?]));
    };
    let strings = strslice(context, &value)?;
    context.spend(sorting_cost(&strings.items()))?;
    strings.sort_by(|a, b| match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    Ok(strings)
}

/// Steps that it takes to sort strings: one for each comparison, and one for each KiB compared.
fn sorting_cost(strings: &[Value]) -> u64 {
    let size = strings.iter().fold(0, |size: u64, string| match string {
        Value::String(text) => size
            .saturating_add(text.len() as u64 >> 10)
            .saturating_add(1),
        _ => size,
    });
    size.saturating_mul(u64::from(strings.len().checked_ilog2().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use sealed_template::{List, UintType};

    use super::*;
    use crate::testing::{call, with_context};

    fn text(name: &str, arguments: Vec<Value>) -> String {
        match call(name, arguments) {
            Ok(Value::String(text)) => text.to_text().into_owned(),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn cat_quote_and_join_leave_out_nil_and_to_string_does_not() {
        let values = || vec![Value::string("a"), Value::Nil, Value::int(1)];
        assert_eq!(text("cat", values()), "a 1");
        assert_eq!(text("quote", values()), r#""a" "1""#);
        assert_eq!(text("squote", values()), "'a' '1'");
        let list = Value::List(List::of_any(values()));
        assert_eq!(text("join", vec!["-".into(), list]), "a-1");
        assert_eq!(text("toString", vec![Value::Nil]), "<nil>");
        assert_eq!(text("join", vec!["-".into(), Value::Nil]), "");
    }

    #[test]
    fn to_string_takes_bytes_for_text_and_cat_does_not() {
        let bytes = [104, 105].map(|byte| Value::Uint(UintType::Uint8, byte));
        let list = List::new(&Type::Uint(UintType::Uint8), bytes.into());
        assert_eq!(text("toString", vec![list.clone().into()]), "hi");
        assert_eq!(text("cat", vec![list.into()]), "[104 105]");
    }

    #[test]
    fn sort_alpha_sorts_a_slice_of_strings_in_place() {
        let strings = List::new(&Type::String, ["b", "a"].map(Value::from).into());
        let anything = List::of_any(["b", "a"].map(Value::from).into());
        with_context(|context| {
            for (list, first) in [(&strings, "a"), (&anything, "b")] {
                let sorted = sort_alpha(context, list.clone().into()).unwrap();
                assert_eq!(
                    strval(context, &sorted.get(0).unwrap()).unwrap().to_text(),
                    "a"
                );
                assert_eq!(
                    strval(context, &list.get(0).unwrap()).unwrap().to_text(),
                    first
                );
            }
        });
    }

    #[test]
    fn join_charges_before_it_builds() {
        let text = Value::string("x".repeat(1 << 20));
        let list = List::of_any(vec![text; 1 << 10]);
        let error = call("join", vec!["".into(), list.into()]).unwrap_err();
        assert_eq!(error.passed_limit(), Some(sealed_template::Limit::Memory));
    }
}
