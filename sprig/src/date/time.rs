//! `time.Time`: a moment, where it is told, and for `now` how long the program had run.

mod marshal;
mod methods;

use std::cmp::Ordering;

use sealed_template::{
    CallError, Context, Kind, Members, Named, NamedType, Object, Str, Type, UintType, Value,
};

use super::calendar::{Civil, INTERNAL_TO_UNIX, SECONDS_PER_DAY, seconds_at};
use super::duration::{Duration, is_less_than_half};
use super::format::{format, month_name};
use super::location::{Location, Zone};

/// A `time.Time`.
#[derive(Clone)]
pub(crate) struct Time {
    /// Seconds since the year 1 began, in UTC.
    seconds: i64,
    /// Nanoseconds of the second.
    nanoseconds: u32,
    /// Nanoseconds on a clock that nobody sets, for exact differences.
    monotonic: Option<i64>,
    location: Location,
}

/// The seconds at which Go's times have room for a monotonic reading: from 1885 on, for 2^33.
const WITH_MONOTONIC: std::ops::RangeInclusive<i64> = {
    let start = (1_884 * 365 + 1_884 / 4 - 1_884 / 100 + 1_884 / 400) * SECONDS_PER_DAY;
    start..=start + (1 << 33) - 1
};

const NANOSECONDS: i64 = 1_000_000_000;

impl Time {
    /// The first moment of the year 1, Go's zero time.
    pub(crate) const ZERO: Self = Self {
        seconds: 0,
        nanoseconds: 0,
        monotonic: None,
        location: Location::Utc,
    };

    /// What both clocks said.
    fn readings(&self) -> (i64, u32, Option<i64>) {
        (self.seconds, self.nanoseconds, self.monotonic)
    }

