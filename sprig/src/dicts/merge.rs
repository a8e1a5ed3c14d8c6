//! Merging dictionaries as `mergo` does.

use sealed_template::{
    CallError, Context, Functions, Kind, Map, Mapping, Object, Rest, Str, Type, Value, is_exported,
};

use super::Dict;

/// What becomes of entries that are in both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// They stay unless they are empty.
    Keep,
    /// They are replaced.
    Overwrite,
}

/// How a merge ended.
#[derive(PartialEq, Eq)]
enum Outcome {
    Merged,
    /// It stopped where a pointer would have had to be merged with something else, the only case in which
    /// mergo returns an error. All others end in a panic.
    TypesDiffer,
}

pub(super) fn register(functions: &mut Functions) {
    let empty = || Ok("".into());
    let refuse = || Err(CallError::new("src and dst must be of same type"));
    functions
        .add("merge", merge(Policy::Keep, empty))
        .add("mergeOverwrite", merge(Policy::Overwrite, empty))
        .add("mustMerge", merge(Policy::Keep, refuse))
        .add("mustMergeOverwrite", merge(Policy::Overwrite, refuse));
}

/// A function that gives a dict the entries of others. Maps in both are merged too; maps in one are shared.
fn merge(
    policy: Policy,
    types_differ: fn() -> Result<Value, CallError>,
) -> impl Fn(&mut Context<'_>, Dict, Rest<Dict>) -> Result<Value, CallError> {
    move |context, mut destination, Rest(sources)| {
        for source in sources {
            if destination.is_nil() && !source.is_nil() {
                destination = Mapping::new([]);
            }
            match merge_maps(context, &destination, &source, policy, 0)? {
                Outcome::Merged => {}
                Outcome::TypesDiffer => return types_differ(),
            }
        }
        Ok(destination.into_map().into())
    }
}

fn merge_maps(
    context: &mut Context<'_>,
    destination: &Map,
    source: &Map,
    policy: Policy,
    depth: usize,
) -> Result<Outcome, CallError> {
    context.nested(depth, |context| {
        context.spend(u64::try_from(source.len()).unwrap_or(u64::MAX))?;
        for (key, new) in source.to_vec() {
            let old = destination.get(&key);
            if matches!(new, Value::Nil) {
                if policy == Policy::Overwrite {
                    write(context, destination, source, key, new)?;
                }
                continue;
            }
            if let Some(old) = &old
                && merge_values(context, old, &new, policy, depth)? == Outcome::TypesDiffer
            {
                return Ok(Outcome::TypesDiffer);
            }
            refuse_list_of_string(destination, old.as_ref(), &new)?;
            // Only here, since an empty map may have been filled.
            let is_kept = old.is_some_and(|old| {
                let are_maps = matches!((&old, &new), (Value::Map(_), Value::Map(_)));
                !is_empty(&old) && (are_maps || policy == Policy::Keep)
            });
            if !is_kept {
                write(context, destination, source, key, new)?;
            }
        }
        Ok(Outcome::Merged)
    })
}

/// Merges a map with a map. All other pairs either stay as they are or are refused.
fn merge_values(
    context: &mut Context<'_>,
    old: &Value,
    new: &Value,
    policy: Policy,
    depth: usize,
) -> Result<Outcome, CallError> {
    let kind = new.kind();
    if !matches!(kind, Kind::Map | Kind::Struct | Kind::Pointer) {
        return Ok(Outcome::Merged);
    }
    match (old, new) {
        (Value::Map(old), Value::Map(new)) if !old.is_nil() => {
            merge_maps(context, old, new, policy, depth.saturating_add(1))
        }
        (Value::Map(old), _) if old.is_nil() && kind == Kind::Struct => Err(CallError::new(
            "reflect: call of reflect.Value.IsNil on struct Value",
        )),
        (Value::Object(old), _) => Ok(merge_object(&**old, new, policy)?),
        _ => Ok(Outcome::Merged),
    }
}

/// What mergo makes of a pointer or struct and a map, pointer or struct.
fn merge_object(old: &dyn Object, new: &Value, policy: Policy) -> Result<Outcome, CallError> {
    let kind = new.kind();
    let has_exported_fields = || {
        let fields = old.fields();
        fields.iter().any(|(name, _)| is_exported(name))
    };
    match old.type_of().kind() {
        Kind::Struct if kind != Kind::Struct && has_exported_fields() => Err(CallError::new(
            format!("reflect: call of reflect.Value.Field on {kind} Value"),
        )),
        Kind::Pointer if kind != Kind::Pointer && policy == Policy::Keep => {
            let is_nil = matches!(new, Value::Map(map) if map.is_nil());
            let is_pointee = old.type_of().to_string() == format!("*{}", new.type_name());
            Ok(if is_nil || is_pointee {
                Outcome::Merged
            } else {
                Outcome::TypesDiffer
            })
        }
        _ => Ok(Outcome::Merged),
    }
}

/// Emptiness as mergo has it: complex numbers never are.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Complex(..)) && !value.is_true()
}

/// Writes what is in `source` to `destination`, whose values may be of a narrower type.
fn write(
    context: &mut Context<'_>,
    destination: &Map,
    source: &Map,
    key: Str,
    value: Value,
) -> Result<(), CallError> {
    if *destination.element() != Type::Any && destination.element() != source.element() {
        return Err(not_assignable(*source.element(), destination));
    }
    context.set(destination, key, value)
}

