//! Constraints on versions: `>= 1.2, < 2 || ~3.1`.

use std::sync::LazyLock;

use memchr::memmem;
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use sealed_template::{CallError, Context};

use super::version::{Version, compare_prereleases};

/// Several sets of constraints, of which one has to be kept.
pub(super) struct Constraints(Vec<Set>);

/// Constraints that all have to be kept.
struct Set {
    constraints: Vec<Constraint>,
    /// Whether one of them names a prerelease: unless so, the set allows none.
    has_prerelease: bool,
}

struct Constraint {
    operator: Operator,
    version: Version,
    /// The first number that is a wildcard or left out.
    any: Any,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Which number of a version is the first that may be any.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Any {
    None,
    Major,
    Minor,
    Patch,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::compile);

/// The grammar, which is looser than it seems: a number may be any run of digits, `x`, `*` and even `|`.
struct Patterns {
    /// `1.2 - 3.4`
    range: Regex,
    /// All of a set.
    set: Regex,
    /// One constraint.
    constraint: Regex,
}

impl Patterns {
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants, and any test compiles them"
    )]
    fn compile() -> Self {
        let space = r"[\t\n\f\r ]";
        let identifiers = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*";
        let number = "[0-9xX*|]+";
        let version = format!(
            r"v?{number}(?:\.{number})?(?:\.{number})?(?:-{identifiers})?(?:\+{identifiers})?"
        );
        let parts = format!(
            r"v?(?<major>{number})(?<minor>\.{number})?(?<patch>\.{number})?(?<prerelease>-{identifiers})?(?:\+{identifiers})?"
        );
        let operator = r"(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\^)";
        let one = format!("{operator}{space}*{version}{space}*");
        let compile = |pattern: String| {
            let bytes = syntax::Config::new().unicode(false).utf8(false);
            let regex = Regex::builder().syntax(bytes).build(&pattern);
            regex.expect("a valid pattern")
        };
        Self {
            range: compile(format!(
                "(?<range>{space}*(?<from>{version}){space}+-{space}+(?<to>{version}){space}*)"
            )),
            set: compile(format!("^{space}*{one}(?:(?:{space}+|,{space}*){one})*$")),
            constraint: compile(format!(
                "(?<operator>{operator}){space}*(?<version>{parts})"
            )),
        }
    }
}

impl Constraints {
    /// Reads constraints.
    pub(super) fn parse(context: &mut Context<'_>, text: &[u8]) -> Result<Self, CallError> {
        let improper = |set: &[u8]| CallError::new([b"improper constraint: ", set].concat());
        context.charge(text.len().saturating_mul(size_of::<Constraint>()))?;
        context.spend(text.len().try_into().unwrap_or(u64::MAX))?;
        let text = with_ranges_written_out(context, text)?;
        let mut sets = Vec::new();
        for set in split_at_bars(&text) {
            if !PATTERNS.set.is_match(set) {
                return Err(improper(set));
            }
            let found = PATTERNS.constraint.captures_iter(set);
            let constraints = found.map(|found| Constraint::from_match(&found, set));
            sets.push(Set::new(
                constraints
                    .collect::<Option<_>>()
                    .ok_or_else(|| CallError::new("constraint parser error"))?,
            ));
        }
        Ok(Self(sets))
    }

    /// Whether a version keeps them.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.0.iter().any(|set| set.allows(version))
    }
}

impl Set {
    fn new(constraints: Vec<Constraint>) -> Self {
        Self {
            has_prerelease: constraints
                .iter()
                .any(|constraint| !constraint.version.prerelease.is_empty()),
            constraints,
        }
    }

    fn allows(&self, version: &Version) -> bool {
        (version.prerelease.is_empty() || self.has_prerelease)
            && self
                .constraints
                .iter()
                .all(|constraint| constraint.allows(version))
    }
}

impl Constraint {
    /// None if a number is none.
    fn from_match(found: &Captures, set: &[u8]) -> Option<Self> {
        let part = |name| group(found, name, set);
        let (major, minor, patch) = (part("major"), part("minor"), part("patch"));
        let is_any = |number: &[u8]| matches!(number, b"" | b"x" | b"X" | b"*");
        let is_any_after_point =
            |number: &[u8]| is_any(number.strip_prefix(b".").unwrap_or(number));
        let prerelease = part("prerelease");
        let (any, version) = if is_any(major) {
            (Any::Major, [b"0.0.0", prerelease].concat())
        } else if is_any_after_point(minor) {
            (Any::Minor, [major, b".0.0", prerelease].concat())
        } else if is_any_after_point(patch) {
            (Any::Patch, [major, minor, b".0", prerelease].concat())
        } else {
            (Any::None, part("version").to_vec())
        };
        Some(Self {
            operator: Operator::of(part("operator"))?,
            version: Version::parse(&version).ok()?,
            any,
        })
    }

