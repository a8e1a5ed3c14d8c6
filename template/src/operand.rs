//! What an expression evaluates to.

use crate::str::Str;
use crate::types::{Kind, Type};
use crate::value::Value;

/// Go's `reflect.Value`: a value, and whether it is still wrapped in an interface.
///
/// The wrapping shows in error texts and decides between four kinds of nothing: a missing map key is
/// [`Operand::Invalid`], a null in a map is `Interface(Nil)`, and nil slices and nil maps are values.
#[derive(Clone, Debug)]
pub enum Operand {
    /// No value at all.
    Invalid,
    /// A value whose static type is its own. Never [`Value::Nil`].
    Concrete(Value),
    /// A value whose static type is `interface {}`, as read out of a list or map of such.
    Interface(Value),
}

impl Operand {
    /// `reflect.ValueOf`: nil is invalid, everything else concrete.
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Nil => Self::Invalid,
            value => Self::Concrete(value),
        }
    }

    /// An element of a list or map whose elements have type `element`.
    pub fn element(element: Type, value: Value) -> Self {
        match element {
            Type::Any => Self::Interface(value),
            _ => Self::from_value(value),
        }
    }

    /// The value, nil when there is none. A nil `error` is any nil interface to who does not know its type.
    pub fn into_value(self) -> Value {
        match self {
            Self::Invalid => Value::Nil,
            Self::Concrete(Value::NilPointer(type_)) if type_.kind() == Kind::Interface => {
                Value::Nil
            }
            Self::Concrete(value) | Self::Interface(value) => value,
        }
    }

    /// The value, nil when there is none.
    pub fn value(&self) -> &Value {
        match self {
            Self::Invalid => &Value::Nil,
            Self::Concrete(value) | Self::Interface(value) => value,
        }
    }

    /// The same with the interface taken off: an interface that holds nil becomes invalid.
    #[must_use]
    pub fn indirect_interface(self) -> Self {
        match self {
            Self::Interface(value) => Self::from_value(value),
            other => other,
        }
    }

    /// The static type; none when invalid.
    pub fn type_of(&self) -> Option<Type> {
        match self {
            Self::Invalid => None,
            Self::Concrete(value) => value.type_of(),
            Self::Interface(_) => Some(Type::Any),
        }
    }

    /// The kind of the static type: [`Kind::Interface`] for what is wrapped.
    pub fn kind(&self) -> Kind {
        self.type_of().map_or(Kind::Invalid, |type_| type_.kind())
    }
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self::from_value(value)
    }
}

impl From<Str> for Operand {
    fn from(text: Str) -> Self {
        Self::Concrete(Value::String(text))
    }
}
