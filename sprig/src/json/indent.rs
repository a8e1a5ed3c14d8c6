//! JSON on many lines.

use sealed_template::{Buffer, CallError, Context};

/// Lays out JSON that has no blanks: each item and each entry on a line of its own, indented by two blanks
/// for each level. Empty lists and maps stay as they are.
pub(super) fn indent(context: &mut Context<'_>, json: &[u8]) -> Result<Buffer, CallError> {
    let mut out = Buffer::with_capacity(json.len());
    let mut depth = 0_usize;
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                out.push(byte);
                while let Some(byte) = bytes.next() {
                    out.push(byte);
                    match byte {
                        b'\\' => out.extend(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                out.push(byte);
                if let Some(end) = bytes.next_if(|next| matches!(next, b']' | b'}')) {
                    out.push(end);
                } else {
                    depth = depth.saturating_add(1);
                    break_line(context, &mut out, depth)?;
                }
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                break_line(context, &mut out, depth)?;
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                break_line(context, &mut out, depth)?;
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    Ok(out)
}

fn break_line(context: &mut Context<'_>, out: &mut Buffer, depth: usize) -> Result<(), CallError> {
    let blanks = depth.saturating_mul(2);
    context.charge(blanks.saturating_add(1))?;
    out.push(b'\n');
    out.repeat(b' ', blanks);
    Ok(())
}
