//! Functions for URLs, over what Go's `net/url` makes of them.

mod address;
mod authority;
mod escape;
mod reference;

use sealed_template::{CallError, Context, Functions, Mapping, Str, Value, strconv};

use self::authority::{Userinfo, hostname};
use self::reference::Reference;

/// Bytes of memory for each byte of a URL: decoded, with its host and userinfo written a second time, escaped to
/// three bytes, and copied.
const WORK_PER_BYTE: usize = 8;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("urlJoin", url_join)
        .add("urlParse", url_parse);
}

/// A URL as a dict of its parts.
fn url_parse(context: &mut Context<'_>, url: Str) -> Result<Mapping<Value>, CallError> {
    work_on(context, &url)?;
    let url = Reference::parse(&url)
        .map_err(|error| CallError::new(format!("unable to parse url: {error}")))?;
    let hostname = hostname(&url.host).to_vec();
    let userinfo = url.userinfo.as_ref().map(Userinfo::to_bytes);
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo.unwrap_or_default()),
    ];
    Ok(Mapping::new(
        parts.map(|(key, part)| (key.into(), Value::string(part))),
    ))
}

/// The URL of a dict of parts.
fn url_join(context: &mut Context<'_>, parts: Mapping<Value>) -> Result<Str, CallError> {
    let mut part = |key| part(context, &parts, key);
    let mut url = Reference {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        userinfo: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        // Sprig has it read as a part of a whole URL, so what ends a userinfo there ends it here.
        let whole = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        let whole = Reference::parse(&whole).map_err(|error| {
            CallError::new(format!("unable to parse userinfo in dict: {error}"))
        })?;
        url.userinfo = whole.userinfo;
    }
    Ok(url.to_bytes().into())
}

/// Accounts for what is done with `text`, the whole or a part of a URL.
fn work_on(context: &mut Context<'_>, text: &[u8]) -> Result<(), CallError> {
    context.charge(text.len().saturating_mul(WORK_PER_BYTE))?;
    context.pass_over(text.len())
}

/// The text under `key`, empty when there is none.
fn part(
    context: &mut Context<'_>,
    parts: &Mapping<Value>,
    key: &str,
) -> Result<Vec<u8>, CallError> {
    match parts.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => {
            work_on(context, &text)?;
            Ok(text.to_vec())
        }
        // Sprig asks nil for its type, which panics.
        Some(Value::Nil) => Err(CallError::new(
            "runtime error: invalid memory address or nil pointer dereference",
        )),
        Some(other) => Err(CallError::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind()
        ))),
    }
}

/// A text as errors quote it.
fn quote(text: &[u8]) -> String {
    String::from_utf8_lossy(&strconv::quote(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_context;

    fn parsed(url: &str) -> Result<String, String> {
        let parts = with_context(|context| url_parse(context, url.into()))
            .map_err(|error| text(error.text()))?;
        let entries = parts.to_vec().into_iter();
        let entries = entries.filter_map(|(key, value)| match value {
            Value::String(part) if !part.is_empty() => Some(text(&key) + "=" + &text(&part)),
            _ => None,
        });
        Ok(entries.collect::<Vec<_>>().join(" "))
    }

    fn joined(parts: &[(&str, Value)]) -> Result<String, String> {
        let parts = parts
            .iter()
            .map(|(key, value)| ((*key).into(), value.clone()));
        let url = with_context(|context| url_join(context, Mapping::new(parts)))
            .map_err(|error| text(error.text()))?;
        Ok(text(&url))
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_url_falls_into_its_parts() {
        assert_eq!(
            parsed("HTTP://us%65r:p%40ss@[::1]:80/a%2Fb?q=%20#fr%20ag").unwrap(),
            "fragment=fr ag host=[::1]:80 hostname=::1 path=/a/b query=q=%20 scheme=http \
             userinfo=user:p%40ss"
        );
        assert_eq!(
            parsed("mailto:a@b?subject=x").unwrap(),
            "opaque=a@b query=subject=x scheme=mailto"
        );
        assert_eq!(parsed("//host").unwrap(), "host=host hostname=host");
        assert_eq!(parsed("///p").unwrap(), "path=///p");
    }

    #[test]
    fn what_is_no_url_is_told_as_go_tells_it() {
        for (url, cause) in [
            ("a:b@c\n", r"net/url: invalid control character in URL"),
            (":x", "missing protocol scheme"),
            ("1:x", "first path segment in URL cannot contain colon"),
            ("http://[::1", "missing ']' in host"),
            ("http://a[", "invalid IP-literal"),
            ("http://a:b", r#"invalid port ":b" after host"#),
            ("http://a b/", r#"invalid character " " in host name"#),
            ("http://%41/", r#"invalid URL escape "%41""#),
            ("http://a b@c", "net/url: invalid userinfo"),
            ("/%z", r#"invalid URL escape "%z""#),
            (
                "http://[::g]",
                r#"invalid host: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")"#,
            ),
        ] {
            let quoted = quote(url.as_bytes());
            let expected = format!("unable to parse url: parse {quoted}: {cause}");
            assert_eq!(parsed(url).unwrap_err(), expected);
        }
    }

    #[test]
    fn parts_are_put_together_and_escaped() {
        let s = |text: &str| Value::string(text);
        let all = [
            ("scheme", s("http")),
            ("userinfo", s("a:b")),
            ("host", s("h:1")),
            ("path", s("p q?")),
            ("query", s("x y")),
            ("fragment", s("f g")),
        ];
        assert_eq!(joined(&all).unwrap(), "http://a:b@h:1/p%20q%3F?x y#f%20g");
        assert_eq!(joined(&[("path", s("a:b/c"))]).unwrap(), "./a:b/c");
        assert_eq!(joined(&[("path", s("*"))]).unwrap(), "*");
        assert_eq!(
            joined(&[("scheme", s("x")), ("opaque", s("o p"))]).unwrap(),
            "x:o p"
        );
    }

    #[test]
    fn parts_must_be_strings() {
        assert_eq!(
            joined(&[("host", Value::int(1))]).unwrap_err(),
            "unable to parse host key, must be of type string, but int found"
        );
        assert_eq!(
            joined(&[("host", Value::Nil)]).unwrap_err(),
            "runtime error: invalid memory address or nil pointer dereference"
        );
    }
}
