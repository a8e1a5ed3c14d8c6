//! All cases of the table, against what Go and Sprig made of them.
//!
//! Output must be the same to the byte, and failures must come in the same phase with the same text, except
//! for the texts that `conformance_differences.txt` lists with reasons.

#[expect(dead_code, reason = "the engine's own test reads more of a case")]
#[path = "../../template/conformance/cases.rs"]
mod cases;

use std::collections::BTreeMap;

use cases::Expected;
use regex_automata::meta::Regex;
use sealed_sprig::System;

/// The cases whose error text may differ, by id, with the reasons.
fn allowed_differences() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("conformance_differences.txt").lines();
    let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &'static str| line.split_once(' ').expect("an id and a reason");
    entries.map(split).collect()
}

enum Verdict {
    Same,
    /// It fails as it must, but says so in other words.
    OtherWords,
    Different,
}

fn judge(expected: &Expected, outcome: &Expected) -> Verdict {
    let (is_same, is_failure) = match (expected, outcome) {
        (Expected::Matching(pattern), Expected::Output(output)) => {
            let regex = Regex::new(pattern).expect("a regular expression");
            (regex.is_match(output), false)
        }
        (Expected::ParseError(expected), Expected::ParseError(message))
        | (Expected::ExecError(expected), Expected::ExecError(message)) => {
            (expected == message, true)
        }
        _ => (expected == outcome, false),
    };
    match (is_same, is_failure) {
        (true, _) => Verdict::Same,
        (false, true) => Verdict::OtherWords,
        (false, false) => Verdict::Different,
    }
}

#[test]
fn every_case_renders_as_go_and_sprig_render_it() {
    let functions = sealed_sprig::functions();
    let mut allowed = allowed_differences();
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    let cases = cases::all();
    for case in &cases {
        let (good, total) = counts.entry(&case.group).or_insert((0, 0));
        *total += 1;
        let outcome = match case.render(&functions, &System::new()) {
            Ok(rendered) => Expected::Output(rendered.output.into_vec()),
            Err(failure) => failure,
        };
        let is_good = match judge(&case.expected, &outcome) {
            Verdict::Same => true,
            Verdict::OtherWords => allowed.remove(&*case.id).is_some(),
            Verdict::Different => false,
        };
        if is_good {
            *good += 1;
        } else {
            failures.push(format!(
                "{} {:?}\n  expected {:?}\n  got      {outcome:?}\n",
                case.id, case.template, case.expected
            ));
        }
    }
    for (group, (good, total)) in &counts {
        println!("{good:>4} of {total:<4} {group}");
    }
    println!(
        "{:>4} of {:<4} in all",
        cases.len() - failures.len(),
        cases.len()
    );
    assert!(
        failures.is_empty(),
        "{} cases differ\n{}",
        failures.len(),
        failures.concat()
    );
    assert!(
        allowed.is_empty(),
        "differences that are allowed but gone: {allowed:?}"
    );
}
