//! Percent encoding, which differs from part to part.

use super::quote;

/// A part of a URL, as far as encoding goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Fragment,
    Host,
    Path,
    /// A user name or a password.
    User,
    /// What follows `%25` in an IPv6 address.
    Zone,
}

impl Part {
    /// Whether the part may hold `byte` as it is.
    fn is_plain(self, byte: u8) -> bool {
        let also: &[u8] = match self {
            Self::Fragment => b"!$&()*+,/:;=?@",
            Self::Host | Self::Zone => b"!\"$&'()*+,:;<=>[]",
            Self::Path => b"$&+,/:;=@",
            Self::User => b"$&+,;=",
        };
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte)
    }

    /// Encodes what the part may not hold.
    pub(super) fn escape(self, text: &[u8]) -> Vec<u8> {
        let mut escaped = Vec::with_capacity(text.len());
        for &byte in text {
            if self.is_plain(byte) {
                escaped.push(byte);
            } else {
                escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        escaped
    }

    /// Decodes, and checks that a host holds only what it may.
    pub(super) fn unescape(self, text: &[u8]) -> Result<Vec<u8>, String> {
        let mut plain = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            if byte == b'%' {
                let escape = rest.get(..3).unwrap_or(rest);
                let decoded = decode(escape).filter(|&byte| self.may_be_escaped(byte));
                let Some(decoded) = decoded else {
                    return Err(format!("invalid URL escape {}", quote(escape)));
                };
                plain.push(decoded);
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            let is_host = matches!(self, Self::Host | Self::Zone);
            if is_host && byte.is_ascii() && !self.is_plain(byte) {
                let byte = quote(&[byte]);
                return Err(format!("invalid character {byte} in host name"));
            }
            plain.push(byte);
            rest = after;
        }
        Ok(plain)
    }

    /// Whether an escape may stand for `byte`. A host may escape what is not ASCII, and the percent sign that
    /// starts a zone; a zone also what could stand there anyway, and the space that Windows puts there.
    fn may_be_escaped(self, byte: u8) -> bool {
        match self {
            Self::Fragment | Self::Path | Self::User => true,
            Self::Host => !byte.is_ascii() || byte == b'%',
            Self::Zone => self.is_plain(byte) || byte == b'%' || byte == b' ',
        }
    }
}

/// The byte that `%XX` stands for.
fn decode(escape: &[u8]) -> Option<u8> {
    let &[b'%', high, low] = escape else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = (digit(high)? << 4) | digit(low)?;
    u8::try_from(byte).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_back() {
        let all: Vec<u8> = (0..=255).collect();
        for part in [Part::Fragment, Part::Path, Part::User] {
            let escaped = part.escape(&all);
            assert!(escaped.is_ascii());
            assert_eq!(part.unescape(&escaped), Ok(all.clone()));
        }
    }

    #[test]
    fn a_host_escapes_no_ascii() {
        assert_eq!(Part::Host.unescape(b"%C3%A9"), Ok("é".into()));
        assert_eq!(Part::Host.unescape(b"%25"), Ok("%".into()));
        assert!(Part::Host.unescape(b"%41").is_err());
        assert_eq!(Part::Zone.unescape(b"%41%20"), Ok("A ".into()));
        assert!(Part::Zone.unescape(b"%C3%A9").is_err());
    }
}
