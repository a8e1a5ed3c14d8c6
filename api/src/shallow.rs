//! JSON that nests as deep as its author likes, read as deep as anybody needs it.
//!
//! The API server stores what nests up to ten thousand levels deep, and parts of an object that no schema describes
//! (`template.metadata`, `managedFields`) may do so. [`serde_json`] refuses more than 128 levels: one such object in a
//! list would cost the list. What is skipped, though, it skips without recursion, however deep.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::{
    DeserializeSeed, Deserializer, Error as DeError, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use crate::decode::salvage_object_meta;

/// So many objects and lists are read inside each other. The fields of our types end at seven; where something else
/// than they want stands there, what it is still shows.
const LEVELS: usize = 16;

/// Reads any JSON; objects and lists below [`LEVELS`] others become null.
pub(crate) fn shallow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Level { left: LEVELS }.deserialize(deserializer)
}

/// Reads a JSON text. Objects and lists sixteen levels below others become null, so that no object hides those beside it in a
/// list.
///
/// # Errors
///
/// The text is no JSON.
pub fn shallow_from_slice(text: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = shallow(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads an object's metadata, but for `managedFields`: nobody here asks which manager wrote what, and it is most of
/// what there is of many a Secret. A field that cannot be read is left out.
///
/// For `#[serde(deserialize_with = …)]`.
pub fn deserialize_metadata<'de, D>(deserializer: D) -> Result<ObjectMeta, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Metadata)
}

struct Metadata;

impl<'de> Visitor<'de> for Metadata {
    type Value = ObjectMeta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ObjectMeta, A::Error> {
        let mut found = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name == "managedFields" {
                fields.next_value::<IgnoredAny>()?;
            } else {
                found.insert(name, fields.next_value_seed(Level { left: LEVELS })?);
            }
        }
        Ok(salvage_object_meta(Some(&Value::Object(found))))
    }

    fn visit_unit<E: DeError>(self) -> Result<ObjectMeta, E> {
        Ok(ObjectMeta::default())
    }
}

/// A value that may hold so many levels.
#[derive(Clone, Copy)]
struct Level {
    left: usize,
}

impl Level {
    fn below(self) -> Option<Self> {
        let left = self.left.checked_sub(1)?;
        Some(Self { left })
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let Some(below) = self.below() else {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(below)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Some(below) = self.below() else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        };
        let mut object = Map::new();
        while let Some(name) = members.next_key()? {
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// `{"a":[{"a":[…]}]}`, so many levels of it.
    pub(crate) fn nested(levels: usize) -> String {
        let (open, close) = (r#"{"a":["#, "]}");
        let pairs = levels / 2;
        format!("{}{}", open.repeat(pairs), close.repeat(pairs))
    }

    fn read(text: &str) -> Value {
        shallow_from_slice(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_nests_less_is_read_as_it_is() {
        let value = json!({
            "a": [null, true, -1, u64::MAX, 1.5, "é", {}, []],
            "b": {"c": {"d": [[["e"]]]}},
        });
        assert_eq!(read(&value.to_string()), value);
        let just = nested(LEVELS);
        assert_eq!(read(&just), serde_json::from_str::<Value>(&just).unwrap());
        assert_eq!(read(r#"{"a":1,"a":2}"#), json!({"a": 2}));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "{} {}", r#"{"a":nul}"#] {
            assert!(shallow_from_slice(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_nests_deeper_is_null_there_and_what_follows_it_is_read() {
        let mut value = &read(&format!("[{},7]", nested(9_000)));
        assert_eq!(value[1], 7);
        for _ in 0..LEVELS {
            value = value.get(0).or_else(|| value.get("a")).unwrap();
        }
        assert_eq!(*value, Value::Null);
    }

    #[test]
    fn metadata_is_read_whatever_its_managed_fields_nest() {
        let text = format!(
            r#"{{"name":"a","managedFields":[{{"fieldsV1":{}}}],"labels":{{"b":"c"}},"uid":"u","generation":"x"}}"#,
            nested(9_000)
        );
        let metadata =
            deserialize_metadata(&mut serde_json::Deserializer::from_str(&text)).unwrap();
        let expected = ObjectMeta {
            name: Some("a".to_owned()),
            uid: Some("u".to_owned()),
            labels: Some([("b".to_owned(), "c".to_owned())].into()),
            ..ObjectMeta::default()
        };
        assert_eq!(metadata, expected);
    }
}
