//! Formats: text and directives, and which argument is meant by which.

use super::printer::Printer;
use super::spec::Spec;
use crate::error::CallError;
use crate::utf8;
use crate::value::Value;

/// Beyond this, Go takes no number for a width, a precision or an index.
const MOST: usize = 1_000_000;

/// A format that is being printed.
pub(super) struct Directives<'a> {
    rest: &'a [u8],
    arguments: &'a [Value],
    next: usize,
    /// Whether any directive had an index: then it is not asked whether all arguments were used.
    is_reordered: bool,
    /// Whether the indexes of this directive are those of arguments, and stand where they may.
    is_index_good: bool,
    /// No closing bracket is left in the format: each opening one would search all of it again.
    is_unclosed: bool,
}

impl<'a> Directives<'a> {
    pub(super) fn new(format: &'a [u8], arguments: &'a [Value]) -> Self {
        Self {
            rest: format,
            arguments,
            next: 0,
            is_reordered: false,
            is_index_good: true,
            is_unclosed: false,
        }
    }

    pub(super) fn print(mut self, printer: &mut Printer<'_, '_>) -> Result<(), CallError> {
        loop {
            let text = self.rest.split(|&byte| byte == b'%').next();
            let text = text.unwrap_or_default();
            printer.write(text)?;
            match self.rest.split_at_checked(text.len().saturating_add(1)) {
                Some((_, rest)) => self.rest = rest,
                None => break,
            }
            self.directive(printer)?;
        }
        match self.arguments.get(self.next..) {
            Some(extra) if !extra.is_empty() && !self.is_reordered => {
                printer.spec = Spec::default();
                printer.extra(extra)
            }
            _ => Ok(()),
        }
    }

    fn directive(&mut self, printer: &mut Printer<'_, '_>) -> Result<(), CallError> {
        self.is_index_good = true;
        let mut spec = Spec::default();
        while let Some((&byte, rest)) = self.rest.split_first()
            && spec.take_flag(byte)
        {
            self.rest = rest;
        }
        let is_indexed = self.index();
        let is_indexed = self.width(&mut spec, is_indexed, printer)?;
        let is_indexed = self.precision(&mut spec, is_indexed, printer)?;
        if !is_indexed {
            self.index();
        }
        let Some((verb, len)) = utf8::decode(self.rest) else {
            return printer.write(b"%!(NOVERB)");
        };
        self.rest = self.rest.get(len..).unwrap_or_default();
        printer.spec = spec.for_verb(verb);
        if verb == '%' {
            return printer.write(b"%");
        }
        if !self.is_index_good {
            return printer.complain(verb, b"(BADINDEX)");
        }
        match self.argument() {
            Some(argument) => printer.argument(argument, verb),
            None => printer.complain(verb, b"(MISSING)"),
        }
    }

    /// Takes a width; whether there is still an index that nothing has used.
    fn width(
        &mut self,
        spec: &mut Spec,
        is_indexed: bool,
        printer: &mut Printer<'_, '_>,
    ) -> Result<bool, CallError> {
        if !self.eat(b'*') {
            spec.width = self.number();
            self.is_index_good &= !(is_indexed && spec.width.is_some());
            return Ok(is_indexed);
        }
        match self.integer_argument() {
            None => printer.write(b"%!(BADWIDTH)")?,
            Some(width) => {
                spec.width = Some(width.unsigned_abs());
                if width < 0 {
                    spec.minus = true;
                    spec.zero = false;
                }
            }
        }
        Ok(false)
    }

    /// Takes a precision; whether there is still an index that nothing has used.
    fn precision(
        &mut self,
        spec: &mut Spec,
        is_indexed: bool,
        printer: &mut Printer<'_, '_>,
    ) -> Result<bool, CallError> {
        // A point at the end of the format is a verb.
        if self.rest.len() < 2 || !self.eat(b'.') {
            return Ok(is_indexed);
        }
        self.is_index_good &= !is_indexed;
        let is_indexed = self.index();
        if !self.eat(b'*') {
            spec.precision = Some(self.number().unwrap_or_default());
            return Ok(is_indexed);
        }
        let precision = self.integer_argument();
        spec.precision = precision.and_then(|precision| usize::try_from(precision).ok());
        if spec.precision.is_none() {
            printer.write(b"%!(BADPREC)")?;
        }
        Ok(false)
    }

    /// Takes an index such as `[2]`; whether there was one.
    fn index(&mut self) -> bool {
        let Some(rest) = self.rest.strip_prefix(b"[") else {
            return false;
        };
        self.is_reordered = true;
        let end = if self.is_unclosed {
            None
        } else {
            rest.iter().position(|&byte| byte == b']')
        };
        self.is_unclosed |= end.is_none();
        // Go looks for the bracket only where there is room for a digit before it.
        let Some(end) = end.filter(|_| rest.len() > 1) else {
            self.rest = rest;
            self.is_index_good = false;
            return false;
        };
        let (digits, after) = rest.split_at(end);
        self.rest = digits;
        let number = self.number().filter(|_| self.rest.is_empty());
        self.rest = after.get(1..).unwrap_or_default();
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.arguments.len() => self.next = index,
            _ => self.is_index_good = false,
        }
        number.is_some()
    }

    /// Takes a number; none if it is not there or too large, and then nothing is left of the format.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some((&digit @ b'0'..=b'9', rest)) = self.rest.split_first() {
            let sum = number.unwrap_or(0_usize);
            if sum > MOST {
                self.rest = &[];
                return None;
            }
            number = Some(
                sum.saturating_mul(10)
                    .saturating_add(usize::from(digit & 0xF)),
            );
            self.rest = rest;
        }
        number
    }

    /// Takes the argument for a star; none if it is no integer, or too large.
    fn integer_argument(&mut self) -> Option<isize> {
        let number = match self.argument()?.underlying() {
            Value::Int(_, number) => isize::try_from(number).ok(),
            Value::Uint(_, number) => isize::try_from(number).ok(),
            _ => None,
        };
        number.filter(|number| number.unsigned_abs() <= MOST)
    }

    fn argument(&mut self) -> Option<&'a Value> {
        let argument = self.arguments.get(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(argument)
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}
