//! Package time's own quoting, which is stricter than that of strconv.

/// `text` in quotes. Of what is not printable ASCII each byte becomes `\x..`.
pub(super) fn quote(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len().saturating_add(2));
    quoted.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b' '..0x80 => quoted.push(byte),
            _ => quoted.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}
