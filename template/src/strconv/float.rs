//! Floating-point numbers as text.
