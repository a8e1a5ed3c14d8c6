//! Functions for dictionaries.

mod copy;
mod dig;
mod merge;

use std::collections::{BTreeMap, BTreeSet};

use sealed_template::{CallError, Context, Functions, Mapping, Rest, Slice, Str, Value};

use crate::strings::strval;

/// A Go `map[string]interface {}`.
type Dict = Mapping<Value>;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("dict", dict)
        .add("get", |dict: Dict, key: Str| {
            dict.get(&key).unwrap_or_else(|| "".into())
        })
        .add("set", set)
        .add("unset", |dict: Dict, key: Str| {
            dict.remove(&key);
            dict
        })
        .add("hasKey", |dict: Dict, key: Str| dict.get(&key).is_some())
        .add("pluck", |key: Str, dicts: Rest<Dict>| pluck(&key, &dicts))
        .add("keys", keys)
        .add("values", |context: &mut Context<'_>, dict: Dict| {
            values(context, &dict)
        })
        .add("pick", |dict: Dict, keys: Rest<Str>| pick(&dict, keys))
        .add(
            "omit",
            |context: &mut Context<'_>, dict: Dict, keys: Rest<Str>| omit(context, &dict, keys),
        )
        .add("dig", dig::dig);
    merge::register(functions);
    for name in ["deepCopy", "mustDeepCopy"] {
        functions.add(name, |context: &mut Context<'_>, value: Value| {
            copy::deep_copy(context, &value)
        });
    }
}

/// Keys and values by turns; a last key without a value gets the empty string.
fn dict(context: &mut Context<'_>, Rest(items): Rest<Value>) -> Result<Dict, CallError> {
    let mut entries = BTreeMap::new();
    let mut items = items.into_iter();
    while let Some(key) = items.next() {
        let key = strval(context, &key)?;
        entries.insert(key, items.next().unwrap_or_else(|| "".into()));
    }
    Ok(Mapping::new(entries))
}

fn set(context: &mut Context<'_>, dict: Dict, key: Str, value: Value) -> Result<Dict, CallError> {
    context.set(&dict, key, value)?;
    Ok(dict)
}

/// The values of `key` in those of `dicts` that have it.
fn pluck(key: &[u8], Rest(dicts): &Rest<Dict>) -> Slice<Value> {
    Slice::new(dicts.iter().filter_map(|dict| dict.get(key)))
}

/// The keys of all `dicts`, sorted within each. Go's are in random order.
fn keys(context: &mut Context<'_>, Rest(dicts): Rest<Dict>) -> Result<Slice<Str>, CallError> {
    let mut keys = Vec::new();
    for dict in dicts {
        keys.extend(entries(context, &dict)?.into_iter().map(|(key, _)| key));
    }
    Ok(Slice::new(keys))
}

/// The values in the order of their keys. Go's are in random order.
fn values(context: &mut Context<'_>, dict: &Dict) -> Result<Slice<Value>, CallError> {
    let entries = entries(context, dict)?;
    Ok(Slice::new(entries.into_iter().map(|(_, value)| value)))
}

fn pick(dict: &Dict, Rest(keys): Rest<Str>) -> Dict {
    let entries = keys
        .into_iter()
        .filter_map(|key| dict.get(&key).map(|value| (key, value)));
    Mapping::new(entries)
}

fn omit(context: &mut Context<'_>, dict: &Dict, Rest(keys): Rest<Str>) -> Result<Dict, CallError> {
    let keys: BTreeSet<_> = keys.into_iter().collect();
    let mut entries = entries(context, dict)?;
    entries.retain(|(key, _)| !keys.contains(key));
    Ok(Mapping::new(entries))
}

/// The entries, and the work of copying them accounted for.
fn entries(context: &mut Context<'_>, dict: &Dict) -> Result<Vec<(Str, Value)>, CallError> {
    context.spend(u64::try_from(dict.len()).unwrap_or(u64::MAX))?;
    context.charge(dict.len().saturating_mul(size_of::<(Str, Value)>()))?;
    Ok(dict.to_vec())
}

#[cfg(test)]
mod tests {
    use sealed_template::{List, Map};

    use super::*;
    use crate::testing::call;

    fn one(key: &str, value: impl Into<Value>) -> Map {
        Map::of_any([(key.into(), value.into())].into())
    }

    fn keys_of(value: &Value) -> Vec<String> {
        let Value::Map(map) = value else {
            panic!("{value:?}");
        };
        let keys = map.to_vec();
        keys.iter()
            .map(|(key, _)| key.to_text().into_owned())
            .collect()
    }

    #[test]
    fn dict_keeps_the_last_of_equal_keys_even_without_a_value() {
        let dict = call("dict", vec!["a".into(), Value::int(1), "a".into()]);
        let Ok(Value::Map(dict)) = dict else {
            panic!("no dict");
        };
        assert!(matches!(dict.get(b"a"), Some(Value::String(text)) if text.is_empty()));
    }

    #[test]
    fn dict_prints_keys_that_are_no_strings() {
        let dict = call("dict", vec![Value::int(1), Value::int(2)]).expect("a dict");
        assert_eq!(keys_of(&dict), ["1"]);
    }

    #[test]
    fn set_and_unset_change_the_dict_itself() {
        let dict = one("a", Value::int(1));
        call("set", vec![dict.clone().into(), "b".into(), Value::Nil]).expect("set");
        assert!(matches!(dict.get(b"b"), Some(Value::Nil)));
        call("unset", vec![dict.clone().into(), "a".into()]).expect("unset");
        assert_eq!(dict.len(), 1);
    }

    #[test]
    fn nil_dicts_can_be_read_but_not_written() {
        let error = call("set", vec![Value::Nil, "a".into(), Value::Nil]).expect_err("nil");
        assert_eq!(error, CallError::new("assignment to entry in nil map"));
        let Ok(Value::Map(dict)) = call("unset", vec![Value::Nil, "a".into()]) else {
            panic!("no dict");
        };
        assert!(dict.is_nil());
    }

    #[test]
    fn pick_and_omit_make_new_dicts() {
        let dict = Map::of_any([("a".into(), Value::Nil), ("b".into(), Value::Nil)].into());
        let arguments = || vec![dict.clone().into(), "a".into(), "x".into()];
        assert_eq!(keys_of(&call("pick", arguments()).expect("pick")), ["a"]);
        assert_eq!(keys_of(&call("omit", arguments()).expect("omit")), ["b"]);
        assert_eq!(dict.len(), 2);
    }

    #[test]
    fn pluck_skips_dicts_without_the_key() {
        let arguments = vec!["a".into(), one("a", "1").into(), one("b", "2").into()];
        let Ok(Value::List(values)) = call("pluck", arguments) else {
            panic!("no list");
        };
        assert_eq!(values.len(), 1);
    }

    #[test]
    fn keys_is_a_list_of_strings() {
        let keys = call("keys", vec![one("a", List::of_any(vec![])).into()]).expect("keys");
        assert_eq!(keys.type_name(), "[]string");
    }
}
