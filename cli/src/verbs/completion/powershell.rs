//! For `PowerShell`, on every system.

use std::fmt::Write as _;

use super::words;
use crate::verbs::grammar::{Command, spellings};

const FOOT: &str = r#"    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if ($wordToComplete -and $words.Count -gt 0) {
        $words = @($words | Select-Object -First ($words.Count - 1))
    }
    $verb = ''
    foreach ($count in 2, 1) {
        $called = ($words | Select-Object -First $count) -join ' '
        if ($words.Count -ge $count -and $flags.ContainsKey($called)) {
            $verb = $called
            break
        }
    }
    $previous = if ($words.Count -gt 0) { $words[-1] } else { '' }
    $choices = if ($values.ContainsKey("$verb $previous")) {
        $values["$verb $previous"]
    } elseif ($wordToComplete.StartsWith('-')) {
        $flags[$verb]
    } elseif ($next.ContainsKey($words -join ' ')) {
        $next[$words -join ' ']
    } else {
        $arguments[$verb]
    }
    $choices | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        $word, $help = $_ -split "`t", 2
        if (-not $help) { $help = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $help)
    }
}
"#;

pub(super) fn script(verbs: &[Command], without: &Command) -> String {
    let mut text = String::from(
        "# PowerShell completion for seal\n\
         Register-ArgumentCompleter -Native -CommandName seal -ScriptBlock {\n    \
         param($wordToComplete, $commandAst, $cursorPosition)\n",
    );
    let all = || verbs.iter().chain([without]);
    table(&mut text, "flags", all(), |command| {
        let flags = command.flags.iter();
        flags
            .flat_map(|flag| {
                spellings(flag)
                    .into_iter()
                    .map(|spelling| pair(&spelling, flag.help()))
            })
            .collect()
    });
    table(&mut text, "arguments", all(), |command| {
        command.arguments.iter().map(|word| quoted(word)).collect()
    });
    let words = words(verbs);
    text.push_str("    $next = @{\n");
    let firsts = words.iter().map(|(word, members)| {
        let verb = verbs.iter().find(|verb| verb.name == *word);
        let does = verb.map_or_else(|| members.join(", "), |verb| verb.does.to_owned());
        pair(word, &does)
    });
    row(&mut text, "", &firsts.collect::<Vec<_>>());
    for (family, members) in words.iter().filter(|(_, members)| !members.is_empty()) {
        let members: Vec<String> = members.iter().map(|word| pair(word, family)).collect();
        row(&mut text, family, &members);
    }
    text.push_str("    }\n    $values = @{\n");
    for command in all() {
        for flag in command
            .flags
            .iter()
            .filter(|flag| !flag.choices().is_empty())
        {
            let values: Vec<String> = flag.choices().iter().map(|value| quoted(value)).collect();
            for spelling in spellings(flag) {
                row(&mut text, &format!("{} {spelling}", command.name), &values);
            }
        }
    }
    text.push_str("    }\n");
    text.push_str(FOOT);
    text
}

/// A hash table with a row for each command.
fn table<'c>(
    text: &mut String,
    name: &str,
    commands: impl Iterator<Item = &'c Command>,
    cells: impl Fn(&Command) -> Vec<String>,
) {
    writeln!(text, "    ${name} = @{{").expect("writing into a String cannot fail");
    for command in commands {
        row(text, command.name, &cells(command));
    }
    text.push_str("    }\n");
}

fn row(text: &mut String, key: &str, cells: &[String]) {
    writeln!(text, "        {} = @({})", quoted(key), cells.join(", "))
        .expect("writing into a String cannot fail");
}

/// A word and its explanation, with a tab between.
fn pair(word: &str, help: &str) -> String {
    quoted(&format!("{word}\t{help}"))
}

/// In `PowerShell` a quote within quotes is written twice.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
