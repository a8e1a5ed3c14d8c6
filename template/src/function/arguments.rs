//! Go types as Rust types.

use std::marker::PhantomData;
use std::ops::Deref;
use std::vec::IntoIter;

use super::{CallError, Operand, Str, Type, Value};
use crate::types::{IntType, UintType};
use crate::value::{List, Map, Named};

/// A Rust type that stands for a Go type.
pub trait GoType: Sized {
    /// The Go type.
    const TYPE: Type;

    /// From an argument of that type. An error only where the caller did not check the type.
    fn from_operand(operand: Operand) -> Result<Self, CallError>;

    /// Into a result of that type.
    fn into_operand(self) -> Operand;
}

/// A parameter of a function.
pub trait Parameter: Sized {
    /// Its type, for a variadic one that of each argument.
    const TYPE: Type;

    /// Whether it takes all arguments that are left.
    const IS_VARIADIC: bool = false;

    /// Takes what is for it.
    fn take(arguments: &mut IntoIter<Operand>) -> Result<Self, CallError>;
}

impl<T: GoType> Parameter for T {
    const TYPE: Type = T::TYPE;

    fn take(arguments: &mut IntoIter<Operand>) -> Result<Self, CallError> {
        T::from_operand(arguments.next().unwrap_or(Operand::Invalid))
    }
}

/// All further arguments, each of type `T`.
#[derive(Debug)]
pub struct Rest<T>(pub Vec<T>);

impl<T: GoType> Parameter for Rest<T> {
    const TYPE: Type = T::TYPE;
    const IS_VARIADIC: bool = true;

    fn take(arguments: &mut IntoIter<Operand>) -> Result<Self, CallError> {
        arguments
            .map(T::from_operand)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// An argument that is not of the type that its parameter has: the executor checks before it calls.
fn mismatch<T: GoType>() -> CallError {
    CallError::new(format!("wrong type for value; expected {}", T::TYPE))
}

macro_rules! scalar {
    ($($rust:ty, $type_:expr, $pattern:pat => $from:expr, $value:ident => $into:expr;)+) => { $(
        impl GoType for $rust {
            const TYPE: Type = $type_;

            fn from_operand(operand: Operand) -> Result<Self, CallError> {
                match operand.into_value() {
                    $pattern => $from,
                    _ => Err(mismatch::<Self>()),
                }
            }

            fn into_operand(self) -> Operand {
                let $value = self;
                Operand::Concrete($into)
            }
        }
    )+ };
}

scalar! {
    bool, Type::Bool, Value::Bool(bool) => Ok(bool), bool => Value::Bool(bool);
    isize, Type::INT, Value::Int(IntType::Int, number) =>
        isize::try_from(number).map_err(|_| mismatch::<isize>()),
        number => Value::Int(IntType::Int, number as i64);
    i64, Type::INT64, Value::Int(IntType::Int64, number) => Ok(number),
        number => Value::Int(IntType::Int64, number);
    u8, Type::Uint(UintType::Uint8), Value::Uint(UintType::Uint8, number) =>
        Self::try_from(number).map_err(|_| mismatch::<u8>()),
        number => Value::Uint(UintType::Uint8, number.into());
    u32, Type::Uint(UintType::Uint32), Value::Uint(UintType::Uint32, number) =>
        Self::try_from(number).map_err(|_| mismatch::<u32>()),
        number => Value::Uint(UintType::Uint32, number.into());
    u64, Type::Uint(UintType::Uint64), Value::Uint(UintType::Uint64, number) => Ok(number),
        number => Value::Uint(UintType::Uint64, number);
    f64, Type::Float64, Value::Float(number) => Ok(number), number => Value::Float(number);
    Str, Type::String, Value::String(text) => Ok(text), text => Value::String(text);
}

impl GoType for Value {
    const TYPE: Type = Type::Any;

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        Ok(operand.into_value())
    }

    fn into_operand(self) -> Operand {
        Operand::Interface(self)
    }
}

impl GoType for Operand {
    const TYPE: Type = Type::Operand;

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        Ok(operand)
    }

    fn into_operand(self) -> Operand {
        self
    }
}

impl<T: Named> GoType for T {
    const TYPE: Type = Type::Named(T::NAMED);

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        let value = operand.into_value();
        match value.downcast::<T>() {
            Some(object) => Ok((*object).clone()),
            None => T::from_number(&value).ok_or_else(mismatch::<T>),
        }
    }

    fn into_operand(self) -> Operand {
        Operand::Concrete(Value::object(self))
    }
}

