//! Go's types, as far as templates meet them.
//!
//! They decide what renders: `repeat` takes an `int`, so the `int64` that `add` returns is refused.

use std::fmt;

/// A Go type. `Display` is the name that Go's reflection prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`
    Any,
    /// `bool`
    Bool,
    /// `int`, `int8` … `int64`
    Int(IntType),
    /// `uint`, `uint8` … `uint64`
    Uint(UintType),
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// `[]T`
    Slice(&'static Self),
    /// `map[string]T`
    Map(&'static Self),
    /// A type with a name of its own: a struct, a pointer to one, or a number with methods.
    Named(&'static NamedType),
    /// `reflect.Value`: what the functions of the template language take when the static type matters to them.
    Operand,
}

/// Signed integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's")]
pub enum IntType {
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
}

/// Unsigned integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's")]
pub enum UintType {
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

/// A named type, compared by name.
#[derive(Debug)]
pub struct NamedType {
    /// With its package and a star for a pointer: `time.Time`, `*semver.Version`.
    pub name: &'static str,
    /// What it is underneath.
    pub kind: Kind,
}

impl PartialEq for NamedType {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedType {}

/// Go's `reflect.Kind`. `Display` is Go's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's")]
pub enum Kind {
    Invalid,
    Bool,
    Int(IntType),
    Uint(UintType),
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Struct,
    Pointer,
    Interface,
}

impl Type {
    /// `int`
    pub const INT: Self = Self::Int(IntType::Int);
    /// `int64`
    pub const INT64: Self = Self::Int(IntType::Int64);
    /// `[]interface {}`
    pub const ANY_SLICE: Self = Self::Slice(&Self::Any);
    /// `map[string]interface {}`
    pub const ANY_MAP: Self = Self::Map(&Self::Any);

    /// The kind of the type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Any => Kind::Interface,
            Self::Bool => Kind::Bool,
            Self::Int(int) => Kind::Int(*int),
            Self::Uint(uint) => Kind::Uint(*uint),
            Self::Float64 => Kind::Float64,
            Self::Complex128 => Kind::Complex128,
            Self::String => Kind::String,
            Self::Slice(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Named(named) => named.kind,
            Self::Operand => Kind::Struct,
        }
    }

    /// Whether an untyped nil can stand for a value of the type.
    pub fn can_be_nil(&self) -> bool {
        matches!(self, Self::Operand)
            || matches!(
                self.kind(),
                Kind::Interface | Kind::Map | Kind::Slice | Kind::Pointer
            )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Slice(element) => write!(f, "[]{element}"),
            Self::Map(element) => write!(f, "map[string]{element}"),
            Self::Named(named) => f.write_str(named.name),
            Self::Operand => f.write_str("reflect.Value"),
            Self::Bool
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Float64
            | Self::Complex128
            | Self::String => self.kind().fmt(f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int(int) => int.name(),
            Self::Uint(uint) => uint.name(),
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Pointer => "ptr",
            Self::Interface => "interface",
        })
    }
}

impl IntType {
    /// How many bits a number of the type has.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Int8 => 8,
            Self::Int16 => 16,
            Self::Int32 => 32,
            Self::Int | Self::Int64 => 64,
        }
    }

    /// Go's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }
}

impl UintType {
    /// How many bits a number of the type has.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Uint8 => 8,
            Self::Uint16 => 16,
            Self::Uint32 => 32,
            Self::Uint | Self::Uint64 => 64,
        }
    }

    /// Go's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_reflection() {
        for (type_, name) in [
            (Type::Any, "interface {}"),
            (Type::Slice(&Type::ANY_SLICE), "[][]interface {}"),
            (Type::Map(&Type::String), "map[string]string"),
            (Type::Uint(UintType::Uint8), "uint8"),
            (Type::INT64, "int64"),
            (Type::Operand, "reflect.Value"),
        ] {
            assert_eq!(type_.to_string(), name);
        }
    }
}
