//! Changing texts: whatever the text and the change, the result says what was intended or there is none. The
//! first four bytes choose the change, the rest is the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealed_manifest::edit::Target;
use sealed_manifest::{Document, Documents};
use serde_json::Value;

const VALUES: [&str; 6] = [
    "AgB1=",
    "yes",
    "a: b",
    "one\ntwo\n",
    "\n",
    "it's {\"x\"}, # y",
];

fuzz_target!(|data: &[u8]| {
    let [action, number, pick, value, text @ ..] = data else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let value = VALUES[usize::from(*value) % VALUES.len()];
    let number = usize::from(number % 3) + 1;
    let Some(before) = document(text, number) else {
        return;
    };
    let mut paths = Vec::new();
    collect(&before, &mut Vec::new(), &mut paths);
    let mut path = paths[usize::from(*pick) % paths.len()].clone();
    if action % 4 == 0 {
        path.push("new".to_owned());
    }
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    let target = Target::new(text, "fuzz", number);
    let edited = match action % 4 {
        0 | 1 => target.set(&steps, value),
        2 => target.replace(&steps, value),
        _ => target.remove(&steps),
    };
    let Ok(edited) = edited else { return };
    let after = document(&edited, number).unwrap_or_default();
    let wanted = (action % 4 < 3).then(|| Value::from(value));
    assert_eq!(
        at(&after, &steps),
        wanted.as_ref(),
        "{text:?} -> {edited:?}"
    );
});

fn document(text: &str, number: usize) -> Option<Value> {
    let mut documents = Documents::new(text.as_bytes(), "fuzz").flatten();
    documents
        .find(|found| found.index() == number)
        .map(Document::into_value)
}

fn collect(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    paths.push(path.clone());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.push(step);
        collect(child, path, paths);
        path.pop();
    }
}

fn at<'v>(value: &'v Value, steps: &[&str]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(*step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}
