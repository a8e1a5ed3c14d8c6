//! Keys that stand twice in a JSON object. Readers disagree about them (the first counts, the last, or both together), so one
//! of two values would be lost without a word.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

/// The path of the first key of a JSON text that stands twice. With `mappings_only`, of those that hold mappings.
pub(crate) fn repeated_key(text: &str, mappings_only: bool) -> Option<String> {
    let mut found = None;
    let walk = Walk {
        path: String::new(),
        mappings_only,
        found: &mut found,
    };
    // That the text is JSON is known; a find stops the walk with an error.
    drop(walk.deserialize(&mut serde_json::Deserializer::from_str(text)));
    found
}

/// Walks through a value. Returns whether it is a mapping.
struct Walk<'f> {
    path: String,
    mappings_only: bool,
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            let inner = Walk {
                path: path.clone(),
                mappings_only: self.mappings_only,
                found: &mut *self.found,
            };
            let is_mapping = map.next_value_seed(inner)?;
            if !seen.insert(key) && (is_mapping || !self.mappings_only) {
                *self.found = Some(path);
                return Err(A::Error::custom("found"));
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<bool, A::Error> {
        let mut index = 0;
        loop {
            let path = format!("{}[{index}]", self.path);
            let inner = Walk {
                path,
                mappings_only: self.mappings_only,
                found: &mut *self.found,
            };
            if sequence.next_element_seed(inner)?.is_none() {
                return Ok(false);
            }
            index += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_repetition_is_told_with_its_path() {
        for (text, any, mapping) in [
            (
                r#"{"a": 1, "b": {"a": 2}, "c": [{"a": null}, true, -1.5]}"#,
                None,
                None,
            ),
            (r#"{"a": {}, "a": {}}"#, Some("a"), Some("a")),
            (r#"{"a": {"b": "x", "b": "y"}}"#, Some("a.b"), None),
            (
                r#"{"a": [0, {"b": 1, "b": {}}]}"#,
                Some("a[1].b"),
                Some("a[1].b"),
            ),
        ] {
            assert_eq!(repeated_key(text, false).as_deref(), any, "{text}");
            assert_eq!(repeated_key(text, true).as_deref(), mapping, "{text}");
        }
    }
}
