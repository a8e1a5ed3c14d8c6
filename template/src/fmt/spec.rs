//! What stands between the percent sign and the verb.

/// Flags, width and precision.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the flags of the language"
)]
pub(super) struct Spec {
    /// `+`: a sign before positive numbers too; quotes are of ASCII only.
    pub(super) plus: bool,
    /// `-`: padding goes to the right.
    pub(super) minus: bool,
    /// `#`: the alternate form, such as `0x` before hexadecimal numbers.
    pub(super) sharp: bool,
    /// ` `: room for a sign; spaces between bytes.
    pub(super) space: bool,
    /// `0`: padding is of zeros.
    pub(super) zero: bool,
    /// `%+v`: with the names of fields.
    pub(super) names_fields: bool,
    /// `%#v`: in Go syntax.
    pub(super) go_syntax: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

impl Spec {
    /// With `%v`, plus and sharp are not flags but parts of the verb.
    #[must_use]
    pub(super) fn for_verb(self, verb: char) -> Self {
        match verb {
            'v' | 'w' => Self {
                names_fields: self.plus,
                go_syntax: self.sharp,
                plus: false,
                sharp: false,
                ..self
            },
            _ => self,
        }
    }

    /// Takes a flag; whether `byte` is one.
    pub(super) fn take_flag(&mut self, byte: u8) -> bool {
        match byte {
            b'+' => self.plus = true,
            b'-' => self.minus = true,
            b'#' => self.sharp = true,
            b' ' => self.space = true,
            b'0' => self.zero = true,
            _ => return false,
        }
        true
    }
}
