use super::*;

fn table() -> Table {
    fn colour(text: &str) -> Result<(), String> {
        match text {
            "red" | "blue" => Ok(()),
            _ => Err("must be one of: red, blue".to_owned()),
        }
    }
    Table::new([
        Flag::bool("all", false, "").short('a'),
        Flag::bool("better", true, "").short('b'),
        Flag::bool("worse", true, "")
            .alias_of("better")
            .deprecated("please use --better instead"),
        Flag::checked("colour", "red", colour, "").short('c'),
        Flag::duration("every", GoDuration::from_nanos(0), ""),
        Flag::float32("factor", 1.5, ""),
        Flag::int("group-size", 3, "").short('g'),
        Flag::string_array("item", ""),
        Flag::strings("list", "").short('l'),
        Flag::text("name", "", "").short('n'),
        Flag::text("secret-level", "x", "").without_env(),
        Flag::uint("units", 1, ""),
    ])
    .env_prefix("T_")
}

fn parse(arguments: &[&str]) -> Result<Matches, Rejected> {
    parse_with(&[], arguments)
}

fn parse_with(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Matches, Rejected> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    table().parse(environment, arguments.iter().map(|a| (*a).to_owned()))
}

fn refusal(arguments: &[&str]) -> String {
    parse(arguments).unwrap_err().to_string()
}

#[test]
fn long_values_follow_a_blank_or_an_equals_sign() {
    assert_eq!(parse(&["--name", "x"]).unwrap().text("name"), "x");
    assert_eq!(parse(&["--name=x=y"]).unwrap().text("name"), "x=y");
    assert_eq!(parse(&["--name="]).unwrap().text("name"), "");
    assert_eq!(parse(&["--name", "--all"]).unwrap().text("name"), "--all");
    assert_eq!(parse(&["--name", "--"]).unwrap().text("name"), "--");
}

#[test]
fn short_values_follow_a_blank_an_equals_sign_or_the_letter() {
    for arguments in [
        &["-n", "x"][..],
        &["-nx"],
        &["-n=x"],
        &["-abn", "x"],
        &["-abnx"],
    ] {
        assert_eq!(parse(arguments).unwrap().text("name"), "x", "{arguments:?}");
    }
    assert_eq!(parse(&["-n=", "x"]).unwrap().text("name"), "");
}

#[test]
fn switches_take_a_value_only_after_an_equals_sign() {
    let matches = parse(&["--better", "false"]).unwrap();
    assert!(matches.bool("better"));
    assert_eq!(matches.positionals(), ["false"]);
    assert!(!parse(&["--better=F"]).unwrap().bool("better"));
    assert!(!parse(&["-ab=0"]).unwrap().bool("better"));
    assert!(!parse(&["-b=false"]).unwrap().bool("better"));
}

#[test]
fn bundles_end_at_the_first_letter_that_takes_a_value() {
    let matches = parse(&["-anab"]).unwrap();
    assert!(matches.bool("all"));
    assert_eq!(matches.text("name"), "ab");
}

#[test]
fn positionals_stand_anywhere_and_two_dashes_end_the_flags() {
    let matches = parse(&["one", "-", "--all", "", "--", "--name", "x"]).unwrap();
    assert_eq!(matches.positionals(), ["one", "-", "", "--name", "x"]);
    assert!(matches.bool("all"));
}

#[test]
fn the_last_occurrence_wins_and_lists_add_up() {
    let arguments = [
        "-n",
        "a",
        "--name=b",
        "-l",
        "a,\"b,c\"",
        "--list",
        "",
        "--list=d",
        "--item",
        "a,b",
        "--item=",
    ];
    let matches = parse(&arguments).unwrap();
    assert_eq!(matches.text("name"), "b");
    assert_eq!(matches.list("list"), ["a", "b,c", "d"]);
    assert_eq!(matches.list("item"), ["a,b", ""]);
}

