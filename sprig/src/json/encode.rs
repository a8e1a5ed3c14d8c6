//! Values as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealed_template::strconv::{append_int, append_uint};
use sealed_template::{
    Buffer, CallError, Context, Kind, List, Map, Method, Object, Str, Value, is_exported,
};

use super::indent::indent;
use super::text::{write_float, write_marshaled, write_string};

/// Go looks for values that contain themselves only this deep in others.
const LEVELS_WITHOUT_CYCLES: usize = 1000;

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// On one line, with `<`, `>` and `&` escaped.
    Compact,
    /// Indented by two blanks, with `<`, `>` and `&` escaped.
    Pretty,
    /// On one line, with `<`, `>` and `&` as they are.
    Raw,
}

/// Writes `value` as JSON.
pub(super) fn encode(
    context: &mut Context<'_>,
    value: &Value,
    form: Form,
) -> Result<Str, CallError> {
    let mut encoder = Encoder {
        escapes_html: form != Form::Raw,
        out: Buffer::new(),
        outer: Vec::new(),
    };
    // Sprig hands over a pointer to the value then, which counts where Go looks for cycles.
    let level = usize::from(form == Form::Raw);
    encoder.write(context, value, level)?;
    match form {
        Form::Compact | Form::Raw => Ok(encoder.out.into()),
        Form::Pretty => indent(context, &encoder.out).map(Str::from),
    }
}

struct Encoder {
    escapes_html: bool,
    out: Buffer,
    /// The lists and maps that hold the value being written, from the level on where that is of interest.
    outer: Vec<Value>,
}

impl Encoder {
    /// Writes a value that `level` lists, maps and pointers hold.
    fn write(
        &mut self,
        context: &mut Context<'_>,
        value: &Value,
        level: usize,
    ) -> Result<(), CallError> {
        match value {
            Value::List(list) if !list.is_nil() && !list.is_bytes() => {
                self.enter(context, value, level, |encoder, context, level| {
                    encoder.write_list(context, list, level)
                })
            }
            Value::Map(map) if !map.is_nil() => {
                self.enter(context, value, level, |encoder, context, level| {
                    encoder.write_map(context, map, level)
                })
            }
            Value::Object(object) => self.write_object(context, value, &**object, level),
            _ => {
                let start = self.out.len();
                self.write_scalar(value)?;
                context.charge(self.out.len().saturating_sub(start))
            }
        }
    }

