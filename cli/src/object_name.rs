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
