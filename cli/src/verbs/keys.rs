//! `seal keys …`: the private keys of a cluster, kept where the cluster cannot take them along.

pub(super) mod backup;
mod cluster_keys;
pub(super) mod compromise;
pub(super) mod export;
pub(super) mod list;
mod need;
mod objects;
pub(super) mod renew;
mod restoration;
pub(super) mod restore;
pub(super) mod retire;
mod source;
pub(super) mod status;
mod succession;
mod target;
pub(super) mod verify;
