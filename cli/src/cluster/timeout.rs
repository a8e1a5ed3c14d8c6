//! `--request-timeout`.

use std::time::Duration;

use sealed_pflag::GoDuration;

use crate::failure::Failure;

/// Reads whole seconds or a Go duration; nothing and zero are without end.
pub(super) fn parse(text: Option<&str>) -> Result<Option<Duration>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => text.parse::<GoDuration>().ok().and_then(GoDuration::to_std),
    };
    let duration = duration.ok_or_else(|| {
        Failure::usage(format!("--request-timeout is `{text}`, which is no time"))
            .kubeseal("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)")
            .hint("such as 10, 10s, 2m or 1h")
    })?;
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

/// As Go writes it into a URL.
pub(super) fn format(timeout: Duration) -> String {
    GoDuration::from_nanos(i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_durations_are_understood_and_zero_is_none() {
        for (text, seconds) in [("5", Some(5)), ("1m", Some(60)), ("0", None), ("0s", None)] {
            assert_eq!(
                parse(Some(text)).unwrap(),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
        assert_eq!(parse(None).unwrap(), None);
        for text in ["zz", "-1s", "-1", "5x"] {
            assert!(parse(Some(text)).is_err(), "{text}");
        }
        assert_eq!(format(Duration::from_secs(90)), "1m30s");
    }
}
