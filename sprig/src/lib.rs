//! The 208 Sprig functions that upstream offers to templates, byte for byte.

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
