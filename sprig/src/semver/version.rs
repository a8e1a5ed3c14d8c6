//! Versions: `MAJOR.MINOR.PATCH-PRERELEASE+METADATA`.

use std::cmp::Ordering;
use std::fmt;

use super::fault::Fault;

/// A version. What is left out of its text is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    /// Identifiers with points between them; empty for a release.
    pub(super) prerelease: String,
    pub(super) metadata: String,
    /// The text that it was read from.
    pub(super) original: String,
}

impl Version {
    /// Reads a version. It may start with a `v`, its numbers may start with zeros, and minor and patch
    /// number may be missing.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(text).map_err(|_| Fault::InvalidVersion)?;
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let major = leading_digits(&mut rest).ok_or(Fault::InvalidVersion)?;
        let minor = digits_after_point(&mut rest);
        let patch = minor.and_then(|_| digits_after_point(&mut rest));
        let prerelease = identifiers_after(&mut rest, '-')?;
        let metadata = identifiers_after(&mut rest, '+')?;
        if !rest.is_empty() {
            return Err(Fault::InvalidVersion);
        }
        let number = |digits: &str| {
            let number = digits.parse();
            number.map_err(|_| Fault::Range(digits.to_owned()))
        };
        let version = Self {
            major: number(major)?,
            minor: number(minor.unwrap_or("0"))?,
            patch: number(patch.unwrap_or("0"))?,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        };
        if !prerelease.is_empty() {
            check_prerelease(prerelease.as_bytes())?;
        }
        Ok(version)
    }

    /// The next major version.
    pub(super) fn next_major(&self) -> Self {
        let major = self.major.wrapping_add(1);
        self.successor(major, 0, 0)
    }

    /// The next minor version.
    pub(super) fn next_minor(&self) -> Self {
        self.successor(self.major, self.minor.wrapping_add(1), 0)
    }

    /// The next patch version, which for a prerelease is its release.
    pub(super) fn next_patch(&self) -> Self {
        let step = u64::from(self.prerelease.is_empty());
        self.successor(self.major, self.minor, self.patch.wrapping_add(step))
    }

    fn successor(&self, major: u64, minor: u64, patch: u64) -> Self {
        self.rewritten(Self {
            major,
            minor,
            patch,
            ..Self::default()
        })
    }

    /// The same with another prerelease, or none if it is empty.
    pub(super) fn with_prerelease(&self, prerelease: &[u8]) -> Result<Self, Fault> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(self.rewritten(Self {
            prerelease: String::from_utf8_lossy(prerelease).into_owned(),
            ..self.clone()
        }))
    }

    /// The same with other metadata, or none if it is empty.
    pub(super) fn with_metadata(&self, metadata: &[u8]) -> Result<Self, Fault> {
        if !metadata.is_empty() && !metadata.split(is_point).all(is_identifier) {
            return Err(Fault::InvalidMetadata);
        }
        Ok(self.rewritten(Self {
            metadata: String::from_utf8_lossy(metadata).into_owned(),
            ..self.clone()
        }))
    }

    /// What was made of this version; its text starts with a `v` if this one's does.
    fn rewritten(&self, version: Self) -> Self {
        let v = if self.original.starts_with('v') {
            "v"
        } else {
            ""
        };
        Self {
            original: format!("{v}{version}"),
            ..version
        }
    }

    /// Which of two versions comes first. Metadata does not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.release()
            .cmp(&other.release())
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }

    /// Its three numbers.
    pub(super) fn release(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }
}

/// Without the `v` that it may have been read with.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Takes digits off the start of `text`.
fn leading_digits<'a>(text: &mut &'a str) -> Option<&'a str> {
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    *text = rest;
    (!digits.is_empty()).then_some(digits)
}

fn digits_after_point<'a>(text: &mut &'a str) -> Option<&'a str> {
    let mut rest = text.strip_prefix('.')?;
    let digits = leading_digits(&mut rest)?;
    *text = rest;
    Some(digits)
}

