//! Calls of functions and methods.

use super::evaluate::Given;
use super::fault::{quoted, shown};
use super::{Executor, Result};
use crate::Reason;
use crate::builtins;
use crate::error::{CallError, ExecError};
use crate::function::Function;
use crate::operand::Operand;
use crate::tree::{NodeId, Span};
use crate::types::Type;
use crate::value::Value;

/// What is called.
pub(super) struct Callee<'t, 'f> {
    pub(super) name: &'t [u8],
    /// The node that an error of the function itself shows.
    pub(super) node: NodeId,
    pub(super) function: &'f Function,
    /// The object, for a method.
    pub(super) receiver: Option<Value>,
}

impl<'t> Executor<'t, '_> {
    /// A call of the function that the identifier `id` names, in `command`.
    pub(super) fn function(
        &mut self,
        dot: &Operand,
        id: NodeId,
        name: Span,
        command: NodeId,
        given: Given<'t>,
    ) -> Result<Operand> {
        self.step(id)?;
        let name = self.tree.slice(name);
        let index = usize::try_from(id.0).unwrap_or(usize::MAX);
        let Some(entry) = self.functions.get(index).copied().flatten() else {
            let text = [&quoted(name), &b" is not a defined function"[..]].concat();
            return Err(self.fault(Reason::Unusable, text));
        };
        let callee = Callee {
            name,
            node: command,
            function: &entry.function,
            receiver: None,
        };
        match name {
            b"and" if entry.is_builtin => self.and_or(dot, &callee, given, false),
            b"or" if entry.is_builtin => self.and_or(dot, &callee, given, true),
            b"call" if entry.is_builtin => self.call_value(dot, &callee, given),
            _ => self.call(dot, &callee, given),
        }
    }

    pub(super) fn call(
        &mut self,
        dot: &Operand,
        callee: &Callee<'t, '_>,
        given: Given<'t>,
    ) -> Result<Operand> {
        let arguments = self.arguments(dot, callee, given)?;
        let result = self
            .context
            .spend(cost_of_reading(&arguments))
            .and_then(|()| callee.function.call(&mut self.context, arguments))
            .and_then(|result| {
                self.context.charge(result.value().footprint())?;
                Ok(result)
            });
        result.map_err(|error| self.call_failed(callee, &error))
    }

    /// `and` and `or` evaluate no argument past the one that decides. The piped one is a value already.
    fn and_or(
        &mut self,
        dot: &Operand,
        callee: &Callee<'t, '_>,
        given: Given<'t>,
        decisive: bool,
    ) -> Result<Operand> {
        self.check_count(callee, &given)?;
        let mut value = Operand::Invalid;
        for &argument in given.arguments {
            value = self.argument(dot, Type::Operand, argument)?;
            if value.value().is_true() == decisive {
                return Ok(value);
            }
        }
        Ok(given.piped.unwrap_or(value))
    }

    /// `call` calls a value that is a function. No value is, so all that is left is to say so.
    fn call_value(
        &mut self,
        dot: &Operand,
        callee: &Callee<'t, '_>,
        given: Given<'t>,
    ) -> Result<Operand> {
        let written = given.arguments.first().map(|&id| self.tree.print(id));
        let arguments = self.arguments(dot, callee, given)?;
        let function = arguments.into_iter().next().unwrap_or(Operand::Invalid);
        let error = builtins::not_a_function(written, function.value());
        Err(self.call_failed(callee, &error))
    }

    fn call_failed(&mut self, callee: &Callee<'t, '_>, error: &CallError) -> ExecError {
        self.node = callee.node;
        let mut text = b"error calling ".to_vec();
        text.extend_from_slice(callee.name);
        text.extend_from_slice(b": ");
        text.extend_from_slice(error.text());
        self.fault(error.reason(), text)
    }

    /// The arguments, each of the type of its parameter.
    fn arguments(
        &mut self,
        dot: &Operand,
        callee: &Callee<'t, '_>,
        given: Given<'t>,
    ) -> Result<Vec<Operand>> {
        self.check_count(callee, &given)?;
        let parameters = callee.parameters();
        // Further arguments of a variadic function have the type of its last parameter.
        let type_of = |index: usize| {
            let parameter = parameters.get(index).or_else(|| parameters.last());
            parameter.copied().unwrap_or(Type::Any)
        };
        let receiver = usize::from(callee.receiver.is_some());
        let mut operands = Vec::with_capacity(given.count().saturating_add(receiver));
        operands.extend(callee.receiver.clone().map(Operand::Concrete));
        for (index, &argument) in given.arguments.iter().enumerate() {
            operands.push(self.argument(dot, type_of(index), argument)?);
        }
        if let Some(piped) = given.piped {
            operands.push(self.fit(piped, type_of(given.arguments.len()))?);
        }
        Ok(operands)
    }

    fn check_count(&self, callee: &Callee<'t, '_>, given: &Given<'_>) -> Result<()> {
        let wanted = callee.parameters().len();
        let fixed = wanted.saturating_sub(1);
        let is_variadic = callee.function.is_variadic();
        let got = given.count();
        if got == wanted || is_variadic && got >= fixed {
            return Ok(());
        }
        let name = shown(callee.name);
        let text = if is_variadic {
            // Go forgets to count the piped one here.
            let got = given.arguments.len();
            format!("wrong number of args for {name}: want at least {fixed} got {got}")
        } else {
            format!("wrong number of args for {name}: want {wanted} got {got}")
        };
        Err(self.fault(Reason::ArgumentCount, text))
    }

    /// Why a method with several results cannot be called.
    pub(super) fn bad_results(
        &self,
        name: &[u8],
        results: &[Type],
        given: &Given<'_>,
    ) -> ExecError {
        let name = shown(name);
        if given.count() > 0 {
            // All such methods take no arguments.
            let text = format!(
                "wrong number of args for {name}: want 0 got {}",
                given.count()
            );
            return self.fault(Reason::ArgumentCount, text);
        }
        let text = match results {
            [_, second] => format!(
                "invalid function signature for {name}: second return value should be error; is {second}"
            ),
            _ => format!(
                "function {name} has {} return values; should be 1 or 2",
                results.len()
            ),
        };
        self.fault(Reason::Unusable, text)
    }
}

