//! Where a JSON object ends, found while it is read.

/// Follows brackets and strings from an opening brace to the one that closes it.
///
/// It believes the text to be JSON: whether it is, only a parser can tell. It is here so that objects which
/// follow each other without a separator are read one by one.
#[derive(Debug, Default)]
pub(super) struct ObjectEnd {
    depth: usize,
    in_string: bool,
    escaped: bool,
    marks: usize,
}

impl ObjectEnd {
    /// Takes more text, and tells how much of it belongs to the object once the last brace is closed.
    pub(super) fn find(&mut self, text: &[u8]) -> Option<usize> {
        for (at, &byte) in text.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b',' | b':' => self.marks += 1,
                b'{' | b'[' => {
                    self.depth += 1;
                    self.marks += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// How many nodes have been found, keys included; at most so many, since an empty collection counts twice. Behind
    /// each opening bracket, colon and comma is one.
    pub(super) fn nodes(&self) -> usize {
        self.marks + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_across_pieces() {
        let mut end = ObjectEnd::default();
        assert_eq!(end.find(br#"{"a": [{}, "}\"#), None);
        assert_eq!(end.find(br#""}", 1]"#), None);
        assert_eq!(end.find(b"} {"), Some(1));
    }

    #[test]
    fn nodes_are_counted_outside_of_strings() {
        let mut end = ObjectEnd::default();
        assert!(
            end.find(br#"{"a": [1, {"b,:[": "c"}], "d": "\\"}"#)
                .is_some()
        );
        // Three objects and lists, three keys, three other values.
        assert_eq!(end.nodes(), 9);
    }
}