/// Lists are written to a map of strings before anything else is considered, which Go refuses.
fn refuse_list_of_string(
    destination: &Map,
    old: Option<&Value>,
    new: &Value,
) -> Result<(), CallError> {
    match (new, old) {
        (Value::List(_), Some(_)) if *destination.element() == Type::String => Err(CallError::new(
            "reflect: call of reflect.Value.IsNil on string Value",
        )),
        (Value::List(list), None) if *destination.element() == Type::String => {
            Err(not_assignable(list.type_of(), destination))
        }
        _ => Ok(()),
    }
}

fn not_assignable(type_: Type, destination: &Map) -> CallError {
    let element = destination.element();
    CallError::new(format!(
        "reflect.Value.SetMapIndex: value of type {type_} is not assignable to type {element}"
    ))
}

#[cfg(test)]
mod tests {
    use sealed_template::{Limit, List};

    use super::*;
    use crate::testing::with_context;

    /// Merges in a context that ends after the checks: its end clears maps that were written.
    fn merged(policy: Policy, old: &Map, new: Map, check: impl FnOnce(Result<Value, CallError>)) {
        let refuse = || Err(CallError::new("types differ"));
        let arguments = (old.clone().into(), Rest(vec![new.into()]));
        with_context(|context| check(merge(policy, refuse)(context, arguments.0, arguments.1)));
    }

    fn dict<const N: usize>(entries: [(&str, Value); N]) -> Map {
        let entries = entries.map(|(key, value)| (key.into(), value));
        Map::of_any(entries.into())
    }

    fn number(map: &Map, key: &str) -> Option<i64> {
        match map.get(key.as_bytes()) {
            Some(Value::Int(_, number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn merge_fills_in_only_what_is_missing_or_empty() {
        let old = dict([("a", Value::int(1)), ("b", Value::int(0)), ("c", "".into())]);
        let new = dict([
            ("a", Value::int(2)),
            ("b", Value::int(2)),
            ("c", Value::int(2)),
            ("d", Value::int(2)),
            ("e", Value::Nil),
        ]);
        merged(Policy::Keep, &old, new, |_| {
            let found = ["a", "b", "c", "d"].map(|key| number(&old, key));
            assert_eq!(found, [Some(1), Some(2), Some(2), Some(2)]);
            assert_eq!(old.len(), 4);
        });
    }

    #[test]
    fn merge_overwrite_takes_empty_values_too() {
        let old = dict([
            ("a", Value::int(1)),
            ("b", List::of_any(vec![Value::Nil]).into()),
        ]);
        let new = dict([("a", Value::Nil), ("b", List::of_any(vec![]).into())]);
        merged(Policy::Overwrite, &old, new, |_| {
            assert!(matches!(old.get(b"a"), Some(Value::Nil)));
            assert!(matches!(old.get(b"b"), Some(Value::List(list)) if list.is_empty()));
        });
    }

    #[test]
    fn maps_in_both_are_merged_and_maps_in_one_are_shared() {
        let ours = dict([("x", Value::int(1))]);
        let theirs = dict([("y", Value::int(2))]);
        let alone = dict([]);
        let old = dict([("m", ours.clone().into())]);
        let new = dict([("m", theirs.clone().into()), ("n", alone.clone().into())]);
        merged(Policy::Keep, &old, new, |_| {
            assert_eq!(number(&ours, "y"), Some(2));
            assert_eq!(theirs.len(), 1);
            assert!(matches!(old.get(b"n"), Some(Value::Map(map)) if map.is_same(&alone)));
        });
    }

    #[test]
    fn of_two_empty_maps_that_of_the_source_is_taken() {
        let (ours, theirs) = (dict([]), dict([]));
        let old = dict([("m", ours.into())]);
        let new = dict([("m", theirs.clone().into())]);
        merged(Policy::Keep, &old, new, |_| {
            assert!(matches!(old.get(b"m"), Some(Value::Map(map)) if map.is_same(&theirs)));
        });
    }

    #[test]
    fn maps_of_strings_stay_such() {
        let expect = |new: Value, text: &str| {
            let strings = Map::of_strings([("a".into(), "".into())]);
            let old = dict([("m", strings.into())]);
            let new = dict([("m", dict([("a", new)]).into())]);
            merged(Policy::Keep, &old, new, |result| {
                assert_eq!(result.expect_err("a string"), CallError::new(text));
            });
        };
        expect(
            "x".into(),
            "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string",
        );
        expect(
            List::of_any(vec![]).into(),
            "reflect: call of reflect.Value.IsNil on string Value",
        );
    }

    #[test]
    fn maps_that_contain_themselves_are_an_error() {
        let (old, new) = (dict([]), dict([]));
        with_context(|context| {
            for map in [&old, &new] {
                context
                    .set(map, "m".into(), map.clone().into())
                    .expect("set");
            }
            let error = merge_maps(context, &old, &new, Policy::Keep, 0).err();
            let limit = error.and_then(|error| error.passed_limit());
            assert_eq!(limit, Some(Limit::ValueDepth));
        });
    }
}
