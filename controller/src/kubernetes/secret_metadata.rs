//! What the watch of Secrets yields of each.

use std::borrow::Cow;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::Deserialize;

/// The metadata of a Secret without its `managedFields`. kube's `PartialObjectMeta` reads those too: whoever may edit one
/// Secret could write some that nest too deep to be read, and nobody would hear of any Secret any more.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct SecretMetadata {
    #[serde(default, deserialize_with = "sealed_api::deserialize_metadata")]
    pub(super) metadata: ObjectMeta,
}

impl Resource for SecretMetadata {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    /// The API server is asked for nothing else.
    fn metadata_api() -> bool {
        true
    }

    fn kind((): &()) -> Cow<'_, str> {
        Secret::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Secret::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Secret::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Secret::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};
    use sealed_api::Decoded;
    use serde::de::DeserializeOwned;

    use super::*;

    /// An object that nests deeper than JSON readers go, between two others, as the API server lists it.
    fn list<K: Resource<DynamicType = ()> + Clone + DeserializeOwned>() -> Vec<Option<String>> {
        let objects: Vec<String> = [1, 5_000, 1].into_iter().map(object).collect();
        let list = format!(
            r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"7"}},"items":[{}]}}"#,
            objects.join(",")
        );
        let list: ObjectList<K> = serde_json::from_str(&list).unwrap();
        list.iter().map(|item| item.meta().name.clone()).collect()
    }

    /// The same object as the API server tells of its change.
    fn event<K: Resource<DynamicType = ()> + Clone + DeserializeOwned>() -> Option<String> {
        let event = format!(r#"{{"type":"MODIFIED","object":{}}}"#, object(5_000));
        match serde_json::from_str(&event).unwrap() {
            WatchEvent::<K>::Modified(object) => object.meta().name.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn object(pairs: usize) -> String {
        let deep = format!("{}{}", r#"{"f:x":["#.repeat(pairs), "]}".repeat(pairs));
        format!(
            r#"{{"metadata":{{"name":"n{pairs}","managedFields":[{{"fieldsV1":{deep}}}]}},
            "spec":{{"template":{{"metadata":{{"x":{deep}}}}},"encryptedData":{{}}}}}}"#
        )
    }

    #[test]
    fn no_object_makes_a_list_or_an_event_unreadable() {
        let all = ["n1", "n5000", "n1"].map(|name| Some(name.to_owned()));
        assert_eq!(list::<SecretMetadata>(), all);
        assert_eq!(list::<Decoded>(), all);
        assert_eq!(event::<SecretMetadata>(), all[1]);
        assert_eq!(event::<Decoded>(), all[1]);
    }
}
