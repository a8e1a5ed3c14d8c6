//! IP addresses as Go's `net/netip` reads them, for the sake of its errors.

use super::quote;

/// Checks that `text` is an IPv6 address, with or without a zone.
pub(super) fn check_v6(text: &[u8]) -> Result<(), String> {
    let told = |Fault(message, at): Fault<'_>| {
        let text = quote(text);
        let at = match at {
            b"" => String::new(),
            at => format!(" (at {})", quote(at)),
        };
        format!("invalid host: ParseAddr({text}): {message}{at}")
    };
    match text.iter().find(|byte| b".:%".contains(byte)) {
        Some(b':') => v6(text).map_err(told),
        Some(b'.') => match v4(text) {
            Ok(()) => Err("invalid IP-literal".to_owned()),
            Err(fault) => Err(told(fault)),
        },
        Some(_) => Err(told(Fault("missing IPv6 address", b""))),
        None => Err(told(Fault("unable to parse IP", b""))),
    }
}

/// What is wrong, and from where on.
struct Fault<'a>(&'static str, &'a [u8]);

fn v4(text: &[u8]) -> Result<(), Fault<'_>> {
    let mut rest = text;
    let mut field = 0_u16;
    let mut digits = 0_usize;
    let mut dots = 0_usize;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && field == 0 {
                    return Err(Fault("IPv4 field has octet with leading zero", b""));
                }
                field = field
                    .saturating_mul(10)
                    .saturating_add(u16::from(byte & 0xF));
                digits = digits.saturating_add(1);
                if field > 255 {
                    return Err(Fault("IPv4 field has value >255", b""));
                }
            }
            b'.' if digits == 0 || after.is_empty() => {
                return Err(Fault("IPv4 field must have at least one digit", rest));
            }
            b'.' if dots == 3 => return Err(Fault("IPv4 address too long", b"")),
            b'.' => {
                dots = dots.saturating_add(1);
                (field, digits) = (0, 0);
            }
            _ => return Err(Fault("unexpected character", rest)),
        }
        rest = after;
    }
    if dots < 3 {
        return Err(Fault("IPv4 address too short", b""));
    }
    Ok(())
}

fn v6(text: &[u8]) -> Result<(), Fault<'_>> {
    let zone = text.iter().position(|&byte| byte == b'%');
    let (mut rest, zone) = text
        .split_at_checked(zone.unwrap_or(text.len()))
        .unwrap_or_default();
    if zone == b"%" {
        return Err(Fault("zone must be a non-empty string", b""));
    }
    let mut has_ellipsis = false;
    if let Some(after) = rest.strip_prefix(b"::") {
        if after.is_empty() {
            return Ok(());
        }
        has_ellipsis = true;
        rest = after;
    }
    // How many of the eight groups are read.
    let mut groups = 0_u8;
    while groups < 8 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = digits.count();
        if digits > 4 {
            return Err(Fault("each group must have 4 or less digits", rest));
        }
        if digits == 0 {
            let message = "each colon-separated field must have at least one digit";
            return Err(Fault(message, rest));
        }
        if rest.get(digits) == Some(&b'.') {
            if !has_ellipsis && groups != 6 {
                let message =
                    "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(Fault(message, rest));
            }
            if groups > 6 {
                let message =
                    "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(Fault(message, rest));
            }
            v4(rest)?;
            groups = groups.saturating_add(2);
            rest = b"";
            break;
        }
        groups = groups.saturating_add(1);
        rest = rest.get(digits..).unwrap_or_default();
        let Some((&colon, after)) = rest.split_first() else {
            break;
        };
        if colon != b':' {
            return Err(Fault("unexpected character, want colon", rest));
        }
        if after.is_empty() {
            return Err(Fault("colon must be followed by more characters", rest));
        }
        rest = after;
        if let Some(after) = after.strip_prefix(b":") {
            if has_ellipsis {
                return Err(Fault("multiple :: in address", rest));
            }
            has_ellipsis = true;
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    match (groups < 8, has_ellipsis) {
        _ if !rest.is_empty() => Err(Fault("trailing garbage after address", rest)),
        (true, false) => Err(Fault("address string too short", b"")),
        (false, true) => Err(Fault(
            "the :: must expand to at least one field of zeros",
            b"",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_takes_is_taken() {
        for address in [
            "::",
            "::1",
            "1::",
            "1:2:3:4:5:6:7:8",
            "1::2",
            "::1.2.3.4",
            "fe80::1%eth0",
            "::%x",
            "1:2:3:4:5:6:7::",
            "1:2:3:4:5:6:1.2.3.4",
            "::ffff:1.2.3.4",
        ] {
            assert_eq!(check_v6(address.as_bytes()), Ok(()), "{address}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (address, message) in [
            ("", r#"ParseAddr(""): unable to parse IP"#),
            ("%x", r#"ParseAddr("%x"): missing IPv6 address"#),
            ("1.2.3", r#"ParseAddr("1.2.3"): IPv4 address too short"#),
            (
                "1::2::3",
                r#"ParseAddr("1::2::3"): multiple :: in address (at ":3")"#,
            ),
            (
                "1:2:3:4:5:6:7:8:9",
                r#"ParseAddr("1:2:3:4:5:6:7:8:9"): trailing garbage after address (at "9")"#,
            ),
            (
                "::1%",
                r#"ParseAddr("::1%"): zone must be a non-empty string"#,
            ),
        ] {
            let expected = format!("invalid host: {message}");
            assert_eq!(check_v6(address.as_bytes()), Err(expected));
        }
    }
}
