//! Nodes as the text that error messages show.
