//! Controllers in unexpected namespaces that a person has confirmed, remembered on this machine.

use sealed_crypto::Fingerprint;
use serde::{Deserialize, Serialize};

use super::remembered::{ClusterId, Remembered, ServiceId};
use crate::environment::Environment;
use crate::failure::Failure;

/// The name of the file.
const FILE: &str = "controllers.json";

/// A controller that was confirmed for a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    #[serde(flatten)]
    cluster: ClusterId,
    /// A Service that was made anew has to be confirmed anew.
    #[serde(flatten)]
    pub(super) service: ServiceId,
    /// Of the certificate that the person compared.
    #[serde(with = "as_text")]
    pub(super) fingerprint: Fingerprint,
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
    pub(super) fn of(&self, cluster: &ClusterId) -> Option<&Pin> {
        self.0.all.iter().find(|pin| pin.cluster == *cluster)
    }

    /// Remembers one, instead of another of the same cluster.
    pub(super) fn remember(
        mut self,
        cluster: ClusterId,
        service: ServiceId,
        fingerprint: Fingerprint,
    ) -> Result<(), Failure> {
        self.0.all.retain(|pin| pin.cluster != cluster);
        self.0.all.push(Pin {
            cluster,
            service,
            fingerprint,
        });
        self.0.save()
    }
}

/// As it is printed everywhere else.
mod as_text {
    use sealed_crypto::Fingerprint;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        fingerprint: &Fingerprint,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(fingerprint)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
