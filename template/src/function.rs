//! Functions that templates can call, with their Go signatures.
//!
//! A function is registered as the Rust function it is; see [`Functions`].

mod arguments;
mod signature;

use std::collections::BTreeMap;
use std::fmt;

pub use arguments::{GoType, Mapping, Nilable, Parameter, Rest, Slice};
pub use signature::{IntoFunction, IntoResult, WithContext};

use crate::context::Context;
use crate::error::CallError;
use crate::operand::Operand;
use crate::str::Str;
use crate::types::Type;
use crate::value::Value;

/// A function or method with its signature.
pub struct Function {
    parameters: Vec<Type>,
    is_variadic: bool,
    result: Type,
    is_fallible: bool,
    body: Box<Body>,
}

type Body = dyn Fn(&mut Context<'_>, Vec<Operand>) -> Result<Operand, CallError> + Send + Sync;

impl Function {
    /// A function of its Rust form.
    pub fn new<M>(function: impl IntoFunction<M>) -> Self {
        function.into_function()
    }

    /// The types of the parameters. The last one of a variadic function is that of each further argument.
    pub fn parameters(&self) -> &[Type] {
        &self.parameters
    }

    /// Whether any number of arguments may stand for the last parameter.
    pub fn is_variadic(&self) -> bool {
        self.is_variadic
    }

    /// The type of the result.
    pub fn result(&self) -> Type {
        self.result
    }

    /// Whether it has a second result of type `error`.
    pub fn is_fallible(&self) -> bool {
        self.is_fallible
    }

    /// Calls it with arguments that are already of the types of the parameters.
    ///
    /// # Errors
    ///
    /// What the function returns or panics with in Go, and a bound that it passes.
    pub fn call(
        &self,
        context: &mut Context<'_>,
        arguments: Vec<Operand>,
    ) -> Result<Operand, CallError> {
        (self.body)(context, arguments)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("parameters", &self.parameters)
            .field("is_variadic", &self.is_variadic)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

/// Functions by name: those of the template language, and what is registered besides.
///
/// A function is registered as the Rust function it is: its Go parameter and result types follow from the
/// Rust types, so arguments are checked in one place and bodies see only what they declared.
///
/// ```
/// use sealed_template::{Budget, CallError, Context, Functions, Map, Still, Str, Template};
///
/// let mut functions = Functions::builtin();
/// functions
///     .add("shout", |text: Str| Str::from(text.to_ascii_uppercase()))
///     .add("twice", |context: &mut Context<'_>, text: Str| {
///         // Before the memory is taken: the text may be long.
///         context.charge(text.len().saturating_mul(2))?;
///         Ok::<_, CallError>(Str::from(text.repeat(2)))
///     });
/// let mut budget = Budget::default();
/// let template = Template::parse("t", "{{ .x | shout | twice }}", &functions, &mut budget)?;
/// let root = Map::of_strings([("x".into(), "ho".into())]);
/// let rendered = template.render(root.into(), &Still, &mut budget)?;
/// assert_eq!(rendered.output, b"HOHO");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | Rust | Go |
/// |---|---|
/// | `bool`, `f64`, `u8`, `u32`, `u64` | `bool`, `float64`, `uint8`, `uint32`, `uint64` |
/// | `isize` | `int` |
/// | `i64` | `int64` |
/// | [`Str`] | `string` |
/// | [`Value`] | `interface {}` |
/// | [`Slice<T>`], [`Mapping<T>`] | `[]T`, `map[string]T` |
/// | [`Nilable<T>`], with a pointer for `T` | that pointer, which may be nil |
/// | [`Rest<T>`], as the last parameter | `...T` |
/// | [`Operand`] | `reflect.Value` |
/// | a [`Named`](crate::Named) type | that type |
///
/// A first parameter `&mut Context` gives access to clock, randomness and budget; a result of
/// `Result<T, CallError>` says that the call can fail. Work and memory that the size of the arguments does not
/// bound are to be charged to the budget beforehand.
#[derive(Debug)]
pub struct Functions(BTreeMap<&'static str, Entry>);

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) function: Function,
    /// Whether it is the language's own: `and`, `or` and `call` get special treatment then.
    pub(crate) is_builtin: bool,
}

impl Functions {
    /// The functions of the template language: `and` to `urlquery`.
    pub fn builtin() -> Self {
        let mut functions = Self(BTreeMap::new());
        crate::builtins::register(&mut functions);
        functions
            .0
            .values_mut()
            .for_each(|entry| entry.is_builtin = true);
        functions
    }

    /// Adds a function, in place of one of the same name.
    pub fn add<M>(&mut self, name: &'static str, function: impl IntoFunction<M>) -> &mut Self {
        let entry = Entry {
            function: function.into_function(),
            is_builtin: false,
        };
        self.0.insert(name, entry);
        self
    }

    /// The function of a name.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name).map(|entry| &entry.function)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    pub(crate) fn entry(&self, name: &[u8]) -> Option<&Entry> {
        self.0.get(std::str::from_utf8(name).ok()?)
    }
}
