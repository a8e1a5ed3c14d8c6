//! Where sealed values shall open: the command line and the input first, and the kubeconfig only where both are silent.

use k8s_openapi::api::core::v1::Secret;
use sealed_api::{Code, Placement, SealSecretError};
use sealed_crypto::{Label, Scope};

use crate::argocd;
use crate::cluster::Kubeconfig;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::io::Talk;
use crate::name::Name;
use crate::object_name;
use crate::request::Place;

/// Gives Secrets their place.
pub(crate) struct Placer<'a> {
    place: &'a Place,
    allow_empty_data: bool,
    environment: &'a Environment,
    /// The kubeconfig's namespace, once it was needed. Reading it is work, and it may be broken or not there.
    from_kubeconfig: Option<Result<String, Failure>>,
}

impl<'a> Placer<'a> {
    /// For the words of a command line.
    pub(crate) fn new(
        place: &'a Place,
        allow_empty_data: bool,
        environment: &'a Environment,
    ) -> Self {
        Self {
            place,
            allow_empty_data,
            environment,
            from_kubeconfig: None,
        }
    }

    /// Gives a Secret its final name, namespace and scope annotations.
    pub(crate) fn apply(
        &mut self,
        secret: &mut Secret,
        talk: &mut Talk<'_>,
    ) -> Result<Scope, Failure> {
        let mut placement = Placement {
            name: self.place.name.as_deref(),
            namespace: self.place.namespace.as_deref(),
            namespace_asked: true,
            scope: self.place.scope,
            allow_empty_data: self.allow_empty_data,
        };
        let mut applied = placement.apply(secret);
        if let Err(SealSecretError::MissingNamespace) = applied
            && let Ok(namespace) = self.kubeconfig_namespace(talk)
        {
            placement.namespace = Some(namespace);
            placement.namespace_asked = false;
            applied = placement.apply(secret);
        }
        let scope = applied.map_err(|error| unplaced(&error))?;
        if self.environment.name == Name::Seal {
            object_name::check(&secret.metadata)?;
            if let Some(warning) = argocd::warning(&secret.metadata) {
                talk.say(&warning);
            }
        }
        Ok(scope)
    }

    /// The label of a value that has no Secret around it: name and namespace are checked as far as the scope uses them.
    /// `what` is sealed, for messages.
    pub(crate) fn label(&mut self, what: &str, talk: &mut Talk<'_>) -> Result<Label, Failure> {
        let scope = self.place.scope.unwrap_or_default();
        if scope == Scope::ClusterWide {
            return Ok(Label::cluster_wide());
        }
        let namespace = self.namespace(talk).map_err(|failure| {
            // What the user has to act on is the namespace, not the kubeconfig that might have named one.
            Failure::new(
                Code::MissingNamespace,
                format!("{what} in the scope {scope} needs --namespace"),
            )
            .kubeseal(failure.words(Name::Kubeseal))
            .hint("the value opens only in the namespace it is sealed for")
        })?;
        let name = self.place.name.as_deref().unwrap_or_default();
        if scope == Scope::Strict && name.is_empty() {
            return Err(Failure::new(
                Code::MissingName,
                format!("{what} in the scope strict needs --name"),
            )
            .kubeseal("must provide the --name flag with --raw and --scope strict")
            .hint("the value opens only in the SealedSecret of the name it is sealed for"));
        }
        if self.environment.name == Name::Seal {
            object_name::check_namespace("--namespace", &namespace)?;
            if scope == Scope::Strict {
                object_name::check_name("--name", name)?;
            }
        }
        Label::for_scope(scope, &namespace, name)
            .map_err(|error| Failure::new(Code::BadName, error.to_string()))
    }

    fn namespace(&mut self, talk: &mut Talk<'_>) -> Result<String, Failure> {
        match &self.place.namespace {
            Some(namespace) => Ok(namespace.clone()),
            None => self
                .kubeconfig_namespace(talk)
                .map(str::to_owned)
                .map_err(Clone::clone),
        }
    }

    fn kubeconfig_namespace(&mut self, talk: &mut Talk<'_>) -> Result<&str, &Failure> {
        let (place, environment) = (self.place, self.environment);
        self.from_kubeconfig
            .get_or_insert_with(|| {
                let namespace = Kubeconfig::load(&place.connection, environment)?.namespace()?;
                if environment.name == Name::Seal {
                    // It depends on which cluster somebody looked at last, so it must not go unnoticed.
                    talk.say(&format!("note: sealing for namespace `{namespace}` of the kubeconfig, as the input and --namespace name none"));
                }
                Ok(namespace)
            })
            .as_deref()
    }
}

/// A Secret that cannot be sealed.
pub(crate) fn unplaced(error: &SealSecretError) -> Failure {
    let message = match error {
        SealSecretError::EmptyData => {
            "the Secret has no data, which is more often a mistake than meant".to_owned()
        }
        SealSecretError::MissingName => "the Secret has no metadata.name".to_owned(),
        SealSecretError::MissingNamespace => {
            "the Secret has no metadata.namespace, and nothing else says which is meant".to_owned()
        }
        SealSecretError::NamespaceMismatch { input, asked } => {
            format!("the Secret is in namespace `{input}`, and --namespace is `{asked}`")
        }
        other => other.to_string(),
    };
    let hint = match error {
        SealSecretError::EmptyData => {
            Some("values stand in `data` or `stringData`; --allow-empty-data seals none")
        }
        SealSecretError::NamespaceMismatch { .. } => {
            Some("a strict or namespace-wide value opens only in the namespace it was sealed for")
        }
        other => other.hint(),
    };
    let failure = Failure::new(error.code(), message).kubeseal(error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
