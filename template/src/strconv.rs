//! Go's `strconv`: quoting, and numbers as text.

mod float;
mod number;
mod printable;
mod quote;
mod unquote;

pub use number::{NumberError, parse_bool, parse_float, parse_int, parse_uint};
pub use unquote::{Unquoted, unquote, unquote_char};

pub(crate) fn quote(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append_quote(&mut out, text);
    out
}
pub(crate) fn append_quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text.escape_ascii().to_string().as_bytes());
    out.push(b'"');
}
pub(crate) fn is_print(char: char) -> bool {
    !char.is_control()
}
