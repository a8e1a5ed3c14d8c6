//! JSON as values.

mod string;

use std::collections::BTreeMap;

use sealed_template::strconv::{parse_float, quote};
use sealed_template::{CallError, Context, List, Map, Str, Value};

/// How deep lists and maps may nest: Go's limit.
const MAX_DEPTH: usize = 10_000;

/// What a text says.
pub(super) struct Decoded {
    pub(super) value: Value,
    /// The first number that is too large for a `float64`. There is nil in its place.
    too_large: Option<Vec<u8>>,
}

impl Decoded {
    /// The value, unless it is incomplete.
    pub(super) fn into_result(self) -> Result<Value, CallError> {
        let Some(number) = self.too_large else {
            return Ok(self.value);
        };
        let mut text = b"json: cannot unmarshal number ".to_vec();
        text.extend_from_slice(&number);
        text.extend_from_slice(b" into Go value of type float64");
        Err(CallError::new(text))
    }
}

/// Reads JSON. All numbers are of type `float64`; the last of several entries with one key wins; what is not
/// UTF-8 becomes U+FFFD.
pub(super) fn decode(context: &mut Context<'_>, text: &[u8]) -> Result<Decoded, CallError> {
    let mut decoder = Decoder::new(text);
    let value = decoder.document(context)?;
    Ok(Decoded {
        value,
        too_large: decoder.too_large,
    })
}

/// Reads from left to right without recursion, and stops at the first byte that Go's scanner stops at.
struct Decoder<'t> {
    rest: &'t [u8],
    open: Vec<Open>,
    too_large: Option<Vec<u8>>,
}

/// A list or map whose end is yet to come.
enum Open {
    List(Vec<Value>),
    Map {
        entries: BTreeMap<Str, Value>,
        key: Str,
    },
}

