//! Whether names are such as Kubernetes takes, and no forgotten placeholders (as `seal` only: the existing tool seals whatever
//! name it is given, and its users' scripts may count on that).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealed_api::{Code, dns1123};

use crate::failure::Failure;
use crate::input::UNRENDERED;

/// Checks name and namespace of an object.
pub(crate) fn check(metadata: &ObjectMeta) -> Result<(), Failure> {
    if let Some(name) = &metadata.name {
        check_name("metadata.name", name)?;
    }
    if let Some(namespace) = &metadata.namespace {
        check_namespace("metadata.namespace", namespace)?;
    }
    Ok(())
}

/// Checks the name of a Secret: a DNS subdomain (RFC 1123).
pub(crate) fn check_name(field: &str, name: &str) -> Result<(), Failure> {
    if dns1123::is_subdomain(name) {
        Ok(())
    } else {
        Err(refused(
            field,
            name,
            "lower-case letters, digits, `-` and `.`, at most 253",
        ))
    }
}

/// Checks a namespace: a DNS label (RFC 1123).
pub(crate) fn check_namespace(field: &str, namespace: &str) -> Result<(), Failure> {
    if dns1123::is_label(namespace) {
        Ok(())
    } else {
        Err(refused(
            field,
            namespace,
            "lower-case letters, digits and `-`, at most 63",
        ))
    }
}

/// The longest key of a Secret's data.
const MAX_DATA_KEY: usize = 253;

/// Checks a key of a Secret's data (`IsConfigMapKey` of Kubernetes): it may become the name of a file in a volume.
pub(crate) fn check_data_key(key: &str) -> Result<(), Failure> {
    let is_path = key == "." || key.starts_with("..");
    let fits = !key.is_empty()
        && key.len() <= MAX_DATA_KEY
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits && !is_path {
        return Ok(());
    }
    let shown: String = key.chars().take(80).collect();
    Err(Failure::new(
        Code::BadName,
        format!("`{shown}` is no key of a Secret"),
    )
    .hint("a key consists of letters, digits, `-`, `_` and `.`, at most 253, and is no path such as `..`"))
}

/// The longest name of a label or annotation, without its prefix, and the longest value of a label.
const MAX_NAME: usize = 63;

/// Checks the key of a label or annotation: a name, with or without a domain before it (`IsQualifiedName`).
pub(crate) fn check_qualified_name(field: &str, key: &str) -> Result<(), Failure> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if !name.is_empty() && is_word(name) && prefix.is_none_or(dns1123::is_subdomain) {
        return Ok(());
    }
    Err(refused(
        field,
        key,
        "letters, digits, `-`, `_` and `.`, at most 63, after a domain and `/` where it has one",
    ))
}

/// Checks the value of a label (`IsValidLabelValue`).
pub(crate) fn check_label_value(field: &str, value: &str) -> Result<(), Failure> {
    if is_word(value) {
        Ok(())
    } else {
        Err(refused(
            field,
            value,
            "letters, digits, `-`, `_` and `.`, at most 63",
        ))
    }
}

/// Nothing, or up to 63 characters with a letter or digit at both ends.
fn is_word(text: &str) -> bool {
    let is_end = |end: Option<u8>| end.is_none_or(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_NAME
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && is_end(text.bytes().next())
        && is_end(text.bytes().next_back())
}

fn refused(field: &str, text: &str, rule: &str) -> Failure {
    // Names are short; whatever is longer is no name and would only bury the message.
    let shown: String = text.chars().take(80).collect();
    if is_placeholder(text) {
        let failure = Failure::new(
            Code::BadName,
            format!("{field} is the placeholder `{shown}`"),
        );
        if text.contains("{{") {
            return failure.hint(UNRENDERED);
        }
        return failure.hint(format!(
            "fill in {field}: what is sealed for the placeholder opens nowhere"
        ));
    }
    Failure::new(
        Code::BadName,
        format!("{field} is `{shown}`, which Kubernetes does not allow"),
    )
    .hint(format!(
        "it consists of {rule}, with a letter or digit at both ends"
    ))
}

/// `{NAME}`, `${NAME}`, `{{ .name }}`, `<name>`, `%NAME%`, `__NAME__`, `$NAME`.
fn is_placeholder(text: &str) -> bool {
    let enclosed =
        |mark: &str| text.len() > 2 * mark.len() && text.starts_with(mark) && text.ends_with(mark);
    text.contains(['{', '}', '<', '>', '$']) || enclosed("%") || enclosed("__") || enclosed("@")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    #[test]
    fn valid_names_pass() {
        for name in ["a", "app-config", "a.b-c.d", "0123", &"a".repeat(253)] {
            assert_eq!(check_name("metadata.name", name), Ok(()), "{name}");
        }
        for namespace in ["web", "team-a", &"a".repeat(63)] {
            assert_eq!(
                check_namespace("metadata.namespace", namespace),
                Ok(()),
                "{namespace}"
            );
        }
    }

    #[test]
    fn labels_and_annotations_are_such_as_kubernetes_takes() {
        for key in ["app", "app.kubernetes.io/name", "a/B_c.d-e"] {
            assert_eq!(check_qualified_name("--label", key), Ok(()), "{key}");
        }
        for key in ["", "/a", "a/", "a/b/c", "-a", "a b", "A/b", &"a".repeat(64)] {
            assert!(check_qualified_name("--label", key).is_err(), "{key}");
        }
        for (value, fits) in [("", true), ("v1.2_x", true), ("a b", false), ("-a", false)] {
            assert_eq!(check_label_value("--label", value).is_ok(), fits, "{value}");
        }
    }

    #[test]
    fn invalid_names_and_placeholders_are_refused_with_the_field() {
        for name in [
            "testSecret",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "",
            &"a".repeat(254),
            "a/b",
            "é",
        ] {
            let text = check_name("metadata.name", name)
                .unwrap_err()
                .text(Name::Seal);
            assert!(
                text.starts_with("error[bad-name]: metadata.name is `"),
                "{text}"
            );
        }
        for name in [
            "{APP_NAME}",
            "app-${ENV}",
            "{{ .Values.name }}",
            "<name>",
            "__NAME__",
            "%NAME%",
        ] {
            let text = check_name("metadata.name", name)
                .unwrap_err()
                .text(Name::Seal);
            assert!(text.contains("placeholder"), "{text}");
        }
        for namespace in ["a.b", "Web", &"a".repeat(64)] {
            assert!(
                check_namespace("metadata.namespace", namespace).is_err(),
                "{namespace}"
            );
        }
    }
}
