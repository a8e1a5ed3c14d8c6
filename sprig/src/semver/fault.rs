//! What is wrong with versions, as a Go `error`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use sealed_template::{
    CallError, Function, GoType, Kind, Members, Method, NamedType, Object, Operand, Str, Type,
    Value,
};

/// Why a text is no version or no part of one. `Display` is the text of the Go error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    InvalidMetadata,
    InvalidPrerelease,
    InvalidVersion,
    LeadingZero,
    /// It is JSON, but this instead of a string.
    NoString(&'static str),
    /// This number is too large.
    Range(String),
    /// It is no JSON. With the reason.
    Syntax(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidMetadata => f.write_str("invalid metadata string"),
            Self::InvalidPrerelease => f.write_str("invalid prerelease string"),
            Self::InvalidVersion => f.write_str("invalid semantic version"),
            Self::LeadingZero => f.write_str("version segment starts with 0"),
            Self::NoString(kind) => {
                write!(
                    f,
                    "json: cannot unmarshal {kind} into Go value of type string"
                )
            }
            Self::Range(digits) => write!(
                f,
                "error parsing version segment: strconv.ParseUint: parsing \"{digits}\": value out of range"
            ),
            Self::Syntax(reason) => f.write_str(reason),
        }
    }
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string())
    }
}

/// A fault as an `error`.
impl Object for Fault {
    fn type_of(&self) -> Type {
        macro_rules! pointer {
            ($name:literal) => {
                &NamedType {
                    name: $name,
                    kind: Kind::Pointer,
                }
            };
        }
        Type::Named(match self {
            Self::NoString(_) => pointer!("*json.UnmarshalTypeError"),
            Self::Range(_) => pointer!("*fmt.wrapError"),
            Self::Syntax(_) => pointer!("*json.SyntaxError"),
            Self::InvalidMetadata
            | Self::InvalidPrerelease
            | Self::InvalidVersion
            | Self::LeadingZero => pointer!("*errors.errorString"),
        })
    }

    fn methods(&self) -> &'static Members {
        static METHODS: LazyLock<Members> = LazyLock::new(|| {
            let error = Function::new(|this: Value| {
                let fault = this.downcast::<Fault>();
                Str::from(fault.map_or_else(String::new, |fault| fault.to_string()))
            });
            BTreeMap::from([("Error", Method::Callable(error))])
        });
        &METHODS
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let name = match self {
            Self::Range(_) | Self::NoString(_) | Self::Syntax(_) => "msg",
            _ => "s",
        };
        vec![(name, Value::string(self.to_string()))]
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_string().into())
    }

    fn footprint(&self) -> usize {
        size_of::<Self>().saturating_add(match self {
            Self::Range(text) | Self::Syntax(text) => text.capacity(),
            _ => 0,
        })
    }

    /// There is one pointer for each error without details.
    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast_ref().is_some_and(|other| match self {
            Self::NoString(_) | Self::Range(_) | Self::Syntax(_) => std::ptr::eq(self, other),
            _ => self == other,
        })
    }
}

/// An `error` as the only result of a method, which Go does not take for a failure to call it.
pub(super) struct MaybeError(pub(super) Option<Fault>);

impl GoType for MaybeError {
    const TYPE: Type = Type::Named(&NamedType {
        name: "error",
        kind: Kind::Interface,
    });

    fn from_operand(_: Operand) -> Result<Self, CallError> {
        Err(CallError::new("wrong type for value; expected error"))
    }

    fn into_operand(self) -> Operand {
        Operand::Concrete(match self.0 {
            Some(fault) => Value::object(fault),
            None => Value::NilPointer(Self::TYPE),
        })
    }
}
