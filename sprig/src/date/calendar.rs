//! The Gregorian calendar, reaching as far as the seconds of an `int64` do.
//!
//! Numbers that no date can have wrap around as Go's do, so even nonsense prints the same.

pub(super) const SECONDS_PER_DAY: i64 = 86_400;
const DAYS_PER_CYCLE: u64 = 146_097;
const DAYS_BEFORE_JANUARY: u64 = 306;

/// How long it takes until the calendar repeats, days of the week included: 400 years.
pub(super) const CYCLE: i64 = DAYS_PER_CYCLE.cast_signed() * SECONDS_PER_DAY;

/// The calendar begins on March 1 of the year minus this. It is early enough for no count of days to be
/// negative, and beginning in March puts leap days last in their year.
const YEARS_BEFORE_ZERO: u64 = 292_277_022_400;

/// From the beginning of the calendar to 1 January 1970.
const EPOCH: i64 = {
    let days = YEARS_BEFORE_ZERO / 400 * DAYS_PER_CYCLE + DAYS_BEFORE_JANUARY;
    (days * SECONDS_PER_DAY.cast_unsigned() + INTERNAL_TO_UNIX.cast_unsigned()).cast_signed()
};

/// From 1 January of the year 1 to 1 January 1970.
pub(super) const INTERNAL_TO_UNIX: i64 = 719_162 * SECONDS_PER_DAY;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// What a clock and a calendar show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    /// From 1.
    pub(super) year_day: i64,
    /// From 0, which is Sunday.
    pub(super) weekday: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Civil {
    /// What is shown so many seconds after 1970 began, in local time.
    pub(super) fn at(seconds: i64) -> Self {
        let seconds = seconds.wrapping_add(EPOCH).cast_unsigned();
        let (days, second) = (seconds / 86_400, (seconds % 86_400).cast_signed());
        let Date {
            year,
            month,
            day,
            year_day,
        } = Date::at(days);
        Self {
            year,
            month,
            day,
            year_day,
            weekday: (days.wrapping_add(3) % 7).cast_signed(),
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

struct Date {
    year: i64,
    month: i64,
    day: i64,
    year_day: i64,
}

impl Date {
    /// So many days after the beginning of the calendar.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the remainder of a cycle is below 146,097 and the rest below that; the year is below 10^12"
    )]
    fn at(days: u64) -> Self {
        let (cycle, day_of_cycle) = (days / DAYS_PER_CYCLE, days % DAYS_PER_CYCLE);
        // Every 4 years have one day more than 1,460, every 100 one less, the last of 400 one more.
        let leap_days_before =
            day_of_cycle / 1_460 + day_of_cycle / 146_096 - day_of_cycle / 36_524;
        let year = (day_of_cycle - leap_days_before) / 365;
        let from_march = (day_of_cycle - (365 * year + year / 4 - year / 100)).cast_signed();
        // From March on, five months always have 153 days.
        let month = (5 * from_march + 2) / 153;
        let day = from_march - (153 * month + 2) / 5 + 1;

        let in_next_year = month >= 10;
        let year = (cycle * 400 + year).cast_signed() - YEARS_BEFORE_ZERO.cast_signed()
            + i64::from(in_next_year);
        Self {
            year,
            month: if in_next_year { month - 9 } else { month + 3 },
            day,
            year_day: if in_next_year {
                from_march - DAYS_BEFORE_JANUARY.cast_signed() + 1
            } else {
                from_march + 60 + i64::from(is_leap(year))
            },
        }
    }
}

/// The seconds from 1970 to a local time. The month is from 1 to 12; day and second may lie outside the
/// month and the day.
pub(super) fn seconds_at(year: i64, month: i64, day: i64, second: i64) -> i64 {
    let before_march = month < 3;
    let from_march = if before_march {
        month.wrapping_add(9)
    } else {
        month.wrapping_sub(3)
    };
    let year = year
        .cast_unsigned()
        .wrapping_sub(before_march.into())
        .wrapping_add(YEARS_BEFORE_ZERO);
    let (century, year) = (year / 100, (year % 100).cast_signed());
    let days = (century.wrapping_mul(DAYS_PER_CYCLE) / 4)
        .cast_signed()
        .wrapping_add(year.wrapping_mul(1_461) / 4)
        .wrapping_add(from_march.wrapping_mul(153).wrapping_add(2) / 5)
        .wrapping_add(day)
        .wrapping_sub(1);
    days.wrapping_mul(SECONDS_PER_DAY)
        .wrapping_add(second)
        .wrapping_sub(EPOCH)
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has, from 1 to 12.
pub(super) fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Month and day of a day of the year, if the year has that many.
pub(super) fn month_and_day(year_day: i64, year: i64) -> Option<(i64, i64)> {
    let mut day = year_day;
    for month in 1..=12 {
        let length = days_in(month, year);
        if day <= length {
            return (day >= 1).then_some((month, day));
        }
        day = day.saturating_sub(length);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_up_through_leap_years_and_back() {
        let mut expected = (1599, 1);
        for day in -135_140_i64..=400_000 {
            let seconds = day * SECONDS_PER_DAY;
            let civil = Civil::at(seconds);
            let Civil { year, month, .. } = civil;
            assert_eq!(seconds_at(year, month, civil.day, 0), seconds);
            assert_eq!(
                month_and_day(civil.year_day, year),
                Some((month, civil.day))
            );
            if civil.year_day == 1 {
                expected = (expected.0 + 1, 1);
            }
            assert_eq!((year, civil.year_day), expected);
            expected.1 += 1;
        }
    }

    #[test]
    fn the_ends_of_time_are_dates() {
        let last = Civil::at(i64::MAX - INTERNAL_TO_UNIX);
        assert_eq!((last.year, last.month, last.day), (292_277_024_627, 12, 6));
        assert_eq!((last.hour, last.minute, last.second), (15, 30, 7));
        let first = Civil::at(-EPOCH);
        assert_eq!(
            (first.year, first.month, first.day),
            (-292_277_022_400, 3, 1)
        );
        assert_eq!(first.weekday, 3);
    }

    #[test]
    fn years_without_that_day_are_told() {
        assert_eq!(month_and_day(366, 2023), None);
        assert_eq!(month_and_day(366, 2024), Some((12, 31)));
        assert_eq!(month_and_day(0, 2024), None);
    }
}
