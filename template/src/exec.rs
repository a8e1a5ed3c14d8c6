//! Executes a tree.
