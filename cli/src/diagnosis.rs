//! For which other place a value was sealed, by trying: only for somebody who holds the private keys.

use std::collections::BTreeSet;

use sealed_api::SealedSecret;
use sealed_api::names::annotations;
use sealed_crypto::{Fingerprint, KeyOrder, Keyring, Label, Scope, SealedValue};

/// How many RSA operations one question may cost: seconds, not hours.
const MAX_TRIALS: usize = 400;
/// How many names and namespaces are kept to try.
const MAX_KNOWN: usize = 64;

/// Names and namespaces that objects beside the one in question have: a value that was moved came from one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    namespaces: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Places {
    /// Takes note of those of an object.
    pub(crate) fn note(&mut self, sealed: &SealedSecret) {
        let template = sealed.spec.template.as_ref().map(|one| &one.metadata);
        for metadata in std::iter::once(&sealed.metadata).chain(template) {
            for (known, own) in [
                (&mut self.namespaces, &metadata.namespace),
                (&mut self.names, &metadata.name),
            ] {
                if let Some(own) = own.as_ref().filter(|own| !own.is_empty())
                    && known.len() < MAX_KNOWN
                {
                    known.insert(own.clone());
                }
            }
        }
    }
}

/// For which other place the item `key` of an object was sealed, in a sentence. The likely ones come first: the same names in
/// another scope, those of the template, and then what `places` knows.
pub(crate) fn sealed_elsewhere(
    sealed: &SealedSecret,
    key: &str,
    keyring: &Keyring,
    order: &KeyOrder,
    places: &Places,
) -> Option<String> {
    let named = named_keys(sealed);
    if !named.is_empty() && !named.iter().any(|name| keyring.contains(name)) {
        // Another place would not help: it is the key that is missing.
        return None;
    }
    let value = SealedValue::from_base64(sealed.spec.encrypted_data.get(key)?).ok()?;
    let affordable = MAX_TRIALS / keyring.len().max(1);
    candidates(sealed, places)
        .into_iter()
        .take(affordable)
        .find_map(|candidate| {
            keyring.unseal(&candidate.label, &value, order).ok()?;
            let place = candidate.words;
            Some(format!("`{key}` was sealed for another place: {place}"))
        })
}

/// The keys that an object says it was sealed for. Anybody may have written that.
pub(crate) fn named_keys(sealed: &SealedSecret) -> Vec<Fingerprint> {
    let own = sealed.metadata.annotations.as_ref();
    let names = own.and_then(|all| all.get(annotations::KEYS));
    names
        .map(|names| {
            let names = names.split([',', ' ']);
            names.filter_map(|name| name.parse().ok()).collect()
        })
        .unwrap_or_default()
}

struct Candidate {
    /// `scope strict, namespace web, name app`.
    words: String,
    label: Label,
}

fn candidates(sealed: &SealedSecret, places: &Places) -> Vec<Candidate> {
    let (namespace, name) = (sealed.namespace(), sealed.name());
    let template = sealed.spec.template.as_ref().map(|one| &one.metadata);
    let of_template = |part: Option<&String>, own: &str| {
        part.filter(|part| !part.is_empty())
            .map_or_else(|| own.to_owned(), Clone::clone)
    };
    let template_namespace =
        of_template(template.and_then(|one| one.namespace.as_ref()), namespace);
    let template_name = of_template(template.and_then(|one| one.name.as_ref()), name);

    let mut wanted = vec![
        (Scope::Strict, namespace, name),
        (Scope::NamespaceWide, namespace, name),
        (Scope::ClusterWide, namespace, name),
        (Scope::Strict, &template_namespace, &template_name),
        (Scope::NamespaceWide, &template_namespace, name),
    ];
    let strict = Scope::Strict;
    wanted.extend(
        places
            .namespaces
            .iter()
            .map(|one| (strict, one.as_str(), name)),
    );
    wanted.extend(
        places
            .names
            .iter()
            .map(|one| (strict, namespace, one.as_str())),
    );
    let wide = Scope::NamespaceWide;
    wanted.extend(
        places
            .namespaces
            .iter()
            .map(|one| (wide, one.as_str(), name)),
    );

    let mut tried: BTreeSet<Label> = sealed.label().into_iter().collect();
    let mut found = Vec::new();
    for (scope, namespace, name) in wanted {
        if let Ok(label) = Label::for_scope(scope, namespace, name)
            && tried.insert(label.clone())
        {
            let words = match scope {
                Scope::Strict => format!("scope strict, namespace {namespace}, name {name}"),
                Scope::NamespaceWide => format!("scope namespace-wide, namespace {namespace}"),
                Scope::ClusterWide => "scope cluster-wide".to_owned(),
            };
            found.push(Candidate { words, label });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(namespace: &str, name: &str, template: &serde_json::Value) -> SealedSecret {
        SealedSecret::decode(json!({
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"encryptedData": {}, "template": {"metadata": template}},
        }))
        .unwrap()
    }

    #[test]
    fn likely_places_come_first_and_none_twice() {
        let own = object("web", "app", &json!({"name": "old", "namespace": "web"}));
        let mut places = Places::default();
        places.note(&own);
        places.note(&object("prod", "db", &json!({})));
        let words: Vec<String> = candidates(&own, &places)
            .into_iter()
            .map(|candidate| candidate.words)
            .collect();
        assert_eq!(
            words,
            [
                "scope namespace-wide, namespace web",
                "scope cluster-wide",
                "scope strict, namespace web, name old",
                "scope strict, namespace prod, name app",
                "scope strict, namespace web, name db",
                "scope namespace-wide, namespace prod",
            ]
        );
    }
}
