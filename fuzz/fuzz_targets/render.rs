//! Rendering templates: whatever a template does, it ends within its budget, without a panic, and what it calls
//! deterministic is.

#![no_main]

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use sealed_template::{Budget, Environment, Functions, Limits, Map, Template, Value};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(sealed_sprig::functions);

const OUTPUT: usize = 64 << 10;

/// A clock that moves and randomness that is none.
struct Toy(Cell<u64>);

impl Environment for Toy {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.tick())
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.tick().to_le_bytes()[0]);
    }
}

impl Toy {
    fn tick(&self) -> u64 {
        let Self(ticks) = self;
        ticks.set(ticks.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        ticks.get() >> 33
    }
}

fuzz_target!(|text: &[u8]| {
    let mut limits = Limits::default();
    limits.steps = 30_000;
    limits.memory = 8 << 20;
    limits.output = OUTPUT;
    let Ok(template) = Template::parse("t", text, &FUNCTIONS, &mut Budget::new(limits.clone())) else {
        return;
    };
    let render = |start| {
        let data = [
            ("user", &b"alice"[..]),
            ("pass", b"p@ss\"w'rd<&>"),
            ("empty", b""),
            ("n", b"42"),
            ("multi", b"l1\nl2"),
            ("my-key", b"dashed"),
            ("uni", "h\u{e9}llo\u{2192}".as_bytes()),
            ("bin", b"\x00\xff\xfe"),
        ];
        let root = Value::Map(Map::of_strings(data.map(|(key, value)| (key.into(), value.into()))));
        template.render(root, &Toy(Cell::new(start)), &mut Budget::new(limits.clone()))
    };
    match (render(1), render(2)) {
        (Ok(one), Ok(other)) => {
            assert!(one.output.len() <= OUTPUT);
            assert!(!one.is_deterministic || one.output == other.output);
        }
        (Err(error), _) | (_, Err(error)) => {
            assert!(error.private().text().starts_with(b"template: "));
        }
    }
});
