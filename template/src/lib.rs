//! Go's `text/template`, byte for byte.

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

pub use context::Context;
pub use environment::Environment;
pub use error::{CallError, ExecError, ParseError, PrivateError, Reason};
pub use function::{
    Function, Functions, GoType, IntoFunction, IntoResult, Mapping, Parameter, Rest, Slice,
    WithContext,
};
pub use limits::{Budget, Limit, Limits};
pub use operand::Operand;
pub use str::Str;
pub use template::{Rendered, Template};
pub use types::{IntType, Kind, NamedType, Type, UintType};
pub use value::{List, Map, Members, Method, Named, Object, ObjectRef, Value};
