//! Pipelines, commands, variables and fields.

use super::call::Callee;
use super::fault::shown;
use super::{Executor, Result};
use crate::Reason;
use crate::error::ExecError;
use crate::operand::Operand;
use crate::tree::{Kind, NodeId, Number, Pipeline, Span};
use crate::types::Type;
use crate::value::{Method, ObjectRef, Value, is_exported};

/// What is given to a field or function: the arguments written behind it, and the value of the command
/// before it in the pipeline.
pub(super) struct Given<'t> {
    pub(super) arguments: &'t [NodeId],
    pub(super) piped: Option<Operand>,
}

impl Given<'_> {
    pub(super) const NOTHING: Self = Self {
        arguments: &[],
        piped: None,
    };

    fn is_nothing(&self) -> bool {
        self.arguments.is_empty() && self.piped.is_none()
    }

    pub(super) fn count(&self) -> usize {
        let piped = usize::from(self.piped.is_some());
        self.arguments.len().saturating_add(piped)
    }
}

impl<'t> Executor<'t, '_> {
    /// The value of a pipeline. What it declares stays declared: the caller takes a mark before.
    pub(super) fn pipeline(&mut self, dot: &Operand, id: NodeId) -> Result<Operand> {
        self.step(id)?;
        let pipeline = self.parts(id);
        let mut value = None;
        for &command in &pipeline.commands {
            value = Some(self.command(dot, command, value)?.indirect_interface());
        }
        let value = value.unwrap_or(Operand::Invalid);
        for &name in &pipeline.variables {
            if pipeline.is_assignment {
                self.assign(name, value.clone())?;
            } else {
                let name = self.tree.slice(name);
                self.variables.declare(name, value.clone());
            }
        }
        Ok(value)
    }

    /// What the pipeline `id` is made of.
    pub(super) fn parts(&self, id: NodeId) -> &'t Pipeline {
        const NOTHING: &Pipeline = &Pipeline {
            is_assignment: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        match &self.tree.node(id).kind {
            Kind::Pipeline(pipeline) => pipeline,
            _ => NOTHING,
        }
    }

    pub(super) fn assign(&mut self, name: Span, value: Operand) -> Result<()> {
        let name = self.tree.slice(name);
        self.search()?;
        if self.variables.assign(name, value) {
            Ok(())
        } else {
            Err(self.undefined(name))
        }
    }

    /// Accounts for the search for a variable among many.
    fn search(&mut self) -> Result<()> {
        const VARIABLES_PER_STEP: u64 = 64;
        let steps = self.variables.count() / VARIABLES_PER_STEP;
        self.context
            .spend(steps)
            .map_err(|error| self.failed(&error))
    }

    fn undefined(&self, name: &[u8]) -> ExecError {
        let text = [b"undefined variable: ", name].concat();
        self.fault(Reason::Unusable, text)
    }

    fn command(&mut self, dot: &Operand, id: NodeId, piped: Option<Operand>) -> Result<Operand> {
        let tree = self.tree;
        let Kind::Command(words) = &tree.node(id).kind else {
            return Err(self.fault(Reason::Unusable, "unknown node"));
        };
        let Some((&first, arguments)) = words.split_first() else {
            return Err(self.fault(Reason::Unusable, "empty command"));
        };
        let given = Given { arguments, piped };
        match &tree.node(first).kind {
            Kind::Field(names) => {
                self.step(first)?;
                self.fields(dot, dot, first, *names, given)
            }
            Kind::Chain(inner, names) => self.chain(dot, first, *inner, *names, given),
            Kind::Identifier(name) => self.function(dot, first, *name, id, given),
            Kind::Variable { name, fields } => self.variable(dot, first, (*name, *fields), given),
            Kind::Pipeline(_) => {
                self.expect_nothing(first, &given)?;
                self.nested(|this| this.pipeline(dot, first))
            }
            kind => {
                self.step(first)?;
                self.expect_nothing(first, &given)?;
                match kind {
                    Kind::Dot => Ok(dot.clone()),
                    Kind::Nil => Err(self.fault(Reason::Unusable, "nil is not a command")),
                    _ => self.constant(first),
                }
            }
        }
    }

    /// Refuses arguments to what is no function.
    fn expect_nothing(&self, id: NodeId, given: &Given<'_>) -> Result<()> {
        if given.is_nothing() {
            return Ok(());
        }
        let mut text = b"can't give argument to non-function ".to_vec();
        text.extend_from_slice(&self.tree.print(id));
        Err(self.fault(Reason::Unusable, text))
    }

    /// The value of a constant where nothing says what type it is to have.
    pub(super) fn constant(&self, id: NodeId) -> Result<Operand> {
        let value = match &self.tree.node(id).kind {
            Kind::Bool(bool) => Value::Bool(*bool),
            Kind::String { text, .. } => Value::String(text.clone()),
            Kind::Number(number) => self.ideal(number).ok_or_else(|| {
                let text = [self.tree.slice(number.text), b" overflows int"].concat();
                self.fault(Reason::Unusable, text)
            })?,
            _ => return Err(self.fault(Reason::Unusable, "unknown node")),
        };
        Ok(Operand::Concrete(value))
    }

    /// `$x.A.B`
    pub(super) fn variable(
        &mut self,
        dot: &Operand,
        id: NodeId,
        (name, fields): (Span, Span),
        given: Given<'t>,
    ) -> Result<Operand> {
        self.step(id)?;
        self.search()?;
        let name = self.tree.slice(name);
        let Some(value) = self.variables.get(name) else {
            return Err(self.undefined(name));
        };
        let value = value.clone();
        if fields.is_empty() {
            self.expect_nothing(id, &given)?;
            return Ok(value);
        }
        self.fields(dot, &value, id, fields, given)
    }

    /// `(pipeline).A.B`
    pub(super) fn chain(
        &mut self,
        dot: &Operand,
        id: NodeId,
        inner: NodeId,
        names: Span,
        given: Given<'t>,
    ) -> Result<Operand> {
        self.step(id)?;
        let Some(value) = self.variable_part(dot, inner)? else {
            return Err(self.fault(Reason::Unusable, "field of a constant"));
        };
        self.fields(dot, &value, id, names, given)
    }

    /// `.A.B` of `receiver`, of which the last may be a method and take arguments. `dot` is where those are
    /// evaluated.
    pub(super) fn fields(
        &mut self,
        dot: &Operand,
        receiver: &Operand,
        id: NodeId,
        names: Span,
        given: Given<'t>,
    ) -> Result<Operand> {
        let mut path = self.tree.names(names);
        let Some(last) = path.next_back() else {
            return Ok(receiver.clone());
        };
        let mut inner = None;
        for name in path {
            let receiver = inner.as_ref().unwrap_or(receiver);
            inner = Some(self.field(dot, receiver, id, name, Given::NOTHING)?);
        }
        self.field(dot, inner.as_ref().unwrap_or(receiver), id, last, given)
    }

    fn field(
        &mut self,
        dot: &Operand,
        receiver: &Operand,
        id: NodeId,
        name: &'t [u8],
        given: Given<'t>,
    ) -> Result<Operand> {
        // A field of a missing map entry is missing too.
        let Some(type_) = receiver.type_of() else {
            return Ok(Operand::Invalid);
        };
        match receiver.value() {
            Value::Nil | Value::NilPointer(_) => {
                let text = format!("nil pointer evaluating {type_}.{}", shown(name));
                Err(self.fault(Reason::NoSuchField, text))
            }
            Value::Map(map) if given.is_nothing() => {
                let operand = map.operand(name);
                let is_missing = matches!(operand, Operand::Invalid);
                if is_missing && self.root.as_ref().is_some_and(|root| root.is_same(map)) {
                    self.missing.insert(name);
                }
                Ok(operand)
            }
            Value::Map(_) => {
                let text = format!("{} is not a method but has arguments", shown(name));
                Err(self.fault(Reason::Unusable, text))
            }
            Value::Object(object) => self.member(dot, object, type_, id, name, given),
            _ => Err(self.no_such_field(type_, name)),
        }
    }

    /// A method or field of an object.
    fn member(
        &mut self,
        dot: &Operand,
        object: &ObjectRef,
        type_: Type,
        id: NodeId,
        name: &'t [u8],
        given: Given<'t>,
    ) -> Result<Operand> {
        let key = shown(name);
        match object.methods().get(&*key) {
            Some(Method::Callable(function)) => {
                let callee = Callee {
                    name,
                    node: id,
                    function,
                    receiver: Some(Value::Object(object.clone())),
                };
                return self.call(dot, &callee, given);
            }
            Some(Method::Results(all)) => return Err(self.bad_results(name, all, &given)),
            None => {}
        }
        let fields = object.fields();
        let Some((_, value)) = fields.into_iter().find(|(field, _)| *field == key) else {
            return Err(self.no_such_field(type_, name));
        };
        if !is_exported(&key) {
            let text = format!("{key} is an unexported field of struct type {type_}");
            return Err(self.fault(Reason::NoSuchField, text));
        }
        if !given.is_nothing() {
            let text = format!("{key} has arguments but cannot be invoked as function");
            return Err(self.fault(Reason::Unusable, text));
        }
        Ok(Operand::from_value(value))
    }

    fn no_such_field(&self, type_: Type, name: &[u8]) -> ExecError {
        let text = format!("can't evaluate field {} in type {type_}", shown(name));
        self.fault(Reason::NoSuchField, text)
    }

    /// What a numeric constant is by the looks of it; none for what only an unsigned integer can hold.
    fn ideal(&self, number: &Number) -> Option<Value> {
        if let Some((real, imaginary)) = number.complex {
            return Some(Value::Complex(real, imaginary));
        }
        match number.float {
            Some(float) if looks_like_float(self.tree.slice(number.text)) => {
                Some(Value::Float(float))
            }
            _ => number.int.map(Value::int),
        }
    }
}

