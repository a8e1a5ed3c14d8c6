//! What a part of a pattern means, with the measures that bound it.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Dot, Hir, HirKind, Look, Repetition};

/// A part of a pattern.
#[derive(Debug)]
pub(super) struct Node {
    hir: Hir,
    shape: Shape,
    measures: Measures,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Alternation,
    Concatenation,
    Other,
}

/// What Go bounds in a pattern, and what the engine below has to be spared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    /// How deep operators nest.
    pub(super) height: usize,
    /// How many instructions Go makes of it.
    pub(super) size: u64,
    /// How often the innermost part of nested counted repetitions is repeated at most.
    pub(super) copies: u64,
    /// About how many states the engine makes of it, which works on bytes.
    pub(super) states: u64,
}

/// How often something may occur.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) min: u32,
    /// None for any number.
    pub(super) max: Option<u32>,
}

impl Node {
    fn leaf(hir: Hir, size: usize, states: usize) -> Self {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX).max(1);
        Self {
            hir,
            shape: Shape::Other,
            measures: Measures {
                height: 1,
                size: number(size),
                copies: 1,
                states: number(states),
            },
        }
    }

    /// What matches nothing but the empty text.
    pub(super) fn empty() -> Self {
        Self::leaf(Hir::empty(), 1, 1)
    }

    /// What never matches.
    pub(super) fn fail() -> Self {
        Self::leaf(Hir::fail(), 1, 1)
    }

    /// What matches `text`.
    pub(super) fn text(text: &str) -> Self {
        Self::leaf(
            Hir::literal(text.as_bytes()),
            text.chars().count(),
            text.len(),
        )
    }

    /// What matches one character of a class.
    pub(super) fn class(class: ClassUnicode) -> Self {
        // A range of characters takes up to seven of bytes, but most take one and share the ends of others.
        let states = class.ranges().len().saturating_mul(2);
        Self::leaf(Hir::class(Class::Unicode(class)), 1, states)
    }

    /// What matches any character, or any but a line feed.
    pub(super) fn any(with_newline: bool) -> Self {
        let dot = if with_newline {
            Dot::AnyChar
        } else {
            Dot::AnyCharExceptLF
        };
        Self::leaf(Hir::dot(dot), 1, 12)
    }

    /// What matches the empty text at some places.
    pub(super) fn look(look: Look) -> Self {
        Self::leaf(Hir::look(look), 1, 1)
    }

    /// The node as a group that can be referred to.
    pub(super) fn capture(self, index: u32) -> Self {
        let Measures {
            height,
            size,
            copies,
            states,
        } = self.measures;
        let capture = Capture {
            index,
            name: None,
            sub: Box::new(self.hir),
        };
        Self {
            hir: Hir::capture(capture),
            shape: Shape::Other,
            measures: Measures {
                height: height.saturating_add(1),
                size: size.saturating_add(2),
                copies,
                states: states.saturating_add(2),
            },
        }
    }

    /// The node, several times.
    pub(super) fn repeat(self, Repeat { min, max }: Repeat, greedy: bool) -> Self {
        let inner = self.measures;
        let count = u64::from(max.unwrap_or(min)).max(1);
        // Besides the copies, each that may be left out takes a branch, and a loop up to two.
        let branches = max.map_or(2, |max| max.saturating_sub(min));
        let unrolled = |part: u64| part.saturating_mul(count).saturating_add(branches.into());
        let size = match max {
            Some(0) => 1,
            None if min > 0 => unrolled(inner.size).saturating_sub(1),
            _ => unrolled(inner.size),
        };
        let repetition = Repetition {
            min,
            max,
            greedy,
            sub: Box::new(self.hir),
        };
        Self {
            hir: Hir::repetition(repetition),
            shape: Shape::Other,
            measures: Measures {
                height: inner.height.saturating_add(1),
                size,
                copies: match max {
                    Some(0) => 1,
                    _ => inner.copies.saturating_mul(count),
                },
                states: unrolled(inner.states),
            },
        }
    }

    /// One after the other.
    pub(super) fn concat(nodes: Vec<Self>) -> Self {
        Self::join(nodes, Shape::Concatenation, Hir::concat)
    }

    /// One of several, the first that leads to a match.
    pub(super) fn alternate(nodes: Vec<Self>) -> Self {
        let separators = u64::try_from(nodes.len())
            .unwrap_or(u64::MAX)
            .saturating_sub(1);
        let mut node = Self::join(nodes, Shape::Alternation, Hir::alternation);
        if separators > 0 {
            let Measures { size, states, .. } = &mut node.measures;
            *size = size.saturating_add(separators);
            *states = states.saturating_add(separators);
            // Go too makes one class of several.
            if let HirKind::Class(Class::Unicode(_)) = node.hir.kind() {
                node.shape = Shape::Other;
                node.measures.height = 1;
                node.measures.size = 1;
            }
        }
        node
    }

    fn join(mut nodes: Vec<Self>, shape: Shape, join: impl FnOnce(Vec<Hir>) -> Hir) -> Self {
        if nodes.len() == 1
            && let Some(only) = nodes.pop()
        {
            return only;
        }
        let mut measures = Measures {
            height: 1,
            size: 0,
            copies: 1,
            states: 1,
        };
        for node in &nodes {
            let inner = node.measures;
            // What is of the same kind gives its parts away, so that it adds no level.
            let levels = usize::from(node.shape != shape);
            measures.height = measures.height.max(inner.height.saturating_add(levels));
            measures.size = measures.size.saturating_add(inner.size);
            measures.copies = measures.copies.max(inner.copies);
            measures.states = measures.states.saturating_add(inner.states);
        }
        Self {
            hir: join(nodes.into_iter().map(|node| node.hir).collect()),
            shape,
            measures,
        }
    }

    pub(super) fn measures(&self) -> Measures {
        self.measures
    }

    pub(super) fn into_hir(self) -> Hir {
        self.hir
    }
}
