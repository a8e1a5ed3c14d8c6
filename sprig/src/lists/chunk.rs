//! Cutting lists into pieces.

use sealed_template::{CallError, Context, Slice, Value};

use super::list_of;

/// The items in pieces of `size`, the last of which may be shorter.
///
/// For sizes that are not positive Sprig's formula for the number of pieces gives 0, 1 or a negative number,
/// and nothing but a single item in a single piece comes out of it.
pub(super) fn chunk(
    context: &mut Context<'_>,
    size: isize,
    list: Value,
) -> Result<Slice<Slice<Value>>, CallError> {
    let list = list_of(context, list, "Cannot chunk type")?;
    let items = list.items();
    let magnitude = size.unsigned_abs();
    if size > 0 {
        context.charge(items.len().div_ceil(magnitude).saturating_mul(PIECE))?;
        let pieces = items.chunks(magnitude);
        return Ok(Slice::new(pieces.map(|piece| Slice::new(piece.to_vec()))));
    }
    match *items {
        [_] if magnitude > 1 => Ok(Slice::new([Slice::new(items.to_vec())])),
        [_, ref rest @ ..] if !rest.is_empty() && rest.len() <= magnitude => Ok(Slice::new([])),
        _ => Err(CallError::new("runtime error: makeslice: len out of range")),
    }
}

/// About how many bytes a piece takes besides its items.
const PIECE: usize = 64;

#[cfg(test)]
mod tests {
    use sealed_template::List;

    use super::*;
    use crate::testing::with_context;

    /// The lengths of the pieces.
    fn pieces(size: isize, count: i64) -> Option<Vec<usize>> {
        let list = List::of_any((0..count).map(Value::int).collect());
        let pieces = with_context(|context| chunk(context, size, list.into())).ok()?;
        assert_eq!(pieces.type_of().to_string(), "[][]interface {}");
        let length = |piece: &Value| match piece {
            Value::List(piece) => piece.len(),
            other => panic!("{other:?}"),
        };
        Some(pieces.items().iter().map(length).collect())
    }

    #[test]
    fn the_last_chunk_may_be_shorter() {
        assert_eq!(pieces(2, 5), Some(vec![2, 2, 1]));
        assert_eq!(pieces(5, 5), Some(vec![5]));
        assert_eq!(pieces(isize::MAX, 5), Some(vec![5]));
        assert_eq!(pieces(3, 0), Some(vec![]));
    }

    #[test]
    fn chunks_of_sizes_that_are_not_positive_are_what_the_formula_gives() {
        assert_eq!(pieces(0, 3), None);
        assert_eq!(pieces(-1, 0), None);
        assert_eq!(pieces(-1, 1), None);
        assert_eq!(pieces(-2, 1), Some(vec![1]));
        assert_eq!(pieces(-2, 3), Some(vec![]));
        assert_eq!(pieces(-2, 4), None);
        assert_eq!(pieces(isize::MIN, 4), Some(vec![]));
    }
}
