//! The flags of the Go library klog: existing command lines have them, and nothing here logs.

use std::num::IntErrorKind;

use sealed_pflag::Flag;

/// All of them.
pub(super) fn logging_flags() -> [Flag; 15] {
    const INERT: &str = "Accepted for compatibility, without effect";
    [
        Flag::bool("add_dir_header", false, INERT),
        Flag::bool("alsologtostderr", false, INERT),
        Flag::checked("alsologtostderrthreshold", "0", check_severity, INERT).type_word("severity"),
        Flag::bool("legacy_stderr_threshold_behavior", true, INERT),
        Flag::checked("log_backtrace_at", ":0", check_location, INERT).type_word("traceLocation"),
        Flag::text("log_dir", "", INERT),
        Flag::text("log_file", "", INERT),
        Flag::checked("log_file_max_size", "1800", check_size, INERT).type_word("uint"),
        Flag::bool("logtostderr", true, INERT),
        Flag::bool("one_output", false, INERT),
        Flag::bool("skip_headers", false, INERT),
        Flag::bool("skip_log_headers", false, INERT),
        Flag::checked("stderrthreshold", "2", check_severity, INERT).type_word("severity"),
        Flag::checked("v", "0", check_level, INERT)
            .type_word("Level")
            .short('v'),
        Flag::checked("vmodule", "", check_modules, INERT).type_word("moduleSpec"),
    ]
    .map(Flag::without_env)
}

fn check_level(text: &str) -> Result<(), String> {
    text.parse::<i32>().map(drop).map_err(|_| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let cause = if number {
            "value out of range"
        } else {
            "invalid syntax"
        };
        format!(
            "strconv.ParseInt: parsing {}: {cause}",
            sealed_pflag::quote(text)
        )
    })
}

fn check_severity(text: &str) -> Result<(), String> {
    let upper = text.to_ascii_uppercase();
    if ["INFO", "WARNING", "ERROR", "FATAL"].contains(&upper.as_str()) {
        Ok(())
    } else {
        check_level(text)
    }
}

/// The words of Go's own package for flags, which klog's numbers go through.
fn check_size(text: &str) -> Result<(), String> {
    let digits = text
        .strip_prefix("0x")
        .map(|hex| u64::from_str_radix(hex, 16));
    match digits.unwrap_or_else(|| text.parse::<u64>()) {
        Ok(_) => Ok(()),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err("value out of range".to_owned())
        }
        Err(_) => Err("parse error".to_owned()),
    }
}

/// `file.go:234`; the default, which nobody can type, is no place.
fn check_location(text: &str) -> Result<(), String> {
    let is_place = text.split_once(':').is_some_and(|(file, line)| {
        !file.is_empty() && line.parse::<u32>().is_ok_and(|line| line > 0)
    });
    if text.is_empty() || is_place {
        return Ok(());
    }
    Err("syntax error: expect file.go:234".to_owned())
}

fn check_modules(text: &str) -> Result<(), String> {
    let fits = |module: &str| {
        module.is_empty()
            || module
                .split_once('=')
                .is_some_and(|(_, n)| n.parse::<i32>().is_ok())
    };
    if text.split(',').all(fits) {
        return Ok(());
    }
    Err("syntax error: expect comma-separated list of filename=N".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::args::table;
    use crate::name::Name;

    #[test]
    fn logging_flags_check_their_values_as_klog_does() {
        let refusal = |arguments: &[&str]| {
            table(Name::Kubeseal)
                .parse([], arguments.iter().map(|a| (*a).to_owned()))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refusal(&["-vvv"]),
            r#"invalid argument "vv" for "-v, --v" flag: strconv.ParseInt: parsing "vv": invalid syntax"#
        );
        assert!(refusal(&["-v=99999999999"]).ends_with("value out of range"));
        assert!(refusal(&["--stderrthreshold=LOUD"]).contains("ParseInt"));
        assert!(refusal(&["--log_backtrace_at=x"]).ends_with("expect file.go:234"));
        assert!(refusal(&["--log_backtrace_at=:0"]).ends_with("expect file.go:234"));
        assert!(refusal(&["--log_file_max_size=-1"]).ends_with("flag: parse error"));
        assert!(refusal(&["--vmodule=x"]).ends_with("filename=N"));
        let accepted = [
            "-v",
            "4",
            "--stderrthreshold=error",
            "--log_backtrace_at=a.go:7",
            "--vmodule=a=1,b=2",
        ];
        assert!(
            table(Name::Kubeseal)
                .parse([], accepted.map(str::to_owned))
                .is_ok()
        );
    }
}
