//! Names that Kubernetes accepts, after RFC 1123: checked before a name becomes part of a path, a request or a label.
//!
//! The rules are those of `IsDNS1123Label` and `IsDNS1123Subdomain` in `k8s.io/apimachinery/pkg/util/validation`, by which the
//! API server judges namespaces and the names of Secrets.

/// Longest label: `DNS1123LabelMaxLength`.
const MAX_LABEL: usize = 63;
/// Longest subdomain: `DNS1123SubdomainMaxLength`.
const MAX_SUBDOMAIN: usize = 253;

/// Whether `text` may name a namespace: 1 to 63 of `a-z 0-9 -`, a letter or digit at both ends.
pub fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_part(text)
}

/// Whether `text` may name a Secret: up to 253 characters, parts like labels of any length, joined by dots.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_field_pass() {
        for name in ["a", "kube-system", "0", "a--b"] {
            assert!(is_label(name), "{name}");
        }
        for name in ["a.b", "db-1.prod", "x"] {
            assert!(is_subdomain(name), "{name}");
        }
        assert!(is_label(&"x".repeat(63)));
    }

    #[test]
    fn nothing_that_a_path_could_mistake_passes() {
        for name in [
            "", ".", "..", "a/b", "../a", "a\0", "-a", "a-", "A", "é", "a b", "a_b", ".a", "a.",
            "a..b",
        ] {
            assert!(!is_label(name) && !is_subdomain(name), "{name:?}");
        }
        assert!(!is_label(&"x".repeat(64)) && is_subdomain(&"x".repeat(64)));
        assert!(!is_subdomain(&format!("{}a", "a.".repeat(127))));
    }
}
