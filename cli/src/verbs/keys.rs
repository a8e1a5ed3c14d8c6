//! `seal keys …`: the private keys of a cluster, kept where the cluster cannot take them along.

pub(super) mod backup;
pub(super) mod export;
mod restoration;
pub(super) mod restore;
mod source;
pub(super) mod verify;
