//! Conversions between Go types as `spf13/cast` makes them.
