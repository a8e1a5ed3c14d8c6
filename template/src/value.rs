//! Values as Go's reflection sees them.

mod drop;
mod list;
mod map;
mod object;

use std::fmt;
use std::rc::Rc;

pub use list::List;
pub use map::Map;
pub use object::{Members, Method, Named, Object, ObjectRef, is_exported};

use crate::str::Str;
use crate::types::{IntType, Kind, Type, UintType};

/// A Go value. `Debug` shows types only, since values may be secrets.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value {
    /// An interface that holds nothing.
    Nil,
    /// `bool`
    Bool(bool),
    /// A signed integer, within the range of its type.
    Int(IntType, i64),
    /// An unsigned integer, within the range of its type.
    Uint(UintType, u64),
    /// `float64`
    Float(f64),
    /// `complex128`: real and imaginary part
    Complex(f64, f64),
    /// `string`
    String(Str),
    /// A slice, shared like Go's: what one holder writes, the others see.
    List(List),
    /// A map with strings for keys, shared like Go's.
    Map(Map),
    /// A value of a named type.
    Object(ObjectRef),
    /// A nil pointer of a named type.
    NilPointer(Type),
}

impl Value {
    /// A Go `int`.
    pub fn int(number: i64) -> Self {
        Self::Int(IntType::Int, number)
    }

    /// A Go `int64`.
    pub fn int64(number: i64) -> Self {
        Self::Int(IntType::Int64, number)
    }

    /// A Go `string`.
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// An object of a named type.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// The type of what is here; none for nil.
    pub fn type_of(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(type_, _) => Type::Int(*type_),
            Self::Uint(type_, _) => Type::Uint(*type_),
            Self::Float(_) => Type::Float64,
            Self::Complex(..) => Type::Complex128,
            Self::String(_) => Type::String,
            Self::List(list) => list.type_of(),
            Self::Map(map) => map.type_of(),
            Self::Object(object) => object.type_of(),
            Self::NilPointer(type_) => *type_,
        })
    }

    /// The kind of what is here: [`Kind::Invalid`] for nil, the kind underneath for a named type.
    pub fn kind(&self) -> Kind {
        self.type_of().map_or(Kind::Invalid, |type_| type_.kind())
    }

    /// The name of the type as `%T` prints it: `<nil>` for nil.
    pub fn type_name(&self) -> String {
        self.type_of()
            .map_or_else(|| "<nil>".to_owned(), |type_| type_.to_string())
    }

    /// What a named number is underneath: an `int64` for a `time.Duration`. Everything else is itself.
    #[must_use]
    pub fn underlying(&self) -> Self {
        match self {
            Self::Object(object) => object.underlying().unwrap_or_else(|| self.clone()),
            _ => self.clone(),
        }
    }

    /// Go's truth of a value in `if`, `with`, `and`, `or` and `not`: whether it is not the zero of its type.
    /// A struct is always true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) => false,
            Self::Bool(bool) => *bool,
            Self::Int(_, number) => *number != 0,
            Self::Uint(_, number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.underlying().is_none_or(|number| number.is_true()),
        }
    }

    /// The object behind this value, if it is of type `T`.
    pub fn downcast<T: Object>(&self) -> Option<Rc<T>> {
        match self {
            Self::Object(object) => object::downcast(object.clone()),
            _ => None,
        }
    }

    /// About how many bytes of memory the value itself takes, without what it shares with others: what a
    /// function returns that nobody else holds was made by it.
    pub(crate) fn footprint(&self) -> usize {
        let own = size_of::<Self>();
        let shared = match self {
            Self::String(text) if !text.is_shared() => text.footprint(),
            Self::List(list) if !list.is_shared() => list.len().saturating_mul(own),
            Self::Map(map) if !map.is_shared() => map.len().saturating_mul(2).saturating_mul(own),
            Self::Object(object) if Rc::strong_count(object) == 1 => object.footprint(),
            _ => 0,
        };
        own.saturating_add(shared)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::String(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}
