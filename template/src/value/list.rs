//! Slices.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use super::{Value, drop};
use crate::operand::Operand;
use crate::types::{Type, UintType};

/// A Go slice: a window onto an array that other slices may share.
#[derive(Clone)]
pub struct List {
    element: &'static Type,
    is_nil: bool,
    array: Rc<Array>,
    start: usize,
    len: usize,
    capacity: usize,
}

pub(super) struct Array(pub(super) RefCell<Vec<Value>>);

impl Drop for Array {
    fn drop(&mut self) {
        drop::flat(std::mem::take(self.0.get_mut()));
    }
}

impl List {
    /// A slice of `items`, which must all be of type `element`.
    pub fn new(element: &'static Type, items: Vec<Value>) -> Self {
        Self {
            element,
            is_nil: false,
            start: 0,
            len: items.len(),
            capacity: items.len(),
            array: Rc::new(Array(RefCell::new(items))),
        }
    }

    /// A `[]interface {}`.
    pub fn of_any(items: Vec<Value>) -> Self {
        Self::new(&Type::Any, items)
    }

    /// The nil slice, which has no items and prints like an empty one, but is `null` in JSON.
    pub fn nil(element: &'static Type) -> Self {
        Self {
            is_nil: true,
            ..Self::new(element, Vec::new())
        }
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.is_nil
    }

    /// The type of the items.
    pub fn element(&self) -> &'static Type {
        self.element
    }

    /// The type of the slice.
    pub fn type_of(&self) -> Type {
        Type::Slice(self.element)
    }

    /// How many items it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many items a longer slice of the same array could have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items().get(index).cloned()
    }

    /// The item at `index` as reflection hands it out.
    pub fn operand(&self, index: usize) -> Option<Operand> {
        self.get(index)
            .map(|value| Operand::element(*self.element, value))
    }

    /// Whether it is a `[]uint8`, Go's bytes.
    pub fn is_bytes(&self) -> bool {
        *self.element == Type::Uint(UintType::Uint8)
    }

    /// The bytes of a `[]uint8`; none of a list of anything else.
    pub fn to_bytes(&self) -> Vec<u8> {
        let byte = |item: &Value| match item {
            Value::Uint(UintType::Uint8, byte) => u8::try_from(*byte).ok(),
            _ => None,
        };
        self.items().iter().filter_map(byte).collect()
    }

    /// A copy of the items.
    pub fn to_vec(&self) -> Vec<Value> {
        self.items().to_vec()
    }

    /// The items from `from` up to `to` as a slice of the same array; none unless
    /// `from <= to <= capacity`.
    pub fn slice(&self, from: usize, to: usize) -> Option<Self> {
        self.slice_up_to(from, to, self.capacity)
    }

    /// The same, such that slices of that slice do not reach past `end`, which is from `to` up to the capacity.
    pub fn slice_up_to(&self, from: usize, to: usize, end: usize) -> Option<Self> {
        (from <= to && to <= end && end <= self.capacity).then(|| Self {
            start: self.start.saturating_add(from),
            len: to.saturating_sub(from),
            capacity: end.saturating_sub(from),
            ..self.clone()
        })
    }

    /// Whether both are windows onto the same items.
    pub fn is_same(&self, other: &Self) -> bool {
        self.start == other.start && self.len == other.len && Rc::ptr_eq(&self.array, &other.array)
    }

    /// Whether anybody else holds the same array.
    pub(super) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.array) > 1
    }

    /// Sorts the items where they are, for every holder of the array to see.
    ///
    /// # Panics
    ///
    /// If [`items`](Self::items) of any list with the same array is still borrowed, by `compare` for example.
    pub fn sort_by(&self, compare: impl FnMut(&Value, &Value) -> std::cmp::Ordering) {
        let mut array = self.array.0.borrow_mut();
        if let Some(items) = array.get_mut(self.start..self.start.saturating_add(self.len)) {
            items.sort_by(compare);
        }
    }

    /// The items, borrowed.
    ///
    /// # Panics
    ///
    /// Not here, but whatever writes to the array panics as long as the borrow is held.
    pub fn items(&self) -> Ref<'_, [Value]> {
        Ref::map(self.array.0.borrow(), |items| {
            items
                .get(self.start..self.start.saturating_add(self.len))
                .unwrap_or_default()
        })
    }

    pub(super) fn into_array(self) -> Rc<Array> {
        self.array
    }
}
