//! What templates can ask of a `time.Time`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use sealed_template::{
    CallError, Context, Function, Members, Method, Named, Nilable, Slice, Str, Type,
};

use super::Time;
use crate::date::location::Location;
use crate::date::names::{Month, Weekday};
use crate::methods::{Methods, callable};

pub(super) static METHODS: LazyLock<Members> = LazyLock::new(|| {
    [
        arithmetic(),
        comparisons(),
        parts(),
        counts(),
        locations(),
        texts(),
    ]
    .into_iter()
    .flatten()
    .chain(SEVERAL_RESULTS.map(|(name, types)| (name, Method::Results(types))))
    .collect()
});

const SEVERAL_RESULTS: [(&str, &[Type]); 5] = [
    ("Clock", &[Type::INT, Type::INT, Type::INT]),
    ("Date", &[Type::INT, Type::Named(Month::NAMED), Type::INT]),
    ("ISOWeek", &[Type::INT, Type::INT]),
    ("Zone", &[Type::String, Type::INT]),
    (
        "ZoneBounds",
        &[Type::Named(Time::NAMED), Type::Named(Time::NAMED)],
    ),
];

fn arithmetic() -> Methods {
    callable([
        ("Add", Function::new(Time::add)),
        (
            "AddDate",
            Function::new(|time: Time, years: isize, months: isize, days: isize| {
                time.add_date(years as i64, months as i64, days as i64)
            }),
        ),
        ("Round", Function::new(Time::round)),
        (
            "Sub",
            Function::new(|time: Time, other: Time| time.sub(&other)),
        ),
        ("Truncate", Function::new(Time::truncate)),
    ])
}

fn comparisons() -> Methods {
    callable([
        (
            "After",
            Function::new(|time: Time, other: Time| time.compare(&other).is_gt()),
        ),
        (
            "Before",
            Function::new(|time: Time, other: Time| time.compare(&other).is_lt()),
        ),
        (
            "Compare",
            Function::new(|time: Time, other: Time| match time.compare(&other) {
                Ordering::Less => -1_isize,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }),
        ),
        (
            "Equal",
            Function::new(|time: Time, other: Time| time.compare(&other).is_eq()),
        ),
        ("IsZero", Function::new(|time: Time| time.is_zero())),
    ])
}

fn parts() -> Methods {
    fn int(number: i64) -> isize {
        // All numbers come from a calendar or a clock; years have 12 digits.
        isize::try_from(number).unwrap_or_default()
    }
    callable([
        ("Day", Function::new(|time: Time| int(time.civil().day))),
        ("Hour", Function::new(|time: Time| int(time.civil().hour))),
        (
            "Minute",
            Function::new(|time: Time| int(time.civil().minute)),
        ),
        (
            "Month",
            Function::new(|time: Time| Month(time.civil().month)),
        ),
        (
            "Nanosecond",
            Function::new(|time: Time| int(time.nanoseconds.into())),
        ),
        (
            "Second",
            Function::new(|time: Time| int(time.civil().second)),
        ),
        (
            "Weekday",
            Function::new(|time: Time| Weekday(time.civil().weekday)),
        ),
        ("Year", Function::new(|time: Time| int(time.civil().year))),
        (
            "YearDay",
            Function::new(|time: Time| int(time.civil().year_day)),
        ),
    ])
}

/// Units since 1970 began, wrapping around as Go's do.
fn counts() -> Methods {
    fn count(time: &Time, per_second: u32) -> i64 {
        let nanoseconds = 1_000_000_000_u32.checked_div(per_second).unwrap_or(1);
        let part = time
            .nanoseconds
            .checked_div(nanoseconds)
            .unwrap_or_default();
        time.unix()
            .wrapping_mul(per_second.into())
            .wrapping_add(part.into())
    }
    callable([
        ("Unix", Function::new(|time: Time| time.unix())),
        (
            "UnixMicro",
            Function::new(|time: Time| count(&time, 1_000_000)),
        ),
        ("UnixMilli", Function::new(|time: Time| count(&time, 1_000))),
        (
            "UnixNano",
            Function::new(|time: Time| count(&time, 1_000_000_000)),
        ),
    ])
}

fn locations() -> Methods {
    callable([
        (
            "In",
            Function::new(|time: Time, location: Nilable<Location>| match location.0 {
                Some(location) => Ok(time.at_location(location)),
                None => Err(CallError::new("time: missing Location in call to Time.In")),
            }),
        ),
        // No zone that a template can get hold of has daylight saving time.
        ("IsDST", Function::new(|_: Time| false)),
        (
            "Local",
            Function::new(|time: Time| time.at_location(Location::Local)),
        ),
        ("Location", Function::new(|time: Time| time.location)),
        (
            "UTC",
            Function::new(|time: Time| time.at_location(Location::Utc)),
        ),
    ])
}

fn texts() -> Methods {
    callable([
        (
            "AppendBinary",
            Function::new(|context: &mut Context<'_>, time: Time, start: Slice<u8>| {
                append(context, &start, &time.to_binary()?)
            }),
        ),
        (
            "AppendFormat",
            Function::new(
                |context: &mut Context<'_>, time: Time, start: Slice<u8>, layout: Str| {
                    let text = time.format(context, &layout)?;
                    append(context, &start, &text)
                },
            ),
        ),
        (
            "AppendText",
            Function::new(|context: &mut Context<'_>, time: Time, start: Slice<u8>| {
                append(context, &start, &time.to_strict_text("Time.AppendText")?)
            }),
        ),
        (
            "Format",
            Function::new(|context: &mut Context<'_>, time: Time, layout: Str| {
                time.format(context, &layout).map(Str::from)
            }),
        ),
        (
            "GoString",
            Function::new(|time: Time| Str::from(time.to_go_syntax())),
        ),
        (
            "GobEncode",
            Function::new(|time: Time| time.to_binary().map(Slice::new)),
        ),
        (
            "MarshalBinary",
            Function::new(|time: Time| time.to_binary().map(Slice::new)),
        ),
        (
            "MarshalJSON",
            Function::new(|time: Time| time.to_json().map(Slice::new)),
        ),
        (
            "MarshalText",
            Function::new(|time: Time| time.to_strict_text("Time.MarshalText").map(Slice::new)),
        ),
        (
            "String",
            Function::new(|time: Time| Str::from(time.to_text())),
        ),
    ])
}

/// The bytes of a `[]uint8` with more behind them.
fn append(
    context: &mut Context<'_>,
    start: &Slice<u8>,
    bytes: &[u8],
) -> Result<Slice<u8>, CallError> {
    let len = start.len().saturating_add(bytes.len());
    context.charge(len.saturating_mul(size_of::<sealed_template::Value>()))?;
    let start = start.to_bytes();
    Ok(Slice::new(start.into_iter().chain(bytes.iter().copied())))
}
