//! Functions for types and kinds.

use sealed_template::{CallError, Context, Functions, List, Map, Str, Value};

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add(
            "deepEqual",
            |context: &mut Context<'_>, a: Value, b: Value| deep_equal(context, &a, &b),
        )
        .add("kindIs", |kind: Str, value: Value| {
            kind == *value.kind().to_string()
        })
        .add("kindOf", |value: Value| Str::from(value.kind().to_string()))
        .add("typeIs", |name: Str, value: Value| {
            name == *value.type_name()
        })
        .add("typeIsLike", |name: Str, value: Value| {
            let type_name = value.type_name();
            name == *type_name
                || type_name
                    .strip_prefix('*')
                    .is_some_and(|target| name == *target)
        })
        .add("typeOf", |value: Value| Str::from(value.type_name()));
}

/// Whether two values are equal in type and in all they hold. A nil slice is not an empty one, and NaN is
/// nothing's equal; but a slice or map is its own, whatever it holds.
///
/// Two different values that each contain themselves end in an error.
pub(crate) fn deep_equal(
    context: &mut Context<'_>,
    a: &Value,
    b: &Value,
) -> Result<bool, CallError> {
    equal_at(context, 0, a, b)
}

#[expect(clippy::float_cmp, reason = "equal is what Go compares as equal")]
fn equal_at(
    context: &mut Context<'_>,
    depth: usize,
    a: &Value,
    b: &Value,
) -> Result<bool, CallError> {
    context.nested(depth, |context| {
        let depth = depth.saturating_add(1);
        Ok(match (a, b) {
            (Value::Nil, Value::Nil) => true,
            _ if a.type_of() != b.type_of() => false,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(_, a), Value::Int(_, b)) => a == b,
            (Value::Uint(_, a), Value::Uint(_, b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Complex(a, i), Value::Complex(b, j)) => a == b && i == j,
            (Value::String(a), Value::String(b)) => {
                context.spend(a.len() as u64 >> 10)?;
                a == b
            }
            (Value::List(a), Value::List(b)) => lists_equal(context, depth, a, b)?,
            (Value::Map(a), Value::Map(b)) => maps_equal(context, depth, a, b)?,
            (Value::Object(a), Value::Object(b)) => a.deep_equals(&**b),
            (Value::NilPointer(_), Value::NilPointer(_)) => true,
            _ => false,
        })
    })
}

fn lists_equal(
    context: &mut Context<'_>,
    depth: usize,
    a: &List,
    b: &List,
) -> Result<bool, CallError> {
    if a.is_nil() != b.is_nil() || a.len() != b.len() {
        return Ok(false);
    }
    if a.is_same(b) {
        return Ok(true);
    }
    let (a, b) = (a.items(), b.items());
    all(a.iter().zip(b.iter()), |(a, b)| {
        equal_at(context, depth, a, b)
    })
}

fn maps_equal(
    context: &mut Context<'_>,
    depth: usize,
    a: &Map,
    b: &Map,
) -> Result<bool, CallError> {
    if a.is_nil() != b.is_nil() || a.len() != b.len() {
        return Ok(false);
    }
    if a.is_same(b) {
        return Ok(true);
    }
    // In a map that contains itself, a copy is held at every level.
    let entries = a.len().saturating_add(b.len());
    context.charge(entries.saturating_mul(size_of::<(Str, Value)>()))?;
    let (a, b) = (a.to_vec(), b.to_vec());
    all(a.iter().zip(&b), |((a_key, a), (b_key, b))| {
        Ok(a_key == b_key && equal_at(context, depth, a, b)?)
    })
}

/// Whether all of `pairs` pass, up to the first that does not.
fn all<T>(
    pairs: impl IntoIterator<Item = T>,
    mut passes: impl FnMut(T) -> Result<bool, CallError>,
) -> Result<bool, CallError> {
    for pair in pairs {
        if !passes(pair)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use sealed_template::{Limit, Type};

    use super::*;
    use crate::testing::with_context;

    fn is_equal(a: &Value, b: &Value) -> Result<bool, CallError> {
        with_context(|context| deep_equal(context, a, b))
    }

    #[test]
    fn types_and_nil_tell_values_apart() {
        let empty = || Value::from(List::of_any(Vec::new()));
        let list = |items: &[Value]| Value::from(List::of_any(items.to_vec()));
        for (a, b) in [
            (Value::int(1), Value::int64(1)),
            (Value::Nil, empty()),
            (List::nil(&Type::Any).into(), empty()),
            (Map::nil(&Type::Any).into(), Map::of_any([].into()).into()),
            (List::new(&Type::String, Vec::new()).into(), empty()),
            (f64::NAN.into(), f64::NAN.into()),
            (list(&[Value::int(1)]), list(&[Value::int(2)])),
        ] {
            assert_eq!(is_equal(&a, &b), Ok(false), "{a:?} {b:?}");
        }
    }

    #[test]
    fn contents_are_compared_unless_both_are_the_same() {
        let nested = || {
            Value::from(Map::of_any(
                [("a".into(), List::of_any(vec!["x".into()]).into())].into(),
            ))
        };
        assert_eq!(is_equal(&nested(), &nested()), Ok(true));
        let list = Value::from(List::of_any(vec![f64::NAN.into()]));
        assert_eq!(is_equal(&list, &list), Ok(true));
    }

    #[test]
    fn maps_that_contain_themselves_end_in_an_error() {
        with_context(|context| {
            let maps = [(); 2].map(|()| Map::of_any([].into()));
            for map in &maps {
                context.set(map, "self".into(), map.clone().into()).unwrap();
            }
            let [a, b] = maps.map(Value::from);
            assert_eq!(deep_equal(context, &a, &a), Ok(true));
            assert_eq!(
                deep_equal(context, &a, &b),
                Err(CallError::limit(Limit::ValueDepth))
            );
        });
    }
}
