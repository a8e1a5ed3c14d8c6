//! Versions as values: what templates can ask of them.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::LazyLock;

use sealed_template::{
    CallError, Context, Function, GoType, Kind, Members, Named, NamedType, Nilable, Object, Slice,
    Str, Type, UintType, Value,
};

use super::fault::{Fault, MaybeError};
use super::version::Version;
use crate::methods::{Methods, callable};

/// A `*semver.Version`, whose holders see what one of them makes of it.
#[derive(Clone)]
pub(super) struct Pointer(Rc<RefCell<Version>>);

impl Pointer {
    pub(super) fn new(version: Version) -> Self {
        Self(Rc::new(RefCell::new(version)))
    }

    fn version(&self) -> Version {
        self.0.borrow().clone()
    }

    /// Reads another version in its place. What it had is not given back: nothing ever is.
    fn read(&self, context: &mut Context<'_>, text: &[u8]) -> Result<MaybeError, CallError> {
        context.pass_over(text.len())?;
        context.charge(text.len().saturating_mul(2))?;
        Ok(self.replace(Version::parse(text)))
    }

    /// Puts what was read in place of the version.
    fn replace(&self, version: Result<Version, Fault>) -> MaybeError {
        MaybeError(version.map(|version| self.0.replace(version)).err())
    }
}

impl Named for Pointer {
    const NAMED: &'static NamedType = &NamedType {
        name: "*semver.Version",
        kind: Kind::Pointer,
    };
}

impl Object for Pointer {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        static METHODS: LazyLock<Members> = LazyLock::new(|| {
            let methods = of_value::<Pointer>();
            methods.into_iter().chain(of_pointer()).collect()
        });
        &METHODS
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.version().fields()
    }

    fn text(&self) -> Option<Str> {
        Some(self.version().to_string().into())
    }

    fn footprint(&self) -> usize {
        match Rc::strong_count(&self.0) {
            1 => self.0.borrow().footprint(),
            _ => size_of::<Self>(),
        }
    }

    fn deep_copy(&self) -> Option<Value> {
        Some(Value::object(Self::new(Version::default())))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .downcast_ref::<Self>()
            .is_some_and(|other| Rc::ptr_eq(&self.0, &other.0))
    }

    fn deep_equals(&self, other: &dyn Object) -> bool {
        other
            .downcast_ref::<Self>()
            .is_some_and(|other| self.version() == other.version())
    }
}

impl Named for Version {
    const NAMED: &'static NamedType = &NamedType {
        name: "semver.Version",
        kind: Kind::Struct,
    };
}

impl Object for Version {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        static METHODS: LazyLock<Members> =
            LazyLock::new(|| of_value::<Version>().into_iter().collect());
        &METHODS
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let number = |number| Value::Uint(UintType::Uint64, number);
        vec![
            ("major", number(self.major)),
            ("minor", number(self.minor)),
            ("patch", number(self.patch)),
            ("pre", Value::from(&*self.prerelease)),
            ("metadata", Value::from(&*self.metadata)),
            ("original", Value::from(&*self.original)),
        ]
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_string().into())
    }

    fn footprint(&self) -> usize {
        let texts = [&self.prerelease, &self.metadata, &self.original];
        texts.iter().fold(size_of::<Self>(), |sum, text| {
            sum.saturating_add(text.capacity())
        })
    }

    fn deep_copy(&self) -> Option<Value> {
        Some(Value::object(Self::default()))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast_ref() == Some(self)
    }
}

impl From<Pointer> for Version {
    fn from(pointer: Pointer) -> Self {
        pointer.version()
    }
}

/// The methods that versions have as well as pointers to them.
fn of_value<T: Named + Into<Version>>() -> Methods {
    fn method<T, R, F>(body: F) -> Function
    where
        T: Named + Into<Version>,
        R: GoType + 'static,
        F: Fn(Version) -> R + Send + Sync + 'static,
    {
        Function::new(move |context: &mut Context<'_>, this: T| version(context, this).map(&body))
    }
    callable([
        (
            "IncMajor",
            method::<T, _, _>(|version| version.next_major()),
        ),
        (
            "IncMinor",
            method::<T, _, _>(|version| version.next_minor()),
        ),
        (
            "IncPatch",
            method::<T, _, _>(|version| version.next_patch()),
        ),
        ("Major", method::<T, _, _>(|version| version.major)),
        (
            "MarshalJSON",
            Function::new(|context: &mut Context<'_>, this: T| {
                let version = version(context, this)?;
                bytes(context, &format!("\"{version}\""))
            }),
        ),
        (
            "MarshalText",
            Function::new(|context: &mut Context<'_>, this: T| {
                let version = version(context, this)?;
                bytes(context, &version.to_string())
            }),
        ),
        (
            "Metadata",
            method::<T, _, _>(|version| Str::from(version.metadata)),
        ),
        ("Minor", method::<T, _, _>(|version| version.minor)),
        ("Patch", method::<T, _, _>(|version| version.patch)),
        (
            "Prerelease",
            method::<T, _, _>(|version| Str::from(version.prerelease)),
        ),
        (
            "SetMetadata",
            Function::new(|context: &mut Context<'_>, this: T, metadata: Str| {
                context.pass_over(metadata.len())?;
                let version = version(context, this)?.with_metadata(&metadata);
                version.map_err(CallError::from)
            }),
        ),
        (
            "SetPrerelease",
            Function::new(|context: &mut Context<'_>, this: T, prerelease: Str| {
                context.pass_over(prerelease.len())?;
                let version = version(context, this)?.with_prerelease(&prerelease);
                version.map_err(CallError::from)
            }),
        ),
        (
            "String",
            method::<T, _, _>(|version| Str::from(version.to_string())),
        ),
        (
            "Value",
            method::<T, _, _>(|version| Value::string(version.to_string())),
        ),
    ])
}