    /// This moment.
    pub(crate) fn now(context: &mut Context<'_>) -> Self {
        let now = context.now();
        let (seconds, nanoseconds) = match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => (after.as_secs().cast_signed(), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = before.as_secs().cast_signed().wrapping_neg();
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    part => (
                        seconds.wrapping_sub(1),
                        1_000_000_000_u32.wrapping_sub(part),
                    ),
                }
            }
        };
        let mut time = Self::from_unix(seconds);
        time.nanoseconds = nanoseconds;
        if WITH_MONOTONIC.contains(&time.seconds) {
            time.monotonic = i64::try_from(context.monotonic().as_nanos()).ok();
        }
        time
    }

    /// So many seconds after 1970 began, in local time.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        Self {
            seconds: seconds.wrapping_add(INTERNAL_TO_UNIX),
            location: Location::Local,
            ..Self::ZERO
        }
    }

    /// The time at which clocks at `location` show this. The month is from 1 to 12; day and second may lie
    /// outside the month and the day.
    pub(super) fn at(
        (year, month, day): (i64, i64, i64),
        second: i64,
        nanoseconds: u32,
        location: Location,
    ) -> Self {
        let local = seconds_at(year, month, day, second);
        // The zone at that time of UTC, then that at the time it leads to, in case it has changed between.
        let guess = location.zone_at(local).offset;
        let offset = location.zone_at(local.wrapping_sub(guess)).offset;
        Self {
            nanoseconds,
            ..Self::from_unix(local.wrapping_sub(offset)).at_location(location)
        }
    }

    /// Seconds since 1970 began.
    pub(crate) fn unix(&self) -> i64 {
        self.seconds.wrapping_sub(INTERNAL_TO_UNIX)
    }

    /// Nanoseconds of the second.
    pub(super) fn nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// The zone in effect, and what clocks and calendars show there.
    pub(super) fn local(&self) -> (Zone<'_>, Civil) {
        let unix = self.unix();
        let zone = self.location.zone_at(unix);
        let civil = Civil::at(unix.wrapping_add(zone.offset));
        (zone, civil)
    }

    fn civil(&self) -> Civil {
        self.local().1
    }

    /// The same moment told elsewhere, without the monotonic reading.
    pub(crate) fn at_location(self, location: Location) -> Self {
        Self {
            location,
            monotonic: None,
            ..self
        }
    }

    /// Later by `duration`.
    pub(crate) fn add(mut self, duration: Duration) -> Self {
        let total = i64::from(self.nanoseconds).wrapping_add(duration.0 % NANOSECONDS);
        let seconds = (duration.0 / NANOSECONDS).wrapping_add(total.div_euclid(NANOSECONDS));
        self.nanoseconds = u32::try_from(total.rem_euclid(NANOSECONDS)).unwrap_or_default();
        self.add_seconds(seconds);
        self.monotonic = self
            .monotonic
            .and_then(|reading| reading.checked_add(duration.0));
        self
    }

    /// Later by `seconds`, at most as late or early as can be told. The monotonic reading stays, if there
    /// is room for it.
    pub(super) fn add_seconds(&mut self, seconds: i64) {
        let limit = if seconds > 0 { i64::MAX } else { -i64::MAX };
        self.seconds = self.seconds.checked_add(seconds).unwrap_or(limit);
        self.monotonic = self
            .monotonic
            .filter(|_| WITH_MONOTONIC.contains(&self.seconds));
    }

    /// How much later than `other`, within what a duration can say.
    pub(crate) fn sub(&self, other: &Self) -> Duration {
        if let (Some(this), Some(that)) = (self.monotonic, other.monotonic) {
            return Duration(this.saturating_sub(that));
        }
        let difference = self.since_year_one().wrapping_sub(other.since_year_one());
        Duration(i64::try_from(difference).unwrap_or(if difference < 0 {
            i64::MIN
        } else {
            i64::MAX
        }))
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.monotonic, other.monotonic) {
            (Some(this), Some(that)) => this.cmp(&that),
            _ => self.since_year_one().cmp(&other.since_year_one()),
        }
    }

    /// Nanoseconds.
    fn since_year_one(&self) -> i128 {
        i128::from(self.seconds)
            .wrapping_mul(NANOSECONDS.into())
            .wrapping_add(self.nanoseconds.into())
    }

    /// How much later than the last multiple of `unit` since the year 1 began; none unless `unit` is
    /// positive.
    fn rest(&self, unit: Duration) -> Option<Duration> {
        if unit.0 <= 0 {
            return None;
        }
        let rest = self.since_year_one().checked_rem_euclid(unit.0.into())?;
        i64::try_from(rest).ok().map(Duration)
    }

    fn truncate(mut self, unit: Duration) -> Self {
        self.monotonic = None;
        match self.rest(unit) {
            Some(rest) => self.add(Duration(rest.0.wrapping_neg())),
            None => self,
        }
    }

    fn round(mut self, unit: Duration) -> Self {
        self.monotonic = None;
        match self.rest(unit) {
            Some(rest) if is_less_than_half(rest.0.unsigned_abs(), unit) => {
                self.add(Duration(rest.0.wrapping_neg()))
            }
            Some(rest) => self.add(Duration(unit.0.wrapping_sub(rest.0))),
            None => self,
        }
    }

    /// Years, months and days later on the calendar. A day that its month does not have is counted on into
    /// the next.
    fn add_date(self, years: i64, months: i64, days: i64) -> Self {
        let now = self.civil();
        let months = now.month.wrapping_add(months).wrapping_sub(1);
        let year = now
            .year
            .wrapping_add(years)
            .wrapping_add(months.div_euclid(12));
        let date = (
            year,
            months.rem_euclid(12).wrapping_add(1),
            now.day.wrapping_add(days),
        );
        let second = now
            .hour
            .wrapping_mul(3_600)
            .wrapping_add(now.minute.wrapping_mul(60))
            .wrapping_add(now.second);
        Self::at(date, second, self.nanoseconds, self.location)
    }

    fn is_zero(&self) -> bool {
        self.seconds == 0 && self.nanoseconds == 0
    }

    /// With the date, the time and the zone in the form of `layout`.
    pub(crate) fn format(
        &self,
        context: &mut Context<'_>,
        layout: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        let longest = self.location.name().len().max(4);
        context.charge(layout.len().saturating_mul(longest))?;
        context.spend(layout.len().try_into().unwrap_or(u64::MAX))?;
        Ok(format(self, layout))
    }

    /// As it is printed, with the monotonic reading in seconds.
    fn to_text(&self) -> Vec<u8> {
        let mut text = format(self, b"2006-01-02 15:04:05.999999999 -0700 MST");
        if let Some(reading) = self.monotonic {
            let sign = if reading < 0 { '-' } else { '+' };
            let reading = reading.unsigned_abs();
            let (seconds, part) = (reading / 1_000_000_000, reading % 1_000_000_000);
            text.extend(format!(" m={sign}{seconds}.{part:09}").bytes());
        }
        text
    }

    /// As an expression of Go.
    fn to_go_syntax(&self) -> Vec<u8> {
        let now = self.civil();
        let month = month_name(now.month);
        let date = format!(
            "time.Date({}, time.{month}, {}, {}, {}, {}, {}, ",
            now.year, now.day, now.hour, now.minute, now.second, self.nanoseconds
        );
        let location = match &self.location {
            Location::Utc => b"time.UTC".to_vec(),
            Location::Local => b"time.Local".to_vec(),
            other => {
                let name = super::quote::quote(other.name().as_bytes());
                [b"time.Location(", &*name, b")"].concat()
            }
        };
        [date.as_bytes(), &*location, b")"].concat()
    }
}

impl Named for Time {
    const NAMED: &'static NamedType = &NamedType {
        name: "time.Time",
        kind: Kind::Struct,
    };
}

impl Object for Time {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        &methods::METHODS
    }

    /// As Go packs them: with a monotonic reading the seconds since 1885 stand above the nanoseconds.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let nanoseconds = u64::from(self.nanoseconds);
        let (wall, ext) = match self.monotonic {
            Some(reading) => {
                let seconds = self.seconds.wrapping_sub(*WITH_MONOTONIC.start());
                let wall = 1 << 63 | seconds.cast_unsigned() << 30 | nanoseconds;
                (wall, reading)
            }
            None => (nanoseconds, self.seconds),
        };
        let location = match &self.location {
            Location::Utc => Value::NilPointer(Type::Named(Location::NAMED)),
            other => Value::object(other.clone()),
        };
        vec![
            ("wall", Value::Uint(UintType::Uint64, wall)),
            ("ext", Value::int64(ext)),
            ("loc", location),
        ]
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_text().into())
    }

    fn go_syntax(&self) -> Option<Str> {
        Some(self.to_go_syntax().into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| {
            self.readings() == other.readings() && self.location.is_same(&other.location)
        })
    }

    fn deep_equals(&self, other: &dyn Object) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| {
            self.readings() == other.readings() && self.location.is_alike(&other.location)
        })
    }
}
