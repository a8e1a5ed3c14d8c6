//! Texts to choose arguments from: at random no regular expression, date or version would ever come about.

/// Strings for any purpose, as Go writes them.
pub(crate) const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""hello world""#,
    r#""Hello World Foo""#,
    r#""fooBar_baz-Qux""#,
    r#""a,b,c""#,
    r#""1""#,
    r#""42""#,
    r#""-7""#,
    r#""3.14""#,
    r#""0x1f""#,
    r#""010""#,
    r#""1e3""#,
    r#""true""#,
    r#"" padded ""#,
    r#""héllo→世界""#,
    r#""ß İ ŉ ǆ""#,
    r#""<a href='x'>&\"</a>""#,
    r#""line1\nline2\n""#,
    r#""\xff\xfe""#,
    r#""\x00\t\r""#,
    r#""{{ x }}""#,
    r#""%s %d""#,
    r#""p@ss:w/rd""#,
    "`raw \\n`",
    r#""aaaa bbbb cccc dddd""#,
    r#""😀 ok""#,
    r#""ABC""#,
];

/// Small whole numbers.
pub(crate) const INTS: &[&str] = &[
    "0", "1", "2", "3", "5", "7", "10", "-1", "-3", "16", "'a'", "0x10", "017", "0b11", "1_000",
];

/// Numbers with a fraction or an exponent.
pub(crate) const FLOATS: &[&str] = &[
    "0.0",
    "1.5",
    "-2.25",
    "3.0",
    "1e3",
    "1e21",
    "1e-7",
    "0.1",
    "123456.789",
    "2.5",
    "-0.5",
    "1e100",
];

pub(crate) const LAYOUTS: &[&str] = &[
    r#""2006-01-02""#,
    r#""2006-01-02T15:04:05Z07:00""#,
    r#""Mon Jan _2 15:04:05 MST 2006""#,
    r#""Monday, 02-Jan-06 15:04:05 MST""#,
    r#""3:04PM .000 -0700""#,
    r#""Jan 2, 2006 at 3:04pm (MST)""#,
    r#""002 __2 06 1 2 15 4 5 pm Z0700 Z07 -07""#,
    r#""15h04m05.000000s""#,
    r#""""#,
];

pub(crate) const DATES: &[&str] = &[
    r#""2024-02-29""#,
    r#""2021-12-31""#,
    r#""2006-01-02""#,
    r#""not a date""#,
    r#""2024-13-01""#,
    r#""2023-02-30""#,
    r#""2024-02-29x""#,
];

pub(crate) const ZONES: &[&str] = &[
    r#""UTC""#,
    r#""Europe/Berlin""#,
    r#""America/New_York""#,
    r#""Asia/Kathmandu""#,
    r#""Nowhere/City""#,
    r#""""#,
    r#""Local""#,
];

pub(crate) const DURATIONS: &[&str] = &[
    r#""1h30m""#,
    r#""-90s""#,
    r#""2h""#,
    r#""1.5h""#,
    r#""100ms""#,
    r#""3us""#,
    r#""800h""#,
    r#""20000h""#,
    r#""95""#,
    r#""nonsense""#,
    r#""1d""#,
    r#""0""#,
];

pub(crate) const PATTERNS: &[&str] = &[
    r#""a+""#,
    r#""[a-z]+""#,
    "`\\d+`",
    "`\\w*\\s`",
    r#""(l)(o)?""#,
    r#""(?i)HELLO""#,
    r#""^a|b$""#,
    r#""""#,
    r#""a*""#,
    r#""[^,]*""#,
    "`\\bfoo`",
    r#""(?P<x>o)""#,
    r#""(?<y>o)""#,
    r#""(unclosed""#,
    r#""a**""#,
    r#""a{2,1}""#,
    r#""[z-a]""#,
    r#""*""#,
    "`\\pL+`",
    "`\\p{Greek}`",
    "`[[:alpha:]]+`",
    "`\\Qa.b\\E`",
    r#""x{1001}""#,
    r#"".""#,
    r#""(?s).+""#,
    r#""(?U)a+""#,
    r#""é""#,
    "`\\x{61}`",
    "`\\8`",
    r#""(?=a)""#,
    r#""[[a]""#,
    r#""a{,2}""#,
];

