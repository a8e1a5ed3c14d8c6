//! From nodes to a [`serde_json::Value`], as Go's `sigs.k8s.io/yaml` converts YAML to JSON.
//!
//! The last of equal keys wins; a merge key takes effect where it stands, so it overrides keys before it and
//! is overridden by keys after it; keys become text.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::ScalarStyle;

use crate::error::ReadErrorKind;
use crate::float;
use crate::scalar::{self, Scalar, Tag};
use crate::tree::{Content, Fault, MAX_DEPTH, NodeId, Tree};

/// What a node costs beside its text when it is repeated by an alias: about its size in memory.
const NODE_BYTES: usize = 64;

/// The value of a document; null when it is empty.
pub(crate) fn value(tree: &Tree<'_>, alias_bytes: usize) -> Result<Value, Fault> {
    let Some(root) = tree.root() else {
        return Ok(Value::Null);
    };
    let mut converter = Converter {
        tree,
        open: vec![false; tree.len()],
        depth: 0,
        aliases: 0,
        alias_limit: alias_bytes,
        alias_budget: alias_bytes,
    };
    converter.value(root)
}

/// The text a mapping key has as a JSON name, or what the key is instead.
pub(crate) fn key_text<'v>(tree: &'v Tree<'_>, id: NodeId) -> Result<Cow<'v, str>, Fault> {
    let node = tree.node(id);
    let fault = |kind| Fault::new(kind, node.span.start);
    match &node.content {
        Content::Alias(target) => key_text(tree, *target),
        Content::Sequence { .. } => Err(fault(ReadErrorKind::Key { found: "a list" })),
        Content::Mapping { .. } => Err(fault(ReadErrorKind::Key { found: "a mapping" })),
        Content::Scalar { text, style } => {
            let plain = *style == ScalarStyle::Plain;
            match scalar::resolve(Cow::Borrowed(text), plain, node.tag).map_err(fault)? {
                Scalar::Text(text) => Ok(text),
                Scalar::Bool(true) => Ok("true".into()),
                Scalar::Bool(false) => Ok("false".into()),
                Scalar::Int(number) => Ok(number.to_string().into()),
                Scalar::Float(number) => Ok(float::general_32(number).into()),
                Scalar::Null => Err(fault(ReadErrorKind::Key { found: "null" })),
                Scalar::Uint(_) => Err(fault(ReadErrorKind::Key {
                    found: "a number above 2^63",
                })),
            }
        }
    }
}

/// Whether a key is the merge key `<<`.
pub(crate) fn is_merge(tree: &Tree<'_>, id: NodeId) -> bool {
    let node = tree.node(id);
    let Content::Scalar { text, style } = &node.content else {
        return false;
    };
    let implicit = node.tag == Tag::None && *style == ScalarStyle::Plain;
    text == "<<" && (implicit || node.tag == Tag::Merge)
}

struct Converter<'v, 't> {
    tree: &'v Tree<'t>,
    /// Which nodes are being converted, to find an alias inside what it names.
    open: Vec<bool>,
    depth: usize,
    /// How many aliases lead to the present node.
    aliases: usize,
    alias_limit: usize,
    alias_budget: usize,
}

impl Converter<'_, '_> {
    fn value(&mut self, id: NodeId) -> Result<Value, Fault> {
        let tree = self.tree;
        let node = tree.node(id);
        let fault = |kind| Fault::new(kind, node.span.start);
        match &node.content {
            Content::Alias(target) => self.alias(id, *target, Self::value),
            Content::Scalar { text, style } => {
                self.spend(id, text.len())?;
                let plain = *style == ScalarStyle::Plain;
                let scalar =
                    scalar::resolve(Cow::Borrowed(text), plain, node.tag).map_err(fault)?;
                json(scalar).ok_or_else(|| fault(ReadErrorKind::NonFinite))
            }
            Content::Sequence { items, .. } => {
                self.enter(id)?;
                let items = items
                    .iter()
                    .map(|&item| self.value(item))
                    .collect::<Result<_, _>>()?;
                self.leave(id);
                Ok(Value::Array(items))
            }
            Content::Mapping { .. } => {
                let mut map = Map::new();
                self.fill(id, &mut map)?;
                Ok(Value::Object(map))
            }
        }
    }