#[test]
fn refusals_read_as_in_go() {
    for (arguments, message) in [
        (&["--foo=secret"][..], "unknown flag: --foo"),
        (&["--nam", "x"], "unknown flag: --nam"),
        (&["-x"], "unknown shorthand flag: 'x' in -x"),
        (&["-axb"], "unknown shorthand flag: 'x' in -xb"),
        (&["-test.run"], "unknown shorthand flag: 't' in -test.run"),
        (&["-é"], "unknown shorthand flag: 'Ã' in -é"),
        (&["--name"], "flag needs an argument: --name"),
        (&["-an"], "flag needs an argument: 'n' in -n"),
        (&["---x"], "bad flag syntax: ---x"),
        (&["--=x"], "bad flag syntax: --=x"),
        (
            &["-c", "green"],
            r#"invalid argument "green" for "-c, --colour" flag: must be one of: red, blue"#,
        ),
        (
            &["--all=maybe"],
            r#"invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
        ),
        (
            &["-g", "vv"],
            r#"invalid argument "vv" for "-g, --group-size" flag: strconv.ParseInt: parsing "vv": invalid syntax"#,
        ),
        (
            &["--units=-1"],
            r#"invalid argument "-1" for "--units" flag: strconv.ParseUint: parsing "-1": invalid syntax"#,
        ),
        (
            &["--factor=a\n"],
            r#"invalid argument "a\n" for "--factor" flag: strconv.ParseFloat: parsing "a\n": invalid syntax"#,
        ),
        (
            &["--every", "30d"],
            r#"invalid argument "30d" for "--every" flag: time: unknown unit "d" in duration "30d""#,
        ),
        (
            &["-l", "a\"b"],
            r#"invalid argument "a\"b" for "-l, --list" flag: parse error on line 1, column 2: bare " in non-quoted-field"#,
        ),
    ] {
        assert_eq!(refusal(arguments), message, "{arguments:?}");
    }
}

#[test]
fn undeclared_help_is_asked_for_before_the_rest_is_read() {
    assert_eq!(
        parse(&["--all", "-h", "--foo"]).unwrap_err().error,
        ParseError::Help
    );
    assert_eq!(parse(&["-ah"]).unwrap_err().error, ParseError::Help);
    assert_eq!(parse(&["--help"]).unwrap_err().error, ParseError::Help);
}

#[test]
fn the_command_line_beats_the_environment_and_the_source_tells() {
    let environment = [
        ("T_NAME", "e"),
        ("T_GROUP_SIZE", "0x10"),
        ("T_LIST", "a,b"),
        ("T_SECRET_LEVEL", "e"),
    ];
    let matches = parse_with(&environment, &["--name", "c", "--list", "d"]).unwrap();
    assert_eq!(
        (matches.text("name"), matches.source("name")),
        ("c", Source::CommandLine)
    );
    assert_eq!(
        (matches.int("group-size"), matches.source("group-size")),
        (16, Source::Environment)
    );
    assert_eq!(
        (matches.uint("units"), matches.source("units")),
        (1, Source::Default)
    );
    assert_eq!(matches.list("list"), ["d"]);
    assert_eq!(matches.text("secret-level"), "x");
    assert!(!matches.is_set("secret-level"));
}

#[test]
fn an_empty_variable_counts_as_set() {
    let matches = parse_with(&[("T_NAME", "")], &[]).unwrap();
    assert_eq!(
        (matches.text("name"), matches.source("name")),
        ("", Source::Environment)
    );
}

#[test]
fn unparsable_variables_are_reported_unless_the_command_line_decides() {
    let environment = [("T_ALL", "yes"), ("T_COLOUR", "green")];
    let matches = parse_with(&environment, &["--colour=blue"]).unwrap();
    let faults: Vec<_> = matches
        .environment_faults()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        faults,
        [
            r#"invalid value "yes" of environment variable T_ALL: strconv.ParseBool: parsing "yes": invalid syntax"#
        ]
    );
    assert!(!matches.bool("all"));
}

#[test]
fn aliases_share_the_value_and_deprecation_is_noticed_on_the_command_line_only() {
    let matches = parse(&["--better", "--worse=false"]).unwrap();
    assert!(!matches.bool("better"));
    assert_eq!(
        matches.notices(),
        ["Flag --worse has been deprecated, please use --better instead"]
    );
    let matches = parse_with(&[("T_BETTER", "true"), ("T_WORSE", "false")], &[]).unwrap();
    assert!(!matches.bool("better"));
    assert!(matches.notices().is_empty());
    assert_eq!(parse(&["--worse", "--nope"]).unwrap_err().notices.len(), 1);
}