impl Callee<'_, '_> {
    /// The types of the parameters, without the receiver.
    fn parameters(&self) -> &[Type] {
        let all = self.function.parameters();
        all.get(usize::from(self.receiver.is_some())..)
            .unwrap_or_default()
    }
}

/// Steps that it takes to go over the texts among the arguments, as many functions do. Without them, a loop
/// over one long text would run for minutes between two looks at the clock.
fn cost_of_reading(arguments: &[Operand]) -> u64 {
    const BYTES_PER_STEP: usize = 1 << 10;
    let steps = arguments.iter().map(|argument| match argument.value() {
        Value::String(text) => text.len() / BYTES_PER_STEP,
        _ => 0,
    });
    steps.fold(0, |sum: u64, steps| sum.saturating_add(steps as u64))
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;

    #[test]
    fn and_and_or_end_with_the_argument_that_decides() {
        assert_renders(&[
            ("{{and 0 (index nil 1)}} {{or 1 (index nil 1)}}", "0 1"),
            ("{{and 1 2 `x`}} {{or 0 `` nil}}", "x <no value>"),
            ("{{1 | and 0}} {{2 | and 1}} {{2 | or 0}}", "0 2 2"),
        ]);
    }

    #[test]
    fn calling_what_is_no_function_names_it() {
        assert_renders(&[
            (
                "{{call .text}}",
                "error calling call: non-function .text of type string",
            ),
            (
                "{{call (print 1) 2}}",
                "error calling call: non-function print 1 of type string",
            ),
            (
                "{{1 | call}}",
                "error calling call: non-function <int Value> of type int",
            ),
            ("{{call nil}}", "error calling call: call of nil"),
        ]);
    }

    #[test]
    fn arguments_are_counted_with_the_piped_one() {
        assert_renders(&[
            (
                "{{printf}}",
                "wrong number of args for printf: want at least 1 got 0",
            ),
            (
                "{{1 | not 2}}",
                "wrong number of args for not: want 1 got 2",
            ),
        ]);
    }
}
