//! `.seal.yaml`: what a repository says about its own SealedSecrets, so that nobody has to remember it on a command line.
//!
//! Rules choose certificate, namespace, name and scope by the path of the file that is written; the first one that fits counts.
//! Fingerprints say which certificates may be sealed with at all: whoever can slip a certificate of their own into a pipeline
//! would read everything that is sealed with it.

mod file;
mod pattern;

use std::path::{Path, PathBuf};

use sealed_api::Code;
use sealed_crypto::{Certificate, Fingerprint, Scope};
use sealed_manifest::Documents;
use serde::Deserialize;

use self::pattern::Pattern;
use crate::failure::Failure;
use crate::input::unreadable;

/// The name of the file.
const FILE: &str = ".seal.yaml";

/// The nearest file, read.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Where it lies.
    path: PathBuf,
    content: Content,
    /// Those above it in the same repository, whose lists of certificates hold as well: a file further down is easily slipped
    /// into a change.
    above: Vec<Self>,
}

/// What a repository says about its SealedSecrets.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = ".seal.yaml"))]
#[serde(deny_unknown_fields)]
struct Content {
    /// Fingerprints of the certificates that may be sealed with, as `ssh-keygen -l` prints them; without any, all may. A file
    /// above this one in the same repository must allow them, too.
    #[serde(default)]
    #[cfg_attr(
        test,
        schemars(
            with = "Vec<String>",
            inner(regex(pattern = r"^SHA256:[A-Za-z0-9+/]{43}$"))
        )
    )]
    fingerprints: Vec<Allowed>,
    /// Of the rules that fit, the first one counts.
    #[serde(default)]
    rules: Vec<Rule>,
}

/// What to seal with and for where, for some files.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The name by which `--target NAME=FILE` calls it.
    target: Option<String>,
    /// The files that it is for, relative to this file: `*` stands for a part of a name, `**` for any number of directories.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    output: Option<Pattern>,
    /// The certificate: a path, relative to this file, or a URL.
    certificate: Option<String>,
    /// The namespace of the Secrets.
    namespace: Option<String>,
    /// The name of the Secret.
    name: Option<String>,
    /// The scope of the SealedSecrets.
    scope: Option<ScopeName>,
    /// Fingerprints of the certificates that may be sealed with here, instead of those of the file.
    #[serde(default)]
    #[cfg_attr(
        test,
        schemars(
            with = "Vec<String>",
            inner(regex(pattern = r"^SHA256:[A-Za-z0-9+/]{43}$"))
        )
    )]
    fingerprints: Vec<Allowed>,
}

/// A fingerprint.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Allowed(Fingerprint);

/// A scope by its name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum ScopeName {
    Strict,
    NamespaceWide,
    ClusterWide,
}

impl TryFrom<String> for Allowed {
    type Error = sealed_crypto::FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl Rules {
    /// The nearest file, upward from the directory of `output`, or else from the working directory.
    pub(crate) fn find(output: Option<&Path>) -> Result<Option<Self>, Failure> {
        let mut found = file::upward(output)?.into_iter();
        let Some((path, text)) = found.next() else {
            return Ok(None);
        };
        let nearest = Self::parse(path, &text)?;
        let above = found.map(|(path, text)| Self::parse(path, &text));
        Ok(Some(Self {
            above: above.collect::<Result<_, _>>()?,
            ..nearest
        }))
    }

    fn parse(path: PathBuf, text: &[u8]) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let mut documents = Documents::new(text, &shown);
        let wrong = |message: String| Failure::new(Code::BadConfiguration, message);
        let value = match documents.next() {
            None => serde_json::Value::Object(serde_json::Map::new()),
            Some(document) => document.map_err(|error| unreadable(&error))?.into_value(),
        };
        if documents.next().is_some() {
            return Err(wrong(format!(
                "{shown}: there is more than one document in it"
            )));
        }
        let content = serde_json::from_value(value).map_err(|error| {
            wrong(format!("{shown}: {error}")).hint("docs/sealing.md tells what stands in it")
        })?;
        Ok(Self {
            path,
            content,
            above: Vec::new(),
        })
    }

    /// The rule for a file, and for the name that `--target` gives it.
    pub(crate) fn rule(
        &self,
        target: Option<&str>,
        output: Option<&Path>,
    ) -> Result<Option<&Rule>, Failure> {
        let output = output.and_then(|output| file::below(self.directory(), output));
        let mut rules = self.content.rules.iter();
        if let Some(rule) = rules.find(|rule| rule.fits(target, output.as_deref())) {
            return Ok(Some(rule));
        }
        // A name or a path that another rule knows is a slip, and what no rule is for would be sealed for anywhere.
        let origin = self.shown();
        let wrong = |message| Err(Failure::new(Code::BadConfiguration, message));
        for rule in &self.content.rules {
            let (Some(own), Some(pattern)) = (&rule.target, &rule.output) else {
                continue;
            };
            if target == Some(own) {
                return wrong(format!(
                    "the target `{own}` of {origin} is for files such as `{pattern}`"
                ));
            }
            if let Some(output) = output.as_deref().filter(|output| pattern.fits(output)) {
                return wrong(format!("`{output}` is for the target `{own}` by {origin}"));
            }
        }
        Ok(None)
    }

