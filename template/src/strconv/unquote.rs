//! Reading quoted strings and characters.
