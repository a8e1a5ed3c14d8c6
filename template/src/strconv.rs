//! Go's `strconv`: quoting, and numbers as text.

mod float;
mod integer;
mod number;
mod printable;
mod quote;
mod unquote;

pub use float::{Notation, append_float, format_float};
pub(crate) use integer::Digits;
pub use integer::{append_int, append_uint};
pub use number::{NumberError, parse_bool, parse_float, parse_int, parse_uint};
pub use printable::{is_graphic, is_print};
pub(crate) use quote::append_hex;
pub use quote::{
    append_quote, append_quote_rune, append_quote_rune_to_ascii, append_quote_to_ascii,
    can_backquote, quote,
};
pub use unquote::{Unquoted, unquote, unquote_char};
