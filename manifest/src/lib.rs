//! YAML and JSON streams: read as kubectl reads them, written cleanly, edited by span.
