//! The 208 Sprig functions that upstream offers to templates, byte for byte.
//!
//! [`functions`] is what a template is parsed with, [`System`] what it is rendered with where clock and
//! randomness are real:
//!
//! ```
//! use sealed_sprig::{System, functions};
//! use sealed_template::{Budget, Map, Template};
//!
//! let functions = functions();
//! let text = "{{ .password | b64enc | quote }}";
//! let mut budget = Budget::default();
//! let template = Template::parse("key", text, &functions, &mut budget)?;
//! let root = Map::of_strings([("password".into(), "hunter2".into())]);
//! let rendered = template.render(root.into(), &System::new(), &mut budget)?;
//! assert_eq!(rendered.output, b"\"aHVudGVyMg==\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The set is Sprig 3.3.0's `GenericFuncMap` without `env`, `expandenv` and `getHostByName`, which would let
//! a template look at the machine. What the functions do is what the Go libraries behind Sprig do, oddities
//! included: a template that has been in use for years must render as it always has.
//!
//! # How a function is made
//!
//! Each family is a module with a `register` that adds its functions to the table. A function is a Rust
//! function over Go's types (see [`sealed_template::Functions`]): its signature is its Go signature, so
//! wrong arguments never reach its body. The test `registry` holds all signatures against Go's.
//!
//! * What a Go function returns as an error, or panics with, is a [`CallError`](sealed_template::CallError)
//!   of the same text. Where Sprig returns the text of an error as a value, as `b64dec` does, so do we.
//! * Work and memory that the size of the arguments does not bound are charged to the budget beforehand.
//! * Clock and randomness come through the [`Context`](sealed_template::Context), which notes that they
//!   were used.
//!
//! # Beside `sealed-secrets-crypto`
//!
//! Base64 and PEM as Go reads them, and the characters of names in certificates, stand in both crates. Neither
//! knows the other: what a template may do must be free to follow Sprig, and what a sealed value or a sealing key
//! is must not change with it. The recorded vectors and tables hold each to the original.

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
#![expect(
    clippy::needless_pass_by_value,
    reason = "a function that templates call owns its arguments"
)]

mod base64;
mod cast;
mod crypto;
mod date;
mod defaults;
mod dicts;
mod encoding;
mod json;
mod lists;
mod math;
mod methods;
mod path;
mod random;
mod reflection;
mod regex;
mod semver;
mod strings;
mod system;
#[cfg(test)]
mod testing;
mod unicode;
mod url;

pub use system::System;

use sealed_template::Functions;

/// The functions of the template language and all of Sprig's.
pub fn functions() -> Functions {
    let mut functions = Functions::builtin();
    crypto::register(&mut functions);
    date::register(&mut functions);
    defaults::register(&mut functions);
    dicts::register(&mut functions);
    encoding::register(&mut functions);
    json::register(&mut functions);
    lists::register(&mut functions);
    math::register(&mut functions);
    path::register(&mut functions);
    random::register(&mut functions);
    reflection::register(&mut functions);
    regex::register(&mut functions);
    semver::register(&mut functions);
    strings::register(&mut functions);
    url::register(&mut functions);
    functions
}
