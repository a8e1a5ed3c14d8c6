//! Calls of functions in tests, in an environment that stands still.

use sealed_template::{Budget, CallError, Context, Limits, Operand, Still, Value};

/// Runs `work` within the limits that hold by default.
pub(crate) fn with_context<R>(work: impl FnOnce(&mut Context<'_>) -> R) -> R {
    with_steps(Limits::default().steps, work)
}

/// Runs `work` with no more than so many steps.
pub(crate) fn with_steps<R>(steps: u64, work: impl FnOnce(&mut Context<'_>) -> R) -> R {
    let mut limits = Limits::default();
    limits.steps = steps;
    work(&mut Context::new(&Still, &mut Budget::new(limits)))
}

/// Calls a function by its name, with arguments that are of the types it takes.
pub(crate) fn call(name: &str, arguments: Vec<Value>) -> Result<Value, CallError> {
    let operands = arguments.into_iter().map(Operand::from_value).collect();
    let functions = crate::functions();
    let function = functions.get(name).expect("a registered function");
    with_context(|context| function.call(context, operands)).map(Operand::into_value)
}
