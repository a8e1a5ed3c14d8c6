//! Parsing templates: no text panics or overflows the stack, and an error names a line that is there.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealed_template::{Budget, Functions, Template};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(sealed_sprig::functions);

fuzz_target!(|text: &[u8]| {
    let lines = text.split(|byte| *byte == b'\n').count();
    if let Err(error) = Template::parse("t", text, &FUNCTIONS, &mut Budget::default()) {
        assert!((1..=lines).contains(&error.line()), "{error}");
        assert!(error.to_string().starts_with("template: t:"));
    }
});
