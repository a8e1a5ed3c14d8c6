//! `*time.Location`: where a time is told, and the zone that is in effect there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sealed_template::{
    Function, Kind, List, Members, Method, Named, NamedType, Object, Str, Type, Value,
};

use super::calendar::CYCLE;

/// A `*time.Location`.
#[derive(Clone)]
pub(crate) enum Location {
    /// `time.UTC`
    Utc,
    /// `time.Local`, which is UTC too, but another pointer.
    Local,
    /// A zone that a text named, with the offset that it gave or 0.
    Fixed(Rc<Fixed>),
    /// A place of the tz database.
    Place(TimeZone),
}

/// A zone that is always in effect.
pub(crate) struct Fixed {
    /// Empty if only the offset is known.
    name: String,
    /// In seconds east of UTC.
    offset: i64,
}

/// The zone in effect at a moment.
pub(super) struct Zone<'a> {
    pub(super) name: Cow<'a, str>,
    /// In seconds east of UTC.
    pub(super) offset: i64,
}

impl Location {
    pub(super) fn fixed(name: &str, offset: i64) -> Self {
        Self::Fixed(Rc::new(Fixed {
            name: name.to_owned(),
            offset,
        }))
    }

    /// The location of a name, as `time.LoadLocation` finds it among the files of a tz database.
    pub(crate) fn load(name: &[u8]) -> Option<Self> {
        match name {
            b"" | b"UTC" => return Some(Self::Utc),
            b"Local" => return Some(Self::Local),
            _ => {}
        }
        let name = std::str::from_utf8(name).ok()?;
        if name.contains("..") || name.starts_with(['/', '\\']) || name.ends_with('/') {
            return None;
        }
        // A path may name the folder it is in and repeat slashes.
        let parts: Vec<_> = name
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        let name = parts.join("/");
        let place = TZDB.get(&name).ok()?;
        // The database does not tell upper from lower case; a file system does.
        (place.iana_name() == Some(&*name)).then_some(Self::Place(place))
    }

    /// The name that it was loaded under or that the zone has.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Utc | Self::Local => "UTC",
            Self::Fixed(zone) => &zone.name,
            Self::Place(place) => place.iana_name().unwrap_or_default(),
        }
    }

    /// The zone in effect so many seconds after 1970 began.
    pub(super) fn zone_at(&self, unix: i64) -> Zone<'_> {
        match self {
            Self::Utc | Self::Local => Zone {
                name: "UTC".into(),
                offset: 0,
            },
            Self::Fixed(zone) => Zone {
                name: zone.name.as_str().into(),
                offset: zone.offset,
            },
            Self::Place(place) => {
                let zone = place.to_offset_info(nearest(unix));
                Zone {
                    name: zone.abbreviation().to_owned().into(),
                    offset: zone.offset().seconds().into(),
                }
            }
        }
    }

    /// Go's `==`: whether both point to the same. Zones of whole hours without a name are kept by Go, so
    /// that there is one pointer for each of them.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Utc, Self::Utc) | (Self::Local, Self::Local) => true,
            (Self::Fixed(this), Self::Fixed(that)) => {
                Rc::ptr_eq(this, that)
                    || this.is_kept() && that.is_kept() && this.offset == that.offset
            }
            _ => false,
        }
    }

    /// Go's `reflect.DeepEqual`: whether what both point to is equal.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(this), Self::Fixed(that)) => {
                this.name == that.name && this.offset == that.offset
            }
            (Self::Place(this), Self::Place(that)) => this == that,
            _ => self.is_same(other),
        }
    }
}

impl Fixed {
    fn is_kept(&self) -> bool {
        self.name.is_empty()
            && self.offset % 3600 == 0
            && (-12 * 3600..=14 * 3600).contains(&self.offset)
    }
}

static TZDB: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The moment itself or, past the times that jiff knows, one at which the same zone is in effect: the
/// first, or one in a year with the same calendar.
fn nearest(unix: i64) -> Timestamp {
    let unix = match unix.checked_sub(Timestamp::MAX.as_second()) {
        Some(excess) if excess > 0 => {
            let cycles = excess.saturating_sub(1) / CYCLE;
            unix.saturating_sub(cycles.saturating_add(1).saturating_mul(CYCLE))
        }
        _ => unix.max(Timestamp::MIN.as_second()),
    };
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Named for Location {
    const NAMED: &'static NamedType = &NamedType {
        name: "*time.Location",
        kind: Kind::Pointer,
    };
}

impl Object for Location {
    fn type_of(&self) -> Type {
        Type::Named(Self::NAMED)
    }

    fn methods(&self) -> &'static Members {
        static MEMBERS: LazyLock<Members> = LazyLock::new(|| {
            let name = Function::new(|this: Location| Str::from(this.name()));
            BTreeMap::from([("String", Method::Callable(name))])
        });
        &MEMBERS
    }

    /// As much of Go's fields as tells locations apart.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let zones = match self {
            Self::Fixed(zone) => vec![Value::int64(zone.offset)],
            _ => Vec::new(),
        };
        vec![
            ("name", self.name().into()),
            ("zone", List::new(&Type::INT64, zones).into()),
        ]
    }

    fn text(&self) -> Option<Str> {
        Some(self.name().into())
    }

    fn deep_copy(&self) -> Option<Value> {
        Some(Value::object(Self::fixed("", 0)))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .downcast_ref()
            .is_some_and(|other| self.is_same(other))
    }

    fn deep_equals(&self, other: &dyn Object) -> bool {
        other
            .downcast_ref()
            .is_some_and(|other| self.is_alike(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str, unix: i64) -> (String, i64) {
        let location = Location::load(name.as_bytes()).expect("a known location");
        let zone = location.zone_at(unix);
        (zone.name.into_owned(), zone.offset)
    }

    #[test]
    fn names_are_paths_below_the_database() {
        for name in [
            "Europe/Berlin",
            "./Europe//Berlin",
            "EST5EDT",
            "",
            "UTC",
            "Local",
        ] {
            assert!(Location::load(name.as_bytes()).is_some(), "{name}");
        }
        for name in [
            "europe/berlin",
            "Europe",
            "Europe/Berlin/",
            "Europe/../Europe/Berlin",
            "/Europe/Berlin",
            "Not/AZone",
            "utc\0",
        ] {
            assert!(Location::load(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn rules_hold_for_ever() {
        let berlin = "Europe/Berlin";
        assert_eq!(zone(berlin, 1_700_000_000), ("CET".to_owned(), 3_600));
        assert_eq!(zone(berlin, 1_720_000_000), ("CEST".to_owned(), 7_200));
        let ages = 20_000_000 * CYCLE;
        assert_eq!(
            zone(berlin, 1_700_000_000 + ages),
            ("CET".to_owned(), 3_600)
        );
        assert_eq!(
            zone(berlin, 1_720_000_000 + ages),
            ("CEST".to_owned(), 7_200)
        );
        assert_eq!(zone(berlin, i64::MIN), ("LMT".to_owned(), 3_208));
        assert_eq!(zone("America/New_York", i64::MAX).1, -18_000);
    }
}
