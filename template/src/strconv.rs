//! Go's `strconv`: quoting, and numbers as text.

mod float;
mod integer;
mod number;
mod quote;
mod unquote;

pub use float::{Notation, append_float, format_float};
pub(crate) use integer::Digits;
pub use integer::{append_int, append_uint};
pub(crate) use number::parse_uint;
pub use number::{NumberError, parse_float, parse_int};
pub(crate) use quote::{
    append_hex, append_quote_rune, append_quote_rune_to_ascii, append_quote_to_ascii,
};
pub use quote::{append_quote, can_backquote, quote};
pub(crate) use unquote::{unquote, unquote_char};
