//! What everybody who seals has to choose: with which certificate, for where, and where the result goes.
//!
//! The command line says it, and where it is silent the rules of `.seal.yaml`. What they say of namespace, name and scope is
//! no default: a command line that says something else is refused.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use sealed_api::Code;
use sealed_crypto::{Certificate, Scope};
use sealed_pflag::{Flag, Matches, Source};

use crate::args::{self, Connection};
use crate::certificate;
use crate::cluster::Controller;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
use crate::request::{CertificateSource, Place};
use crate::rules::{AllowList, Rule, Rules};

/// One place that is sealed for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What to seal with.
    pub(crate) certificate: CertificateSource,
    /// Whether the command line names the certificate. A variable, which holds for every repository, gives way to a rule.
    pub(crate) certificate_is_typed: bool,
    /// Where the values shall open.
    pub(crate) place: Place,
    /// The file to write; none is standard output.
    pub(crate) output: Option<PathBuf>,
    /// What `.seal.yaml` has to say about it.
    pub(crate) ruled: Option<Ruled>,
}

/// The certificates of targets, in their order; each is read once, standard input above all.
pub(crate) fn load_certificates(
    targets: &[Target],
    environment: &Environment,
    stdin: &mut dyn Read,
    talk: &mut Talk<'_>,
) -> Result<Vec<Arc<Certificate>>, Failure> {
    let mut loaded: Vec<(String, Arc<Certificate>)> = Vec::with_capacity(targets.len());
    for target in targets {
        let shown = certificate::shown(&target.certificate);
        let before = loaded.iter().find(|(source, _)| *source == shown);
        let certificate = match before {
            Some((_, certificate)) => {
                target.tell_choice(talk);
                target.check(certificate)?;
                Arc::clone(certificate)
            }
            None => Arc::new(target.load_certificate(environment, stdin, talk)?),
        };
        loaded.push((shown, certificate));
    }
    Ok(loaded.into_iter().map(|(_, one)| one).collect())
}

/// What `.seal.yaml` has to say about a target.
#[derive(Clone, Debug)]
pub(crate) struct Ruled {
    /// Where the file lies.
    origin: String,
    allowed: Vec<AllowList>,
    /// What it decides that the command line does not: what seals, and where that opens.
    chosen: Vec<String>,
    /// What somebody may not expect of it.
    note: Option<String>,
}

/// The flags of a target, of a verb that knows the name of the object otherwise.
pub(crate) fn flags() -> Vec<Flag> {
    let mut flags = args::sealing_flags();
    flags.push(
        Flag::checked(
            "scope",
            "strict",
            args::check_scope,
            "Where the values open: strict (under this namespace and name), namespace-wide (any name) or cluster-wide (anywhere)",
        )
        .one_of(args::SCOPES),
    );
    flags
}

/// `--target`.
pub(crate) fn target_flag() -> Flag {
    Flag::string_array(
        "target",
        "NAME=FILE: seal for the target NAME of .seal.yaml, or else for the namespace NAME, into FILE; may be repeated",
    )
    .without_env()
}

impl Target {
    /// What the flags say. `cert` is the name of the flag for the certificate, `connection` what the flags say about the
    /// cluster: both are others in some verbs.
    pub(crate) fn of(
        matches: &Matches,
        cert: &str,
        connection: Connection,
        environment: &Environment,
        output: Option<PathBuf>,
    ) -> Self {
        let controller = Controller {
            connection: connection.clone(),
            ..Controller::of(matches)
        };
        let location = Some(matches.text(cert)).filter(|text| !text.is_empty());
        let location = location.or_else(|| environment.variable("SEALED_SECRETS_CERT"));
        let location = location.map(str::to_owned);
        Self {
            certificate: CertificateSource::of(location, controller, Name::Seal)
                .cached(matches.bool("cache-cert")),
            certificate_is_typed: matches.source(cert) == Source::CommandLine,
            place: Place {
                name: None,
                namespace: args::namespace_of(matches),
                scope: args::scope_of(matches),
                connection,
            },
            output,
            ruled: None,
        }
    }

    /// Refuses that standard input is both the certificate and a value.
    pub(crate) fn check_stdin(&self, holds_value: bool) -> Result<(), Failure> {
        if holds_value && matches!(self.certificate, CertificateSource::Stdin) {
            return Err(Failure::usage(
                "standard input cannot be both the certificate and a value",
            )
            .hint("name a file for one of them"));
        }
        Ok(())
    }

    /// The targets that `--target NAME=FILE` asks for, or else the one of the other flags; each under its rule.
    pub(crate) fn all(self, asked: &[String], name: Name) -> Result<Vec<Self>, Failure> {
        if asked.is_empty() {
            return Ok(vec![self.under_rules(None, name)?]);
        }
        if self.output.is_some() {
            return Err(
                Failure::usage("--target names the output file, and so does another flag")
                    .hint("leave out --sealed-secret-file, or give every file a --target"),
            );
        }
        let mut all: Vec<Self> = Vec::with_capacity(asked.len());
        for asked in asked {
            let (called, file) = match asked.split_once('=') {
                Some((called, file)) if !called.is_empty() && !file.is_empty() => (called, file),
                _ => return Err(Failure::usage("--target takes NAME=FILE")),
            };
            let output = Some(PathBuf::from(file));
            if all.iter().any(|other| other.output == output) {
                return Err(
                    Failure::usage(format!("two targets are written to `{file}`"))
                        .hint("each target has a file of its own"),
                );
            }
            let one = Self {
                output,
                ..self.clone()
            };
            all.push(one.under_rules(Some(called), name)?);
        }
        Ok(all)
    }

