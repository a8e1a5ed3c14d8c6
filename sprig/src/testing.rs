//! Calls of functions in tests, on a machine whose clock stands still and whose random bytes are zero.

use std::time::{Duration, SystemTime};

use sealed_template::{Budget, CallError, Context, Environment, Limits, Operand, Value};

#[derive(Debug)]
struct Still;

impl Environment for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

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
