//! The cases that need no Sprig, against what Go made of them. `conformance/README.md` says what a case is.

#[path = "../conformance/cases.rs"]
mod cases;

use std::collections::BTreeMap;

use cases::{Case, Expected};
use sealed_template::{Functions, Still};

/// Error texts that differ from Go's: the case, the text, the reason.
const OTHER_TEXTS: &[(&str, &str, &str)] = &[(
    "limits_001",
    r#"template: t:1:28: executing "r" at <{{template "r" .}}>: exceeded maximum template depth (5000)"#,
    "the bound is lower than Go's 100000",
)];

/// The output, or the phase and the text of the failure.
fn outcome(case: &Case, functions: &Functions) -> Expected {
    match case.render(functions, &Still) {
        Ok(rendered) => {
            assert!(rendered.is_deterministic, "{}", case.template);
            Expected::Output(rendered.output.into_vec())
        }
        Err(failure) => failure,
    }
}

fn expected(case: &Case) -> Expected {
    let other = OTHER_TEXTS.iter().find(|(id, _, _)| *id == case.id);
    match (&case.expected, other) {
        (Expected::ExecError(_), Some((_, text, _))) => Expected::ExecError((*text).to_owned()),
        (expected, _) => expected.clone(),
    }
}

#[test]
fn every_case_renders_as_in_go() {
    let functions = Functions::builtin();
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    let cases = cases::all();
    for case in cases.iter().filter(|case| case.is_for_builtins_only) {
        let (total, good) = counts.entry(&case.group).or_insert((0, 0));
        *total += 1;
        let (outcome, expected) = (outcome(case, &functions), expected(case));
        if outcome == expected {
            *good += 1;
        } else {
            failures.push(format!(
                "{} {:?}\n  expected {expected:?}\n  got      {outcome:?}\n",
                case.id, case.template
            ));
        }
    }
    for (group, (total, good)) in &counts {
        println!("{good:>4} of {total:<4} {group}");
    }
    assert!(!counts.is_empty());
    assert!(
        failures.is_empty(),
        "{} differ\n{}",
        failures.len(),
        failures.concat()
    );
}