impl<'t> Decoder<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            rest: text,
            open: Vec::new(),
            too_large: None,
        }
    }

    fn document(&mut self, context: &mut Context<'_>) -> Result<Value, CallError> {
        loop {
            context.charge(size_of::<(Str, Value)>())?;
            context.spend(1)?;
            let Some(mut value) = self.value(context)? else {
                continue;
            };
            // The value may be the last in many lists and maps.
            loop {
                match self.open.last_mut() {
                    None => return self.end().map(|()| value),
                    Some(Open::List(items)) => {
                        items.push(value);
                        match self.skip_blanks() {
                            Some(b',') => {
                                self.advance(1);
                                break;
                            }
                            Some(b']') => value = self.close(),
                            _ => return Err(self.unexpected("after array element")),
                        }
                    }
                    Some(Open::Map { entries, key }) => {
                        entries.insert(key.clone(), value);
                        match self.skip_blanks() {
                            Some(b',') => {
                                self.advance(1);
                                self.key(context)?;
                                break;
                            }
                            Some(b'}') => value = self.close(),
                            _ => return Err(self.unexpected("after object key:value pair")),
                        }
                    }
                }
            }
        }
    }

    /// Reads a value; none if a list or map was opened that has something in it.
    fn value(&mut self, context: &mut Context<'_>) -> Result<Option<Value>, CallError> {
        Ok(Some(match self.skip_blanks() {
            Some(b'[') => {
                self.open(Open::List(Vec::new()))?;
                if self.skip_blanks() != Some(b']') {
                    return Ok(None);
                }
                self.close()
            }
            Some(b'{') => {
                let entries = BTreeMap::new();
                let key = "".into();
                self.open(Open::Map { entries, key })?;
                if self.skip_blanks() != Some(b'}') {
                    self.key(context)?;
                    return Ok(None);
                }
                self.close()
            }
            Some(b'"') => {
                self.advance(1);
                Value::String(self.string(context)?)
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true", Value::Bool(true))?,
            Some(b'f') => self.literal("false", Value::Bool(false))?,
            Some(b'n') => self.literal("null", Value::Nil)?,
            _ => return Err(self.unexpected("looking for beginning of value")),
        }))
    }

    fn open(&mut self, open: Open) -> Result<(), CallError> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.unexpected("exceeded max depth"));
        }
        self.open.push(open);
        self.advance(1);
        Ok(())
    }

    /// Takes the closing bracket of what was opened last, and returns what that has become.
    fn close(&mut self) -> Value {
        self.advance(1);
        match self.open.pop() {
            Some(Open::List(items)) => List::of_any(items).into(),
            Some(Open::Map { entries, .. }) => Map::of_any(entries).into(),
            None => Value::Nil,
        }
    }

    /// Reads a key and its colon.
    fn key(&mut self, context: &mut Context<'_>) -> Result<(), CallError> {
        if self.skip_blanks() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        self.advance(1);
        let name = self.string(context)?;
        if self.skip_blanks() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.advance(1);
        if let Some(Open::Map { key, .. }) = self.open.last_mut() {
            *key = name;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), CallError> {
        match self.skip_blanks() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("after top-level value")),
        }
    }

    /// Reads a word that stands for `value`.
    fn literal(&mut self, word: &str, value: Value) -> Result<Value, CallError> {
        for letter in word.bytes() {
            if self.peek() != letter {
                let expected = char::from(letter);
                return Err(self.invalid(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.advance(1);
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, CallError> {
        let start = self.rest;
        if self.peek() == b'-' {
            self.advance(1);
        }
        // Nothing may follow a leading zero.
        if self.peek() == b'0' {
            self.advance(1);
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == b'.' {
            self.advance(1);
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.advance(1);
            if matches!(self.peek(), b'+' | b'-') {
                self.advance(1);
            }
            self.digits("in exponent of numeric literal")?;
        }
        let len = start.len().saturating_sub(self.rest.len());
        let text = start.get(..len).unwrap_or_default();
        Ok(parse_float(text).map_or_else(
            |_| {
                self.too_large.get_or_insert_with(|| text.to_vec());
                Value::Nil
            },
            Value::Float,
        ))
    }

    /// Skips digits, of which there must be one at least.
    fn digits(&mut self, place: &str) -> Result<(), CallError> {
        if !self.peek().is_ascii_digit() {
            return Err(self.invalid(place));
        }
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        self.advance(digits.count());
        Ok(())
    }

    fn skip_blanks(&mut self) -> Option<u8> {
        let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | b'\n');
        self.advance(self.rest.iter().take_while(is_blank).count());
        self.rest.first().copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The next byte. At the end it is a blank: Go's scanner is given one there to see whether that completes
    /// what it is in.
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(b' ')
    }

    /// The error for a byte that may not follow, or for the end where something has to.
    fn unexpected(&self, place: &str) -> CallError {
        if self.rest.is_empty() {
            return end_of_input();
        }
        self.invalid(place)
    }

    /// The error for a byte that may not follow.
    fn invalid(&self, place: &str) -> CallError {
        let quoted = match self.peek() {
            b'\'' => b"\\'".to_vec(),
            b'"' => b"\"".to_vec(),
            byte => {
                let quoted = quote(char::from(byte).to_string().as_bytes());
                let inner = quoted.get(1..quoted.len().saturating_sub(1));
                inner.unwrap_or_default().to_vec()
            }
        };
        let parts: [&[u8]; 4] = [b"invalid character '", &quoted, b"' ", place.as_bytes()];
        CallError::new(parts.concat())
    }
}

fn end_of_input() -> CallError {
    CallError::new("unexpected end of JSON input")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode::{Form, encode};
    use crate::testing::with_context;

    /// What is read, written as JSON again, or why it cannot be read.
    fn read(text: &[u8]) -> String {
        let result = with_context(|context| {
            let value = decode(context, text)?.into_result()?;
            encode(context, &value, Form::Raw)
        });
        match result {
            Ok(json) => json.to_text().into_owned(),
            Err(error) => error.to_text().into_owned(),
        }
    }

    #[test]
    fn values_are_what_go_reads() {
        for (text, json) in [
            (" null ", "null"),
            ("[1,-0,2.50,1E3,0.1e1]", "[1,-0,2.5,1000,1]"),
            (r#"{"b":[],"a":{},"b":[{}]}"#, r#"{"a":{},"b":[{}]}"#),
        ] {
            assert_eq!(read(text.as_bytes()), json, "{text}");
        }
    }

    #[test]
    fn the_first_byte_that_does_not_fit_is_named() {
        for (text, place) in [
            ("x", "'x' looking for beginning of value"),
            ("'", r"'\'' looking for beginning of value"),
            ("\u{a0}", "'Â' looking for beginning of value"),
            ("[1,]", "']' looking for beginning of value"),
            ("[1 2]", "'2' after array element"),
            ("{1", "'1' looking for beginning of object key string"),
            (
                "{\"a\":1,}",
                "'}' looking for beginning of object key string",
            ),
            ("{\"a\" 1}", "'1' after object key"),
            ("{\"a\":1 \"", "'\"' after object key:value pair"),
            ("01", "'1' after top-level value"),
            ("-a", "'a' in numeric literal"),
            ("1.e", "'e' after decimal point in numeric literal"),
            ("1e+ ", "' ' in exponent of numeric literal"),
            ("trux", "'x' in literal true (expecting 'e')"),
            // A blank stands for the end in what a blank cannot end.
            ("-", "' ' in numeric literal"),
            ("nul", "' ' in literal null (expecting 'l')"),
        ] {
            let error = format!("invalid character {place}");
            assert_eq!(read(text.as_bytes()), error, "{text}");
        }
        for text in ["", " ", "[", "[1", "[1,", "{", "{\"a\"", "{\"a\":", "\"a"] {
            let error = "unexpected end of JSON input";
            assert_eq!(read(text.as_bytes()), error, "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_nil_and_the_first_is_named() {
        let text = b"[1e999,-2e999,1e-999]";
        assert_eq!(
            read(text),
            "json: cannot unmarshal number 1e999 into Go value of type float64"
        );
        let value = with_context(|context| decode(context, text).expect("JSON").value);
        let Value::List(list) = value else {
            panic!("{value:?}");
        };
        assert!(matches!(list.get(0), Some(Value::Nil)));
        assert!(matches!(list.get(2), Some(Value::Float(number)) if number.abs() < 1e-300));
    }

    #[test]
    fn ten_thousand_levels_are_read_and_no_more() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let read = |text: String| with_context(|context| decode(context, text.as_bytes()).err());
        assert_eq!(read(nested(10_000)), None);
        let error = CallError::new("invalid character '[' exceeded max depth");
        assert_eq!(read(nested(10_001)), Some(error));
    }
}
