//! How far away a time is, in words.

use jiff::Timestamp;

/// How far away a time is, in whole days.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let days = time.duration_since(now).as_hours() / 24;
    match days {
        0 if time < now => "less than a day ago".to_owned(),
        0 => "in less than a day".to_owned(),
        1 => "in 1 day".to_owned(),
        -1 => "1 day ago".to_owned(),
        days if days > 0 => format!("in {days} days"),
        days => format!("{} days ago", -days),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_whole_days() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("it is a time");
        for (time, told) in [
            ("2026-03-01T00:00:00Z", "less than a day ago"),
            ("2026-03-01T18:00:00Z", "in less than a day"),
            ("2026-03-02T12:00:00Z", "in 1 day"),
            ("2026-02-28T11:00:00Z", "1 day ago"),
            ("2027-03-01T12:00:00Z", "in 365 days"),
            ("2025-03-01T12:00:00Z", "365 days ago"),
        ] {
            assert_eq!(relative(time.parse().expect("it is a time"), now), told);
        }
    }
}
