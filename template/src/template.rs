//! A parsed template.
