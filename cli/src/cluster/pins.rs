//! Controllers in unexpected namespaces that a person has confirmed, remembered on this machine.

use serde::{Deserialize, Serialize};

use super::remembered::{ClusterId, Remembered, ServiceId};
use crate::environment::Environment;
use crate::failure::Failure;

/// The name of the file.
const FILE: &str = "controllers.json";

/// A controller that was confirmed for a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    #[serde(flatten)]
    cluster: ClusterId,
    /// A Service that was made anew has to be confirmed anew.
    #[serde(flatten)]
    service: ServiceId,
}

/// All that were confirmed.
#[derive(Debug)]
pub(super) struct Pins(Remembered<Pin>);

impl Pins {
    /// Reads them; nothing where there is no place to remember anything.
    pub(super) fn load(environment: &Environment) -> Result<Option<Self>, Failure> {
        let Some(directory) = environment.config_directory() else {
            return Ok(None);
        };
        Remembered::load(directory.join(FILE)).map(|pins| Some(Self(pins)))
    }

    /// The one of a cluster.
    pub(super) fn of(&self, cluster: &ClusterId) -> Option<&ServiceId> {
        let pin = self.0.all.iter().find(|pin| pin.cluster == *cluster)?;
        Some(&pin.service)
    }

    /// Remembers one, instead of another of the same cluster.
    pub(super) fn remember(
        mut self,
        cluster: ClusterId,
        service: ServiceId,
    ) -> Result<(), Failure> {
        self.0.all.retain(|pin| pin.cluster != cluster);
        self.0.all.push(Pin { cluster, service });
        self.0.save()
    }
}
