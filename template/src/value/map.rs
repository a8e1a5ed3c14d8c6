//! Maps with strings for keys, which are all the maps that templates meet.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Value, drop};
use crate::operand::Operand;
use crate::str::Str;
use crate::types::Type;

/// A Go map with strings for keys, sorted by key.
#[derive(Clone)]
pub struct Map {
    element: &'static Type,
    is_nil: bool,
    entries: Rc<Entries>,
}

#[derive(Default)]
pub(super) struct Entries(pub(super) RefCell<BTreeMap<Str, Value>>);

impl Drop for Entries {
    fn drop(&mut self) {
        drop::flat(std::mem::take(self.0.get_mut()).into_values());
    }
}

impl Map {
    /// A map of `entries`, whose values must all be of type `element`.
    pub fn new(element: &'static Type, entries: BTreeMap<Str, Value>) -> Self {
        Self {
            element,
            is_nil: false,
            entries: Rc::new(Entries(RefCell::new(entries))),
        }
    }

    /// A `map[string]interface {}`.
    pub fn of_any(entries: BTreeMap<Str, Value>) -> Self {
        Self::new(&Type::Any, entries)
    }

    /// A `map[string]string`.
    pub fn of_strings(entries: impl IntoIterator<Item = (Str, Str)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key, Value::String(value)));
        Self::new(&Type::String, entries.collect())
    }

    /// The nil map, which can be read and not written.
    pub fn nil(element: &'static Type) -> Self {
        Self {
            is_nil: true,
            ..Self::new(element, BTreeMap::new())
        }
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// The type of the values.
    pub fn element(&self) -> &'static Type {
        self.element
    }

    /// The type of the map.
    pub fn type_of(&self) -> Type {
        Type::Map(self.element)
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.0.borrow().len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of `key`.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.0.borrow().get(key).cloned()
    }

    /// The value of `key` as reflection hands it out: [`Operand::Invalid`] when there is none.
    pub fn operand(&self, key: &[u8]) -> Operand {
        self.get(key).map_or(Operand::Invalid, |value| {
            Operand::element(*self.element, value)
        })
    }

    /// A copy of the entries, sorted by key.
    pub fn to_vec(&self) -> Vec<(Str, Value)> {
        let entries = self.entries.0.borrow();
        let copies = entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()));
        copies.collect()
    }

    /// The entries, borrowed.
    ///
    /// # Panics
    ///
    /// Not here, but whatever writes to the map panics as long as the borrow is held.
    pub fn entries(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.entries.0.borrow()
    }

    /// Whether both are the same map, so that what is written to one is in the other.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }

    /// Whether anybody else holds the same map.
    pub(super) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.entries) > 1
    }

    /// Removes an entry.
    ///
    /// # Panics
    ///
    /// If [`entries`](Self::entries) is still borrowed.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.entries.0.borrow_mut().remove(key)
    }

    /// Writes an entry. Whether the map can be written; the nil map cannot.
    ///
    /// Only [`Context::set`](crate::Context::set) calls this: it keeps account of maps that may come to
    /// contain themselves.
    pub(crate) fn insert(&self, key: Str, value: Value) -> bool {
        if self.is_nil {
            return false;
        }
        let old = self.entries.0.borrow_mut().insert(key, value);
        // After the borrow has ended: dropping a value may drop maps that hold this one.
        drop(old);
        true
    }

    pub(crate) fn clear(&self) {
        let old = std::mem::take(&mut *self.entries.0.borrow_mut());
        drop::flat(old.into_values());
    }

    pub(super) fn into_entries(self) -> Rc<Entries> {
        self.entries
    }
}
