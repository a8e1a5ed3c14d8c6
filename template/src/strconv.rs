//! Go's `strconv`: quoting, and numbers as text.
