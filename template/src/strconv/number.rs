//! Numeric literals.