    /// Whether `version` keeps it.
    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Equal if self.any == Any::None => order.is_eq(),
            Operator::Equal | Operator::Tilde => order.is_ge() && self.tilde_allows(version),
            Operator::NotEqual => self.differs_from(version),
            Operator::Greater => match self.any {
                Any::None | Any::Major => order.is_gt(),
                Any::Minor => version.major > self.version.major,
                Any::Patch => up_to_minor(version) > up_to_minor(&self.version),
            },
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => match self.any {
                Any::None => order.is_le(),
                Any::Minor => version.major <= self.version.major,
                Any::Major | Any::Patch => up_to_minor(version) <= up_to_minor(&self.version),
            },
            Operator::Caret => order.is_ge() && self.caret_allows(version),
        }
    }

    /// Whether a version that is not below differs in patch only, or in minor too if that may be any.
    fn tilde_allows(&self, version: &Version) -> bool {
        match self.any {
            Any::Minor => version.major == self.version.major,
            Any::Patch => up_to_minor(version) == up_to_minor(&self.version),
            // 0.0.0 is what all versions are made of that may be any.
            Any::None | Any::Major => {
                self.version.release() == (0, 0, 0)
                    || up_to_minor(version) == up_to_minor(&self.version)
            }
        }
    }

    /// Whether a version that is not below has the same first number that is not zero, and the same zeros
    /// before it.
    fn caret_allows(&self, version: &Version) -> bool {
        match (self.version.release(), self.any) {
            ((1.., ..), _) | (_, Any::Minor) => version.major == self.version.major,
            ((0, 1.., _), _) | (_, Any::Patch) => {
                up_to_minor(version) == up_to_minor(&self.version)
            }
            _ => version.release() == self.version.release(),
        }
    }

    fn differs_from(&self, version: &Version) -> bool {
        match self.any {
            Any::None | Any::Major => version.compare(&self.version).is_ne(),
            Any::Minor => version.major != self.version.major,
            Any::Patch => {
                up_to_minor(version) != up_to_minor(&self.version)
                    || compare_prereleases(&version.prerelease, &self.version.prerelease).is_ne()
            }
        }
    }
}

impl Operator {
    fn of(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"" | b"=" => Self::Equal,
            b"!=" => Self::NotEqual,
            b">" => Self::Greater,
            b"<" => Self::Less,
            b">=" | b"=>" => Self::GreaterOrEqual,
            b"<=" | b"=<" => Self::LessOrEqual,
            b"~" | b"~>" => Self::Tilde,
            b"^" => Self::Caret,
            _ => return None,
        })
    }
}

fn up_to_minor(version: &Version) -> (u64, u64) {
    (version.major, version.minor)
}

/// `1 - 2` as `>= 1, <= 2`.
///
/// What is replaced is the first place that reads like a range that was found, which need not be where it
/// was found; Go's does the same.
fn with_ranges_written_out(context: &mut Context<'_>, text: &[u8]) -> Result<Vec<u8>, CallError> {
    let mut result = text.to_vec();
    for range in PATTERNS.range.captures_iter(text) {
        let part = |name| group(&range, name, text);
        let whole = part("range");
        context.spend(result.len().try_into().unwrap_or(u64::MAX))?;
        let Some(at) = memmem::find(&result, whole) else {
            continue;
        };
        let constraints = [b">= ", part("from"), b", <= ", part("to"), b" "].concat();
        result.splice(at..at.saturating_add(whole.len()), constraints);
    }
    Ok(result)
}

/// What a group of a pattern has matched; empty if nothing.
fn group<'a>(found: &Captures, name: &str, text: &'a [u8]) -> &'a [u8] {
    let span = found.get_group_by_name(name);
    span.and_then(|span| text.get(span.range()))
        .unwrap_or_default()
}

/// The parts between two bars each.
fn split_at_bars(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = memmem::find(rest, b"||") {
        let (part, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
        parts.push(part);
        rest = after.get(2..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn allows(constraint: &str, version: &str) -> bool {
        let constraints =
            with_context(|context| Constraints::parse(context, constraint.as_bytes()));
        let version = Version::parse(version.as_bytes()).expect("a version");
        constraints.expect(constraint).allow(&version)
    }

    #[test]
    fn operators_read_what_is_left_out_as_any() {
        for (constraint, inside, outside) in [
            ("1.2", "1.2.9", "1.3.0"),
            ("!=1.x", "2.0.0", "1.5.0"),
            (">1.2", "1.3.0", "1.2.9"),
            ("<=1", "1.9.9", "2.0.0"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("~>1", "1.9.0", "2.0.0"),
            ("^1.2", "1.9.0", "2.0.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("1.2 - 3.4.5", "3.4.5", "3.4.6"),
            (">=1, <2 || 3", "3.5.0", "2.5.0"),
            ("*", "7.8.9", "7.8.9-alpha"),
            (">1.2.3-alpha", "1.2.3-beta", "1.2.3-alpha"),
        ] {
            assert!(allows(constraint, inside), "{constraint} {inside}");
            assert!(!allows(constraint, outside), "{constraint} {outside}");
        }
    }

    #[test]
    fn faults_name_the_set() {
        for (constraint, message) in [
            ("", "improper constraint: "),
            ("1 || latest", "improper constraint:  latest"),
            ("1.2 - ", "improper constraint: 1.2 - "),
            ("1|2", "constraint parser error"),
        ] {
            let result = with_context(|context| Constraints::parse(context, constraint.as_bytes()));
            let error = result.map(|_| ()).expect_err(constraint);
            assert_eq!(error.text(), message.as_bytes());
        }
    }

    #[test]
    fn many_ranges_in_a_long_text_end_at_the_limit() {
        let text = "1 - 2,".repeat(100_000);
        let result = with_context(|context| Constraints::parse(context, text.as_bytes()));
        let error = result.map(|_| ()).expect_err("a limit");
        assert!(error.passed_limit().is_some());
    }
}
