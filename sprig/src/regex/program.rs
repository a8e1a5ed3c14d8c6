//! A pattern that can be searched for.

use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, MatchKind, meta};
use sealed_template::{CallError, Context, Limit, utf8};

use super::haystack::Haystack;
use super::node::Measures;
use super::parse::Pattern;

/// How much memory the automaton of a pattern may take.
const MAX_AUTOMATON: usize = 10 << 20;

/// How much memory the engine may take to keep track of groups, which it does for each state.
const MAX_SLOTS: u64 = 64 << 20;

/// What the engine needs of the stack, which recurses when it builds an automaton: in an unoptimised build
/// 12 KiB for each level of the pattern, at worst.
const STACK: usize = 256 << 10;
const STACK_PER_LEVEL: usize = 16 << 10;

/// A pattern ready to be searched for.
#[derive(Debug)]
pub(super) struct Regexp {
    program: meta::Regex,
    /// What the slowest of the engine's ways may do for each byte.
    weight: u64,
}

impl Regexp {
    /// Compiles a pattern, with its groups or without.
    pub(super) fn new(
        context: &mut Context<'_>,
        pattern: Pattern,
        has_groups: bool,
    ) -> Result<Self, CallError> {
        let Measures {
            height,
            size,
            states,
            ..
        } = pattern.node.measures();
        context.spend(states.saturating_mul(2).saturating_add(100))?;
        let groups = if has_groups { pattern.groups } else { 0 };
        let slots = u64::from(groups).saturating_add(1).saturating_mul(2);
        if slots.saturating_mul(states).saturating_mul(8) > MAX_SLOTS {
            return Err(CallError::limit(Limit::Memory));
        }
        let config = meta::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .utf8_empty(true)
            .nfa_size_limit(Some(MAX_AUTOMATON))
            .which_captures(if has_groups {
                WhichCaptures::All
            } else {
                WhichCaptures::Implicit
            });
        let hir = pattern.node.into_hir();
        let build = || {
            let program = meta::Builder::new().configure(config).build_from_hir(&hir);
            program.map_err(|_| CallError::limit(Limit::Memory))
        };
        let stack = height.saturating_mul(STACK_PER_LEVEL).saturating_add(STACK);
        Ok(Self {
            program: stacker::maybe_grow(stack, stack, build)?,
            weight: size.saturating_mul((slots >> 3).saturating_add(1)),
        })
    }

    /// Begins a search.
    pub(super) fn search<'a>(
        &'a self,
        context: &mut Context<'_>,
        haystack: &'a Haystack<'a>,
    ) -> Result<Search<'a>, CallError> {
        let search = Search {
            regexp: self,
            haystack,
            captures: self.program.create_captures(),
            at: Some(0),
            last_end: None,
        };
        context.spend(search.cost() >> COST_OF_SEARCH)?;
        Ok(search)
    }
}

/// As a power of two, how much of [`Search::cost`] is worth a step.
const COST_OF_SEARCH: u32 = 6;

/// As [`COST_OF_SEARCH`], for each match. The engine may go over all that is left to find it, but hardly ever
/// does; this is enough for the clock to be read in time.
const COST_OF_MATCH: u32 = 16;

/// A search for all matches, one after the other.
pub(super) struct Search<'a> {
    regexp: &'a Regexp,
    haystack: &'a Haystack<'a>,
    captures: Captures,
    /// Where the search goes on; none when it is over.
    at: Option<usize>,
    /// Where the last match ended.
    last_end: Option<usize>,
}

impl Search<'_> {
    /// The next match, which may be empty, but not where the last one ended.
    pub(super) fn next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Result<Option<&Captures>, CallError> {
        while let Some(at) = self.at {
            context.spend((self.cost() >> COST_OF_MATCH).saturating_add(1))?;
            let bytes = self.haystack.as_bytes();
            let input = Input::new(bytes).range(at..);
            self.regexp
                .program
                .search_captures(&input, &mut self.captures);
            let Some(found) = self.captures.get_match() else {
                self.at = None;
                break;
            };
            let is_again = found.is_empty() && self.last_end == Some(found.start());
            self.last_end = Some(found.end());
            self.at = if found.end() > at {
                Some(found.end())
            } else {
                let rest = bytes.get(at..).unwrap_or_default();
                utf8::decode(rest).map(|(_, len)| at.saturating_add(len))
            };
            if !is_again {
                return Ok(Some(&self.captures));
            }
        }
        Ok(None)
    }

    /// What the slowest of the engine's ways may do with all that is left.
    fn cost(&self) -> u64 {
        let left = self.haystack.as_bytes().len();
        let left = left.saturating_sub(self.at.unwrap_or(left));
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        left.saturating_mul(self.regexp.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;
    use crate::testing::with_context;

    /// How often `pattern` is found in `text`.
    fn count(pattern: &str, text: &[u8], has_groups: bool) -> Result<usize, CallError> {
        with_context(|context| {
            let pattern = parse(context, pattern.as_bytes()).expect("a pattern");
            let regexp = Regexp::new(context, pattern, has_groups)?;
            let haystack = Haystack::new(context, text)?;
            let mut search = regexp.search(context, &haystack)?;
            let mut count = 0;
            while search.next(context)?.is_some() {
                count += 1;
            }
            Ok(count)
        })
    }

    #[test]
    fn the_deepest_pattern_compiles_on_a_small_stack() {
        let work = || {
            for (open, close, depth) in [("(", ")", 999), ("(?:", ")*", 999), ("(?:a|bc", ")", 450)]
            {
                let pattern = open.repeat(depth) + "a" + &close.repeat(depth);
                assert!(count(&pattern, b"a", true).is_ok(), "{open}");
            }
        };
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        thread.spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn what_costs_too_much_ends_in_a_limit() {
        let text = "A".repeat(100_000);
        let groups = "(".repeat(900) + &")".repeat(900);
        for (pattern, has_groups) in [
            (r"\pL{1000}", false),
            ("(?:a?){1000}", false),
            (&"()".repeat(5_000), true),
            (&groups, true),
        ] {
            let error = count(pattern, text.as_bytes(), has_groups).unwrap_err();
            assert!(error.passed_limit().is_some());
        }
    }

    #[test]
    fn bytes_of_no_character_are_characters() {
        assert_eq!(count(".", b"a\xFF\xE2\x82\xC3\xA9", false).unwrap(), 5);
        assert_eq!(count(r"^\x{FFFD}$", b"\xFF", false).unwrap(), 1);
        assert_eq!(count("", b"\xE2\x82", false).unwrap(), 3);
    }
}