    /// What rules are called by `--target`.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        let rules = self.content.rules.iter();
        rules.filter_map(|rule| rule.target.as_deref())
    }

    /// The certificates that may be sealed with where a rule counts, as each of the files has it.
    pub(crate) fn allow_lists(
        &self,
        rule: Option<&Rule>,
        target: Option<&str>,
        output: Option<&Path>,
    ) -> Vec<AllowList> {
        let of_above = self.above.iter().map(|file| {
            let output = output.and_then(|output| file::below(file.directory(), output));
            let mut rules = file.content.rules.iter();
            file.allow_list(rules.find(|rule| rule.fits(target, output.as_deref())))
        });
        std::iter::once(self.allow_list(rule))
            .chain(of_above)
            .collect()
    }

    fn allow_list(&self, rule: Option<&Rule>) -> AllowList {
        let of_rule = rule.map(|rule| &rule.fingerprints);
        let of_rule = of_rule.filter(|all| !all.is_empty());
        let all = of_rule.unwrap_or(&self.content.fingerprints).iter();
        AllowList {
            origin: self.path.display().to_string(),
            fingerprints: all.map(|allowed| allowed.0).collect(),
        }
    }

    /// Refuses a certificate that may be sealed with nowhere.
    pub(crate) fn check_for_anywhere(&self, certificate: &Certificate) -> Result<(), Failure> {
        let mut files = std::iter::once(self).chain(&self.above);
        files.try_for_each(|file| file.check_one(certificate))
    }

    fn check_one(&self, certificate: &Certificate) -> Result<(), Failure> {
        let mut rules = self.content.rules.iter();
        let of_file = self.allow_list(None).check(certificate);
        let is_allowed = |rule| self.allow_list(Some(rule)).check(certificate).is_ok();
        if rules.any(is_allowed) {
            Ok(())
        } else {
            of_file
        }
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("/"))
    }

    /// What a rule calls the certificate: a path is relative to the file.
    pub(crate) fn certificate(&self, rule: &Rule) -> Option<String> {
        let typed = rule.certificate.as_deref()?;
        // A scheme has two letters or more; of one it is a drive.
        let is_url = typed
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.len() > 1);
        Some(if is_url {
            typed.to_owned()
        } else {
            self.directory().join(typed).display().to_string()
        })
    }

    /// Where the file lies, for messages.
    pub(crate) fn shown(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

/// The certificates that may be sealed with.
#[derive(Clone, Debug)]
pub(crate) struct AllowList {
    /// Where they are listed.
    origin: String,
    /// None is no restriction.
    fingerprints: Vec<Fingerprint>,
}

impl AllowList {
    /// Refuses a certificate that is not listed.
    pub(crate) fn check(&self, certificate: &Certificate) -> Result<(), Failure> {
        let fingerprint = certificate.fingerprint();
        if self.fingerprints.is_empty() || self.fingerprints.contains(&fingerprint) {
            return Ok(());
        }
        Err(Failure::new(
            Code::DisallowedCertificate,
            format!(
                "the certificate has the fingerprint {fingerprint}, which {} does not allow",
                self.origin
            ),
        )
        .hint("whoever owns another certificate reads what is sealed with it; if it is the controller's new one, add its fingerprint there"))
    }
}

impl Rule {
    /// A rule without a name and without a pattern is for everything that no other rule is for. By its name alone a rule is
    /// found only where that is given.
    fn fits(&self, target: Option<&str>, output: Option<&str>) -> bool {
        let by_name = match (&self.target, target) {
            (None, _) => true,
            (Some(own), Some(target)) => own == target,
            (Some(_), None) => self.output.is_some(),
        };
        let by_path = match (&self.output, output) {
            (None, _) => true,
            (Some(pattern), Some(output)) => pattern.fits(output),
            (Some(_), None) => false,
        };
        by_name && by_path
    }

    /// Whether `--target` calls it by name, and not by its namespace.
    pub(crate) fn is_named(&self) -> bool {
        self.target.is_some()
    }

    /// The namespace of the Secrets.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name of the Secret.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The scope.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.scope.map(|scope| match scope {
            ScopeName::Strict => Scope::Strict,
            ScopeName::NamespaceWide => Scope::NamespaceWide,
            ScopeName::ClusterWide => Scope::ClusterWide,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    const TEXT: &str = "
fingerprints: ['SHA256:mI8khZOi8xvKdkDhPKXlwtNcm/OkADGdjpQQqMno5wc']
rules:
- {output: 'overlays/prod/*.yaml', target: prod, certificate: keys/prod.crt, namespace: app-prod, scope: strict}
- {output: 'overlays/**', certificate: 'https://certs.example/dev.pem'}
- {target: lab, namespace: lab}
";

    fn rules(text: &str) -> Result<Rules, String> {
        Rules::parse(PathBuf::from("/repo/.seal.yaml"), text.as_bytes())
            .map_err(|failure| failure.text(Name::Seal))
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = rules(TEXT).unwrap();
        let certificate = |target: Option<&str>, output: Option<&str>| {
            let rule = rules.rule(target, output.map(Path::new)).ok()?;
            rule.map(|rule| {
                (
                    rules.certificate(rule).unwrap_or_default(),
                    rule.namespace(),
                )
            })
        };
        let prod = Some(("/repo/keys/prod.crt".to_owned(), Some("app-prod")));
        let other = Some(("https://certs.example/dev.pem".to_owned(), None));
        assert_eq!(certificate(None, Some("/repo/overlays/prod/a.yaml")), prod);
        assert_eq!(
            certificate(Some("prod"), Some("/repo/overlays/prod/a.yaml")),
            prod
        );
        assert_eq!(
            certificate(None, Some("/repo/overlays/prod/x/a.yaml")),
            other
        );
        assert_eq!(
            certificate(Some("dev"), Some("/repo/overlays/prod/a.yaml")),
            other
        );
        assert_eq!(certificate(None, Some("/repo/base/a.yaml")), None);
        assert_eq!(
            certificate(None, Some("/elsewhere/overlays/prod/a.yaml")),
            None
        );
        assert_eq!(certificate(None, None), None);
        let lab = Some((String::new(), Some("lab")));
        assert_eq!(certificate(Some("lab"), Some("/repo/base/a.yaml")), lab);
    }

    #[test]
    fn a_target_is_not_written_where_it_is_not_for() {
        let by_path = rules(TEXT).unwrap();
        let told = |target, output| {
            let told = by_path.rule(Some(target), Some(Path::new(output)));
            told.err().map(|failure| failure.text(Name::Seal))
        };
        let prod = told("prod", "/repo/base/a.yaml");
        assert!(
            prod.is_some_and(|told| told.contains("is for files such as `overlays/prod/*.yaml`"))
        );
        let text = "rules: [{output: 'prod/*', target: prod}]";
        let rules = rules(text).unwrap_or_else(|told| panic!("{told}"));
        let dev = rules.rule(Some("dev"), Some(Path::new("/repo/prod/a.yaml")));
        assert!(dev.is_err_and(|failure| {
            failure
                .text(Name::Seal)
                .contains("`prod/a.yaml` is for the target `prod`")
        }));
    }

    #[test]
    fn only_listed_certificates_may_be_sealed_with() {
        let rules = rules(TEXT).unwrap();
        let certificate = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/keys/");
            Certificate::from_pem(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
        };
        let list = rules.allow_list(None);
        assert_eq!(list.check(&certificate("rsa2048-a.crt.pem")), Ok(()));
        let told = list.check(&certificate("rsa2048-b.crt.pem"));
        let told = told.err().map(|failure| failure.text(Name::Seal));
        assert!(told.is_some_and(|told| told.starts_with("error[disallowed-certificate]: ")));
    }

    #[test]
    fn mistakes_are_told_and_nothing_is_ignored() {
        for (text, words) in [
            ("rule: []", "unknown field `rule`"),
            ("rules: [{paths: x}]", "unknown field `paths`"),
            ("rules: [{scope: cluster}]", "unknown variant `cluster`"),
            ("fingerprints: [abc]", "fingerprint"),
            ("rules: 3", "invalid type"),
            ("{}\n---\n{}", "more than one document"),
            ("rules: [{output: ''}]", "pattern"),
        ] {
            let told = rules(text).unwrap_err();
            assert!(
                told.starts_with("error[bad-configuration]: /repo/.seal.yaml: "),
                "{told}"
            );
            assert!(told.contains(words), "{told}");
        }
        assert!(rules("").is_ok());
    }

    /// Editors check the file against the schema while it is written.
    #[test]
    fn the_schema_in_the_documentation_is_that_of_the_types() {
        let schema = schemars::schema_for!(Content);
        let schema = serde_json::to_string_pretty(&schema).unwrap();
        assert_eq!(
            format!("{schema}\n"),
            include_str!("../../docs/seal.schema.json")
        );
    }
}
