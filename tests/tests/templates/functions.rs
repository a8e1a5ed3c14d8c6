//! What the generator knows of single functions, beyond their signatures.

use super::pools;

/// Functions whose results nothing determines, or that are slow: they appear only in [`WRAPPED`].
pub(crate) const UNSTABLE: &[&str] = &[
    "ago",
    "bcrypt",
    "derivePassword",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
];

/// What is the same of them each time.
pub(crate) const WRAPPED: &[(&str, &[&str])] = &[
    (
        r#"{{ date "2006" "x" | len }}{{ htmlDate nil | len }}{{ durationRound now }}"#,
        &[],
    ),
    (
        r#"{{ keys (dict "b" 1 "a" 2) | sortAlpha }}{{ values (dict "a" 1) }}"#,
        &["keys", "values"],
    ),
    (
        "{{ randAlphaNum 12 | len }}{{ randAlpha 3 | len }}{{ randNumeric 0 | len }}{{ randAscii 7 | len }}",
        &["randAlphaNum", "randAlpha", "randNumeric", "randAscii"],
    ),
    (
        "{{ randBytes 16 | b64dec | len }}{{ randInt 3 4 }}",
        &["randBytes", "randInt"],
    ),
    ("{{ randInt 4 3 }}", &[]),
    ("{{ randAlphaNum -1 }}", &[]),
    (
        r#"{{ regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4 }}"#,
        &["uuidv4"],
    ),
    (r#"{{ shuffle "aaaa" }}"#, &["shuffle"]),
    (
        r#"{{ bcrypt "pw" | trunc 7 }}{{ htpasswd "u" "pw" | trunc 9 }}{{ htpasswd "a:b" "pw" }}"#,
        &["bcrypt", "htpasswd"],
    ),
    (r#"{{ bcrypt (repeat 73 "x") }}"#, &[]),
    (
        r#"{{ encryptAES "k" "text" | decryptAES "k" }}"#,
        &["encryptAES", "decryptAES"],
    ),
    (
        r#"{{ decryptAES "k" "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=" }}"#,
        &[],
    ),
    (r#"{{ decryptAES "k" "AAAA" }}"#, &[]),
    (
        r#"{{ derivePassword 1 "long" "password" "user" "example.com" }}"#,
        &["derivePassword"],
    ),
    (
        r#"{{ derivePassword 1 "none" "password" "user" "example.com" }}"#,
        &[],
    ),
    (
        r#"{{ genPrivateKey "ecdsa" | splitList "\n" | first }}{{ genPrivateKey "ed25519" | splitList "\n" | first }}"#,
        &["genPrivateKey"],
    ),
    (r#"{{ genPrivateKey "what" }}"#, &[]),
    (
        r#"{{ $k := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "ca" 10 $k }}{{ $ca.Cert | splitList "\n" | first }}{{ $ca.Key | splitList "\n" | first }}"#,
        &["genCAWithKey"],
    ),
    (
        r#"{{ $k := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "ca" 10 $k }}{{ $c := genSignedCertWithKey "x" (list "10.0.0.1") (list "a.b") 5 $ca $k }}{{ eq $c.Key $ca.Key }}"#,
        &["genSignedCertWithKey"],
    ),
    (
        r#"{{ $k := genPrivateKey "ed25519" }}{{ (genSelfSignedCertWithKey "x" nil (list "a.b" "c") 5 $k).Cert | hasPrefix "-----BEGIN CERT" }}"#,
        &["genSelfSignedCertWithKey"],
    ),
    (
        r#"{{ $k := genPrivateKey "ecdsa" }}{{ genSelfSignedCertWithKey "x" (list "1.2") nil 5 $k }}"#,
        &[],
    ),
    (
        r#"{{ $k := genPrivateKey "ecdsa" }}{{ genSelfSignedCertWithKey "x" (list 1) nil 5 $k }}"#,
        &[],
    ),
    (r#"{{ genCAWithKey "x" 1 "no key" }}"#, &[]),
    (r#"{{ buildCustomCert "" "" }}"#, &[]),
    (r#"{{ buildCustomCert "!" "x" }}"#, &[]),
    (
        r#"{{ now.Year | lt 2020 }}{{ now | date "2006" | len }}{{ ago (toDate "2006" "2006") | hasSuffix "s" }}"#,
        &["now", "ago"],
    ),
    (r#"{{ (genCA "ca" 3).Cert | trunc 27 }}"#, &["genCA"]),
    (
        r#"{{ $ca := genCA "ca" 3 }}{{ (genSignedCert "x" nil nil 1 $ca).Key | trunc 20 }}"#,
        &["genSignedCert"],
    ),
    (
        r#"{{ (genSelfSignedCert "x" nil nil 1).Key | trunc 20 }}"#,
        &["genSelfSignedCert"],
    ),
];

/// Functions that take the time of day for what is no time: they are given times, but for [`WRAPPED`].
pub(crate) const CLOCK: &[&str] = &[
    "date",
    "dateInZone",
    "date_in_zone",
    "durationRound",
    "htmlDate",
    "htmlDateInZone",
];

/// Functions that write to an argument: given itself, a map would contain itself, which ends the real engine.
pub(crate) const WRITERS: &[&str] = &[
    "merge",
    "mergeOverwrite",
    "mustMerge",
    "mustMergeOverwrite",
    "set",
    "dict",
    "list",
    "tuple",
];

/// Functions whose result is in random order there.
pub(crate) const UNORDERED: &[&str] = &["keys", "values"];

/// Texts that make sense as the argument at `index` of the function.
pub(crate) fn pool_for(name: &str, index: usize) -> Option<&'static [&'static str]> {
    let lower = name.strip_prefix("must").unwrap_or(name);
    Some(match (lower, index) {
        ("date" | "dateInZone" | "date_in_zone" | "toDate" | "ToDate", 0) => pools::LAYOUTS,
        ("toDate" | "ToDate", 1) => pools::DATES,
        ("dateInZone" | "date_in_zone", 2) | ("htmlDateInZone", 1) => pools::ZONES,
        (
            "dateModify" | "date_modify" | "DateModify" | "_date_modify" | "duration"
            | "durationRound",
            0,
        ) => pools::DURATIONS,
        (
            "regexMatch"
            | "RegexMatch"
            | "regexFind"
            | "RegexFind"
            | "regexFindAll"
            | "RegexFindAll"
            | "regexReplaceAll"
            | "RegexReplaceAll"
            | "regexReplaceAllLiteral"
            | "RegexReplaceAllLiteral"
            | "regexSplit"
            | "RegexSplit"
            | "regexQuoteMeta",
            0,
        ) => pools::PATTERNS,
        (
            "regexReplaceAll"
            | "RegexReplaceAll"
            | "regexReplaceAllLiteral"
            | "RegexReplaceAllLiteral",
            2,
        ) => pools::REPLACEMENTS,
        ("semver", 0) | ("semverCompare", 1) => pools::VERSIONS,
        ("semverCompare", 0) => pools::CONSTRAINTS,
        ("urlParse", 0) => pools::URLS,
        ("fromJson" | "FromJson", 0) => pools::JSONS,
        ("b64dec" | "b32dec", 0) | ("decryptAES", 1) => pools::BASE64S,
        ("printf", 0) => pools::FORMATS,
        (
            "base" | "dir" | "clean" | "ext" | "isAbs" | "osBase" | "osDir" | "osClean" | "osExt"
            | "osIsAbs",
            0,
        ) => pools::PATHS,
        ("typeIs" | "typeIsLike" | "kindIs", 0) => pools::TYPES,
        _ => return None,
    })
}

/// Whether an argument of any type should be a list.
pub(crate) fn wants_list(name: &str) -> bool {
    let lower = name
        .strip_prefix("must")
        .unwrap_or(name)
        .to_ascii_lowercase();
    [
        "first",
        "rest",
        "last",
        "initial",
        "reverse",
        "uniq",
        "compact",
        "sortalpha",
        "tostrings",
        "concat",
        "chunk",
        "slice",
        "append",
        "push",
        "prepend",
        "without",
        "has",
    ]
    .contains(&lower.as_str())
}

/// Whether an argument of any type should be a number.
pub(crate) fn wants_number(name: &str) -> bool {
    [
        "add",
        "add1",
        "sub",
        "div",
        "mod",
        "mul",
        "addf",
        "add1f",
        "subf",
        "divf",
        "mulf",
        "max",
        "min",
        "biggest",
        "maxf",
        "minf",
        "ceil",
        "floor",
        "round",
        "int",
        "int64",
        "float64",
        "toDecimal",
    ]
    .contains(&name)
}
