//! A pattern that can be searched for.

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, MatchKind};
use sealed_template::{CallError, Context, Limit, utf8};

use super::error::Failure;
use super::haystack::Haystack;
use super::parse::{Pattern, parse};

/// How large the automaton of a pattern may be.
const MAX_AUTOMATON: usize = 10 << 20;

/// Room on the stack to build the automaton of a pattern that nests as deep as one may: the engine recurses.
const STACK: usize = 4 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Regexp {
    program: meta::Regex,
    names: Vec<(Vec<u8>, usize)>,
    size: u64,
    is_blank: bool,
}

impl Regexp {
    /// Compiles a pattern.
    pub(super) fn new(context: &mut Context<'_>, pattern: &[u8]) -> Result<Self, Failure> {
        let Pattern { node, names } = parse(context, pattern)?;
        let measures = node.measures();
        context.spend(measures.states)?;
        let hir = node.into_hir();
        let config = meta::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .utf8_empty(true)
            .nfa_size_limit(Some(MAX_AUTOMATON));
        let build = || {
            let program = meta::Builder::new().configure(config).build_from_hir(&hir);
            program.map_err(|_| CallError::limit(Limit::Memory))
        };
        let program = stacker::maybe_grow(STACK, STACK, build)?;
        Ok(Self {
            program,
            names,
            size: measures.size,
            is_blank: pattern.is_empty(),
        })
    }

    /// The named groups and their numbers.
    pub(super) fn names(&self) -> &[(Vec<u8>, usize)] {
        &self.names
    }

    /// Whether the pattern is the empty text.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// Begins a search. With `groups`, what the groups matched is found too.
    pub(super) fn search<'a>(
        &'a self,
        context: &mut Context<'_>,
        haystack: &'a Haystack<'a>,
        groups: bool,
    ) -> Result<Search<'a>, CallError> {
        let search = Search {
            regexp: self,
            haystack,
            captures: if groups {
                self.program.create_captures()
            } else {
                Captures::matches(self.program.group_info().clone())
            },
            at: Some(0),
            last_end: None,
        };
        context.spend(search.cost() >> COST_OF_SEARCH)?;
        Ok(search)
    }
}

/// A search takes at most so many bytes times instructions in a step, as a power of two: what the slowest of
/// the engine's ways takes.
const COST_OF_SEARCH: u32 = 6;

/// As [`COST_OF_SEARCH`], for each match after the first. It may go over all that is left again, but hardly ever
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

    /// Instructions times bytes that are left.
    fn cost(&self) -> u64 {
        let left = self.haystack.as_bytes().len();
        let left = left.saturating_sub(self.at.unwrap_or(left));
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        left.saturating_mul(self.regexp.size)
    }
}
