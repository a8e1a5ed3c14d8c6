//! Numbers.

use super::printer::Printer;
use crate::error::CallError;
use crate::strconv::{self, Digits, Notation};
use crate::{unicode, utf8};

/// An integer of any of Go's types.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    magnitude: u64,
    is_negative: bool,
}

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Self {
            magnitude: number.unsigned_abs(),
            is_negative: number < 0,
        }
    }
}

impl From<u64> for Integer {
    fn from(number: u64) -> Self {
        Self {
            magnitude: number,
            is_negative: false,
        }
    }
}

impl Integer {
    /// The character of this code, U+FFFD if there is none.
    fn char(self) -> char {
        let code = u32::try_from(self.magnitude).ok();
        code.filter(|_| !self.is_negative)
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// As Go's conversion to an unsigned integer makes it.
    fn bits(self) -> u64 {
        if self.is_negative {
            self.magnitude.wrapping_neg()
        } else {
            self.magnitude
        }
    }
}

impl Printer<'_, '_> {
    /// An integer with one of its verbs.
    pub(super) fn integer(&mut self, number: Integer, verb: char) -> Result<(), CallError> {
        match verb {
            'b' => self.digits(number, 2, verb),
            'o' | 'O' => self.digits(number, 8, verb),
            'x' | 'X' => self.digits(number, 16, verb),
            'c' => {
                let start = self.out.len();
                utf8::push(self.out, number.char());
                self.finish(start)
            }
            'q' => {
                let start = self.out.len();
                if self.spec.plus {
                    strconv::append_quote_rune_to_ascii(self.out, number.char());
                } else {
                    strconv::append_quote_rune(self.out, number.char());
                }
                self.finish(start)
            }
            'U' => self.code_point(number),
            _ => self.digits(number, 10, verb),
        }
    }

    /// A hexadecimal number, with or without `0x` whatever the flags.
    pub(super) fn hexadecimal(&mut self, number: u64, has_prefix: bool) -> Result<(), CallError> {
        let sharp = std::mem::replace(&mut self.spec.sharp, has_prefix);
        let result = self.digits(number.into(), 16, 'v');
        self.spec.sharp = sharp;
        result
    }

    fn digits(&mut self, number: Integer, base: u32, verb: char) -> Result<(), CallError> {
        let spec = self.spec;
        let start = self.out.len();
        if spec.precision == Some(0) && number.magnitude == 0 {
            return self.pad(start, b' ');
        }
        let sign = match number.is_negative {
            true => Some(b'-'),
            false if spec.plus => Some(b'+'),
            false if spec.space => Some(b' '),
            false => None,
        };
        let least = match (spec.precision, spec.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if spec.zero && !spec.minus => {
                width.saturating_sub(sign.iter().len())
            }
            _ => 0,
        };
        let digits = Digits::new(number.magnitude, base);
        let zeros = least.saturating_sub(digits.as_bytes().len());
        self.context.charge(zeros)?;
        self.out.extend(sign);
        if verb == 'O' {
            self.out.extend_from_slice(b"0o");
        }
        if spec.sharp {
            match base {
                2 => self.out.extend_from_slice(b"0b"),
                8 if zeros == 0 && number.magnitude != 0 => self.out.push(b'0'),
                16 => self.out.extend_from_slice(b"0x"),
                _ => {}
            }
        }
        self.zeros(zeros);
        self.out.extend_from_slice(digits.as_bytes());
        if verb == 'X' {
            self.uppercase(start);
        }
        // Where zeros were asked for they are there by now.
        self.finish_with(start, b' ')
    }

    /// `U+0078`, or `U+0078 'x'` with the sharp flag.
    fn code_point(&mut self, number: Integer) -> Result<(), CallError> {
        let digits = Digits::new(number.bits(), 16);
        let least = self.spec.precision.unwrap_or_default().max(4);
        let zeros = least.saturating_sub(digits.as_bytes().len());
        self.context.charge(zeros)?;
        let start = self.out.len();
        self.out.extend_from_slice(b"U+");
        self.zeros(zeros);
        self.out.extend_from_slice(digits.as_bytes());
        self.uppercase(start);
        if self.spec.sharp
            && let Ok(code) = u32::try_from(number.bits())
            && let Some(char) = char::from_u32(code)
            && unicode::is_print(char)
        {
            self.out.extend_from_slice(b" '");
            utf8::push(self.out, char);
            self.out.push(b'\'');
        }
        self.finish_with(start, b' ')
    }

