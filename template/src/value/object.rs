//! Values of named types: times, versions, certificates. The engine knows none of them.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Value;
use crate::context::Context;
use crate::error::CallError;
use crate::function::Function;
use crate::str::Str;
use crate::types::{NamedType, Type};

/// A shared object.
pub type ObjectRef = Rc<dyn Object>;

/// The methods of a type, by name. Each takes the object as its first parameter.
pub type Members = BTreeMap<&'static str, Method>;

/// A method that a template may name.
#[derive(Debug)]
pub enum Method {
    /// It can be called; the first parameter is the object.
    Callable(Function),
    /// It has results of these types, more than the one that a template takes.
    Results(&'static [Type]),
}

/// A value of a named Go type.
pub trait Object: Any {
    /// The type, a [`Type::Named`].
    fn type_of(&self) -> Type;

    /// The methods of the type.
    fn methods(&self) -> &'static Members;

    /// What a named number is underneath; none for structs and pointers.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// Another number of the same type, for `range` to count with; none unless the type is that of a signed
    /// number.
    fn with_number(&self, _number: i64) -> Option<Value> {
        None
    }

    /// The fields of a struct, or of the struct a pointer points to, in order. Unexported ones (in lower
    /// case) are printed, but not reachable.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What `String()` or `Error()` returns; none if the type has neither.
    fn text(&self) -> Option<Str> {
        None
    }

    /// What `GoString()` returns, which `%#v` prints; none if the type has no such method.
    fn go_syntax(&self) -> Option<Str> {
        None
    }

    /// About how many bytes of memory it takes. An object that holds texts adds theirs, or a template could make
    /// any number of them without their being accounted for.
    fn footprint(&self) -> usize {
        size_of_val(self)
    }

    /// What becomes of it in a deep copy: Go's reflection cannot see what a struct does not export. None if it
    /// is copied whole.
    fn deep_copy(&self) -> Option<Value> {
        None
    }

    /// Go's `==` with another object: for pointers whether they point to the same, for structs whether all
    /// fields are equal; false for another type.
    fn equals(&self, other: &dyn Object) -> bool;

    /// Go's `reflect.DeepEqual` with another object: for pointers whether they point to equal things.
    fn deep_equals(&self, other: &dyn Object) -> bool {
        self.equals(other)
    }
}

impl dyn Object {
    /// The object itself, if it is of type `T`.
    pub fn downcast_ref<T: Object>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}

/// A type of objects that functions take and return by value, as Go does with structs and named numbers:
/// it is a [`GoType`](crate::GoType).
pub trait Named: Object + Clone {
    /// The type.
    const NAMED: &'static NamedType;

    /// A value of the type from a number that a template wrote where the type is wanted; none unless the
    /// type is that of a number.
    fn from_number(_number: &Value) -> Option<Self> {
        None
    }
}

/// Whether Go would export a field or method of that name: its first character is upper case.
pub fn is_exported(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// The object behind `object`, if it is of type `T`.
pub(super) fn downcast<T: Object>(object: ObjectRef) -> Option<Rc<T>> {
    let any: Rc<dyn Any> = object;
    any.downcast().ok()
}

impl Method {
    /// Calls the method of `receiver`, for tests and for functions that need what a method returns.
    ///
    /// # Errors
    ///
    /// What the method returns or panics with in Go, and a bound that it passes. A method that does not return one
    /// value, or a value and an error, cannot be called.
    pub fn call(
        &self,
        context: &mut Context<'_>,
        receiver: Value,
        arguments: Vec<Value>,
    ) -> Result<Value, CallError> {
        match self {
            Self::Callable(function) => {
                let values = std::iter::once(receiver).chain(arguments);
                let operands = values.map(crate::Operand::from_value).collect();
                Ok(function.call(context, operands)?.into_value())
            }
            Self::Results(types) => Err(CallError::new(format!("{} results", types.len()))),
        }
    }
}
