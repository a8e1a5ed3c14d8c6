//! From a text to a tree.
