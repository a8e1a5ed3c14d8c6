//! Reaching into nested dictionaries.

use sealed_template::{CallError, Map, Rest, Str, Type, Value};

/// The value at the end of a path of keys, or a default: `dig "a" "b" DEFAULT DICT`.
pub(super) fn dig(Rest(mut arguments): Rest<Value>) -> Result<Value, CallError> {
    let (Some(dict), Some(default)) = (arguments.pop(), arguments.pop()) else {
        return Err(too_few());
    };
    if arguments.is_empty() {
        return Err(too_few());
    }
    let mut dict = as_dict(&dict)?;
    let path = arguments
        .iter()
        .map(as_key)
        .collect::<Result<Vec<_>, _>>()?;
    let Some((last, path)) = path.split_last() else {
        return Err(too_few());
    };
    for key in path {
        match dict.get(key) {
            Some(step) => dict = as_dict(&step)?,
            None => return Ok(default),
        }
    }
    Ok(dict.get(last).unwrap_or(default))
}

fn too_few() -> CallError {
    CallError::new("dig needs at least three arguments")
}

fn as_dict(value: &Value) -> Result<Map, CallError> {
    match value {
        Value::Map(map) if *map.element() == Type::Any => Ok(map.clone()),
        other => Err(is_not(other, Type::ANY_MAP)),
    }
}

fn as_key(value: &Value) -> Result<Str, CallError> {
    match value {
        Value::String(key) => Ok(key.clone()),
        other => Err(is_not(other, Type::String)),
    }
}

/// What Go says of a type assertion that fails.
fn is_not(value: &Value, wanted: Type) -> CallError {
    let found = value
        .type_of()
        .map_or_else(|| "nil".to_owned(), |type_| type_.to_string());
    CallError::new(format!(
        "interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(key: &str, value: impl Into<Value>) -> Value {
        Map::of_any([(key.into(), value.into())].into()).into()
    }

    fn text(arguments: Vec<Value>) -> String {
        match dig(Rest(arguments)) {
            Ok(Value::String(text)) => text.to_text().into_owned(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => error.to_text().into_owned(),
        }
    }

    #[test]
    fn dig_leads_to_the_end_of_its_path_or_to_the_default() {
        let nested = dict("a", dict("b", "x"));
        let found = text(vec!["a".into(), "b".into(), "d".into(), nested.clone()]);
        assert_eq!(found, "x");
        let missing = text(vec!["a".into(), "c".into(), "d".into(), nested]);
        assert_eq!(missing, "d");
    }

    #[test]
    fn dig_fails_at_what_is_no_dict() {
        let path = vec!["a".into(), "b".into(), "d".into(), dict("a", "x")];
        assert_eq!(
            text(path),
            "interface conversion: interface {} is string, not map[string]interface {}"
        );
        let path = vec![Value::int(1), "d".into(), Value::Nil];
        assert_eq!(
            text(path),
            "interface conversion: interface {} is nil, not map[string]interface {}"
        );
        assert_eq!(
            text(vec!["d".into(), dict("a", "x")]),
            "dig needs at least three arguments"
        );
    }
}
