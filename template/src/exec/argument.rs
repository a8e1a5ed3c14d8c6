//! Arguments, evaluated and checked against the type of the parameter they are for.

use super::evaluate::Given;
use super::{Executor, Result};
use crate::Reason;
use crate::error::ExecError;
use crate::operand::Operand;
use crate::tree::{Kind, NodeId, Number};
use crate::types::{self, IntType, Type, UintType};
use crate::value::{List, Map, Value};

impl Executor<'_, '_> {
    /// An argument for a parameter of type `type_`.
    pub(super) fn argument(&mut self, dot: &Operand, type_: Type, id: NodeId) -> Result<Operand> {
        if let Some(operand) = self.variable_part(dot, id)? {
            return self.fit(operand, type_);
        }
        let kind = &self.tree.node(id).kind;
        match (kind, type_) {
            (Kind::Nil, _) if type_.can_be_nil() => Ok(zero(type_)),
            (Kind::Nil, _) => {
                let text = format!("cannot assign nil to {type_}");
                Err(self.fault(Reason::ArgumentType, text))
            }
            (_, Type::Any | Type::Operand) => self.constant(id),
            _ => self.typed_constant(kind, type_, id).map(Operand::Concrete),
        }
    }

    /// The value of what is not a constant; none for constants. The position moves to it in any case.
    pub(super) fn variable_part(&mut self, dot: &Operand, id: NodeId) -> Result<Option<Operand>> {
        self.step(id)?;
        let tree = self.tree;
        let given = Given::NOTHING;
        let operand = match &tree.node(id).kind {
            Kind::Dot => dot.clone(),
            Kind::Field(names) => self.fields(dot, dot, id, *names, given)?,
            Kind::Variable { name, fields } => self.variable(dot, id, (*name, *fields), given)?,
            Kind::Pipeline(_) => self.nested(|this| this.pipeline(dot, id))?,
            Kind::Identifier(name) => self.function(dot, id, *name, id, given)?,
            Kind::Chain(inner, names) => self.chain(dot, id, *inner, *names, given)?,
            _ => return Ok(None),
        };
        Ok(Some(operand))
    }

    /// A value as an argument for a parameter of type `type_`.
    pub(super) fn fit(&self, operand: Operand, type_: Type) -> Result<Operand> {
        let value = match (operand, type_) {
            (operand, Type::Operand) => return Ok(operand),
            (Operand::Invalid, _) if type_.can_be_nil() => return Ok(zero(type_)),
            (Operand::Invalid, _) => {
                let text = format!("invalid value; expected {type_}");
                return Err(self.fault(Reason::ArgumentType, text));
            }
            (operand, Type::Any) => return Ok(operand),
            (Operand::Interface(Value::Nil), _) => {
                return Err(self.wrong_type(type_, Type::Any));
            }
            (Operand::Interface(value) | Operand::Concrete(value), _) => value,
        };
        match value.type_of() {
            Some(actual) if actual != type_ => Err(self.wrong_type(type_, actual)),
            _ => Ok(Operand::Concrete(value)),
        }
    }

    fn wrong_type(&self, expected: Type, actual: Type) -> ExecError {
        let text = format!("wrong type for value; expected {expected}; got {actual}");
        self.fault(Reason::ArgumentType, text)
    }

    /// A constant as a value of type `type_`. One of a named number is the number underneath, which
    /// [`GoType::from_operand`](crate::GoType::from_operand) of the named type takes too.
    fn typed_constant(&self, kind: &Kind, type_: Type, id: NodeId) -> Result<Value> {
        let (wanted, value) = match type_.kind() {
            types::Kind::Bool => ("bool", bool(kind)),
            types::Kind::Complex128 => ("complex", complex(kind)),
            types::Kind::Float64 => ("float", float(kind)),
            types::Kind::Int(type_) => ("integer", int(type_, kind)),
            types::Kind::String => ("string", string(kind)),
            types::Kind::Uint(type_) => ("unsigned integer", uint(type_, kind)),
            _ => {
                let mut text = b"can't handle ".to_vec();
                text.extend_from_slice(&self.tree.print(id));
                text.extend(format!(" for arg of type {type_}").bytes());
                return Err(self.fault(Reason::ArgumentType, text));
            }
        };
        value.ok_or_else(|| {
            let mut text = format!("expected {wanted}; found ").into_bytes();
            text.extend_from_slice(&self.tree.print(id));
            self.fault(Reason::ArgumentType, text)
        })
    }
}

/// The nil of a type that has one.
fn zero(type_: Type) -> Operand {
    match type_ {
        Type::Operand => Operand::Invalid,
        Type::Slice(element) => Operand::Concrete(Value::List(List::nil(element))),
        Type::Map(element) => Operand::Concrete(Value::Map(Map::nil(element))),
        Type::Named(_) => Operand::Concrete(Value::NilPointer(type_)),
        _ => Operand::Interface(Value::Nil),
    }
}

fn bool(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Bool(bool) => Some(Value::Bool(*bool)),
        _ => None,
    }
}

fn string(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::String { text, .. } => Some(Value::String(text.clone())),
        _ => None,
    }
}

fn number(kind: &Kind) -> Option<&Number> {
    match kind {
        Kind::Number(number) => Some(number),
        _ => None,
    }
}

fn complex(kind: &Kind) -> Option<Value> {
    let (real, imaginary) = number(kind)?.complex?;
    Some(Value::Complex(real, imaginary))
}

fn float(kind: &Kind) -> Option<Value> {
    number(kind)?.float.map(Value::Float)
}

/// Go cuts a constant to the width of the type.
fn int(type_: IntType, kind: &Kind) -> Option<Value> {
    let beyond = u64::BITS.saturating_sub(type_.bits());
    let cut = number(kind)?.int?.wrapping_shl(beyond).wrapping_shr(beyond);
    Some(Value::Int(type_, cut))
}

/// The same without a sign.
fn uint(type_: UintType, kind: &Kind) -> Option<Value> {
    let beyond = u64::BITS.saturating_sub(type_.bits());
    let cut = number(kind)?
        .uint?
        .wrapping_shl(beyond)
        .wrapping_shr(beyond);
    Some(Value::Uint(type_, cut))
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;
    use crate::{Budget, Functions, Still, Template, Value};

    #[test]
    fn a_constant_is_cut_to_the_width_of_the_type() {
        let mut functions = Functions::builtin();
        functions.add("byte", |byte: u8| byte);
        let mut budget = Budget::default();
        let template = Template::parse("t", "{{byte 0x1F7}}", &functions, &mut budget);
        let rendered = template.unwrap().render(Value::Nil, &Still, &mut budget);
        assert_eq!(rendered.unwrap().output, b"247");
    }

    #[test]
    fn constants_take_the_type_of_the_parameter_or_are_refused() {
        assert_renders(&[
            ("{{printf 5}}", "expected string; found 5"),
            ("{{printf nil}}", "cannot assign nil to string"),
            ("{{printf .none}}", "invalid value; expected string"),
            (
                "{{printf .nil}}",
                "wrong type for value; expected string; got interface {}",
            ),
            ("{{.nil | printf}}", "invalid value; expected string"),
            (
                "{{printf .ints}}",
                "wrong type for value; expected string; got []interface {}",
            ),
        ]);
    }
}