/// Takes a mark and the identifiers that must follow it off the start of `text`; empty without the mark.
fn identifiers_after<'a>(text: &mut &'a str, mark: char) -> Result<&'a str, Fault> {
    let Some(after) = text.strip_prefix(mark) else {
        return Ok("");
    };
    let end = after
        .find(|char: char| !matches!(char, '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '.'))
        .unwrap_or(after.len());
    let (identifiers, rest) = after.split_at_checked(end).ok_or(Fault::InvalidVersion)?;
    if identifiers.split('.').any(str::is_empty) {
        return Err(Fault::InvalidVersion);
    }
    *text = rest;
    Ok(identifiers)
}

fn check_prerelease(text: &[u8]) -> Result<(), Fault> {
    for identifier in text.split(is_point) {
        if !is_identifier(identifier) {
            return Err(Fault::InvalidPrerelease);
        }
        if matches!(identifier, [b'0', _, ..]) && identifier.iter().all(u8::is_ascii_digit) {
            return Err(Fault::LeadingZero);
        }
    }
    Ok(())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "slices are split with such functions"
)]
fn is_point(byte: &u8) -> bool {
    *byte == b'.'
}

fn is_identifier(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    !text.is_empty() && text.iter().all(is_allowed)
}

/// Which of two prereleases comes first. A release, which has none, comes last.
pub(super) fn compare_prereleases(this: &str, that: &str) -> Ordering {
    if this.is_empty() || that.is_empty() {
        return this.is_empty().cmp(&that.is_empty());
    }
    let mut those = that.split('.');
    for identifier in this.split('.') {
        let Some(other) = those.next() else {
            return Ordering::Greater;
        };
        let order = compare_identifiers(identifier, other);
        if order.is_ne() {
            return order;
        }
    }
    match those.next() {
        Some(_) => Ordering::Less,
        None => Ordering::Equal,
    }
}

/// Numbers come before everything else. One of more than 64 bits is none.
fn compare_identifiers(this: &str, that: &str) -> Ordering {
    match (this.parse::<u64>(), that.parse::<u64>()) {
        (Ok(this), Ok(that)) => this.cmp(&that),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => this.cmp(that),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn what_is_left_out_is_zero() {
        for (text, expected) in [
            ("1", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("01.002.3", "1.2.3"),
            ("1-a.b+c-d", "1.0.0-a.b+c-d"),
            ("1.2+03", "1.2.0+03"),
            ("1.2.3--", "1.2.3--"),
        ] {
            assert_eq!(version(text).to_string(), expected);
            assert_eq!(version(text).original, text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "v", "V1", "1.", "1.2.3.4", "1-", "1-a..b", "1+", "1+a+b", " 1", "1-ä", "-1",
        ] {
            assert_eq!(
                Version::parse(text.as_bytes()),
                Err(Fault::InvalidVersion),
                "{text}"
            );
        }
        assert_eq!(Version::parse(b"1-a.01"), Err(Fault::LeadingZero));
        let digits = "18446744073709551616";
        let too_large = Err(Fault::Range(digits.to_owned()));
        assert_eq!(
            Version::parse(format!("1.{digits}-01").as_bytes()),
            too_large
        );
    }

    #[test]
    fn prereleases_come_before_their_release() {
        let ascending = [
            "1-1", "1-2", "1-10", "1-a", "1-a.1", "1-a.a", "1-b", "1", "1.0.1-0", "1.1", "2",
        ];
        for (index, this) in ascending.iter().enumerate() {
            for (other_index, that) in ascending.iter().enumerate() {
                let order = version(this).compare(&version(that));
                assert_eq!(order, index.cmp(&other_index), "{this} {that}");
            }
        }
    }

    #[test]
    fn the_patch_after_a_prerelease_is_its_release() {
        assert_eq!(version("v1.2.3-a").next_patch().original, "v1.2.3");
        assert_eq!(version("1.2.3+m").next_patch().original, "1.2.4");
        assert_eq!(version("v1.2.3").next_minor().original, "v1.3.0");
    }
}
