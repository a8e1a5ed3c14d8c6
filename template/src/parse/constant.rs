//! Numeric constants.
//!
//! A constant has no type: it is whatever it is needed as, if that loses nothing.

use super::item::{Item, ItemKind};
use super::quoting;
use super::scan::{DECIMAL, HEXADECIMAL, accept, skip_magnitude, taken};
use crate::strconv;
use crate::tree::{Number, Span};

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// The number that an item stands for, or what is wrong with it.
pub(super) fn number(item: Item<'_>) -> Result<Number, Vec<u8>> {
    let span = item.span();
    match item.kind {
        ItemKind::CharConstant => character(span, item.text),
        ItemKind::Complex => {
            complex(item.text).map(|(real, imaginary)| from_complex(span, real, imaginary))
        }
        _ => real_or_imaginary(span, item.text),
    }
}

fn character(span: Span, text: &[u8]) -> Result<Number, Vec<u8>> {
    let inside = text.get(1..).unwrap_or_default();
    let (char, rest) = strconv::unquote_char(inside, b'\'').ok_or("invalid syntax")?;
    if rest != b"'" {
        return Err([b"malformed character constant: ", text].concat());
    }
    let code = char.code();
    Ok(Number {
        text: span,
        int: Some(code.into()),
        uint: Some(code.into()),
        float: Some(code.into()),
        complex: None,
    })
}

fn real_or_imaginary(span: Span, text: &[u8]) -> Result<Number, Vec<u8>> {
    let imaginary = text.strip_suffix(b"i").map(strconv::parse_float);
    if let Some(Ok(imaginary)) = imaginary {
        return Ok(from_complex(span, 0.0, imaginary));
    }
    let int = strconv::parse_int(text, 0).ok();
    let uint = strconv::parse_uint(text, 0).ok();
    // Zero may have a sign then, unlike every other number.
    let uint = if int == Some(0) { Some(0) } else { uint };
    let integral = match (int, uint) {
        (Some(int), _) => Some(float_of_int(int)),
        (None, uint) => uint.map(float_of_uint),
    };
    if integral.is_some() {
        return Ok(Number {
            text: span,
            int,
            uint,
            float: integral,
            complex: None,
        });
    }
    match strconv::parse_float(text) {
        Err(_) => Err(quoting("illegal number syntax: ", text, "")),
        // It looks like an integer, so it is one that is too large.
        Ok(_) if !text.iter().any(|byte| b".eEpP".contains(byte)) => {
            Err(quoting("integer overflow: ", text, ""))
        }
        Ok(float) => Ok(from_float(span, float)),
    }
}

fn from_float(span: Span, float: f64) -> Number {
    Number {
        text: span,
        int: to_int(float),
        uint: to_uint(float),
        float: Some(float),
        complex: None,
    }
}

/// What has no imaginary part is a real number, too.
fn from_complex(span: Span, real: f64, imaginary: f64) -> Number {
    let float = (imaginary == 0.0).then_some(real);
    Number {
        text: span,
        int: float.and_then(to_int),
        uint: float.and_then(to_uint),
        float,
        complex: Some((real, imaginary)),
    }
}

/// Reads `1+2i` as Go's `fmt.Sscan` does, which takes less than the lexer lets through.
fn complex(text: &[u8]) -> Result<(f64, f64), Vec<u8>> {
    const SYNTAX: &[u8] = b"syntax error scanning complex number";
    let mut rest = text;
    let real = float_token(&mut rest);
    let [b'+' | b'-', ..] = rest else {
        return Err(SYNTAX.into());
    };
    let signed = rest;
    rest = rest.get(1..).unwrap_or_default();
    float_token(&mut rest);
    let imaginary = taken(signed, rest);
    if !rest.starts_with(b"i") {
        return Err(SYNTAX.into());
    }
    let float = |text| strconv::parse_float(text).map_err(|error| error.text("ParseFloat", text));
    Ok((float(real)?, float(imaginary)?))
}

/// Takes off `rest` what could be a number by its characters.
fn float_token<'t>(rest: &mut &'t [u8]) -> &'t [u8] {
    let text = *rest;
    accept(rest, b"+-");
    // Go takes this for the start of "Inf", and then does not put it back.
    accept(rest, b"iI");
    if accept(rest, b"0") && accept(rest, b"xX") {
        skip_magnitude(rest, HEXADECIMAL, b"pP");
    } else {
        skip_magnitude(rest, DECIMAL, b"eEpP");
    }
    taken(text, rest)
}

#[expect(clippy::cast_precision_loss, reason = "Go rounds as well")]
fn float_of_int(int: i64) -> f64 {
    int as f64
}

#[expect(clippy::cast_precision_loss, reason = "Go rounds as well")]
fn float_of_uint(uint: u64) -> f64 {
    uint as f64
}

/// The integer that a float is, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn to_int(float: f64) -> Option<i64> {
    let is_int = float.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&float);
    is_int.then_some(float as i64)
}

/// The same without a sign.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn to_uint(float: f64) -> Option<u64> {
    let is_uint = float.fract() == 0.0 && (0.0..2.0 * TWO_TO_63).contains(&float);
    is_uint.then_some(float as u64)
}
