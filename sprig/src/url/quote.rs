//! Stands in for the engine's own quoting.

pub(crate) fn quote(text: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for (char, bytes) in sealed_template::utf8::runes(text) {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{FFFD}' if bytes.len() == 1 => {
                quoted.extend(bytes.iter().map(|byte| format!("\\x{byte:02x}")));
            }
            '\0'..='\u{1f}' | '\u{7f}' => quoted.extend([format!("\\x{:02x}", u32::from(char))]),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
