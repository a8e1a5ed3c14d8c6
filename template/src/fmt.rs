//! Go's `fmt`: how values are printed.
