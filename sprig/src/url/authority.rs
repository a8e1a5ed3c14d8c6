//! What stands between `//` and the path: user, host and port.

use super::address;
use super::escape::Part;
use super::quote;

/// A user name, and a password if there is one.
#[derive(Clone, Debug)]
pub(super) struct Userinfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl Userinfo {
    fn parse(text: &[u8]) -> Result<Self, String> {
        let is_valid =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !text.iter().all(is_valid) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match split_once(text, b':') {
            Some((name, password)) => (name, Some(password)),
            None => (text, None),
        };
        Ok(Self {
            name: Part::User.unescape(name)?,
            password: password.map(|text| Part::User.unescape(text)).transpose()?,
        })
    }

    /// As it is written in a URL.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Part::User.escape(&self.name);
        if let Some(password) = &self.password {
            bytes.push(b':');
            bytes.extend(Part::User.escape(password));
        }
        bytes
    }
}

/// Splits an authority into userinfo and host, both decoded.
pub(super) fn parse(
    scheme: &[u8],
    authority: &[u8],
) -> Result<(Option<Userinfo>, Vec<u8>), String> {
    match authority.iter().rposition(|&byte| byte == b'@') {
        None => Ok((None, host(scheme, authority)?)),
        Some(at) => {
            let (userinfo, rest) = authority.split_at_checked(at).unwrap_or_default();
            // The host first: of two errors, Go tells the one there.
            let host = host(scheme, rest.get(1..).unwrap_or_default())?;
            Ok((Some(Userinfo::parse(userinfo)?), host))
        }
    }
}

/// Checks and decodes a host, with its port.
fn host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    match host.iter().rposition(|&byte| byte == b'[') {
        None => {}
        Some(0) => return literal(host.get(1..).unwrap_or_default()),
        Some(_) => return Err("invalid IP-literal".to_owned()),
    }
    // Databases have URLs with several hosts, each with a port; those of the web have one.
    let colon = match scheme {
        b"http" | b"https" => host.iter().position(|&byte| byte == b':'),
        _ => host.iter().rposition(|&byte| byte == b':'),
    };
    if let Some(port) = colon.and_then(|colon| host.get(colon..)) {
        check_port(port)?;
    }
    Part::Host.unescape(host)
}

/// Checks and decodes an IPv6 address, with what follows: all but the bracket that opens it.
fn literal(text: &[u8]) -> Result<Vec<u8>, String> {
    let Some(close) = text.iter().rposition(|&byte| byte == b']') else {
        return Err("missing ']' in host".to_owned());
    };
    let (address, rest) = text.split_at_checked(close).unwrap_or_default();
    let port = rest.get(1..).unwrap_or_default();
    check_port(port)?;
    let zone = address.windows(3).position(|escape| escape == b"%25");
    let (address, zone) = address
        .split_at_checked(zone.unwrap_or(address.len()))
        .unwrap_or_default();
    let mut address = Part::Host.unescape(address)?;
    address.extend(Part::Zone.unescape(zone)?);
    address::check_v6(&address)?;
    Ok([b"[", address.as_slice(), b"]", port].concat())
}

fn check_port(port: &[u8]) -> Result<(), String> {
    if is_optional_port(port) {
        Ok(())
    } else {
        Err(format!("invalid port {} after host", quote(port)))
    }
}

/// Whether `text` is nothing, or a colon and digits.
fn is_optional_port(text: &[u8]) -> bool {
    match text.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

/// The host without its port, and an IPv6 address without its brackets.
pub(super) fn hostname(host: &[u8]) -> &[u8] {
    let port = host.iter().rposition(|&byte| byte == b':');
    let hostname = port
        .and_then(|colon| host.split_at_checked(colon))
        .filter(|(_, port)| is_optional_port(port))
        .map_or(host, |(hostname, _)| hostname);
    hostname
        .strip_prefix(b"[")
        .and_then(|address| address.strip_suffix(b"]"))
        .unwrap_or(hostname)
}

/// What stands before and after the first `byte`.
pub(super) fn split_once(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let index = text.iter().position(|&other| other == byte)?;
    let (before, after) = text.split_at_checked(index)?;
    Some((before, after.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_no_part_of_the_hostname() {
        for (host, expected) in [
            ("a:80", "a"),
            ("a:", "a"),
            ("a:b", "a:b"),
            ("[::1]:80", "::1"),
            ("[::1]", "::1"),
            ("[", "["),
            ("[]", ""),
        ] {
            assert_eq!(hostname(host.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn several_hosts_are_for_databases_only() {
        assert!(parse(b"postgres", b"a:1,b:2").is_ok());
        assert!(parse(b"http", b"a:1,b:2").is_err());
    }
}