    /// Puts the entries of a mapping into `map`, over what is there.
    fn fill(&mut self, id: NodeId, map: &mut Map<String, Value>) -> Result<(), Fault> {
        let tree = self.tree;
        let Content::Mapping { entries, .. } = &tree.node(id).content else {
            return Err(Fault::new(ReadErrorKind::Merge, tree.node(id).span.start));
        };
        self.enter(id)?;
        for &(key, value) in entries {
            if is_merge(tree, key) {
                self.merge(value, map)?;
            } else {
                self.spend_key(key)?;
                let name = key_text(tree, key)?;
                let value = self.value(value)?;
                map.insert(name.into_owned(), value);
            }
        }
        self.leave(id);
        Ok(())
    }

    fn merge(&mut self, id: NodeId, map: &mut Map<String, Value>) -> Result<(), Fault> {
        let tree = self.tree;
        match &tree.node(id).content {
            Content::Sequence { items, .. } => {
                // The first of several mappings wins, so it goes in last.
                items
                    .iter()
                    .rev()
                    .try_for_each(|&item| self.merge_one(item, map))
            }
            _ => self.merge_one(id, map),
        }
    }

    fn merge_one(&mut self, id: NodeId, map: &mut Map<String, Value>) -> Result<(), Fault> {
        match self.tree.node(id).content {
            Content::Alias(target) => {
                self.alias(id, target, |converter, target| converter.fill(target, map))
            }
            _ => self.fill(id, map),
        }
    }

    fn alias<T>(
        &mut self,
        id: NodeId,
        target: NodeId,
        then: impl FnOnce(&mut Self, NodeId) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.open[target] {
            return Err(Fault::new(
                ReadErrorKind::AliasLoop,
                self.tree.node(id).span.start,
            ));
        }
        self.aliases += 1;
        let result = then(self, target)?;
        self.aliases -= 1;
        Ok(result)
    }

    fn enter(&mut self, id: NodeId) -> Result<(), Fault> {
        self.spend(id, 0)?;
        self.open[id] = true;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.tree.node(id).span.start;
            return Err(Fault::new(ReadErrorKind::Nesting { limit: MAX_DEPTH }, at));
        }
        Ok(())
    }

    fn leave(&mut self, id: NodeId) {
        self.open[id] = false;
        self.depth -= 1;
    }

    /// Counts what an alias repeats. What stands in the text itself is bounded by its length.
    fn spend(&mut self, id: NodeId, text: usize) -> Result<(), Fault> {
        if self.aliases == 0 {
            return Ok(());
        }
        self.charge(id, text)
    }

    /// Counts a key before its text is copied. A key may be an alias itself, outside of any other.
    fn spend_key(&mut self, id: NodeId) -> Result<(), Fault> {
        let tree = self.tree;
        let (named, is_alias) = match tree.node(id).content {
            Content::Alias(target) => (target, true),
            _ => (id, false),
        };
        let length = match &tree.node(named).content {
            Content::Scalar { text, .. } => text.len(),
            // Not a name, which is the error to come.
            _ => 0,
        };
        if is_alias {
            self.charge(id, length)
        } else {
            self.spend(id, length)
        }
    }

    fn charge(&mut self, id: NodeId, text: usize) -> Result<(), Fault> {
        let cost = NODE_BYTES.saturating_add(text);
        let Some(rest) = self.alias_budget.checked_sub(cost) else {
            let limit = self.alias_limit;
            let at = self.tree.node(id).span.start;
            return Err(Fault::new(ReadErrorKind::AliasLimit { limit }, at));
        };
        self.alias_budget = rest;
        Ok(())
    }
}

/// The JSON value of a scalar; none for infinite and undefined numbers.
fn json(scalar: Scalar<'_>) -> Option<Value> {
    Some(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(number) => Value::from(number),
        Scalar::Uint(number) => Value::from(number),
        Scalar::Float(number) => Value::Number(Number::from_f64(number)?),
        Scalar::Text(text) => Value::String(text.into_owned()),
    })
}
