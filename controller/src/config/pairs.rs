//! Lists of `key=value`, as `--privatekey-labels` takes them.

use std::collections::BTreeMap;

use sealed_api::{dns1123, names::OUR_PREFIX};

/// Longest value of a label.
const MAX_LABEL_VALUE: usize = 63;

/// Splits a comma-separated list. Nothing is trimmed, a later key wins, and the value ends at a second `=`: upstream's rules.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    text.split(',')
        .map(|item| {
            let mut parts = item.split('=');
            match (parts.next(), parts.next()) {
                (Some(key), Some(value)) => Ok((key.to_owned(), value.to_owned())),
                _ => Err(format!(
                    "must be a comma-separated list of key=value, and `{item}` is none"
                )),
            }
        })
        .collect()
}

/// Whether every key may be the key of a label or annotation.
pub(super) fn check_keys(pairs: &BTreeMap<String, String>) -> Result<(), String> {
    match pairs.keys().find(|key| !is_qualified_name(key)) {
        Some(key) => Err(format!(
            "`{key}` cannot be the key of a label or annotation"
        )),
        None => Ok(()),
    }
}

/// Whether none of them is one that the controller itself reads on keys: a new key that asks for a new key would never end.
pub(super) fn check_not_ours(pairs: &BTreeMap<String, String>) -> Result<(), String> {
    match pairs.keys().find(|key| key.starts_with(OUR_PREFIX)) {
        Some(key) => Err(format!(
            "`{key}` has a meaning of its own: the controller and people set it on keys that exist"
        )),
        None => Ok(()),
    }
}

/// Whether these may be the labels of an object.
pub(super) fn check_labels(pairs: &BTreeMap<String, String>) -> Result<(), String> {
    check_keys(pairs)?;
    match pairs.iter().find(|(_, value)| !is_label_value(value)) {
        Some((key, value)) => Err(format!(
            "`{value}` cannot be the value of the label `{key}`"
        )),
        None => Ok(()),
    }
}

/// An optional DNS subdomain and a slash, then up to 63 letters, digits, `-`, `_` and `.` that start and end well.
fn is_qualified_name(key: &str) -> bool {
    let (prefix, name) = match key.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    prefix.is_none_or(dns1123::is_subdomain) && !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let ends_well = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= MAX_LABEL_VALUE
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && ends_well(value.chars().next())
        && ends_well(value.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_splits_as_upstream_splits_it() {
        let parsed = parse("a=1,b=,c=d=e,a=2").unwrap();
        let parsed: Vec<(&str, &str)> = parsed
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(parsed, [("a", "2"), ("b", ""), ("c", "d")]);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn an_item_without_a_sign_is_refused() {
        for text in ["a", "a=1,", ",", "a=1,b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_are_what_the_api_server_accepts() {
        let labels = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        for (key, value) in [("a", ""), ("example.com/a_b", "x.y-z"), ("A", "9")] {
            assert_eq!(check_labels(&labels(key, value)), Ok(()), "{key}={value}");
        }
        let long = "x".repeat(64);
        for (key, value) in [
            ("", "x"),
            ("-a", "x"),
            ("a/b/c", "x"),
            ("Ex.com/a", "x"),
            ("/a", "x"),
            ("a", "x y"),
            ("a", "-x"),
            ("a", &long),
        ] {
            assert!(check_labels(&labels(key, value)).is_err(), "{key}={value}");
        }
    }
}
