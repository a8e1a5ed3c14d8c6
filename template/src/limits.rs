//! What a template may use up.

use std::time::Duration;

/// Bounds on what shares one [`Budget`]. A template that passes one ends with
/// [`Reason::Limit`](crate::Reason::Limit). Go has almost none of these: there a hostile template takes the
/// program's memory or stack.
///
/// Others are made from the default ones:
///
/// ```
/// use std::time::Duration;
/// use sealed_template::{Budget, Limits};
///
/// let mut limits = Limits::default();
/// limits.time = Duration::from_millis(200);
/// limits.output = 64 << 10;
/// let budget = Budget::new(limits);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How deep parentheses and blocks may nest in a template text. Go: 10,000 parentheses, blocks without end.
    /// Read while a text is parsed; for its part in what may nest at run time see [`recursion`](Self::recursion).
    pub parse_depth: usize,
    /// How deep `template` actions may call each other. Go: 100,000, with any number of blocks around.
    ///
    /// What is walked takes stack, whatever it is: blocks, parentheses and calls together may be
    /// `parse_depth + 8 * recursion` deep, so that whatever can be parsed can be walked, and calls have eight
    /// blocks or parentheses around each on average. Past either, [`Limit::Recursion`].
    pub recursion: usize,
    /// How many steps may be executed: one for each node of the template that is visited, and what functions
    /// charge for work that grows with their arguments.
    pub steps: u64,
    /// Bytes of output.
    pub output: usize,
    /// Bytes of the parsed templates and of all values that are ever made on the way. It counts what was
    /// allocated altogether, whether or not it is still in use, and not what is held at a time: a bound on that
    /// too, and on work.
    pub memory: usize,
    /// How deep lists and maps may nest where they are printed, copied or compared, so that one that contains
    /// itself ends. Go overflows its stack there.
    pub value_depth: usize,
    /// Wall time, from the first use of the budget in a rendering. Parsing reads no clock.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parse_depth: 5_000,
            recursion: 5_000,
            steps: 2_000_000,
            output: 4 << 20,
            memory: 128 << 20,
            value_depth: 5_000,
            time: Duration::from_secs(10),
        }
    }
}

/// Which bound was passed. `Display` says it in words, which stand in Go's account; [`code`](Self::code) is for
/// publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::recursion`]
    Recursion,
    /// [`Limits::steps`]
    Steps,
    /// [`Limits::output`]
    Output,
    /// [`Limits::memory`]
    Memory,
    /// [`Limits::value_depth`]
    ValueDepth,
    /// [`Limits::time`]
    Time,
}

impl Limit {
    /// Whether what several templates share one [`Budget`] of has run out, so that none of the others gets any.
    pub fn is_shared(self) -> bool {
        match self {
            Self::Memory | Self::Output | Self::Steps | Self::Time => true,
            Self::Recursion | Self::ValueDepth => false,
        }
    }

    /// A stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Memory => "limit-memory",
            Self::Output => "limit-output",
            Self::Recursion => "limit-recursion",
            Self::Steps => "limit-steps",
            Self::Time => "limit-time",
            Self::ValueDepth => "limit-value-depth",
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Recursion => "templates call each other too deeply",
            Self::Steps => "too many steps",
            Self::Output => "too much output",
            Self::Memory => "too much memory",
            Self::ValueDepth => "a value nests too deeply or contains itself",
            Self::Time => "too much time",
        })
    }
}

/// What is left of the [`Limits`]. Several templates that belong together can share one, so that a
/// thousand of them cost no more than one.
///
/// The first rendering sets the end of its time on the monotonic clock of the
/// [`Environment`](crate::Environment) that it is given: all renderings with one budget must be given the same clock.
#[derive(Clone, Debug)]
pub struct Budget {
    pub(crate) limits: Limits,
    pub(crate) steps: u64,
    pub(crate) memory: usize,
    pub(crate) output: usize,
    pub(crate) deadline: Option<Duration>,
    /// After so many steps the clock is read.
    pub(crate) steps_to_clock: u64,
}

impl Budget {
    /// All of `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            steps: limits.steps,
            memory: limits.memory,
            output: limits.output,
            deadline: None,
            steps_to_clock: 0,
            limits,
        }
    }

    /// Accounts for `bytes` of memory.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), Limit> {
        self.memory = self.memory.checked_sub(bytes).ok_or(Limit::Memory)?;
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
