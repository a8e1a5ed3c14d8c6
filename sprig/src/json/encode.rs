//! Values as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealed_template::strconv::{Notation, append_float, append_int, append_uint, format_float};
use sealed_template::{
    CallError, Context, Kind, List, Map, Method, Object, Str, Type, UintType, Value, utf8,
};

use super::indent::indent;

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
        out: Vec::new(),
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
    out: Vec<u8>,
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
            Value::List(list) if !list.is_nil() && !is_bytes(list) => {
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
            self.write_string(key);
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
            self.write_marshaled(&json);
        } else if let Some(text) = marshal(context, value, object, "MarshalText")? {
            self.write_string(&text);
        } else if let Some(number) = object.underlying() {
            self.write_scalar(&number)?;
        } else {
            let is_pointer = object.type_of().kind() == Kind::Pointer;
            let level = level.saturating_add(usize::from(is_pointer));
            let mut fields = object.fields();
            fields.retain(|(name, _)| name.starts_with(char::is_uppercase));
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
            Value::Float(number) => self.write_float(*number)?,
            Value::String(text) => self.write_string(text),
            Value::List(list) if !list.is_nil() => {
                self.out.push(b'"');
                let text = STANDARD.encode(bytes(list));
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

    /// As JavaScript writes numbers, except for -0.
    fn write_float(&mut self, number: f64) -> Result<(), CallError> {
        if !number.is_finite() {
            let name = format_float(number, Notation::General, None);
            return Err(unsupported_value(&name));
        }
        let magnitude = number.abs();
        if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
            append_float(&mut self.out, number, Notation::Fixed, None);
        } else {
            let text = format_float(number, Notation::Exponent, None);
            // JavaScript does not pad the exponent.
            self.out
                .extend_from_slice(text.replace("e-0", "e-").as_bytes());
        }
        Ok(())
    }

    fn write_string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for (char, bytes) in utf8::runes(text) {
            match char {
                '"' | '\\' => self.out.extend_from_slice(&[b'\\', char as u8]),
                '\u{8}' => self.out.extend_from_slice(b"\\b"),
                '\u{c}' => self.out.extend_from_slice(b"\\f"),
                '\n' => self.out.extend_from_slice(b"\\n"),
                '\r' => self.out.extend_from_slice(b"\\r"),
                '\t' => self.out.extend_from_slice(b"\\t"),
                '\0'..' ' | '\u{2028}' | '\u{2029}' => self.write_escape(char),
                '<' | '>' | '&' if self.escapes_html => self.write_escape(char),
                char::REPLACEMENT_CHARACTER if bytes.len() == 1 => self.write_escape(char),
                _ => self.out.extend_from_slice(bytes),
            }
        }
        self.out.push(b'"');
    }

    /// Writes what a method made, which is JSON without needless blanks.
    fn write_marshaled(&mut self, json: &[u8]) {
        for (char, bytes) in utf8::runes(json) {
            match char {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if self.escapes_html => {
                    self.write_escape(char);
                }
                _ => self.out.extend_from_slice(bytes),
            }
        }
    }

    fn write_escape(&mut self, char: char) {
        let escape = format!("\\u{:04x}", u32::from(char));
        self.out.extend_from_slice(escape.as_bytes());
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
        Ok(Value::List(list)) => Ok(Some(bytes(&list))),
        Ok(_) => Ok(None),
        Err(error) if error.passed_limit().is_some() => Err(error),
        Err(error) => {
            let type_ = object.type_of();
            let mut text = format!("json: error calling {name} for type {type_}: ").into_bytes();
            text.extend_from_slice(error.text());
            Err(CallError::new(text))
        }
    }
}

fn unsupported_value(what: &str) -> CallError {
    CallError::new(format!("json: unsupported value: {what}"))
}

fn is_bytes(list: &List) -> bool {
    *list.element() == Type::Uint(UintType::Uint8)
}

/// The bytes that a `[]uint8` holds.
fn bytes(list: &List) -> Vec<u8> {
    let byte = |item: &Value| match item {
        Value::Uint(UintType::Uint8, byte) => u8::try_from(*byte).ok(),
        _ => None,
    };
    list.items().iter().filter_map(byte).collect()
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
    use sealed_template::Limit;

    use super::*;
    use crate::testing::{with_context, with_steps};

    fn json(value: impl Into<Value>, form: Form) -> String {
        let result = with_context(|context| encode(context, &value.into(), form));
        match result {
            Ok(json) => json.to_text().into_owned(),
            Err(error) => String::from_utf8_lossy(error.text()).into_owned(),
        }
    }

    #[test]
    fn strings_are_escaped_for_html_unless_raw() {
        let text = Str::from(&b"<a href=\"&\">\\/\n\x01\x7f\xff\xe2\x80\xa8"[..]);
        assert_eq!(
            json(text.clone(), Form::Compact),
            "\"\\u003ca href=\\\"\\u0026\\\"\\u003e\\\\/\\n\\u0001\x7f\\ufffd\\u2028\""
        );
        assert_eq!(
            json(text, Form::Raw),
            "\"<a href=\\\"&\\\">\\\\/\\n\\u0001\x7f\\ufffd\\u2028\""
        );
    }

    #[test]
    fn numbers_have_an_exponent_where_javascript_gives_them_one() {
        for (number, text) in [
            (100.0, "100"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-0.0, "-0"),
            (f64::NAN, "json: unsupported value: NaN"),
            (f64::NEG_INFINITY, "json: unsupported value: -Inf"),
        ] {
            assert_eq!(json(number, Form::Compact), text);
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
                String::from_utf8_lossy(result.expect_err("a cycle").text()).into_owned()
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
