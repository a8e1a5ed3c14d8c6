//! Go's `strconv`: quoting, and numbers as text.

mod float;
mod number;
mod printable;
mod quote;
mod unquote;
