//! One CSV record, read as Go's `encoding/csv` reads it.

/// What ends a field.
enum End {
    Comma,
    Record,
}

/// The fields of the first record of `text`; the empty text has none.
///
/// The error texts and their byte columns are Go's.
pub(crate) fn record(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let normal = text.replace("\r\n", "\n");
    // A carriage return at the very end belongs to a line end that was cut off.
    let normal = normal.strip_suffix('\r').unwrap_or(&normal);
    let mut reader = Reader {
        rest: normal.trim_start_matches('\n'),
        line: 1,
        column: 1,
    };
    reader.line += normal.len() - reader.rest.len();
    if reader.rest.is_empty() {
        return Err("EOF".to_owned());
    }
    let first_line = reader.line;
    let mut fields = Vec::new();
    loop {
        let (field, end) = if let Some(quoted) = reader.rest.strip_prefix('"') {
            reader.rest = quoted;
            reader.column += 1;
            reader.quoted(first_line)?
        } else {
            reader.bare(first_line)?
        };
        fields.push(field);
        if matches!(end, End::Record) {
            return Ok(fields);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn bare(&mut self, first_line: usize) -> Result<(String, End), String> {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let (field, end) = match line.split_once(',') {
            Some((field, _)) => (field, End::Comma),
            None => (line, End::Record),
        };
        if let Some(at) = field.find('"') {
            self.column += at;
            return Err(self.error(first_line, "bare \" in non-quoted-field"));
        }
        self.advance(field.len());
        if matches!(end, End::Comma) {
            self.advance(1);
        }
        Ok((field.to_owned(), end))
    }

    fn quoted(&mut self, first_line: usize) -> Result<(String, End), String> {
        const MISPLACED: &str = "extraneous or missing \" in quoted-field";
        let mut field = String::new();
        loop {
            let Some((before, after)) = self.rest.split_once('"') else {
                self.skip_lines();
                return Err(self.error(first_line, MISPLACED));
            };
            field.push_str(before);
            self.line += before.matches('\n').count();
            self.column = match before.rsplit_once('\n') {
                Some((_, tail)) => tail.len() + 2,
                None => self.column + before.len() + 1,
            };
            self.rest = after;
            match after.chars().next() {
                Some('"') => {
                    field.push('"');
                    self.advance(1);
                }
                Some(',') => {
                    self.advance(1);
                    return Ok((field, End::Comma));
                }
                None | Some('\n') => return Ok((field, End::Record)),
                Some(_) => {
                    self.column -= 1;
                    return Err(self.error(first_line, MISPLACED));
                }
            }
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.column += bytes;
    }

    /// Goes to the end of the last line, where Go notices that a quote is missing.
    fn skip_lines(&mut self) {
        let body = self.rest.strip_suffix('\n').unwrap_or(self.rest);
        self.line += body.matches('\n').count();
        self.column = match body.rfind('\n') {
            Some(at) => self.rest.len() - at,
            None => self.column + self.rest.len(),
        };
    }

    fn error(&self, first_line: usize, cause: &str) -> String {
        let (line, column) = (self.line, self.column);
        if line == first_line {
            format!("parse error on line {line}, column {column}: {cause}")
        } else {
            format!(
                "record on line {first_line}; parse error on line {line}, column {column}: {cause}"
            )
        }
    }
}
