//! Reading streams: no input panics or loops, what was read can be written and says the same, and a document
//! stands where it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealed_manifest::{Document, Documents, Limits, to_yaml};

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        document_bytes: 1 << 16,
        alias_bytes: 1 << 16,
        nodes: 1 << 12,
    };
    let mut count = 0;
    for found in Documents::with_limits(data, "fuzz", limits) {
        count += 1;
        assert!(count <= data.len() + 1, "more documents than bytes");
        let Ok(document) = found else { continue };
        if let Ok(stream) = std::str::from_utf8(data) {
            let rest = &stream[document.offset()..];
            assert!(rest.starts_with(document.text()));
        }
        let written = to_yaml(document.value());
        let again: Vec<_> = Documents::new(written.as_bytes(), "written")
            .map(|found| {
                found
                    .map(Document::into_value)
                    .expect("written text can be read")
            })
            .collect();
        assert_eq!(again, [document.into_value()], "{written}");
    }
});
