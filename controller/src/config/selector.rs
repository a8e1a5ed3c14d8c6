//! Whether a text is a label selector, by the grammar of Kubernetes' `labels.Parse`.

use std::fmt;

use sealed_api::dns1123;

/// Why a text is no label selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoSelector;

impl fmt::Display for NoSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a label selector such as team=shop,tier in (web,db),!legacy")
    }
}

/// Checks a selector: requirements between commas, all of which have to hold.
///
/// `KEY`, `!KEY`, `KEY=V`, `KEY==V`, `KEY!=V`, `KEY in (V,V)`, `KEY notin (V,V)`, `KEY>N`, `KEY<N`.
pub(super) fn check(text: &str) -> Result<(), NoSelector> {
    let mut rest = text;
    loop {
        let end = end_of_requirement(rest);
        requirement(rest[..end].trim()).ok_or(NoSelector)?;
        match rest[end..].strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(()),
        }
    }
}

/// The next comma that separates requirements rather than values.
fn end_of_requirement(text: &str) -> usize {
    let mut within = false;
    for (at, c) in text.char_indices() {
        match c {
            '(' => within = true,
            ')' => within = false,
            ',' if !within => return at,
            _ => {}
        }
    }
    text.len()
}

fn requirement(text: &str) -> Option<()> {
    if let Some(key) = text.strip_prefix('!') {
        return is_key(key.trim()).then_some(());
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let (key, condition) = text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()));
    if !is_key(key) {
        return None;
    }
    let condition = condition.trim_start();
    if condition.is_empty() {
        return Some(());
    }
    for operator in ["==", "!=", "="] {
        if let Some(value) = condition.strip_prefix(operator) {
            return is_value(value.trim()).then_some(());
        }
    }
    if let Some(number) = condition.strip_prefix(['<', '>']) {
        return number.trim().parse::<i64>().ok().map(drop);
    }
    let set = condition
        .strip_prefix("notin")
        .or_else(|| condition.strip_prefix("in"))?;
    let values = set.trim().strip_prefix('(')?.strip_suffix(')')?;
    values
        .split(',')
        .all(|value| is_value(value.trim()))
        .then_some(())
}

/// A qualified name: `name` or `prefix/name`, the prefix a DNS subdomain.
fn is_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    !name.is_empty() && is_value(name) && prefix.is_none_or(dns1123::is_subdomain)
}

/// A label's value: up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; or nothing.
fn is_value(text: &str) -> bool {
    let ends = [text.chars().next(), text.chars().next_back()];
    text.len() <= 63
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && ends.iter().flatten().all(char::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_api_server_takes_is_taken() {
        for text in [
            "a",
            "!a",
            " ! a",
            "a=b",
            "a = b , c==d",
            "a!=b",
            "a=",
            "a in (b)",
            "a in (b, c),d notin (e,f)",
            "a in (b,)",
            "app.kubernetes.io/name=x",
            "n>3,m < -4",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_it_would_refuse_at_every_list_is_refused() {
        for text in [
            "", ",", "a,", "a=b c", "a b", "=b", "a in b", "a in (b", "a in", "/a=b", "a/=b",
            "-a=b", "a=-b", "a>x", "A_/b=c", "a=\u{e9}", "a=b,,c=d",
        ] {
            assert_eq!(check(text), Err(NoSelector), "{text}");
        }
    }
}
