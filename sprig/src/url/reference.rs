//! A URL as its parts.

use super::authority::{self, Userinfo, split_once};
use super::escape::Part;
use super::quote;

/// A URL reference. All parts but `query` and `opaque` are decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Reference {
    pub(super) scheme: Vec<u8>,
    /// All between scheme and query, where that does not start with a slash.
    pub(super) opaque: Vec<u8>,
    pub(super) userinfo: Option<Userinfo>,
    /// With the port.
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

impl Reference {
    /// Reads a URL. The error is Go's.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let told = |text, cause| format!("parse {}: {cause}", quote(text));
        let (rest, fragment) = split_once(text, b'#').unwrap_or((text, b""));
        let mut url = Self::parse_rest(rest).map_err(|cause| told(rest, cause))?;
        url.fragment = Part::Fragment
            .unescape(fragment)
            .map_err(|cause| told(text, cause))?;
        Ok(url)
    }

    /// Reads a URL without a fragment.
    fn parse_rest(text: &[u8]) -> Result<Self, String> {
        let mut url = Self::default();
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = split_once(rest, b'?').unwrap_or((rest, b""));
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            let (segment, _) = split_once(rest, b'/').unwrap_or((rest, b""));
            if segment.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        let is_network = !scheme.is_empty() || !rest.starts_with(b"///");
        if let Some(rest) = rest.strip_prefix(b"//").filter(|_| is_network) {
            let slash = rest.iter().position(|&byte| byte == b'/');
            let (authority, rest) = rest
                .split_at_checked(slash.unwrap_or(rest.len()))
                .unwrap_or_default();
            (url.userinfo, url.host) = authority::parse(&url.scheme, authority)?;
            path = rest;
        }
        url.path = Part::Path.unescape(path)?;
        Ok(url)
    }

    /// Writes the URL.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.scheme.is_empty() {
            bytes.extend_from_slice(&self.scheme);
            bytes.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut bytes);
        } else {
            bytes.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            bytes.push(b'?');
            bytes.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            bytes.push(b'#');
            bytes.extend(Part::Fragment.escape(&self.fragment));
        }
        bytes
    }

    /// Writes user, host and path.
    fn write_hierarchy(&self, bytes: &mut Vec<u8>) {
        let has_authority = !self.host.is_empty() || self.userinfo.is_some();
        if has_authority || !self.scheme.is_empty() && !self.path.is_empty() {
            bytes.extend_from_slice(b"//");
        }
        if let Some(userinfo) = &self.userinfo {
            bytes.extend(userinfo.to_bytes());
            bytes.push(b'@');
        }
        bytes.extend(Part::Host.escape(&self.host));
        let path = match self.path.as_slice() {
            b"*" => b"*".to_vec(),
            path => Part::Path.escape(path),
        };
        if !self.host.is_empty() && !path.is_empty() && !path.starts_with(b"/") {
            bytes.push(b'/');
        }
        let (segment, _) = split_once(&path, b'/').unwrap_or((&path, b""));
        if bytes.is_empty() && segment.contains(&b':') {
            // What stands before the colon would be read as a scheme.
            bytes.extend_from_slice(b"./");
        }
        bytes.extend(path);
    }
}

/// Splits `scheme:` off; the scheme is empty when there is none.
fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match split_once(text, b':') {
        Some((b"", _)) => Err("missing protocol scheme".to_owned()),
        Some((scheme, rest))
            if scheme.iter().all(is_scheme)
                && scheme.first().is_some_and(u8::is_ascii_alphabetic) =>
        {
            Ok((scheme, rest))
        }
        _ => Ok((b"", text)),
    }
}
