//! What a function may use while it runs: the budget, the clock, randomness.

use std::time::{Duration, SystemTime};

use crate::environment::Environment;
use crate::error::CallError;
use crate::limits::{Budget, Limit, Limits};
use crate::str::Str;
use crate::value::{Map, Value};

/// Every so many steps the clock is read.
const STEPS_PER_CLOCK: u64 = 256;

/// The surroundings of a call.
pub struct Context<'a> {
    environment: &'a dyn Environment,
    budget: &'a mut Budget,
    is_deterministic: bool,
    /// Maps that were given a list or a map after they were made: only those can contain themselves.
    written: Vec<Map>,
}

impl<'a> Context<'a> {
    /// A context that draws on `budget`.
    pub fn new(environment: &'a dyn Environment, budget: &'a mut Budget) -> Self {
        if budget.deadline.is_none() {
            let end = environment.monotonic().saturating_add(budget.limits.time);
            budget.deadline = Some(end);
        }
        Self {
            environment,
            budget,
            is_deterministic: true,
            written: Vec::new(),
        }
    }

    /// Accounts for `bytes` of memory. To be called before they are allocated, wherever the size of a result
    /// is not bounded by that of the arguments.
    ///
    /// # Errors
    ///
    /// [`Limit::Memory`], if that is more than is left.
    pub fn charge(&mut self, bytes: usize) -> Result<(), CallError> {
        self.budget.charge(bytes).map_err(CallError::limit)
    }

    /// Accounts for `steps` of work, each about a tenth of a microsecond. To be called before the work,
    /// wherever it is more than a pass over the arguments.
    ///
    /// # Errors
    ///
    /// [`Limit::Steps`], if that is more than is left; [`Limit::Time`], if the time is up.
    pub fn spend(&mut self, steps: u64) -> Result<(), CallError> {
        self.budget.steps = self
            .budget
            .steps
            .checked_sub(steps)
            .ok_or_else(|| CallError::limit(Limit::Steps))?;
        self.budget.steps_to_clock = self.budget.steps_to_clock.saturating_sub(steps);
        if self.budget.steps_to_clock == 0 {
            self.check_time()?;
        }
        Ok(())
    }

    /// Accounts for reading `bytes` bytes of text once.
    ///
    /// # Errors
    ///
    /// As [`spend`](Self::spend).
    pub fn pass_over(&mut self, bytes: usize) -> Result<(), CallError> {
        self.spend(u64::try_from(bytes / 8).unwrap_or(u64::MAX))
    }

    /// Looks at the clock. To be called after work that a clock can notice; [`spend`](Self::spend) looks often
    /// enough otherwise.
    ///
    /// # Errors
    ///
    /// [`Limit::Time`], past [`Limits::time`](crate::Limits::time).
    pub fn check_time(&mut self) -> Result<(), CallError> {
        self.budget.steps_to_clock = STEPS_PER_CLOCK;
        let now = self.environment.monotonic();
        if self.budget.deadline.is_some_and(|deadline| now > deadline) {
            return Err(CallError::limit(Limit::Time));
        }
        Ok(())
    }

    /// Runs `work` on a value `depth` levels inside another, on a stack that has room for it. Everything that
    /// recurses over values goes through here.
    ///
    /// # Errors
    ///
    /// [`Limit::ValueDepth`], past [`Limits::value_depth`](crate::Limits::value_depth); [`Limit::Steps`], if none is
    /// left; what `work` returns.
    pub fn nested<R>(
        &mut self,
        depth: usize,
        work: impl FnOnce(&mut Self) -> Result<R, CallError>,
    ) -> Result<R, CallError> {
        if depth > self.budget.limits.value_depth {
            return Err(CallError::limit(Limit::ValueDepth));
        }
        self.spend(1)?;
        crate::stack::with_room(|| work(self))
    }

    /// The time of day. Makes the rendering non-deterministic.
    pub fn now(&mut self) -> SystemTime {
        self.is_deterministic = false;
        self.environment.now()
    }

    /// The time since some fixed moment, which never runs backwards. Makes the rendering non-deterministic.
    pub fn monotonic(&mut self) -> Duration {
        self.is_deterministic = false;
        self.environment.monotonic()
    }

    /// Random bytes. Makes the rendering non-deterministic.
    pub fn random(&mut self, bytes: &mut [u8]) {
        self.is_deterministic = false;
        self.environment.random(bytes);
    }

    /// Says that the result of the call is not determined by its arguments.
    pub fn mark_nondeterministic(&mut self) {
        self.is_deterministic = false;
    }

    /// Writes an entry of a map.
    ///
    /// # Errors
    ///
    /// Go's text, for the nil map; [`Limit::Memory`], if the entry takes more than is left.
    ///
    /// # Panics
    ///
    /// If [`Map::entries`] of the map is still borrowed.
    pub fn set(&mut self, map: &Map, key: Str, value: Value) -> Result<(), CallError> {
        let entry = key.len().saturating_add(size_of::<(Str, Value)>());
        self.charge(entry)?;
        if matches!(value, Value::List(_) | Value::Map(_)) {
            self.written.push(map.clone());
        }
        if map.insert(key, value) {
            Ok(())
        } else {
            Err(CallError::new("assignment to entry in nil map"))
        }
    }

    /// Accounts for `bytes` of output.
    pub(crate) fn charge_output(&mut self, bytes: usize) -> Result<(), CallError> {
        self.budget.output = self
            .budget
            .output
            .checked_sub(bytes)
            .ok_or_else(|| CallError::limit(Limit::Output))?;
        Ok(())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.budget.limits
    }

    pub(crate) fn is_deterministic(&self) -> bool {
        self.is_deterministic
    }
}

/// Maps that contain themselves are never freed by reference counting alone: they are emptied here.
impl Drop for Context<'_> {
    fn drop(&mut self) {
        self.written.iter().for_each(Map::clear);
    }
}