fn looks_like_float(text: &[u8]) -> bool {
    let has_any = |set: &[u8]| text.iter().any(|byte| set.contains(byte));
    let is_character = text.starts_with(b"'");
    // In hexadecimal, `e` is a digit.
    let is_hexadecimal = (text.starts_with(b"0x") || text.starts_with(b"0X")) && !has_any(b"pP");
    !is_character && !is_hexadecimal && has_any(b".eEpP")
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_renders, render};
    use crate::{Budget, Functions, Map, Still, Template};

    #[test]
    fn errors_stand_at_the_node_that_was_evaluated_last() {
        for (text, expected) in [
            (
                "{{(print).x}}",
                r#"template: t:1:3: executing "t" at <print>: can't evaluate field x in type string"#,
            ),
            (
                "{{.text.x}}",
                r#"template: t:1:7: executing "t" at <.text.x>: can't evaluate field x in type interface {}"#,
            ),
            (
                "{{define `d`}}\n {{.x}}{{end}}{{template `d` 1}}",
                r#"template: t:2:3: executing "d" at <.x>: can't evaluate field x in type int"#,
            ),
        ] {
            assert_eq!(render(text), expected);
        }
    }

    #[test]
    fn only_fields_of_the_root_count_as_missing() {
        let functions = Functions::builtin();
        let text = "{{.x}}{{$.y.z}}{{.text}}{{.map.k}}{{.map.v}}{{with .map}}{{.w}}{{end}}{{with $}}{{.x}}{{end}}";
        let mut budget = Budget::default();
        let template = Template::parse("t", text, &functions, &mut budget).expect("a template");
        let map = Map::of_strings([("k".into(), "v".into())]);
        let root = [("text".into(), "abc".into()), ("map".into(), map.into())];
        let root = Map::of_any(root.into());
        let rendered = template.render(root.into(), &Still, &mut budget);
        let missing = rendered.expect("a rendering").missing;
        assert_eq!(missing, ["x".into(), "y".into()].into());
    }

    #[test]
    fn fields_of_what_is_missing_are_missing() {
        assert_renders(&[
            ("{{.none.x.y}} {{.none.x 1}}", "<no value> <no value>"),
            ("{{.nil.x}}", "nil pointer evaluating interface {}.x"),
            ("{{.map.k 1}}", "k is not a method but has arguments"),
            ("{{1 | $}}", "can't give argument to non-function $"),
        ]);
    }

    #[test]
    fn numbers_are_of_the_type_they_look_like() {
        assert_renders(&[
            (
                "{{printf `%T %T %T %T` 1 1.0 1e0 'a'}}",
                "int float64 float64 int",
            ),
            // An `e` behind a sign is no digit to Go.
            ("{{printf `%T %T` 0x1e -0x1e}}", "int float64"),
            ("{{printf `%T` 0i}}", "complex128"),
            (
                "{{9223372036854775808}}",
                "9223372036854775808 overflows int",
            ),
        ]);
    }

    #[test]
    fn variables_end_with_their_block_and_hide_others() {
        assert_renders(&[
            ("{{$x := 1}}{{if 1}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
            ("{{$x := 1}}{{if 1}}{{$x = 2}}{{$x}}{{end}}{{$x}}", "22"),
            ("{{or 1 ($x := 2)}}{{$x}}", "undefined variable: $x"),
            (
                "{{define `d`}}{{$}}{{end}}{{$x := 1}}{{template `d`}}",
                "<no value>",
            ),
        ]);
    }
}
