//! What Argo CD would make of the metadata that is sealed into a template.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Where Argo CD writes which application an object belongs to: labels and annotations, by its version and configuration.
const TRACKING: [(&str, Tracking); 3] = [
    ("argocd.argoproj.io/tracking-id", Tracking::Annotation),
    ("argocd.argoproj.io/instance", Tracking::Label),
    ("app.kubernetes.io/instance", Tracking::Label),
];

#[derive(Clone, Copy)]
enum Tracking {
    Annotation,
    Label,
}

/// A warning for tracking metadata on its way into a Secret. It belongs to the object in Git, which is the SealedSecret.
pub(crate) fn warning(metadata: &ObjectMeta) -> Option<String> {
    let found: Vec<String> = TRACKING
        .into_iter()
        .filter_map(|(key, tracking)| {
            let (word, map) = match tracking {
                Tracking::Annotation => ("annotation", &metadata.annotations),
                Tracking::Label => ("label", &metadata.labels),
            };
            map.as_ref()?
                .contains_key(key)
                .then(|| format!("{word} {key}"))
        })
        .collect();
    let name = metadata.name.as_deref().unwrap_or_default();
    (!found.is_empty()).then(|| {
        format!(
            "warning: the Secret `{name}` will have the {}, by which Argo CD (argocd) may take it for an object of its own; \
             it is the SealedSecret that is in Git",
            found.join(" and the ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_by_which_argo_cd_tracks_is_noticed_where_it_counts() {
        let with = |labels: &[&str], annotations: &[&str]| {
            let map = |keys: &[&str]| {
                let pairs = keys.iter().map(|key| ((*key).to_owned(), "x".to_owned()));
                Some(pairs.collect())
            };
            warning(&ObjectMeta {
                name: Some("db".to_owned()),
                labels: map(labels),
                annotations: map(annotations),
                ..ObjectMeta::default()
            })
        };
        let both = with(
            &["app.kubernetes.io/instance"],
            &["argocd.argoproj.io/tracking-id"],
        );
        let both = both.expect("it is noticed");
        assert!(
            both.contains(
                "annotation argocd.argoproj.io/tracking-id and the label app.kubernetes.io/instance"
            ),
            "{both}"
        );
        // The other way round they mean nothing.
        assert_eq!(
            with(
                &["argocd.argoproj.io/tracking-id"],
                &["app.kubernetes.io/instance"]
            ),
            None
        );
        assert_eq!(with(&["app"], &["argocd.argoproj.io/sync-wave"]), None);
    }
}