    /// A floating-point number with one of its verbs.
    pub(super) fn float(&mut self, number: f64, verb: char) -> Result<(), CallError> {
        let (notation, default) = match verb {
            'b' => (Notation::Binary, None),
            'e' | 'E' => (Notation::Exponent, Some(6)),
            'f' | 'F' => (Notation::Fixed, Some(6)),
            'x' | 'X' => (Notation::Hexadecimal, None),
            _ => (Notation::General, None),
        };
        let spec = self.spec;
        let precision = spec.precision.or(default);
        self.charge_float(precision)?;
        let mut text = strconv::format_float(number, notation, precision);
        if number.is_finite() {
            if spec.sharp && notation != Notation::Binary {
                text = with_point(&text, verb, precision);
            }
            if verb != 'F' && verb.is_ascii_uppercase() {
                text.make_ascii_uppercase();
            }
        }
        let (sign, text) = match text.split_at_checked(1) {
            Some((sign @ ("-" | "+"), text)) => (sign, text),
            _ => ("+", text.as_str()),
        };
        let sign = match sign {
            "-" => "-",
            _ if spec.plus => "+",
            _ if spec.space => " ",
            _ if number.is_infinite() => "+",
            _ => "",
        };
        let start = self.out.len();
        self.out.extend_from_slice(sign.as_bytes());
        if number.is_finite() && spec.zero && !spec.minus && !sign.is_empty() {
            let width = spec.width.unwrap_or_default();
            let len = text.len().saturating_add(sign.len());
            self.context.charge(width)?;
            self.zeros(width.saturating_sub(len));
        }
        self.out.extend_from_slice(text.as_bytes());
        if number.is_finite() {
            self.finish(start)
        } else {
            self.finish_with(start, b' ')
        }
    }

    /// A complex number with one of its verbs, which are those of its parts.
    pub(super) fn complex(
        &mut self,
        real: f64,
        imaginary: f64,
        verb: char,
    ) -> Result<(), CallError> {
        self.out.push(b'(');
        self.float(real, verb)?;
        let plus = std::mem::replace(&mut self.spec.plus, true);
        self.float(imaginary, verb)?;
        self.spec.plus = plus;
        self.out.extend_from_slice(b"i)");
        Ok(())
    }

    /// Digits of high precision are not only long, but slow to find.
    fn charge_float(&mut self, precision: Option<usize>) -> Result<(), CallError> {
        let digits = precision.unwrap_or_default();
        self.context.charge(digits)?;
        self.context.spend(digits.min(1000) as u64 / 4)
    }

    fn zeros(&mut self, count: usize) {
        self.out.repeat(b'0', count);
    }
}

/// The sharp flag: a number always has a point, and with `%g` and `%x` as many digits as the precision says.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let exponent = match verb {
        'x' | 'X' => text.find('p'),
        _ => text.find('e'),
    };
    let (number, exponent) = text.split_at(exponent.unwrap_or(text.len()));
    let least = match verb {
        'e' | 'E' | 'f' | 'F' | 'X' => 0,
        _ => precision.unwrap_or(6),
    };
    let digits = number.bytes().filter(|&byte| byte != b'-' && byte != b'.');
    let mut significant = digits.skip_while(|&byte| byte == b'0').count();
    let has_point = number.contains('.');
    // A lone zero counts as a digit.
    if !has_point && number.trim_start_matches('-') == "0" {
        significant = 1;
    }
    let zeros = least.saturating_sub(significant);
    let point = if has_point { "" } else { "." };
    format!("{number}{point}{}{exponent}", "0".repeat(zeros))
}
