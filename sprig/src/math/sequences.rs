//! Sequences of integers.

use std::fmt::Write as _;

use sealed_template::{CallError, Context, Limit, Rest, Slice, Str, Value};

/// `until`: the numbers from 0 to `end`, which is left out.
pub(super) fn until(context: &mut Context<'_>, end: isize) -> Result<Slice<isize>, CallError> {
    until_step(context, 0, end, if end < 0 { -1 } else { 1 })
}

/// `untilStep`.
pub(super) fn until_step(
    context: &mut Context<'_>,
    start: isize,
    end: isize,
    step: isize,
) -> Result<Slice<isize>, CallError> {
    let progression = Progression::new(context, start, end, step, size_of::<Value>())?;
    Ok(Slice::new(progression))
}

/// `seq`: as the command of that name, except that a step is only respected where it leads to the end.
pub(super) fn seq(
    context: &mut Context<'_>,
    Rest(parameters): Rest<isize>,
) -> Result<Str, CallError> {
    let (start, step, end) = match *parameters {
        [end] => (1, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(direction);
    if step.signum() != direction {
        return Ok("".into());
    }
    let longest = start.to_string().len().max(end.to_string().len());
    let mut text = String::new();
    // Past the end by one, so that the end itself is included.
    let end = end.wrapping_add(direction);
    for number in Progression::new(context, start, end, step, longest.saturating_add(1))? {
        if !text.is_empty() {
            text.push(' ');
        }
        let _ = write!(text, "{number}");
    }
    Ok(text.into())
}

/// The numbers from a start to an end that is left out.
struct Progression {
    next: isize,
    step: isize,
    count: usize,
}

impl Progression {
    /// Accounts for `size` bytes for each number. There are none if the step leads away from the end or nowhere.
    fn new(
        context: &mut Context<'_>,
        start: isize,
        end: isize,
        step: isize,
        size: usize,
    ) -> Result<Self, CallError> {
        let distance = end.abs_diff(start);
        let leads_there = if end < start { step < 0 } else { step > 0 };
        let count = if leads_there {
            distance.div_ceil(step.unsigned_abs())
        } else {
            0
        };
        context.charge(count.saturating_mul(size))?;
        context.spend(u64::try_from(count).unwrap_or(u64::MAX) / 16)?;
        // The step after the last number must not leave the range: Go's loop starts again at its other end.
        let last_step = isize::try_from(count)
            .ok()
            .and_then(|count| step.checked_mul(count)?.checked_add(start));
        if count > 0 && last_step.is_none() {
            return Err(CallError::limit(Limit::Memory));
        }
        Ok(Self {
            next: start,
            step,
            count,
        })
    }
}

impl Iterator for Progression {
    type Item = isize;

    fn next(&mut self) -> Option<isize> {
        self.count = self.count.checked_sub(1)?;
        let number = self.next;
        self.next = number.wrapping_add(self.step);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn numbers(start: isize, end: isize, step: isize) -> Result<Vec<isize>, CallError> {
        with_context(|context| {
            let size = size_of::<Value>();
            Progression::new(context, start, end, step, size).map(Iterator::collect)
        })
    }

    #[test]
    fn until_step_leaves_out_the_end() {
        assert_eq!(numbers(0, 7, 3), Ok(vec![0, 3, 6]));
        assert_eq!(numbers(0, 6, 3), Ok(vec![0, 3]));
        assert_eq!(numbers(3, -1, -2), Ok(vec![3, 1]));
    }

    #[test]
    fn until_step_that_does_not_lead_there_yields_nothing() {
        for (start, end, step) in [(0, 5, 0), (0, 5, -1), (5, 0, 1), (5, 0, 0), (5, 5, 1)] {
            assert_eq!(numbers(start, end, step), Ok(vec![]));
        }
    }

    #[test]
    fn until_step_refuses_endless_sequences() {
        for (start, end, step) in [
            (0, isize::MAX, 1),
            (isize::MIN, isize::MAX, 1),
            (isize::MAX - 1, isize::MAX, 5),
            (isize::MIN + 1, isize::MIN, isize::MIN),
        ] {
            let error = numbers(start, end, step).expect_err("too many");
            assert_eq!(error.passed_limit(), Some(Limit::Memory));
        }
    }

    fn seq_of(parameters: &[isize]) -> String {
        with_context(|context| seq(context, Rest(parameters.to_vec())))
            .expect("a short sequence")
            .to_text()
            .into_owned()
    }

    #[test]
    fn seq_includes_the_end() {
        assert_eq!(seq_of(&[3]), "1 2 3");
        assert_eq!(seq_of(&[-2]), "1 0 -1 -2");
        assert_eq!(seq_of(&[0, 2, 5]), "0 2 4");
        assert_eq!(seq_of(&[5, -2, 0]), "5 3 1");
        assert_eq!(seq_of(&[5, 2, 0]), "");
        assert_eq!(seq_of(&[0, 0, 5]), "");
        assert_eq!(seq_of(&[2, 1, 2]), "2");
        assert_eq!(seq_of(&[1, 2, 3, 4]), "");
    }
}
