//! `time.Month` and `time.Weekday`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sealed_template::{
    Function, IntType, Kind, Members, Method, Named, NamedType, Object, Str, Type, Value,
};

use super::calendar::{MONTHS, WEEKDAYS};

/// A `time.Month`, from 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month(pub(super) i64);

/// A `time.Weekday`, from 0, which is Sunday.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weekday(pub(super) i64);

impl Month {
    fn name(self) -> Str {
        let name = usize::try_from(self.0.wrapping_sub(1))
            .ok()
            .and_then(|index| MONTHS.get(index));
        name.map_or_else(
            || format!("%!Month({})", self.0.cast_unsigned()).into(),
            |name| (*name).into(),
        )
    }
}

impl Weekday {
    fn name(self) -> Str {
        let name = usize::try_from(self.0)
            .ok()
            .and_then(|index| WEEKDAYS.get(index));
        name.map_or_else(
            || format!("%!Weekday({})", self.0.cast_unsigned()).into(),
            |name| (*name).into(),
        )
    }
}

macro_rules! named_int {
    ($type:ident, $name:literal) => {
        impl Named for $type {
            const NAMED: &'static NamedType = &NamedType {
                name: $name,
                kind: Kind::Int(IntType::Int),
            };

            fn from_number(number: &Value) -> Option<Self> {
                match number {
                    Value::Int(_, number) => Some(Self(*number)),
                    _ => None,
                }
            }
        }

        impl Object for $type {
            fn type_of(&self) -> Type {
                Type::Named(Self::NAMED)
            }

            fn methods(&self) -> &'static Members {
                static MEMBERS: LazyLock<Members> = LazyLock::new(|| {
                    BTreeMap::from([("String", Method::Callable(Function::new($type::name)))])
                });
                &MEMBERS
            }

            fn underlying(&self) -> Option<Value> {
                Some(Value::int(self.0))
            }

            fn with_number(&self, number: i64) -> Option<Value> {
                Some(Value::object(Self(number)))
            }

            fn text(&self) -> Option<Str> {
                Some(self.name())
            }

            fn equals(&self, other: &dyn Object) -> bool {
                other.downcast_ref() == Some(self)
            }
        }
    };
}

named_int!(Month, "time.Month");
named_int!(Weekday, "time.Weekday");
