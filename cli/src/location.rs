//! `--cert`: a path or a URL.

use std::fmt::Write as _;

use http::Uri;
use sealed_api::Code;

use crate::failure::Failure;
use crate::name::Name;

/// Where a certificate lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A path.
    File(String),
    /// A path that was written as a URL.
    FileUrl {
        /// The path.
        path: String,
        /// As typed.
        url: String,
    },
    /// Something to download.
    Url(Uri),
}

impl Location {
    /// Tells paths from URLs. A scheme of one letter is a drive; as `kubeseal` every path must also be the path of a URL, as
    /// the existing tool wants it.
    pub(crate) fn parse(typed: &str, name: Name) -> Result<Self, Failure> {
        let scheme = scheme(typed);
        if name == Name::Kubeseal {
            check_url(typed, scheme)?;
        }
        let Some(scheme) = scheme.filter(|scheme| scheme.len() > 1) else {
            return Ok(Self::File(typed.to_owned()));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" if !has_host(&typed[scheme.len() + 1..]) => Err(Failure::new(
                Code::NoCertificate,
                format!("cannot fetch `{typed}`: it names no host"),
            )
            .kubeseal(format!(
                "Get {}: http: no Host in request URL",
                sealed_pflag::quote(typed.strip_suffix("//").unwrap_or(typed))
            ))),
            "http" | "https" => typed.parse().map(Self::Url).map_err(|error| {
                Failure::new(
                    Code::NoCertificate,
                    format!("cannot fetch `{typed}`: {error}"),
                )
            }),
            "file" => file_url(typed, &typed[scheme.len() + 1..]),
            _ => Err(Failure::new(
                Code::NoCertificate,
                format!("cannot fetch `{typed}`: `{scheme}` is none of http, https and file"),
            )
            .kubeseal(format!(
                "Get {}: unsupported protocol scheme {}",
                sealed_pflag::quote(typed),
                sealed_pflag::quote(scheme)
            ))),
        }
    }
}

/// What stands before the first colon, if it looks like a scheme.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    fits.then_some(scheme)
}

/// Whether a host follows `scheme:`.
fn has_host(rest: &str) -> bool {
    rest.strip_prefix("//")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
}

/// `file:///path` and `file:/path`; a host is passed over, as the existing tool does.
fn file_url(url: &str, rest: &str) -> Result<Location, Failure> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').map(|slash| &rest[slash..]),
        None => rest.starts_with('/').then_some(rest),
    };
    let path = path.and_then(percent_decoded).ok_or_else(|| {
        Failure::new(
            Code::NoCertificate,
            format!("`{url}` does not name a file: the path must be absolute"),
        )
        .hint("a relative path is written without `file:`")
    })?;
    Ok(Location::FileUrl {
        path,
        url: url.to_owned(),
    })
}

fn percent_decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The checks of Go's URL parser that a path can fail.
fn check_url(typed: &str, scheme: Option<&str>) -> Result<(), Failure> {
    let path = typed.split(['?', '#']).next().unwrap_or_default();
    let fault = if typed.starts_with(':') {
        "missing protocol scheme".to_owned()
    } else if typed.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        "net/url: invalid control character in URL".to_owned()
    } else if let Some(escape) = bad_escape(path) {
        format!("invalid URL escape {}", sealed_pflag::quote(escape))
    } else if scheme.is_none()
        && path
            .split('/')
            .next()
            .is_some_and(|segment| segment.contains(':'))
    {
        "first path segment in URL cannot contain colon".to_owned()
    } else {
        return Ok(());
    };
    let mut text = String::new();
    write!(text, "parse {}: {fault}", sealed_pflag::quote(typed))
        .expect("writing into a String cannot fail");
    Err(Failure::new(Code::NoCertificate, text))
}

/// The first `%` that no two hexadecimal digits follow, with what follows it.
fn bad_escape(path: &str) -> Option<&str> {
    path.match_indices('%').map(|(at, _)| at).find_map(|at| {
        let rest = &path[at..];
        let good = rest.len() >= 3 && rest.as_bytes()[1..3].iter().all(u8::is_ascii_hexdigit);
        let end = rest
            .char_indices()
            .nth(3)
            .map_or(rest.len(), |(end, _)| end);
        (!good).then(|| &rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<Location, String> {
        Location::parse(typed, Name::Kubeseal).map_err(|failure| failure.text(Name::Kubeseal))
    }

    #[test]
    fn paths_drives_and_urls_are_told_apart() {
        for path in [
            "cert.pem",
            "/a/b",
            "c:cert.pem",
            "-",
            "a/b:c",
            "x?y=/z",
            "a%20b",
        ] {
            assert_eq!(parse(path), Ok(Location::File(path.to_owned())), "{path}");
        }
        assert!(matches!(
            parse("https://example.com/c.pem"),
            Ok(Location::Url(_))
        ));
        for (url, path) in [
            ("file:///a%20b", "/a b"),
            ("FILE:/x", "/x"),
            ("file://host/x", "/x"),
        ] {
            assert_eq!(
                parse(url),
                Ok(Location::FileUrl {
                    path: path.to_owned(),
                    url: url.to_owned()
                })
            );
        }
    }

    #[test]
    fn faults_are_told_in_gos_words() {
        for (typed, text) in [
            ("%zz", r#"parse "%zz": invalid URL escape "%zz""#),
            ("a%", r#"parse "a%": invalid URL escape "%""#),
            (":foo", r#"parse ":foo": missing protocol scheme"#),
            (
                "1:foo",
                r#"parse "1:foo": first path segment in URL cannot contain colon"#,
            ),
            (
                "ftp://h/x",
                r#"Get "ftp://h/x": unsupported protocol scheme "ftp""#,
            ),
            ("http://", r#"Get "http:": http: no Host in request URL"#),
            ("http:x", r#"Get "http:x": http: no Host in request URL"#),
        ] {
            assert_eq!(parse(typed), Err(format!("error: {text}\n")));
        }
        assert!(
            parse("file://cert.pem")
                .unwrap_err()
                .contains("must be absolute")
        );
        assert!(parse("file:///%zz").is_err());
    }

    #[test]
    fn seal_takes_any_path() {
        assert_eq!(
            Location::parse("100%", Name::Seal).unwrap(),
            Location::File("100%".to_owned())
        );
    }
}
