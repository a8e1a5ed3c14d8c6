//! Functions for dates and durations, and Go's `time.Time` and its relatives as values.

mod calendar;
mod digits;
mod duration;
mod format;
mod layout;
mod location;
mod names;
mod parse;
mod quote;
mod time;

use sealed_template::strconv::{NumberError, parse_int};
use sealed_template::{CallError, Context, Functions, IntType, Str, Value};

use self::duration::{Duration, SECOND};
use self::location::Location;
use self::time::Time;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("ago", ago)
        .add("date", |context: &mut Context<'_>, layout, date| {
            date_in_zone(context, layout, date, Str::from("Local"))
        })
        .add("dateInZone", date_in_zone)
        .add("dateModify", date_modify)
        .add("date_in_zone", date_in_zone)
        .add("date_modify", date_modify)
        .add("duration", duration)
        .add("durationRound", duration_round)
        .add("htmlDate", |context: &mut Context<'_>, date| {
            date_in_zone(context, Str::from(HTML_DATE), date, Str::from("Local"))
        })
        .add("htmlDateInZone", |context: &mut Context<'_>, date, zone| {
            date_in_zone(context, Str::from(HTML_DATE), date, zone)
        })
        .add("mustDateModify", must_date_modify)
        .add("mustToDate", must_to_date)
        .add("must_date_modify", must_date_modify)
        .add("now", Time::now)
        .add("toDate", to_date)
        .add("unixEpoch", |date: Time| Str::from(date.unix().to_string()));
}

const HTML_DATE: &str = "2006-01-02";

fn date_in_zone(
    context: &mut Context<'_>,
    layout: Str,
    date: Value,
    zone: Str,
) -> Result<Str, CallError> {
    let time = match date {
        Value::Int(IntType::Int32, seconds) => Time::from_unix(seconds),
        date => moment(context, &date),
    };
    context.pass_over(zone.len())?;
    let location = Location::load(&zone).unwrap_or(Location::Utc);
    time.at_location(location)
        .format(context, &layout)
        .map(Str::from)
}

/// What a value says in seconds or as a time. Anything else means now.
fn moment(context: &mut Context<'_>, date: &Value) -> Time {
    match date {
        Value::Int(IntType::Int | IntType::Int64, seconds) => Time::from_unix(*seconds),
        date => date
            .downcast::<Time>()
            .map_or_else(|| Time::now(context), |time| (*time).clone()),
    }
}

/// A duration that is no duration is 0.
fn date_modify(context: &mut Context<'_>, text: Str, date: Time) -> Result<Time, CallError> {
    context.pass_over(text.len())?;
    Ok(date.add(Duration::parse(&text).unwrap_or(Duration(0))))
}

fn must_date_modify(context: &mut Context<'_>, text: Str, date: Time) -> Result<Time, CallError> {
    context.pass_over(text.len())?;
    Duration::parse(&text)
        .map(|duration| date.add(duration))
        .map_err(CallError::new)
}

fn must_to_date(context: &mut Context<'_>, layout: Str, value: Str) -> Result<Time, CallError> {
    parse(context, &layout, &value)?.map_err(CallError::new)
}

/// A date that is no date is the zero time.
fn to_date(context: &mut Context<'_>, layout: Str, value: Str) -> Result<Time, CallError> {
    Ok(parse(context, &layout, &value)?.unwrap_or(Time::ZERO))
}

/// The time, or Go's error text.
fn parse(
    context: &mut Context<'_>,
    layout: &[u8],
    value: &[u8],
) -> Result<Result<Time, Vec<u8>>, CallError> {
    let len = layout.len().saturating_add(value.len());
    context.spend(len.try_into().unwrap_or(u64::MAX))?;
    Ok(parse::parse(layout, value))
}

fn ago(context: &mut Context<'_>, date: Value) -> Str {
    let time = moment(context, &date);
    let age = Time::now(context).sub(&time);
    age.round(SECOND).text().into()
}

fn duration(seconds: Value) -> Str {
    let seconds = match seconds {
        Value::String(text) => match parse_int(&text, 10) {
            Ok(seconds) | Err(NumberError::Range(seconds)) => seconds,
            Err(NumberError::Syntax) => 0,
        },
        Value::Int(IntType::Int64, seconds) => seconds,
        _ => 0,
    };
    Duration(seconds.wrapping_mul(SECOND.0)).text().into()
}

/// A duration in whole ones of the largest unit that it is longer than.
fn duration_round(context: &mut Context<'_>, duration: Value) -> Result<Str, CallError> {
    let duration = match &duration {
        Value::String(text) => {
            context.pass_over(text.len())?;
            Duration::parse(text).unwrap_or(Duration(0))
        }
        Value::Int(IntType::Int64, nanoseconds) => Duration(*nanoseconds),
        other => match other.downcast::<Time>() {
            Some(time) => Time::now(context).sub(&time),
            None => Duration(0),
        },
    };
    let seconds = SECOND.0.unsigned_abs();
    let units = [
        ("y", 365 * 86_400),
        ("mo", 30 * 86_400),
        ("d", 86_400),
        ("h", 3_600),
        ("m", 60),
        ("s", 1),
    ];
    let length = duration.0.unsigned_abs();
    for (name, unit) in units {
        let unit = seconds.saturating_mul(unit);
        if length > unit {
            let count = length.checked_div(unit).unwrap_or_default();
            return Ok(format!("{count}{name}").into());
        }
    }
    Ok("0s".into())
}

