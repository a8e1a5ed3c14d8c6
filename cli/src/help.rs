//! What `seal --help` prints. `kubeseal --help` is the bare list of flags, as scripts and wrappers know it.

use crate::args;
use crate::verbs;

const SYNOPSIS: &str = "\
Usage: seal < secret.yaml > sealed.yaml                    seal with the certificate of the cluster's controller
       seal --cert cert.pem -f secret.yaml -w sealed.yaml  seal offline
       seal --fetch-cert > cert.pem                        get the certificate for that
";

const FOOT: &str = "
Environment: SEALED_SECRETS_ and the name of a flag above, such as SEALED_SECRETS_CONTROLLER_NAME; KUBECONFIG
Exit codes:  0 done, 1 failed, 2 the command line makes no sense, 3 what was looked at has problems, 4 nothing to change
More:        `seal help VERB`, `seal explain CODE`, `seal doctor`
";

/// The verbs, each with what it does.
fn verbs() -> String {
    let lines = verbs::ALL
        .iter()
        .map(|verb| format!("       seal {:<47}{}\n", verb.name, verb.does));
    format!("{}\n", lines.collect::<String>())
}

/// Examples first, then the flags that do something, then the others by name only.
pub(crate) fn seal() -> String {
    let inert: Vec<String> = args::inert_flags()
        .map(|name| format!("--{name}"))
        .collect();
    let mut text = String::from(SYNOPSIS);
    text.push_str(&verbs());
    text.push_str(&args::effective_table().usage());
    text.push_str(FOOT);
    text.push_str("Accepted for compatibility, without effect:\n");
    for line in inert.chunks(5) {
        text.push_str("  ");
        text.push_str(&line.join(" "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    #[test]
    fn examples_come_first_and_every_flag_is_named_once() {
        let text = seal();
        assert!(
            text.starts_with("Usage: seal < secret.yaml > sealed.yaml "),
            "{text}"
        );
        let (flags, foot) = text.split_once("\nEnvironment: ").unwrap();
        for flag in args::table(Name::Seal).flags() {
            let name = format!("--{}", flag.name());
            let named = |part: &str| part.split([' ', '\n']).filter(|word| *word == name).count();
            let listed = flags.lines().filter(|line| {
                line.split_whitespace().find(|word| word.starts_with("--")) == Some(name.as_str())
                    && line.starts_with("  ")
                    && !line.contains("seal --")
            });
            let hidden = usize::from(name == "--rotate");
            assert_eq!(listed.count() + named(foot) + hidden, 1, "{name}");
        }
        let format = flags
            .lines()
            .find(|line| line.contains("--format"))
            .unwrap();
        assert!(!format.contains("(default"), "{format}");
        assert!(foot.contains("Exit codes:"), "{foot}");
        assert!(foot.contains("--vmodule"), "{foot}");
    }
}