    /// Writes a list or map, unless it is in itself.
    fn enter(
        &mut self,
        context: &mut Context<'_>,
        value: &Value,
        level: usize,
        write: impl FnOnce(&mut Self, &mut Context<'_>, usize) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        let level = level.saturating_add(1);
        if level <= LEVELS_WITHOUT_CYCLES {
            return context.nested(level, |context| write(self, context, level));
        }
        context.spend(u64::try_from(self.outer.len()).unwrap_or(u64::MAX) / 16)?;
        if self.outer.iter().any(|outer| is_same(outer, value)) {
            return Err(unsupported_value(&format!(
                "encountered a cycle via {}",
                value.type_name()
            )));
        }
        self.outer.push(value.clone());
        context.nested(level, |context| write(self, context, level))?;
        self.outer.pop();
        Ok(())
    }

    fn write_list(
        &mut self,
        context: &mut Context<'_>,
        list: &List,
        level: usize,
    ) -> Result<(), CallError> {
        context.charge(list.len().saturating_add(2))?;
        context.spend(u64::try_from(list.len()).unwrap_or(u64::MAX))?;
        self.out.push(b'[');
        for (index, item) in list.items().iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.write(context, item, level)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn write_map(
        &mut self,
        context: &mut Context<'_>,
        map: &Map,
        level: usize,
    ) -> Result<(), CallError> {
        context.charge(map.len().saturating_mul(size_of::<(Str, Value)>()))?;
        context.spend(u64::try_from(map.len()).unwrap_or(u64::MAX))?;
        let entries = map.to_vec();
        self.write_entries(
            context,
            entries.iter().map(|(key, value)| (&**key, value)),
            level,
        )
    }

    fn write_entries<'v>(
        &mut self,
        context: &mut Context<'_>,
        entries: impl Iterator<Item = (&'v [u8], &'v Value)>,
        level: usize,
    ) -> Result<(), CallError> {
        self.out.push(b'{');
        for (index, (key, value)) in entries.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            let start = self.out.len();
            write_string(&mut self.out, key, self.escapes_html);
            self.out.push(b':');
            context.charge(self.out.len().saturating_sub(start))?;
            self.write(context, value, level)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes a value of a named type: by its own method if it has one, else as the number or struct it is.
    fn write_object(
        &mut self,
        context: &mut Context<'_>,
        value: &Value,
        object: &dyn Object,
        level: usize,
    ) -> Result<(), CallError> {
        let start = self.out.len();
        if let Some(json) = marshal(context, value, object, "MarshalJSON")? {
            write_marshaled(&mut self.out, &json, self.escapes_html);
        } else if let Some(text) = marshal(context, value, object, "MarshalText")? {
            write_string(&mut self.out, &text, self.escapes_html);
        } else if let Some(number) = object.underlying() {
            self.write_scalar(&number)?;
        } else {
            let is_pointer = object.type_of().kind() == Kind::Pointer;
            let level = level.saturating_add(usize::from(is_pointer));
            let mut fields = object.fields();
            fields.retain(|(name, _)| is_exported(name));
            let entries = fields.iter().map(|(name, value)| (name.as_bytes(), value));
            return context.nested(level, |context| self.write_entries(context, entries, level));
        }
        context.charge(self.out.len().saturating_sub(start))
    }

    fn write_scalar(&mut self, value: &Value) -> Result<(), CallError> {
        match value {
            Value::Bool(bool) => self.out.extend_from_slice(bool.to_string().as_bytes()),
            Value::Int(_, number) => append_int(&mut self.out, *number, 10),
            Value::Uint(_, number) => append_uint(&mut self.out, *number, 10),
            Value::Float(number) => {
                write_float(&mut self.out, *number).map_err(|name| unsupported_value(&name))?;
            }
            Value::String(text) => write_string(&mut self.out, text, self.escapes_html),
            Value::List(list) if !list.is_nil() => {
                self.out.push(b'"');
                let text = STANDARD.encode(list.to_bytes());
                self.out.extend_from_slice(text.as_bytes());
                self.out.push(b'"');
            }
            Value::Complex(..) => {
                let name = value.type_name();
                return Err(CallError::new(format!("json: unsupported type: {name}")));
            }
            _ => self.out.extend_from_slice(b"null"),
        }
        Ok(())
    }
}

/// What the method `name` of an object returns; none if there is no such method.
fn marshal(
    context: &mut Context<'_>,
    value: &Value,
    object: &dyn Object,
    name: &str,
) -> Result<Option<Vec<u8>>, CallError> {
    let Some(method @ Method::Callable(_)) = object.methods().get(name) else {
        return Ok(None);
    };
    match method.call(context, value.clone(), Vec::new()) {
        Ok(Value::List(list)) => Ok(Some(list.to_bytes())),
        Ok(_) => Ok(None),
        Err(error) => {
            let type_ = object.type_of();
            Err(error.prefixed(format!("json: error calling {name} for type {type_}: ")))
        }
    }
}

fn unsupported_value(what: &str) -> CallError {
    CallError::new(format!("json: unsupported value: {what}"))
}

/// Whether both are the same list or map, not merely equal ones.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.is_same(b),
        (Value::Map(a), Value::Map(b)) => a.is_same(b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sealed_template::{Limit, Type, UintType};

    use super::*;
    use crate::testing::{with_context, with_steps};

    fn json(value: impl Into<Value>, form: Form) -> String {
        let result = with_context(|context| encode(context, &value.into(), form));
        match result {
            Ok(json) => json.to_text().into_owned(),
            Err(error) => error.to_text().into_owned(),
        }
    }

    #[test]
    fn nil_is_null_empty_is_empty_and_bytes_are_base64() {
        let bytes = vec![Value::Uint(UintType::Uint8, 251); 4];
        for (value, text) in [
            (Value::Nil, "null"),
            (List::nil(&Type::Any).into(), "null"),
            (List::of_any(vec![]).into(), "[]"),
            (Map::nil(&Type::Any).into(), "null"),
            (Map::of_any([].into()).into(), "{}"),
            (
                List::new(&Type::Uint(UintType::Uint8), bytes).into(),
                "\"+/v7+w==\"",
            ),
            (
                Value::Complex(1.0, 0.0),
                "json: unsupported type: complex128",
            ),
        ] {
            assert_eq!(json(value, Form::Compact), text);
        }
    }

    #[test]
    fn pretty_json_keeps_empty_lists_and_maps_together() {
        let empty = || Value::from(List::of_any(vec![]));
        let text = Value::from("a[,:\\\"{");
        let map = Map::of_any([("k".into(), empty()), ("l".into(), text)].into());
        let list = List::of_any(vec![empty(), map.into()]);
        assert_eq!(
            json(list, Form::Pretty),
            "[\n  [],\n  {\n    \"k\": [],\n    \"l\": \"a[,:\\\\\\\"{\"\n  }\n]"
        );
    }

    #[test]
    fn what_contains_itself_is_refused_in_go_s_words() {
        with_context(|context| {
            let map = Map::of_any([].into());
            let list = List::of_any(vec![map.clone().into()]);
            context.set(&map, "l".into(), list.into()).expect("set");
            let mut error = |form| {
                let result = encode(context, &map.clone().into(), form);
                result.expect_err("a cycle").to_text().into_owned()
            };
            let cycle = "json: unsupported value: encountered a cycle via ";
            assert_eq!(
                error(Form::Compact),
                format!("{cycle}map[string]interface {{}}")
            );
            // One level is the pointer that Sprig hands over.
            assert_eq!(error(Form::Raw), format!("{cycle}[]interface {{}}"));
        });
    }

    #[test]
    fn what_is_shared_many_times_uses_up_the_steps() {
        let mut value = Value::int(1);
        for _ in 0..40 {
            value = List::of_any(vec![value.clone(), value]).into();
        }
        let result = with_steps(1_000, |context| encode(context, &value, Form::Compact));
        let error = result.expect_err("2^40 numbers");
        assert_eq!(error.passed_limit(), Some(Limit::Steps));
    }
}
