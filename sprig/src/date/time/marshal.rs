//! Times for other programs to read: RFC 3339 and Go's binary form.

use sealed_template::CallError;

use super::Time;
use crate::date::format::format;
use crate::date::location::Location;

impl Time {
    /// RFC 3339 in quotes.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, CallError> {
        let text = self.to_strict_text("Time.MarshalJSON")?;
        Ok([b"\"", &*text, b"\""].concat())
    }

    /// RFC 3339, for times that it can express. Errors start with the name of the method.
    pub(super) fn to_strict_text(&self, method: &str) -> Result<Vec<u8>, CallError> {
        let (zone, civil) = self.local();
        if !(0..=9999).contains(&civil.year) {
            let message = format!("{method}: year outside of range [0,9999]");
            return Err(CallError::new(message));
        }
        if zone.offset / 3600 >= 24 || zone.offset / 3600 <= -24 {
            let message = format!("{method}: timezone hour outside of range [0,23]");
            return Err(CallError::new(message));
        }
        Ok(format(self, b"2006-01-02T15:04:05.999999999Z07:00"))
    }

    /// A version, the seconds since the year 1 began, nanoseconds, and the offset in minutes, or -1 for
    /// UTC. Version 2 has the seconds of the offset too.
    pub(super) fn to_binary(&self) -> Result<Vec<u8>, CallError> {
        let (minutes, seconds) = if matches!(self.location, Location::Utc) {
            (-1, 0)
        } else {
            let (zone, _) = self.local();
            let minutes = i16::try_from(zone.offset / 60)
                .ok()
                .filter(|minutes| *minutes != -1);
            let message = "Time.MarshalBinary: unexpected zone offset";
            let minutes = minutes.ok_or_else(|| CallError::new(message))?;
            (minutes, i8::try_from(zone.offset % 60).unwrap_or_default())
        };
        let mut bytes = vec![if seconds == 0 { 1 } else { 2 }];
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend(self.nanoseconds.to_be_bytes());
        bytes.extend(minutes.to_be_bytes());
        if seconds != 0 {
            bytes.extend(seconds.to_be_bytes());
        }
        Ok(bytes)
    }
}
