//! Quoted text that goes on too far to the left.
//!
//! ```yaml
//! - note: "YAML 1.2 wants the second line
//!   one column further to the right; kubectl does not mind."
//! ```

use crate::tree::Tree;

/// More blanks than any indentation has. They do not count: a line end in quotes is one space, whatever blanks
/// surround it.
const BLANKS: usize = 1000;

/// How much longer a text may become: enough for thousands of lines, and a bound for hostile ones.
const ROOM: usize = 4 << 20;

/// How much text is parsed again to find the next place, in all. Beyond it the text is taken for what it is:
/// malformed. A number of attempts would be no bound, since each one reads the whole text.
const PARSED: usize = 8 << 20;

/// A copy of a text with further indentation where quoted text needs it.
pub(super) struct Indented {
    text: String,
    /// Where blanks begin in `text`, in order.
    places: Vec<usize>,
}

impl Indented {
    /// Indents `text`, of which the parser has said that quoted text hangs at `fault`.
    pub(super) fn of(text: &str, fault: usize, max_nodes: usize) -> Self {
        Self::within(PARSED, text, fault, max_nodes)
    }

    /// Mends the first place whatever the text is long: that costs one parse, which the caller does.
    fn within(mut parsed: usize, text: &str, mut fault: usize, max_nodes: usize) -> Self {
        let mut indented = Self {
            text: text.to_owned(),
            places: Vec::new(),
        };
        loop {
            let before = indented.places.len();
            indented.indent_from(fault);
            // Quotes that are never closed hang behind the last line, where there is nothing to indent.
            if indented.places.len() == before {
                break;
            }
            let Some(rest) = parsed.checked_sub(indented.text.len()) else {
                break;
            };
            parsed = rest;
            if indented.places.len() * BLANKS > ROOM {
                break;
            }
            match Tree::parse(&indented.text, max_nodes) {
                Err(found) if found.hanging => fault = found.at,
                _ => break,
            }
        }
        indented
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The place in the original text.
    pub(super) fn place(&self, at: usize) -> usize {
        let blanks: usize = self
            .places
            .iter()
            .map(|&place| at.saturating_sub(place).min(BLANKS))
            .sum();
        at - blanks
    }

    /// Indents the line of the fault and those after it, up to the first that may hold the end of the quotes.
    fn indent_from(&mut self, at: usize) {
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let (before, rest) = self.text.split_at(line);
        let mut text = before.to_owned();
        let mut added = Vec::new();
        let mut lines = rest.split_inclusive('\n');
        for line in lines.by_ref().take(ROOM / BLANKS) {
            added.push(text.len());
            text.extend(std::iter::repeat_n(' ', BLANKS));
            text.push_str(line);
            if line.contains(['"', '\'']) {
                break;
            }
        }
        text.extend(lines);
        let shift = added.len() * BLANKS;
        for place in &mut self.places {
            if *place >= line {
                *place += shift;
            }
        }
        self.places.extend(added);
        self.text = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fault(text: &str) -> usize {
        let fault = Tree::parse(text, usize::MAX).unwrap_err();
        assert!(fault.hanging);
        fault.at
    }

    #[test]
    fn only_quoted_lines_are_indented() {
        let text = "- a: \"x\n  y\n\nz\"\n- b: 'v\nw'\n- c\n";
        let indented = Indented::of(text, first_fault(text), usize::MAX);
        assert!(Tree::parse(indented.text(), usize::MAX).is_ok());
        assert_eq!(indented.text().replace(&" ".repeat(BLANKS), ""), text);
        let (inside, original) = (indented.text().find('c').unwrap(), text.find('c').unwrap());
        assert_eq!(indented.place(inside), original);
        assert_eq!(indented.place(3), 3);
        let (inside, original) = (indented.text().find('w').unwrap(), text.find('w').unwrap());
        assert_eq!(indented.place(inside), original);
    }

    #[test]
    fn malformed_text_stays_malformed() {
        let text = "a: \"x\ny";
        let indented = Indented::of(text, first_fault(text), usize::MAX);
        assert!(Tree::parse(indented.text(), usize::MAX).is_err());
    }

    #[test]
    fn quotes_that_are_never_closed_are_given_up_at_once() {
        for text in ["a: \"x\n", "a: 'x\n\n", "a: \"x\ny\n"] {
            // Without a bound of its own this would go on for ever.
            let indented = Indented::within(usize::MAX, text, first_fault(text), usize::MAX);
            assert!(Tree::parse(indented.text(), usize::MAX).is_err());
        }
    }

    #[test]
    fn the_work_is_bounded_however_long_the_text_is() {
        // One line is indented per attempt, so their number tells what was parsed.
        let text = "- \"x\ny\"\n".repeat(300);
        for parsed in [0, 50_000, 200_000, PARSED] {
            let indented = Indented::within(parsed, &text, first_fault(&text), usize::MAX);
            let attempts = indented.places.len();
            assert!((attempts - 1) * text.len() <= parsed, "{attempts}");
            assert!(attempts >= 1);
        }
        let long = format!("# {}\n{text}", "x".repeat(1 << 20));
        assert!(
            Indented::of(&long, first_fault(&long), usize::MAX)
                .places
                .len()
                <= 8
        );
    }
}
