//! Prints a value with a verb.

use super::number::Integer;
use super::spec::Spec;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::CallError;
use crate::types::Kind;
use crate::utf8;
use crate::value::{List, Map, Object, Value, is_exported};

/// What stands for the address of a pointer. In Go it is another one at every run.
const ADDRESS: u64 = 0xc0_0000_0000;

const BOOL_VERBS: &str = "vt";
const INTEGER_VERBS: &str = "vdboOxXcqU";
const FLOAT_VERBS: &str = "vbgGxXfFeE";
const STRING_VERBS: &str = "vsxXq";

/// Where and how values are printed.
pub(super) struct Printer<'a, 'c> {
    pub(super) context: &'a mut Context<'c>,
    pub(super) out: &'a mut Buffer,
    pub(super) spec: Spec,
    /// Whether objects are printed as what they are made of, and not asked for their text.
    is_bare: bool,
}

impl<'a, 'c> Printer<'a, 'c> {
    pub(super) fn new(context: &'a mut Context<'c>, out: &'a mut Buffer) -> Self {
        Self {
            context,
            out,
            spec: Spec::default(),
            is_bare: false,
        }
    }

    /// A value that is an argument, not part of another.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Result<(), CallError> {
        self.context.spend(1)?;
        match (verb, value) {
            ('v' | 'T', Value::Nil) => self.padded(b"<nil>"),
            (_, Value::Nil) => self.complain(verb, b"(<nil>)"),
            ('T', _) => self.truncated(value.type_name().as_bytes()),
            ('p', Value::List(_) | Value::Map(_)) => self.pointer(value, verb),
            ('p', _) if value.kind() == Kind::Pointer => self.pointer(value, verb),
            ('p', _) => self.bad_verb(verb, value),
            ('w', Value::List(list)) if !list.is_bytes() => self.bad_verb(verb, value),
            ('w', Value::Map(_) | Value::Object(_) | Value::NilPointer(_)) => {
                self.bad_verb(verb, value)
            }
            _ => self.value(value, verb, 0),
        }
    }

    /// The complaint about arguments that no directive has used.
    pub(super) fn extra(&mut self, values: &[Value]) -> Result<(), CallError> {
        self.write(b"%!(EXTRA ")?;
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.write(b", ")?;
            }
            if !matches!(value, Value::Nil) {
                self.write(value.type_name().as_bytes())?;
                self.write(b"=")?;
            }
            self.argument(value, 'v')?;
        }
        self.write(b")")
    }

    /// A complaint about a directive: `%!d(MISSING)`.
    pub(super) fn complain(&mut self, verb: char, fault: &[u8]) -> Result<(), CallError> {
        self.write(b"%!")?;
        utf8::push(self.out, verb);
        self.write(fault)
    }

    /// Writes `text` as it is.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), CallError> {
        self.context.charge(text.len())?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// A value `depth` levels inside an argument.
    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), CallError> {
        match value {
            Value::Nil if self.spec.go_syntax => self.write(b"interface {}(nil)"),
            Value::Nil => self.write(b"<nil>"),
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => self.object(&**object, value, verb, depth),
            // All pointers that templates meet have a method that gives their text. It panics on nil, and this
            // is what Go makes of that panic.
            Value::NilPointer(_) if self.asks_for_text(verb) => self.write(b"<nil>"),
            Value::NilPointer(_) => self.pointer(value, verb),
            _ => self.scalar(value, value, verb),
        }
    }

    /// A number, string or truth value: `value`, which is `plain` underneath.
    fn scalar(&mut self, value: &Value, plain: &Value, verb: char) -> Result<(), CallError> {
        let is_one_of = |verbs: &str| verbs.contains(verb);
        match plain {
            Value::Bool(true) if is_one_of(BOOL_VERBS) => self.padded(b"true"),
            Value::Bool(false) if is_one_of(BOOL_VERBS) => self.padded(b"false"),
            Value::Int(_, number) if is_one_of(INTEGER_VERBS) => {
                self.integer(Integer::from(*number), verb)
            }
            Value::Uint(_, number) if verb == 'v' && self.spec.go_syntax => {
                self.hexadecimal(*number, true)
            }
            Value::Uint(_, number) if is_one_of(INTEGER_VERBS) => {
                self.integer(Integer::from(*number), verb)
            }
            Value::Float(number) if is_one_of(FLOAT_VERBS) => self.float(*number, verb),
            Value::Complex(real, imaginary) if is_one_of(FLOAT_VERBS) => {
                self.complex(*real, *imaginary, verb)
            }
            Value::String(text) if is_one_of(STRING_VERBS) => self.string(text, verb),
            _ if verb != 'v' => self.bad_verb(verb, value),
            // No named type is anything else underneath.
            _ => Ok(()),
        }
    }

    fn object(
        &mut self,
        object: &dyn Object,
        value: &Value,
        verb: char,
        depth: usize,
    ) -> Result<(), CallError> {
        if self.asks_for_text(verb)
            && let Some(text) = object.text()
        {
            return self.string(&text, verb);
        }
        if self.spec.go_syntax
            && !self.is_bare
            && let Some(text) = object.go_syntax()
        {
            return self.truncated(&text);
        }
        if let Some(plain) = object.underlying() {
            return self.scalar(value, &plain, verb);
        }
        let name = value.type_name();
        match value.kind() {
            Kind::Pointer if depth > 0 => self.pointer(value, verb),
            Kind::Pointer => {
                self.write(b"&")?;
                self.structure(object, name.trim_start_matches('*'), verb, 1)
            }
            _ => self.structure(object, &name, verb, depth),
        }
    }

    fn asks_for_text(&self, verb: char) -> bool {
        !self.is_bare && !self.spec.go_syntax && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
    }

    fn structure(
        &mut self,
        object: &dyn Object,
        name: &str,
        verb: char,
        depth: usize,
    ) -> Result<(), CallError> {
        let has_names = self.spec.names_fields || self.spec.go_syntax;
        if self.spec.go_syntax {
            self.write(name.as_bytes())?;
        }
        let fields = object.fields();
        self.enclosed(*b"{}", depth, fields.iter(), |printer, (name, value)| {
            if has_names {
                printer.write(name.as_bytes())?;
                printer.write(b":")?;
            }
            // Reflection may not call the methods of what it finds in an unexported field.
            let is_bare = printer.is_bare;
            printer.is_bare |= !is_exported(name);
            printer.value(value, verb, depth.saturating_add(1))?;
            printer.is_bare = is_bare;
            Ok(())
        })
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) -> Result<(), CallError> {
        if list.is_bytes() && matches!(verb, 's' | 'q' | 'x' | 'X') {
            self.context.charge(list.len())?;
            return self.string(&list.to_bytes(), verb);
        }
        if self.spec.go_syntax {
            // Of an argument, Go's fmt has the name at hand; further in it asks reflection.
            match depth {
                0 if verb == 'v' && list.is_bytes() => self.write(b"[]byte")?,
                _ => self.write(list.type_of().to_string().as_bytes())?,
            }
            if list.is_nil() {
                return self.write(b"(nil)");
            }
        }
        let brackets = if self.spec.go_syntax { *b"{}" } else { *b"[]" };
        self.enclosed(brackets, depth, list.items().iter(), |printer, item| {
            printer.value(item, verb, depth.saturating_add(1))
        })
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) -> Result<(), CallError> {
        if self.spec.go_syntax {
            self.write(map.type_of().to_string().as_bytes())?;
            if map.is_nil() {
                return self.write(b"(nil)");
            }
        } else {
            self.write(b"map")?;
        }
        let brackets = if self.spec.go_syntax { *b"{}" } else { *b"[]" };
        self.enclosed(
            brackets,
            depth,
            map.entries().iter(),
            |printer, (key, value)| {
                let text = Value::String(key.clone());
                printer.scalar(&text, &text, verb)?;
                printer.write(b":")?;
                printer.value(value, verb, depth.saturating_add(1))
            },
        )
    }

    /// Items between brackets, the brackets `depth` levels inside an argument.
    fn enclosed<I: ExactSizeIterator>(
        &mut self,
        [open, close]: [u8; 2],
        depth: usize,
        items: I,
        mut print: impl FnMut(&mut Printer<'_, '_>, I::Item) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        let Self {
            context,
            out,
            spec,
            is_bare,
        } = self;
        context.nested(depth, |context| {
            context.spend(items.len() as u64)?;
            let mut printer = Printer {
                context,
                out,
                spec: *spec,
                is_bare: *is_bare,
            };
            let separator: &[u8] = if spec.go_syntax { b", " } else { b" " };
            printer.out.push(open);
            for (index, item) in items.enumerate() {
                if index > 0 {
                    printer.write(separator)?;
                }
                print(&mut printer, item)?;
            }
            printer.write(&[close])
        })
    }

    /// The address of a pointer, or of what a slice or map refers to.
    fn pointer(&mut self, value: &Value, verb: char) -> Result<(), CallError> {
        let address = match value {
            Value::NilPointer(_) => 0,
            Value::List(list) if list.is_nil() => 0,
            Value::Map(map) if map.is_nil() => 0,
            _ => ADDRESS,
        };
        match verb {
            'v' if self.spec.go_syntax => {
                self.write(format!("({})(", value.type_name()).as_bytes())?;
                match address {
                    0 => self.write(b"nil")?,
                    _ => self.hexadecimal(address, true)?,
                }
                self.write(b")")
            }
            'v' if address == 0 => self.padded(b"<nil>"),
            'v' | 'p' => self.hexadecimal(address, !self.spec.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(Integer::from(address), verb),
            _ => self.bad_verb(verb, value),
        }
    }

    /// The complaint that a value cannot be printed with a verb: `%!d(string=x)`.
    fn bad_verb(&mut self, verb: char, value: &Value) -> Result<(), CallError> {
        self.complain(verb, b"(")?;
        self.write(value.type_name().as_bytes())?;
        self.write(b"=")?;
        let is_bare = std::mem::replace(&mut self.is_bare, true);
        self.value(value, 'v', 0)?;
        self.is_bare = is_bare;
        self.write(b")")
    }
}
