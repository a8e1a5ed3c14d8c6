//! From a Rust function to a function with a Go signature.

use super::{CallError, Context, Function, GoType, Operand, Parameter, Type};

/// A Rust function that can be registered. `M` only tells the kinds of functions apart.
pub trait IntoFunction<M> {
    /// The function with its signature.
    fn into_function(self) -> Function;
}

/// What a function may return.
pub trait IntoResult {
    /// The type of the first result.
    const TYPE: Type;

    /// Whether there is a second result, of type `error`.
    const IS_FALLIBLE: bool;

    /// As the executor wants it.
    fn into_result(self) -> Result<Operand, CallError>;
}

impl<T: GoType> IntoResult for T {
    const TYPE: Type = T::TYPE;
    const IS_FALLIBLE: bool = false;

    fn into_result(self) -> Result<Operand, CallError> {
        Ok(self.into_operand())
    }
}

impl<T: GoType> IntoResult for Result<T, CallError> {
    const TYPE: Type = T::TYPE;
    const IS_FALLIBLE: bool = true;

    fn into_result(self) -> Result<Operand, CallError> {
        self.map(GoType::into_operand)
    }
}

/// Marks functions that take the context.
#[derive(Debug)]
pub struct WithContext<M>(std::marker::PhantomData<M>);

macro_rules! signatures {
    ($(($($parameter:ident $argument:ident),*);)+) => { $(
        impl<F, R, $($parameter),*> IntoFunction<fn($($parameter),*) -> R> for F
        where
            F: Fn($($parameter),*) -> R + Send + Sync + 'static,
            R: IntoResult,
            $($parameter: Parameter,)*
        {
            fn into_function(self) -> Function {
                signature::<R>(&[$(($parameter::TYPE, $parameter::IS_VARIADIC)),*], move |_, arguments| {
                    #[expect(clippy::allow_attributes, reason = "only functions without parameters need it")]
                    #[allow(unused_mut, unused_variables, reason = "functions without parameters")]
                    let mut arguments = arguments.into_iter();
                    $(let $argument = $parameter::take(&mut arguments)?;)*
                    self($($argument),*).into_result()
                })
            }
        }

        impl<F, R, $($parameter),*> IntoFunction<WithContext<fn($($parameter),*) -> R>> for F
        where
            F: Fn(&mut Context<'_>, $($parameter),*) -> R + Send + Sync + 'static,
            R: IntoResult,
            $($parameter: Parameter,)*
        {
            fn into_function(self) -> Function {
                signature::<R>(&[$(($parameter::TYPE, $parameter::IS_VARIADIC)),*], move |context, arguments| {
                    #[expect(clippy::allow_attributes, reason = "only functions without parameters need it")]
                    #[allow(unused_mut, unused_variables, reason = "functions without parameters")]
                    let mut arguments = arguments.into_iter();
                    $(let $argument = $parameter::take(&mut arguments)?;)*
                    self(context, $($argument),*).into_result()
                })
            }
        }
    )+ };
}

signatures! {
    ();
    (A a);
    (A a, B b);
    (A a, B b, C c);
    (A a, B b, C c, D d);
    (A a, B b, C c, D d, E e);
    (A a, B b, C c, D d, E e, G g);
    (A a, B b, C c, D d, E e, G g, H h);
}

fn signature<R: IntoResult>(
    parameters: &[(Type, bool)],
    body: impl Fn(&mut Context<'_>, Vec<Operand>) -> Result<Operand, CallError> + Send + Sync + 'static,
) -> Function {
    Function {
        parameters: parameters.iter().map(|(type_, _)| *type_).collect(),
        is_variadic: parameters.last().is_some_and(|(_, variadic)| *variadic),
        result: R::TYPE,
        is_fallible: R::IS_FALLIBLE,
        body: Box::new(body),
    }
}
