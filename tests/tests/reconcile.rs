//! Our controller on a real API server, as its real `ServiceAccount` under exactly the rights an installed v0.40 has:
//! every verb it must not need is a 403 here.
//!
//! Each test runs a controller of its own, in turn, because a controller acts on the whole cluster.

#[path = "reconcile/home.rs"]
mod home;
#[path = "reconcile/kit.rs"]
mod kit;

#[path = "reconcile/clock.rs"]
mod clock;
#[path = "reconcile/cost.rs"]
mod cost;
#[path = "reconcile/drift.rs"]
mod drift;
#[path = "reconcile/events.rs"]
mod events;
#[path = "reconcile/faults.rs"]
mod faults;
#[path = "reconcile/key_life.rs"]
mod key_life;
#[path = "reconcile/keys.rs"]
mod keys;
#[path = "reconcile/leadership.rs"]
mod leadership;
#[path = "reconcile/life.rs"]
mod life;
#[path = "reconcile/namespaces.rs"]
mod namespaces;
#[path = "reconcile/observe.rs"]
mod observe;
#[path = "reconcile/outages.rs"]
mod outages;
#[path = "reconcile/ownership.rs"]
mod ownership;
#[path = "reconcile/refusals.rs"]
mod refusals;
#[path = "reconcile/retain.rs"]
mod retain;
#[path = "reconcile/status.rs"]
mod status;
#[path = "reconcile/surface.rs"]
mod surface;
#[path = "reconcile/templates.rs"]
mod templates;
#[path = "reconcile/warm.rs"]
mod warm;