    /// Takes over what `.seal.yaml` says, where there is one. As `kubeseal` only the certificates that it allows count, so
    /// that the drop-in does what it always did.
    pub(crate) fn under_rules(mut self, called: Option<&str>, name: Name) -> Result<Self, Failure> {
        let Some(rules) = Rules::find(self.output.as_deref())? else {
            return self.in_namespace(called, "--target");
        };
        let rule = rules.rule(called, self.output.as_deref())?;
        let origin = rules.shown().to_string();
        self.ruled = Some(Ruled {
            origin: origin.clone(),
            allowed: rules.allow_lists(rule, called, self.output.as_deref()),
            chosen: Vec::new(),
            note: None,
        });
        match rule {
            Some(rule) if name == Name::Seal => self.under(&rules, rule, called, &origin),
            _ => {
                let targets: Vec<&str> = rules.targets().collect();
                if let (Some(called), Some(ruled)) = (called, &mut self.ruled)
                    && !targets.is_empty()
                    && name == Name::Seal
                {
                    let targets = targets.join(", ");
                    ruled.note = Some(format!(
                        "{origin} has no target `{called}`, so it is taken for a namespace; its targets: {targets}"
                    ));
                }
                self.in_namespace(called, "--target")
            }
        }
    }

    fn under(
        mut self,
        rules: &Rules,
        rule: &Rule,
        called: Option<&str>,
        origin: &str,
    ) -> Result<Self, Failure> {
        if let Some(location) = rules.certificate(rule)
            && !self.certificate_is_typed
        {
            self.chose(format!("the certificate {location}"));
            self.certificate = CertificateSource::Location(location);
        }
        if let Some(name) = rule.name() {
            if let Some(other) = self.place.name.as_deref().filter(|other| *other != name) {
                return Err(Failure::new(
                    Code::BadName,
                    format!("the name is `{name}` by {origin}, and --name is `{other}`"),
                ));
            }
            self.place.name = Some(name.to_owned());
        }
        if let Some(scope) = rule.scope() {
            self = self.in_scope(scope, origin)?;
        }
        let own = self.in_namespace(rule.namespace(), origin)?;
        match called {
            // The name is the rule's own; its namespace is another matter, unless the rule has none.
            Some(_) if rule.is_named() && rule.namespace().is_some() => Ok(own),
            Some(called) if rule.namespace().is_some_and(|ruled| ruled != called) => {
                Err(Failure::new(
                    Code::NamespaceMismatch,
                    format!(
                        "the namespace is `{}` by {origin}, and --target says `{called}`",
                        rule.namespace().unwrap_or_default()
                    ),
                )
                .hint(format!("with `target: {called}` the rule is called so")))
            }
            called => own.in_namespace(called, "--target"),
        }
    }

    fn chose(&mut self, what: String) {
        if let Some(ruled) = &mut self.ruled {
            ruled.chosen.push(what);
        }
    }

    /// Which file chose what: one that somebody else put beside the output would choose, too.
    fn tell_choice(&self, talk: &mut Talk<'_>) {
        let Some(ruled) = &self.ruled else {
            return;
        };
        if !ruled.chosen.is_empty() {
            let chosen = ruled.chosen.join(" and ");
            talk.say(&format!("note: {} chose {chosen}", ruled.origin));
        }
        if let Some(note) = &ruled.note {
            talk.say(&format!("note: {note}"));
        }
    }

    fn in_scope(mut self, scope: Scope, origin: &str) -> Result<Self, Failure> {
        if let Some(other) = self.place.scope.filter(|other| *other != scope) {
            return Err(Failure::new(
                Code::ScopeConflict,
                format!("the scope is {scope} by {origin}, and --scope is {other}"),
            ));
        }
        if self.place.scope.is_none() {
            self.chose(format!("the scope {scope}"));
        }
        self.place.scope = Some(scope);
        Ok(self)
    }

    /// With a namespace, if that is said; what was said before must not be another.
    fn in_namespace(mut self, namespace: Option<&str>, origin: &str) -> Result<Self, Failure> {
        let Some(namespace) = namespace else {
            return Ok(self);
        };
        let before = self.place.namespace.as_deref();
        if let Some(other) = before.filter(|other| *other != namespace) {
            return Err(Failure::new(
                Code::NamespaceMismatch,
                format!("the namespace is `{namespace}` by {origin}, and `{other}` is asked for"),
            )
            .hint("a value opens only in the namespace it was sealed for"));
        }
        self.place.namespace = Some(namespace.to_owned());
        Ok(self)
    }

    /// The certificate, one that may be sealed with.
    pub(crate) fn load_certificate(
        &self,
        environment: &Environment,
        stdin: &mut dyn Read,
        talk: &mut Talk<'_>,
    ) -> Result<Certificate, Failure> {
        self.tell_choice(talk);
        let certificate = certificate::load(&self.certificate, environment, stdin, talk)?;
        self.check(&certificate)?;
        Ok(certificate)
    }

    fn check(&self, certificate: &Certificate) -> Result<(), Failure> {
        match &self.ruled {
            None => Ok(()),
            Some(ruled) => ruled
                .allowed
                .iter()
                .try_for_each(|list| list.check(certificate)),
        }
    }

    /// Where a choice that an input contradicts may come from, if it is not the command line.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match (&self.ruled, failure.code()) {
            (Some(ruled), Code::NamespaceMismatch | Code::ScopeConflict) => {
                failure.hint(format!("{} has a rule for it", ruled.origin))
            }
            _ => failure,
        }
    }
}
