//! Recursion that cannot overflow the stack.

/// Calls of this crate that recurse keep at least this much of the stack free.
const RED_ZONE: usize = 128 << 10;

/// How much the stack grows at a time.
const SEGMENT: usize = 2 << 20;

/// Runs `work` on a stack that has room, a fresh one if need be. How deep a recursion goes is bounded by the
/// limits; this only says that the thread's own stack does not have to be as large as they allow.
pub(crate) fn with_room<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, SEGMENT, work)
}
