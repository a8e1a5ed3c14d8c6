//! Lines of templates, shown under what is wrong with them.

use sealed_api::Place;

/// So many characters of a line are shown.
const WIDTH: usize = 160;

/// The line of a template that a fault is in, with a caret under the place.
pub(crate) struct Excerpt<'t> {
    number: usize,
    line: &'t str,
    /// What stands before the place.
    before: Option<&'t str>,
}

impl<'t> Excerpt<'t> {
    pub(crate) fn of(template: &'t str, place: Place) -> Option<Self> {
        let line = template
            .split('\n')
            .nth(place.line.checked_sub(1)?)?
            .trim_end_matches('\r');
        Some(Self {
            number: place.line,
            line,
            before: place.column.and_then(|column| line.get(..column)),
        })
    }
}

impl std::fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let before = self.before.map_or(0, |before| before.chars().count());
        // A long line is shown from where its fault is in sight.
        let skipped = if before < WIDTH {
            0
        } else {
            before - WIDTH / 2
        };
        let shown: String = self.line.chars().skip(skipped).take(WIDTH).collect();
        let margin = self.number.to_string();
        let blank = " ".repeat(margin.len());
        write!(f, "{blank} |\n{margin} | {}", shown.replace('\t', " "))?;
        if self.before.is_some() {
            write!(f, "\n{blank} | {}^", " ".repeat(before - skipped))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str, line: usize, column: Option<usize>) -> String {
        Excerpt::of(template, Place { line, column })
            .map_or_else(String::new, |excerpt| excerpt.to_string())
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let template = "first\n\thé {{ fail \"x\" }}\r\n";
        assert_eq!(
            shown(template, 2, Some(8)),
            "  |\n2 |  hé {{ fail \"x\" }}\n  |        ^"
        );
        assert_eq!(shown(template, 1, None), "  |\n1 | first");
        assert_eq!(shown(template, 9, Some(0)), "");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let template = format!("{}!{}", "a".repeat(1000), "b".repeat(1000));
        let text = shown(&template, 1, Some(1000));
        let caret = text.lines().last().unwrap().find('^').unwrap();
        let line = text.lines().nth(1).unwrap();
        assert_eq!((line.as_bytes()[caret], line.len()), (b'!', WIDTH + 4));
    }
}
