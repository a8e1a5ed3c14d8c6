//! Replays what Go's own packages answered: `testdata/go_literals.jsonl`, one call a line, recorded with Go 1.26.

use serde_json::Value;

use crate::duration::GoDuration;
use crate::{csv, literal};

/// The recorded form of what our function answered.
fn answer(kind: &str, input: &str) -> Result<Value, String> {
    Ok(match kind {
        "bool" => literal::parse_bool(input)?.to_string().into(),
        "csv" => csv::record(input)?.into(),
        "duration" => {
            let duration: GoDuration = input.parse().map_err(|error| format!("{error}"))?;
            serde_json::json!({"nanos": duration.as_nanos().to_string(), "text": duration.to_string()})
        }
        "float32" => go_float(literal::parse_float32(input)?).into(),
        "int" => literal::parse_int(input)?.to_string().into(),
        "quote" => literal::quote(input).into(),
        "uint" => literal::parse_uint(input)?.to_string().into(),
        _ => panic!("unknown kind {kind}"),
    })
}

/// As Go formats it, for the recorded values.
fn go_float(value: f32) -> String {
    if value.is_infinite() {
        return if value < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    if value >= 1e7 {
        format!("{value:e}").replace('e', "e+0")
    } else {
        value.to_string()
    }
}

#[test]
fn literals_are_read_and_written_as_go_does() {
    let recorded = include_str!("../testdata/go_literals.jsonl");
    let mut differences = Vec::new();
    for line in recorded.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (kind, input) = (
            record["kind"].as_str().unwrap(),
            record["input"].as_str().unwrap(),
        );
        let want = match record["error"].as_str().unwrap() {
            "" => Ok(record["value"].clone()),
            error => Err(error.to_owned()),
        };
        let got = answer(kind, input);
        if got != want {
            differences.push(format!("{kind} {input:?}: got {got:?}, Go says {want:?}"));
        }
    }
    assert!(recorded.lines().count() > 200, "the recording is complete");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