/// A Go `[]T`.
#[derive(Clone)]
pub struct Slice<T>(List, PhantomData<T>);

impl<T: GoType> Slice<T> {
    /// A slice of `items`.
    pub fn new(items: impl IntoIterator<Item = T>) -> Self {
        let items = items
            .into_iter()
            .map(|item| item.into_operand().into_value());
        Self(List::new(&T::TYPE, items.collect()), PhantomData)
    }

    /// The nil slice.
    pub fn nil() -> Self {
        Self(List::nil(&T::TYPE), PhantomData)
    }

    /// The list behind it.
    pub fn into_list(self) -> List {
        self.0
    }
}

impl<T> Deref for Slice<T> {
    type Target = List;

    fn deref(&self) -> &List {
        &self.0
    }
}

impl<T: GoType> GoType for Slice<T> {
    const TYPE: Type = Type::Slice(&T::TYPE);

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        match operand.into_value() {
            Value::List(list) if *list.element() == T::TYPE => Ok(Self(list, PhantomData)),
            Value::Nil => Ok(Self::nil()),
            _ => Err(mismatch::<Self>()),
        }
    }

    fn into_operand(self) -> Operand {
        Operand::Concrete(Value::List(self.0))
    }
}

/// A pointer that may be nil, where `T` is the type of the pointer.
#[derive(Clone, Debug)]
pub struct Nilable<T>(pub Option<T>);

impl<T> Nilable<T> {
    /// The pointer, to look behind it: Go panics at nil.
    ///
    /// # Errors
    ///
    /// Go's text of the panic, at nil.
    pub fn dereference(self) -> Result<T, CallError> {
        let message = "runtime error: invalid memory address or nil pointer dereference";
        self.0.ok_or_else(|| CallError::new(message))
    }
}

impl<T: Named> GoType for Nilable<T> {
    const TYPE: Type = <T as GoType>::TYPE;

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        match operand.value() {
            Value::Nil | Value::NilPointer(_) => Ok(Self(None)),
            _ => T::from_operand(operand).map(|pointer| Self(Some(pointer))),
        }
    }

    fn into_operand(self) -> Operand {
        match self.0 {
            Some(pointer) => pointer.into_operand(),
            None => Operand::Concrete(Value::NilPointer(<Self as GoType>::TYPE)),
        }
    }
}

/// A Go `map[string]T`.
#[derive(Clone)]
pub struct Mapping<T>(Map, PhantomData<T>);

impl<T: GoType> Mapping<T> {
    /// A map of `entries`; of several with one key, the last wins.
    pub fn new(entries: impl IntoIterator<Item = (Str, T)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key, value.into_operand().into_value()));
        Self(Map::new(&T::TYPE, entries.collect()), PhantomData)
    }

    /// The nil map.
    pub fn nil() -> Self {
        Self(Map::nil(&T::TYPE), PhantomData)
    }

    /// The map behind it.
    pub fn into_map(self) -> Map {
        self.0
    }
}

impl<T> Deref for Mapping<T> {
    type Target = Map;

    fn deref(&self) -> &Map {
        &self.0
    }
}

impl<T: GoType> GoType for Mapping<T> {
    const TYPE: Type = Type::Map(&T::TYPE);

    fn from_operand(operand: Operand) -> Result<Self, CallError> {
        match operand.into_value() {
            Value::Map(map) if *map.element() == T::TYPE => Ok(Self(map, PhantomData)),
            Value::Nil => Ok(Self::nil()),
            _ => Err(mismatch::<Self>()),
        }
    }

    fn into_operand(self) -> Operand {
        Operand::Concrete(Value::Map(self.0))
    }
}

impl From<List> for Slice<Value> {
    /// The list must be a `[]interface {}`.
    fn from(list: List) -> Self {
        debug_assert_eq!(*list.element(), Type::Any, "a list of {}", list.element());
        Self(list, PhantomData)
    }
}

impl From<Map> for Mapping<Value> {
    /// The map must be a `map[string]interface {}`.
    fn from(map: Map) -> Self {
        debug_assert_eq!(*map.element(), Type::Any, "a map of {}", map.element());
        Self(map, PhantomData)
    }
}
