//! Templates made at random from the signatures of the functions.
//!
//! Most arguments are of the type their parameter has, so that most templates render; some are not, so that the
//! errors are compared too.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sealed_template::{Functions, Type};

use super::functions::{
    CLOCK, UNORDERED, UNSTABLE, WRAPPED, WRITERS, pool_for, wants_list, wants_number,
};
use super::pools;

/// What every template sees.
pub(crate) fn data() -> BTreeMap<String, String> {
    [
        ("user", "alice"),
        ("pass", "p@ss\"w'rd<&>"),
        ("empty", ""),
        ("n", "42"),
        ("multi", "l1\nl2"),
        ("my-key", "dashed"),
        ("uni", "héllo→世界"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// A template, and the functions it names.
pub(crate) struct Made {
    pub(crate) text: String,
    pub(crate) functions: BTreeSet<&'static str>,
}

pub(crate) struct Generator<'f> {
    random: StdRng,
    functions: &'f Functions,
    names: Vec<&'static str>,
    used: BTreeSet<&'static str>,
    variables: Vec<String>,
    /// Templates so far.
    made: usize,
    /// Inside the arguments of a [writer](WRITERS).
    writing: bool,
}

impl<'f> Generator<'f> {
    pub(crate) fn new(functions: &'f Functions, seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            functions,
            names: functions
                .names()
                .filter(|name| !UNSTABLE.contains(name) && !UNORDERED.contains(name))
                .collect(),
            used: BTreeSet::new(),
            variables: Vec::new(),
            made: 0,
            writing: false,
        }
    }

    pub(crate) fn template(&mut self) -> Made {
        self.used.clear();
        self.variables.clear();
        self.made += 1;
        if self.made.is_multiple_of(100) {
            // In turn, so that none is left out.
            let (text, functions) = &WRAPPED[self.made / 100 % WRAPPED.len()];
            return Made {
                text: (*text).to_owned(),
                functions: functions.iter().copied().collect(),
            };
        }
        let pieces = self.random.random_range(1..=3);
        let text = (0..pieces).map(|_| self.piece(2)).collect();
        Made {
            text,
            functions: std::mem::take(&mut self.used),
        }
    }

    fn one_in(&mut self, number: u32) -> bool {
        self.random.random_range(0..number) == 0
    }

    fn pick<'p, T>(&mut self, pool: &'p [T]) -> &'p T {
        &pool[self.random.random_range(0..pool.len())]
    }

    fn pick_owned(&mut self, pool: &[&str]) -> String {
        (*self.pick(pool)).to_owned()
    }

    fn piece(&mut self, depth: u32) -> String {
        let (open, close) = match self.random.random_range(0..12) {
            0 => ("{{- ", " }}"),
            1 => ("{{ ", " -}}"),
            2 => ("{{", "}}"),
            _ => ("{{ ", " }}"),
        };
        let kind = self.random.random_range(0..if depth == 0 { 9 } else { 18 });
        match kind {
            0..=6 => format!("{open}{}{close}", self.pipeline(2)),
            7 => self.pick_owned(&[
                "text ",
                "\n  ",
                " é\n",
                "}} { ",
                "a\tb",
                "{{/* c */}}",
                "{{- /* c */ -}}",
            ]),
            8 | 9 => {
                let value = self.pipeline(2);
                let name = format!("$v{}", self.variables.len());
                self.variables.push(name.clone());
                format!("{open}{name} := {value}{close}{{{{ {name} }}}}")
            }
            10 | 11 => {
                let (condition, body) = (self.pipeline(1), self.block(depth));
                let word = self.pick_owned(&["if", "with"]);
                let otherwise = match self.random.random_range(0..4) {
                    0 => format!("{{{{ else }}}}{}", self.block(depth)),
                    1 => {
                        let (condition, body) = (self.pipeline(1), self.block(depth));
                        format!("{{{{ else {word} {condition} }}}}{body}")
                    }
                    _ => String::new(),
                };
                format!("{open}{word} {condition}{close}{body}{otherwise}{{{{ end }}}}")
            }
            12..=14 => {
                let over = self.iterable();
                let head = match self.random.random_range(0..4) {
                    0 => "$k, $e := ".to_owned(),
                    1 => "$e := ".to_owned(),
                    _ => String::new(),
                };
                let known = self.variables.len();
                if head.contains("$e") {
                    self.variables.push("$e".to_owned());
                }
                if head.contains("$k") {
                    self.variables.push("$k".to_owned());
                }
                let body = self.block(depth);
                let leave = match self.random.random_range(0..6) {
                    0 => "{{ break }}",
                    1 => "{{ continue }}",
                    _ => "",
                };
                self.variables.truncate(known);
                let otherwise = if self.one_in(4) {
                    format!("{{{{ else }}}}{}", self.block(depth))
                } else {
                    String::new()
                };
                format!(
                    "{open}range {head}{over}{close}[{{{{ . }}}}]{leave}{body}{otherwise}{{{{ end }}}}"
                )
            }
            15 => {
                let known = std::mem::take(&mut self.variables);
                let body = self.piece(depth.saturating_sub(1));
                self.variables = known;
                let argument = self.any(1);
                format!(
                    "{{{{ define \"d\" }}}}<{body}>{{{{ end }}}}{{{{ template \"d\" {argument} }}}}"
                )
            }
            16 if !self.variables.is_empty() => {
                let index = self.random.random_range(0..self.variables.len());
                let name = self.variables[index].clone();
                format!("{open}{name} = {}{close}{{{{ {name} }}}}", self.pipeline(1))
            }
            _ => format!("{open}{}{close}", self.value(2)),
        }
    }

    fn block(&mut self, depth: u32) -> String {
        let known = self.variables.len();
        let body = self.piece(depth.saturating_sub(1));
        self.variables.truncate(known);
        body
    }

    /// A value, perhaps passed on through functions.
    fn pipeline(&mut self, depth: u32) -> String {
        let mut text = if self.one_in(4) {
            self.any(depth)
        } else {
            self.call(depth)
        };
        while self.one_in(3) {
            let name = self.function();
            let parameters = self
                .functions
                .get(name)
                .map_or(0, |function| function.parameters().len());
            if parameters > 0 && !CLOCK.contains(&name) {
                let arguments = self.arguments(name, depth, parameters - 1);
                text = format!("{text} | {name}{arguments}");
            }
        }
        text
    }

    fn function(&mut self) -> &'static str {
        let name = self.names[self.random.random_range(0..self.names.len())];
        self.used.insert(name);
        name
    }

    fn call(&mut self, depth: u32) -> String {
        if self.one_in(12) {
            return self.value(depth);
        }
        let name = self.function();
        let parameters = self
            .functions
            .get(name)
            .map_or(0, |function| function.parameters().len());
        format!("{name}{}", self.arguments(name, depth, parameters))
    }

    /// The first `count` arguments, and some more where any number may follow.
    fn arguments(&mut self, name: &str, depth: u32, count: usize) -> String {
        let Some(function) = self.functions.get(name) else {
            return String::new();
        };
        let parameters = function.parameters();
        let mut count = count;
        if function.is_variadic() {
            count = count.saturating_sub(1) + self.random.random_range(0..4);
        }
        if self.one_in(40) {
            count = if self.one_in(2) {
                count + 1
            } else {
                count.saturating_sub(1)
            };
        }
        let was_writing = self.writing;
        self.writing |= WRITERS.contains(&name);
        let mut text = String::new();
        for index in 0..count {
            let type_ = parameters
                .get(index)
                .or_else(|| parameters.last())
                .copied()
                .unwrap_or(Type::Any);
            text.push(' ');
            let argument = self.argument(name, index, type_, depth);
            text.push_str(&argument);
        }
        self.writing = was_writing;
        text
    }

    fn argument(&mut self, name: &str, index: usize, type_: Type, depth: u32) -> String {
        if CLOCK.contains(&name) && type_ == Type::Any {
            return match self.random.random_range(0..4) {
                0 => "1700000000".to_owned(),
                1 => "(int64 86399)".to_owned(),
                2 if name == "durationRound" => self.pick_owned(pools::DURATIONS),
                _ if name == "durationRound" => "7261000000000".to_owned(),
                _ => self.time(),
            };
        }
        if self.one_in(40) {
            return self.any(depth);
        }
        if !self.one_in(8)
            && let Some(pool) = pool_for(name, index)
        {
            return self.pick_owned(pool);
        }
        if name == "urlJoin" {
            return format!("(urlParse {})", self.pick(pools::URLS));
        }
        if matches!(name, "dict" | "set") && index.is_multiple_of(2) && type_ == Type::Any {
            return self.pick_owned(&[r#""a""#, r#""b""#, r#""k y""#, r#""""#, "1"]);
        }
        match type_ {
            Type::String => self.string(depth),
            Type::Int(_) | Type::Uint(_) => self.int(depth),
            Type::Float64 => self.pick_owned(pools::FLOATS),
            Type::Bool => self.pick_owned(&["true", "false", "(eq 1 1)", "(empty .user)"]),
            Type::Slice(_) => self.list(depth),
            Type::Map(_) => self.map(depth),
            Type::Named(named) if named.name == "time.Time" => self.time(),
            _ if wants_list(name) => self.list(depth),
            _ if wants_number(name) && !self.one_in(4) => {
                let pool = if self.one_in(2) {
                    pools::INTS
                } else {
                    pools::FLOATS
                };
                self.pick_owned(pool)
            }
            _ => self.any(depth),
        }
    }

    fn any(&mut self, depth: u32) -> String {
        match self.random.random_range(0..16) {
            0..=3 => self.string(depth),
            4 | 5 => self.int(depth),
            6 => self.pick_owned(pools::FLOATS),
            7 => self.pick_owned(&["true", "false", "nil", "1+2i", "(int64 3)", "(float64 2)"]),
            8 | 9 => self.list(depth),
            10 => self.map(depth),
            11 => self.time(),
            12 if !self.writing => {
                self.pick_owned(&[".", "$", ".missing", "$.n", ".user.x", ".a", ".a.b"])
            }
            13 if !self.writing && !self.variables.is_empty() => {
                let index = self.random.random_range(0..self.variables.len());
                self.variables[index].clone()
            }
            14 => format!("(semver {})", self.pick(pools::VERSIONS)),
            _ => self.value(depth),
        }
    }

    /// Something in parentheses, or a field of it.
    fn value(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.pick_owned(pools::STRINGS);
        }
        let inner = self.call(depth - 1);
        let field = if self.one_in(10) {
            self.pick_owned(&[
                ".a",
                ".b",
                ".Year",
                ".Major",
                ".Cert",
                ".String",
                ".Unix",
                ".Month",
                ".host",
                ".a.b",
                ".Original",
                ".Prerelease",
                ".Weekday",
                ".YearDay",
                ".UTC",
            ])
        } else {
            String::new()
        };
        format!("({inner}){field}")
    }

    fn string(&mut self, depth: u32) -> String {
        match self.random.random_range(0..10) {
            0 | 1 => self.pick_owned(&[
                ".user",
                ".pass",
                ".uni",
                ".multi",
                ".n",
                ".empty",
                r#"(index . "my-key")"#,
            ]),
            2 if depth > 0 => self.value(depth - 1),
            _ => self.pick_owned(pools::STRINGS),
        }
    }

    fn int(&mut self, depth: u32) -> String {
        match self.random.random_range(0..8) {
            0 if depth > 0 => format!("(int {})", self.any(depth - 1)),
            1 if depth > 0 => format!("(len {})", self.any(depth - 1)),
            _ => self.pick_owned(pools::INTS),
        }
    }

    fn list(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(3) {
            return self.pick_owned(&[
                "(list)",
                "(list 1 2 3)",
                r#"(list "b" "a" "c" "a")"#,
                r#"(list 1 "1" 1.0 nil true)"#,
                r#"(splitList "," "c,b,a,b")"#,
                "(until 4)",
                "(rest (list))",
                "(list (list 1) (dict \"a\" 1))",
                r#"(fromJson "[3,1,2,{}]")"#,
                "(chunk 2 (list 1 2 3))",
                "nil",
            ]);
        }
        let items: Vec<String> = (0..self.random.random_range(0..4))
            .map(|_| self.any(depth - 1))
            .collect();
        let items = items.join(" ");
        format!("(list {items})").replace("(list )", "(list)")
    }

    fn map(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(2) {
            return self.pick_owned(&[
                "(dict)",
                r#"(dict "a" 1)"#,
                r#"(dict "a" 1 "b" "x")"#,
                r#"(dict "a" (dict "b" 2 "c" ""))"#,
                r#"(dict "a" (list 1 2) "k y" nil)"#,
                r#"(fromJson "{\"a\":{\"b\":1},\"z\":null}")"#,
                r#"(dict "a" nil "b" false "c" 0)"#,
            ]);
        }
        format!(
            "(dict \"a\" {} \"b\" {})",
            self.any(depth - 1),
            self.any(depth - 1)
        )
    }

    fn time(&mut self) -> String {
        self.pick_owned(&[
            r#"(toDate "2006-01-02" "2024-02-29")"#,
            r#"(toDate "2006-01-02T15:04:05.999Z07:00" "2021-12-31T23:59:59.123456789+05:30")"#,
            r#"(toDate "2006-01-02 MST" "1999-07-04 CEST")"#,
            r#"(dateModify "-36h" (toDate "2006" "2000"))"#,
            r#"((toDate "2006-01-02" "2023-01-31").AddDate 0 1 0)"#,
            r#"(toDate "x" "")"#,
        ])
    }

    fn iterable(&mut self) -> String {
        match self.random.random_range(0..6) {
            0 => self.map(1),
            1 => self.pick_owned(&[
                "3",
                "0",
                ".",
                "(until 2)",
                r#"(split "," "a,b")"#,
                "(int64 2)",
                "-1",
                ".user",
            ]),
            2 => self.value(2),
            _ => self.list(1),
        }
    }
}