/// The methods that only pointers have.
fn of_pointer() -> Methods {
    fn comparison(holds: fn(Ordering) -> bool) -> Function {
        Function::new(
            move |context: &mut Context<'_>, this: Pointer, other: Nilable<Pointer>| {
                compare(context, this, other.dereference()?).map(holds)
            },
        )
    }
    callable([
        (
            "Compare",
            Function::new(
                |context: &mut Context<'_>, this: Pointer, other: Nilable<Pointer>| {
                    compare(context, this, other.dereference()?).map(|order| order as isize)
                },
            ),
        ),
        (
            "Equal",
            Function::new(
                |context: &mut Context<'_>, this: Pointer, other: Nilable<Pointer>| match other.0 {
                    Some(other) => compare(context, this, other).map(Ordering::is_eq),
                    None => Ok(false),
                },
            ),
        ),
        ("GreaterThan", comparison(Ordering::is_gt)),
        ("GreaterThanEqual", comparison(Ordering::is_ge)),
        ("LessThan", comparison(Ordering::is_lt)),
        ("LessThanEqual", comparison(Ordering::is_le)),
        (
            "Original",
            Function::new(|context: &mut Context<'_>, this: Pointer| {
                version(context, this).map(|version| Str::from(version.original))
            }),
        ),
        (
            "Scan",
            Function::new(|context: &mut Context<'_>, this: Pointer, source: Value| {
                let text = match source {
                    Value::String(text) => text,
                    // Go reads an empty text then.
                    _ => "".into(),
                };
                this.read(context, &text)
            }),
        ),
        ("UnmarshalJSON", Function::new(unmarshal_json)),
        (
            "UnmarshalText",
            Function::new(
                |context: &mut Context<'_>, this: Pointer, text: Slice<u8>| {
                    this.read(context, &text.to_bytes())
                },
            ),
        ),
    ])
}

/// The version itself, after accounting for a look at all of it.
fn version(context: &mut Context<'_>, of: impl Into<Version>) -> Result<Version, CallError> {
    let version = of.into();
    context.pass_over(version.original.len())?;
    Ok(version)
}

/// A text as a `[]byte`, each byte of which is a whole value here. Accounted for by itself because JSON calls the
/// methods that return it past the executor.
fn bytes(context: &mut Context<'_>, text: &str) -> Result<Slice<u8>, CallError> {
    context.charge(text.len().saturating_mul(size_of::<Value>()))?;
    Ok(Slice::new(text.bytes()))
}

fn compare(
    context: &mut Context<'_>,
    this: Pointer,
    other: Pointer,
) -> Result<Ordering, CallError> {
    let (this, other) = (version(context, this)?, version(context, other)?);
    Ok(this.compare(&other))
}

fn unmarshal_json(
    context: &mut Context<'_>,
    this: Pointer,
    json: Slice<u8>,
) -> Result<MaybeError, CallError> {
    context.pass_over(json.len())?;
    let json = json.to_bytes();
    let version = match crate::json::read(context, &json) {
        Err(error) if error.passed_limit().is_some() => return Err(error),
        Err(error) => Err(Fault::Syntax(error.to_text().into_owned())),
        Ok(Value::String(text)) => return this.read(context, &text),
        Ok(_) => match json.trim_ascii_start() {
            // Go reads an empty text then.
            [b'n', ..] => Version::parse(b""),
            [b'[', ..] => Err(Fault::NoString("array")),
            [b'{', ..] => Err(Fault::NoString("object")),
            [b't' | b'f', ..] => Err(Fault::NoString("bool")),
            _ => Err(Fault::NoString("number")),
        },
    };
    Ok(this.replace(version))
}