#[cfg(test)]
mod tests {
    use sealed_template::Object as _;

    use super::*;
    use crate::testing::{call, with_context};

    fn text(name: &str, arguments: Vec<Value>) -> String {
        match call(name, arguments) {
            Ok(Value::String(text)) => text.to_text().into_owned(),
            Ok(value) => match value.downcast::<Time>().and_then(|time| time.text()) {
                Some(text) => text.to_text().into_owned(),
                None => value.type_name(),
            },
            Err(error) => error.to_text().into_owned(),
        }
    }

    #[test]
    fn date_in_zone_tells_the_time_of_the_zone() {
        for (layout, seconds, zone, expected) in [
            (
                "2006-01-02T15:04:05.000Z07:00",
                1_700_000_000,
                "Asia/Kolkata",
                "2023-11-15T03:43:20.000+05:30",
            ),
            (
                "Jan _2 3:04PM MST",
                1_720_000_000,
                "Europe/Berlin",
                "Jul  3 11:46AM CEST",
            ),
            ("2006 MST", 0, "Not/AZone", "1970 UTC"),
            (
                "2006 06 -07:00:00",
                -62_167_219_201,
                "America/New_York",
                "-0001 01 -04:56:02",
            ),
        ] {
            let arguments = vec![layout.into(), Value::int(seconds), zone.into()];
            assert_eq!(text("dateInZone", arguments), expected);
        }
    }

    #[test]
    fn date_takes_only_times_and_some_numbers() {
        let year = |date| text("date", vec!["2006-01-02".into(), date]);
        assert_eq!(year(Value::int(86_400 * 365)), "1971-01-01");
        assert_eq!(year(Value::int64(-1)), "1969-12-31");
        // The clock of tests stands at the beginning of 1970.
        assert_eq!(year(Value::Float(1e9)), "1970-01-01");
        assert_eq!(year("2020".into()), "1970-01-01");
    }

    #[test]
    fn to_date_reads_texts_by_their_layout() {
        for (layout, value, expected) in [
            ("2006-01-02", "2020-02-29", "2020-02-29 00:00:00 +0000 UTC"),
            (
                "2006-01-02",
                "2019-02-29",
                "parsing time \"2019-02-29\": day out of range",
            ),
            (
                "2006",
                "x",
                "parsing time \"x\" as \"2006\": cannot parse \"x\" as \"2006\"",
            ),
            (
                "2006-01",
                "2020-13",
                "parsing time \"2020-13\": month out of range",
            ),
            ("15", "1x", "parsing time \"1x\": extra text: \"x\""),
            ("2006 002", "2020 366", "2020-12-31 00:00:00 +0000 UTC"),
            ("06 3pm", "69 12am", "1969-01-01 00:00:00 +0000 UTC"),
            (
                "15:04:05 -0700",
                "01:02:03,5 +0130",
                "0000-01-01 01:02:03.5 +0130 +0130",
            ),
            ("15 MST", "01 GMT+2", "0000-01-01 03:00:00 +0200 GMT+2"),
        ] {
            assert_eq!(
                text("mustToDate", vec![layout.into(), value.into()]),
                expected
            );
        }
        assert_eq!(
            text("toDate", vec!["2006".into(), "x".into()]),
            "0001-01-01 00:00:00 +0000 UTC"
        );
    }

    #[test]
    fn duration_round_goes_down_to_the_largest_unit() {
        for (duration, expected) in [
            ("1s", "0s"),
            ("61s", "1m"),
            ("25h", "1d"),
            ("9000h", "1y"),
            ("-800h", "1mo"),
            ("x", "0s"),
        ] {
            assert_eq!(text("durationRound", vec![duration.into()]), expected);
        }
        assert_eq!(text("duration", vec!["125".into()]), "2m5s");
        assert_eq!(text("duration", vec![Value::int(125)]), "0s");
        assert_eq!(text("ago", vec![Value::int(-3_700)]), "1h1m40s");
    }

    #[test]
    fn now_tells_how_long_the_program_runs() {
        assert_eq!(
            text("now", vec![]),
            "1970-01-01 00:00:00 +0000 UTC m=+0.000000000"
        );
    }

    #[test]
    fn a_zone_with_a_long_name_ends_at_the_limit() {
        let name = format!("GMT+{}1", "0".repeat(1 << 20));
        let time = parse::parse(b"MST", name.as_bytes()).expect("a time");
        let text = with_context(|context| time.format(context, &b"MST".repeat(1 << 10)));
        assert!(text.expect_err("a limit").passed_limit().is_some());
    }
}
