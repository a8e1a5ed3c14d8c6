//! Go's `text/template`, byte for byte: bytes in, bytes out, under limits.
//!
//! ```
//! use sealed_template::{Budget, Functions, Map, Still, Template};
//!
//! let functions = Functions::builtin();
//! let text = r#"{{ range $key, $value := . }}{{ printf "%s=%q;" $key $value }}{{ end }}"#;
//! let mut budget = Budget::default();
//! let template = Template::parse("env", text, &functions, &mut budget)?;
//! let root = Map::of_strings([("user".into(), "app".into()), ("host".into(), "db".into())]);
//! let rendered = template.render(root.into(), &Still, &mut budget)?;
//! assert_eq!(rendered.output, br#"host="db";user="app";"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//!
//! [`Template::parse`] makes a tree and looks up the [`Functions`] that it names; [`Template::render`] walks it.
//! What expressions evaluate to are [`Operand`]s: a [`Value`], which knows its Go [`Type`], and whether it is
//! still wrapped in an interface. Go's types decide what renders and what fails, so they are all here: `int` and
//! `int64`, `[]string` and `[]interface {}`, nil slices and missing keys.
//!
//! A template draws on a [`Budget`] of [`Limits`], through the [`Context`] that functions get too, and takes
//! clock and randomness from an [`Environment`]. [`Rendered::is_deterministic`] says whether it did.
//!
//! # Errors
//!
//! A [`ParseError`] depends on the text alone. An [`ExecError`] shows its [`Reason`] and keeps Go's text, which
//! quotes values, in a [`PrivateError`].
//!
//! The README lists what differs from Go.

#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable
    )
)]

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod buffer;
mod builtins;
mod context;
mod environment;
mod error;
mod exec;
pub mod fmt;
mod function;
mod limits;
mod operand;
mod parse;
mod stack;
mod str;
pub mod strconv;
mod template;
#[cfg(test)]
mod testing;
mod tree;
mod types;
pub mod unicode;
pub mod utf8;
mod value;

pub use buffer::Buffer;
pub use context::Context;
pub use environment::{Environment, Still};
pub use error::{CallError, ExecError, ParseError, PrivateError, Reason};
pub use function::{
    Function, Functions, GoType, IntoFunction, IntoResult, Mapping, Nilable, Parameter, Rest,
    Slice, WithContext,
};
pub use limits::{Budget, Limit, Limits};
pub use operand::Operand;
pub use str::Str;
pub use template::{Rendered, Template};
pub use types::{IntType, Kind, NamedType, Type, UintType};
pub use value::{List, Map, Members, Method, Named, Object, ObjectRef, Value, is_exported};