pub(crate) const REPLACEMENTS: &[&str] = &[
    r#""X""#,
    r#""$1""#,
    r#""${1}x""#,
    r#""$1x""#,
    r#""$x-${x}""#,
    r#""$$""#,
    r#""$""#,
    r#""""#,
    r#""<$0>""#,
];

pub(crate) const VERSIONS: &[&str] = &[
    r#""1.2.3""#,
    r#""v1.2""#,
    r#""1.2.3-beta.1+build.5""#,
    r#""2.0.0-rc1""#,
    r#""0.9""#,
    r#""1""#,
    r#""1.2.3.4""#,
    r#""01.2.3""#,
    r#""x.y""#,
    r#""10.20.30""#,
];

pub(crate) const CONSTRAINTS: &[&str] = &[
    r#""^1.2""#,
    r#""~1.2.3""#,
    r#"">=1.0.0 <2.0.0""#,
    r#"">1, !=1.5.x""#,
    r#""1.2.x || 2.*""#,
    r#""1.0 - 2.0""#,
    r#""=v1.2.3""#,
    r#""*""#,
    r#""^0.9""#,
    r#"">=1.2.3-0""#,
    r#""bad one""#,
    r#""~>1""#,
    r#""=>2""#,
];

pub(crate) const URLS: &[&str] = &[
    r#""http://user:pw@example.com:8080/a/b?q=1&r=2#frag""#,
    r#""mailto:joe@example.com""#,
    r#""/just/a/path?x""#,
    r#""//host/path""#,
    r#""https://[::1]:443/%2Fx%20y""#,
    r#""http://a b/""#,
    r#""http://h/%zz""#,
    r#"":foo""#,
    r#""http://host:port/""#,
    r#""s3://bucket/key with space""#,
    r#""http://ü.example/ü?ü#ü""#,
];

pub(crate) const JSONS: &[&str] = &[
    r#""{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{\"d\":1.5}}""#,
    r#""[1,2.5,1e3,12345678]""#,
    r#""\"text \\u00e9 \\ud83d\\ude00\"""#,
    r#""null""#,
    r#""{bad""#,
    r#""[1,]""#,
    r#""  true ""#,
    r#""1e999""#,
    r#""\"\\x\"""#,
    r#""""#,
    r#""{\"a\":{\"b\":{\"c\":[[]]}}}""#,
];

pub(crate) const BASE64S: &[&str] = &[
    r#""aGVsbG8=""#,
    r#""aGVs\nbG8=""#,
    r#""aGVsbG8""#,
    r#""!!""#,
    r#""/+8=""#,
    r#""""#,
    r#""NBSWY3DP""#,
    r#""MFRGG===""#,
    r#""mfrgg===""#,
];

pub(crate) const FORMATS: &[&str] = &[
    r#""%v""#,
    r#""%d-%s""#,
    r#""%5d|%-5s|%05d""#,
    r#""%q""#,
    r#""%x %X %# x""#,
    r#""%T""#,
    r#""%#v""#,
    r#""%+v""#,
    r#""%.2f|%8.3e|%g""#,
    r#""%t""#,
    r#""%c%U%#U""#,
    r#""%[2]v %[1]v""#,
    r#""%*d""#,
    r#""%z %!""#,
    r#""%""#,
    r#""100%%""#,
    r#""%b %o %O""#,
    r#""%6.2f%%""#,
    r#""%-8q|%+q""#,
    r#""%s %s %s""#,
    r#""%.1s""#,
    r#""%x""#,
    r#""%08.3f""#,
    r#""%+d % d""#,
];

pub(crate) const PATHS: &[&str] = &[
    r#""/a/b/../c.txt""#,
    r#""a//b""#,
    r#""./x""#,
    r#""/""#,
    r#""..""#,
    r#""dir/file.tar.gz""#,
    r#""""#,
];

pub(crate) const TYPES: &[&str] = &[
    r#""string""#,
    r#""int""#,
    r#""map[string]interface {}""#,
    r#""[]interface {}""#,
    r#""map""#,
    r#""slice""#,
    r#""float64""#,
    r#""time.Time""#,
    r#""struct""#,
    r#""ptr""#,
    r#""invalid""#,
];
