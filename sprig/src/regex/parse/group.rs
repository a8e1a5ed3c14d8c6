//! Groups and flags: `(`, `(?:`, `(?i)`, `(?P<name>`.

use super::{Cursor, Entry, Failure, Fault, NODE_BYTES, Parser};

impl<'a> Parser<'a, '_, '_> {
    /// Reads an open parenthesis with all that belongs to it.
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        let start = self.cursor;
        let is_named = match start.rest() {
            [b'(', b'?', b'P', b'<', _, ..] => self.cursor.eat(b"(?P<"),
            [b'(', b'?', b'<', _, ..] => self.cursor.eat(b"(?<"),
            _ => false,
        };
        if is_named {
            return self.named_group(start);
        }
        if self.cursor.eat(b"(?") {
            return self.flags(start);
        }
        self.cursor.skip(1);
        self.push_group(true)?;
        Ok(())
    }

    fn push_group(&mut self, is_capture: bool) -> Result<(), Failure> {
        self.context.charge(NODE_BYTES)?;
        self.nodes = self.nodes.saturating_add(1);
        let index = is_capture.then(|| {
            self.groups = self.groups.saturating_add(1);
            self.groups
        });
        self.stack.push(Entry::Group(index, self.flags));
        Ok(())
    }

    /// Reads the name of a group and its closing bracket.
    fn named_group(&mut self, start: Cursor<'a>) -> Result<(), Failure> {
        let Some(name) = self.cursor.take_until(b">") else {
            start.check_utf8()?;
            return Err(Fault::NamedCapture.of(start.rest()));
        };
        Cursor::new(name).check_utf8()?;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if name.is_empty() || !name.iter().all(is_word) {
            return Err(Fault::NamedCapture.of(start.until(self.cursor)));
        }
        self.push_group(true)?;
        let index = usize::try_from(self.groups).unwrap_or(usize::MAX);
        self.names.push((name.to_vec(), index));
        Ok(())
    }

    /// Reads flags up to the `)` or `:` that ends them.
    fn flags(&mut self, start: Cursor<'a>) -> Result<(), Failure> {
        let mut flags = self.flags;
        let mut set = true;
        let mut is_complete = true;
        while let Some(char) = self.cursor.next_char()? {
            match char {
                'i' => flags.fold_case = set,
                'm' => flags.multi_line = set,
                's' => flags.dot_newline = set,
                'U' => flags.swap_greed = set,
                '-' if set => {
                    set = false;
                    is_complete = false;
                    continue;
                }
                ':' | ')' if is_complete => {
                    if char == ':' {
                        self.push_group(false)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            is_complete = true;
        }
        Err(Fault::PerlOp.of(start.until(self.cursor)))
    }
}
