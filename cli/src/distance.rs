//! How far away a time is, and how long a span, in words.

use jiff::{SignedDuration, Timestamp};

/// How far away a time is.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let distance = time.duration_since(now);
    if distance.is_negative() {
        format!("{} ago", span(distance.abs()))
    } else {
        format!("in {}", span(distance))
    }
}

/// A span in minutes, in hours below two days, or in days.
pub(crate) fn span(span: SignedDuration) -> String {
    let (count, unit) = match span.as_hours() {
        0 => (span.as_mins(), "minute"),
        hours @ 1..48 => (hours, "hour"),
        hours => (hours / 24, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_before_or_behind() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("it is a time");
        for (time, told) in [
            ("2026-03-01T00:00:00Z", "12 hours ago"),
            ("2026-03-01T18:00:00Z", "in 6 hours"),
            ("2026-03-03T12:00:00Z", "in 2 days"),
            ("2027-03-01T12:00:00Z", "in 365 days"),
            ("2025-03-01T12:00:00Z", "365 days ago"),
        ] {
            assert_eq!(relative(time.parse().expect("it is a time"), now), told);
        }
    }

    #[test]
    fn ages_are_told_in_one_unit() {
        for (minutes, words) in [
            (0, "0 minutes"),
            (1, "1 minute"),
            (59, "59 minutes"),
            (60, "1 hour"),
            (47 * 60, "47 hours"),
            (48 * 60, "2 days"),
        ] {
            assert_eq!(span(SignedDuration::from_mins(minutes)), words);
        }
    }
}
