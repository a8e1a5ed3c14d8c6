//! `range`.

use super::{Executor, Flow, Result};
use crate::buffer::Buffer;
use crate::operand::Operand;
use crate::str::Str;
use crate::tree::{Branch, NodeId, Pipeline};
use crate::value::{List, Map, Value};
use crate::{Reason, fmt};

/// What a range runs over, never empty.
enum Items {
    /// The numbers below a count, which is of their type.
    Numbers(Value, u64),
    List(List),
    Map(Map),
}

/// A loop.
struct Loop<'t> {
    /// The variables that it sets.
    pipeline: &'t Pipeline,
    body: NodeId,
}

impl<'t> Executor<'t, '_> {
    pub(super) fn walk_range(&mut self, dot: &Operand, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.mark();
        let value = self.pipeline(dot, branch.pipeline)?;
        let each = Loop {
            pipeline: self.parts(branch.pipeline),
            body: branch.body,
        };
        let flow = match self.items(value.value(), each.pipeline.variables.len())? {
            Some(items) => {
                self.iterate(&items, &each)?;
                Flow::Next
            }
            // As in Go, a `break` there ends this range and not the one around it, where a `continue` goes.
            None => match self.walk_otherwise(dot, branch)? {
                Flow::Break => Flow::Next,
                flow => flow,
            },
        };
        self.variables.release(mark);
        Ok(flow)
    }

    /// What there is to iterate over; none if it is empty.
    fn items(&mut self, value: &Value, variables: usize) -> Result<Option<Items>> {
        let items = match value.underlying() {
            Value::Nil => None,
            Value::Int(..) | Value::Uint(..) if variables > 1 => {
                let text = self.with_value(
                    "can't use ",
                    value,
                    " to iterate over more than one variable",
                )?;
                return Err(self.fault(Reason::Unusable, text));
            }
            Value::Int(_, count) => u64::try_from(count)
                .ok()
                .filter(|count| *count > 0)
                .map(|count| Items::Numbers(value.clone(), count)),
            Value::Uint(_, count) => (count > 0).then(|| Items::Numbers(value.clone(), count)),
            Value::List(list) => (!list.is_empty()).then_some(Items::List(list)),
            Value::Map(map) => (!map.is_empty()).then_some(Items::Map(map)),
            _ => {
                let text = self.with_value("range can't iterate over ", value, "")?;
                return Err(self.fault(Reason::Unusable, text));
            }
        };
        Ok(items)
    }

    fn iterate(&mut self, items: &Items, each: &Loop<'t>) -> Result<()> {
        match items {
            Items::Numbers(like, count) => {
                for number in 0..*count {
                    let item = Operand::from_value(number_like(like, number));
                    if self.iteration(each, Operand::Invalid, &item)? == Flow::Break {
                        break;
                    }
                }
            }
            // The body may sort the list meanwhile, and sees what it did.
            Items::List(list) => {
                for (index, number) in (0..list.len()).zip(0..) {
                    let key = Operand::Concrete(Value::int(number));
                    let item = list.operand(index).unwrap_or(Operand::Invalid);
                    if self.iteration(each, key, &item)? == Flow::Break {
                        break;
                    }
                }
            }
            // The body may write to the map meanwhile, and does not see what it did.
            Items::Map(map) => {
                let entry = size_of::<(Str, Value)>();
                self.context
                    .charge(map.len().saturating_mul(entry))
                    .map_err(|error| self.failed(&error))?;
                for (key, value) in map.to_vec() {
                    let item = Operand::element(*map.element(), value);
                    let key = Operand::Concrete(Value::String(key));
                    if self.iteration(each, key, &item)? == Flow::Break {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn iteration(&mut self, each: &Loop<'t>, key: Operand, item: &Operand) -> Result<Flow> {
        match (&each.pipeline.variables[..], each.pipeline.is_assignment) {
            ([], _) => {}
            ([only], true) => self.assign(*only, item.clone())?,
            ([first, second, ..], true) => {
                self.assign(*first, key)?;
                self.assign(*second, item.clone())?;
            }
            ([_], false) => self.variables.set_top(0, item.clone()),
            ([_, _, ..], false) => {
                self.variables.set_top(0, item.clone());
                self.variables.set_top(1, key);
            }
        }
        let mark = self.variables.mark();
        let flow = self.walk(item, each.body)?;
        self.variables.release(mark);
        Ok(flow)
    }

    /// An error text that quotes a value.
    fn with_value(&mut self, before: &str, value: &Value, after: &str) -> Result<Buffer> {
        let mut text = Buffer::from(before.as_bytes().to_vec());
        fmt::write_value(&mut self.context, &mut text, value)
            .map_err(|error| self.failed(&error))?;
        text.extend_from_slice(after.as_bytes());
        Ok(text)
    }
}

/// A number of the type that another has.
fn number_like(other: &Value, number: u64) -> Value {
    let signed = number.cast_signed();
    match other {
        Value::Uint(type_, _) => Value::Uint(*type_, number),
        Value::Int(type_, _) => Value::Int(*type_, signed),
        Value::Object(object) => object.with_number(signed).unwrap_or(Value::Nil),
        _ => Value::Nil,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::assert_renders;

    #[test]
    fn a_break_in_the_else_ends_the_range_it_belongs_to() {
        assert_renders(&[
            (
                "{{range .ints}}{{.}}{{range $.none}}{{else}}{{break}}x{{end}}y{{end}}",
                "3y1y2y",
            ),
            (
                "{{range .ints}}{{.}}{{range $.none}}{{else}}{{continue}}x{{end}}y{{end}}",
                "312",
            ),
        ]);
    }

    #[test]
    fn the_one_variable_is_the_item_and_of_two_the_first_is_the_key() {
        assert_renders(&[
            ("{{range $v := .ints}}{{$v}}{{end}}", "312"),
            ("{{range $i, $v := .ints}}{{$i}}{{$v}}{{end}}", "031122"),
            (
                "{{$k := 0}}{{$v := 0}}{{range $k, $v = .map}}{{end}}{{$k}}{{$v}}",
                "kv",
            ),
            ("{{$v := 0}}{{range $v = 3}}{{end}}{{$v}}", "2"),
        ]);
    }

    #[test]
    fn integers_of_any_type_count_and_keep_it() {
        assert_renders(&[
            (
                "{{range index `\x03` 0}}{{printf `%T%v ` . .}}{{end}}",
                "uint80 uint81 uint82 ",
            ),
            ("{{range -1}}x{{else}}none{{end}}", "none"),
            (
                "{{range $i, $v := 3}}{{end}}",
                "can't use 3 to iterate over more than one variable",
            ),
        ]);
    }

    #[test]
    fn what_cannot_be_iterated_over_is_quoted() {
        assert_renders(&[
            ("{{range .text}}{{end}}", "range can't iterate over abc"),
            ("{{range 1.5}}{{end}}", "range can't iterate over 1.5"),
            ("{{range .nil}}x{{else}}none{{end}}", "none"),
        ]);
    }
}
