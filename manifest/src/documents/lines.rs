//! The lines of a byte stream as UTF-8, whatever the stream is encoded in.

use std::io::{self, BufRead, Chain, Cursor, Read as _};

/// What a byte order mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
}

/// Why no line could be read.
#[derive(Debug)]
pub(super) enum LineError {
    Io(io::Error),
    TooLong,
    Utf16,
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads lines of UTF-8 or, after its byte order mark, of UTF-16 (what PowerShell 5 writes).
///
/// UTF-8 is handed on unchecked, so that the reader of the document can say where it is wrong.
pub(super) struct Lines<R: BufRead> {
    /// The bytes read in search of a byte order mark.
    head: Cursor<Vec<u8>>,
    reader: R,
    encoding: Option<Encoding>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            head: Cursor::new(Vec::new()),
            reader,
            encoding: None,
        }
    }

    fn source(&mut self) -> Chain<&mut Cursor<Vec<u8>>, &mut R> {
        (&mut self.head).chain(&mut self.reader)
    }

    /// Finds out the encoding, and how many bytes of UTF-8 the byte order mark takes. Does nothing when it is
    /// known already.
    pub(super) fn skip_mark(&mut self) -> Result<usize, LineError> {
        if self.encoding.is_some() {
            return Ok(0);
        }
        let mut head = Vec::with_capacity(3);
        (&mut self.reader).take(3).read_to_end(&mut head)?;
        let (encoding, mark) = match head[..] {
            [0xEF, 0xBB, 0xBF] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, ..] => (Encoding::Utf16 { big_endian: false }, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16 { big_endian: true }, 2),
            _ => (Encoding::Utf8, 0),
        };
        self.encoding = Some(encoding);
        head.drain(..mark);
        self.head = Cursor::new(head);
        Ok(if mark == 0 { 0 } else { '\u{FEFF}'.len_utf8() })
    }

    /// Appends the next line with its line feed to `text`, which may grow to `limit` bytes. False at the end.
    pub(super) fn read(&mut self, text: &mut Vec<u8>, limit: usize) -> Result<bool, LineError> {
        let before = text.len();
        if let Some(Encoding::Utf16 { big_endian }) = self.encoding {
            self.read_utf16(text, limit, big_endian)?;
        } else {
            // One byte more than allowed shows that the line is too long.
            let most = u64::try_from(limit.saturating_sub(before)).unwrap_or(u64::MAX);
            self.source()
                .take(most.saturating_add(1))
                .read_until(b'\n', text)?;
        }
        if text.len() > limit {
            return Err(LineError::TooLong);
        }
        Ok(text.len() > before)
    }

    fn read_utf16(
        &mut self,
        text: &mut Vec<u8>,
        limit: usize,
        big_endian: bool,
    ) -> Result<(), LineError> {
        while text.len() <= limit {
            let Some(first) = self.read_unit(big_endian)? else {
                return Ok(());
            };
            let is_high_surrogate = (0xD800..0xDC00).contains(&first);
            let second = if is_high_surrogate {
                self.read_unit(big_endian)?
            } else {
                None
            };
            let character = char::decode_utf16([first].into_iter().chain(second))
                .next()
                .and_then(Result::ok)
                .ok_or(LineError::Utf16)?;
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            if character == '\n' {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_unit(&mut self, big_endian: bool) -> Result<Option<u16>, LineError> {
        let mut bytes = Vec::with_capacity(2);
        self.source().take(2).read_to_end(&mut bytes)?;
        match bytes[..] {
            [] => Ok(None),
            [first, second] if big_endian => Ok(Some(u16::from_be_bytes([first, second]))),
            [first, second] => Ok(Some(u16::from_le_bytes([first, second]))),
            _ => Err(LineError::Utf16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<String>, LineError> {
        let mut lines = Lines::new(bytes);
        lines.skip_mark()?;
        let mut all = Vec::new();
        loop {
            let mut line = Vec::new();
            if !lines.read(&mut line, 100)? {
                return Ok(all);
            }
            all.push(String::from_utf8(line).unwrap());
        }
    }

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        let to_bytes = if big_endian {
            u16::to_be_bytes
        } else {
            u16::to_le_bytes
        };
        "\u{FEFF}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(to_bytes)
            .collect()
    }

    #[test]
    fn three_encodings_give_the_same_lines() {
        let text = "a: é☃😀\r\nb: \u{0A0D}\n\nc";
        let wanted = ["a: é☃😀\r\n", "b: \u{0A0D}\n", "\n", "c"];
        assert_eq!(lines(text.as_bytes()).unwrap(), wanted);
        assert_eq!(lines(format!("\u{FEFF}{text}").as_bytes()).unwrap(), wanted);
        assert_eq!(lines(&utf16(text, false)).unwrap(), wanted);
        assert_eq!(lines(&utf16(text, true)).unwrap(), wanted);
    }

    #[test]
    fn broken_utf16_is_an_error() {
        let mut odd = utf16("ab", false);
        odd.push(b'c');
        let lone = [0xFE, 0xFF, 0xD8, 0x00, 0x00, 0x41];
        let cut = [0xFE, 0xFF, 0xD8, 0x00];
        for bytes in [&odd[..], &lone, &cut] {
            assert!(matches!(lines(bytes), Err(LineError::Utf16)));
        }
    }

    #[test]
    fn short_streams_have_no_mark() {
        assert_eq!(lines(b"").unwrap(), Vec::<String>::new());
        assert_eq!(lines(b"a").unwrap(), ["a"]);
        assert_eq!(lines(b"\xEF\xBB\xBF").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn long_lines_are_cut_off_while_reading() {
        let mut lines = Lines::new(
            io::repeat(b'x')
                .take(1 << 40)
                .chain(&b""[..])
                .into_buffered(),
        );
        let mut line = Vec::new();
        assert!(matches!(
            lines.read(&mut line, 1000),
            Err(LineError::TooLong)
        ));
        assert!(line.len() < 2000);
    }

    trait IntoBuffered: io::Read + Sized {
        fn into_buffered(self) -> io::BufReader<Self> {
            io::BufReader::new(self)
        }
    }
    impl<R: io::Read> IntoBuffered for R {}
}
