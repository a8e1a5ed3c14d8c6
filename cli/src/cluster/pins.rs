//! Controllers in unexpected namespaces that a person has confirmed, remembered on this machine.

use std::io::ErrorKind;
use std::path::PathBuf;

use sealed_api::Code;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::failure::{Failure, io_cause};
use crate::name::Name;
use crate::output::Output;

/// A controller that was confirmed for a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// Address of the API server.
    pub(super) server: String,
    /// Digest of the certificates that the API server is known by.
    pub(super) authority: String,
    /// Namespace of the Service.
    pub(super) namespace: String,
    /// Name of the Service.
    pub(super) name: String,
    /// Uid of the Service: one that was made anew has to be confirmed anew.
    pub(super) uid: String,
}

/// All that were confirmed.
#[derive(Debug, Default)]
pub(super) struct Pins {
    path: PathBuf,
    all: Vec<Pin>,
}

impl Pins {
    /// Reads them; nothing where there is no place to remember anything.
    pub(super) fn load(environment: &Environment) -> Result<Option<Self>, Failure> {
        let base = environment
            .first_variable(&["XDG_CONFIG_HOME", "APPDATA"])
            .map(PathBuf::from)
            .or_else(|| Some(environment.home()?.join(".config")));
        let Some(path) = base.map(|base| base.join("seal").join("controllers.json")) else {
            return Ok(None);
        };
        let all = match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|_| unusable(&path, "it is malformed"))
            }
            // A home that is not there, or is no directory, remembers nothing.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(unusable(&path, &io_cause(&error))),
        }?;
        Ok(Some(Self { path, all }))
    }

    /// The one of a cluster.
    pub(super) fn of(&self, server: &str, authority: &str) -> Option<&Pin> {
        self.all
            .iter()
            .find(|pin| pin.server == server && pin.authority == authority)
    }

    /// Remembers one, instead of another of the same cluster.
    pub(super) fn remember(mut self, pin: Pin) -> Result<(), Failure> {
        self.all
            .retain(|other| (&other.server, &other.authority) != (&pin.server, &pin.authority));
        self.all.push(pin);
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|error| unusable(&self.path, &io_cause(&error)))?;
        }
        let mut output = Output::file(&self.path, Name::Seal)?;
        output.write(sealed_manifest::to_json(&self.all).as_bytes())?;
        output.commit()
    }
}

fn unusable(path: &std::path::Path, cause: &str) -> Failure {
    Failure::new(
        Code::BadConfiguration,
        format!("cannot use `{}`: {cause}", path.display()),
    )
    .hint("it holds the controllers that were confirmed; without it they are asked for again")
}
