//! The HTTP API and the metrics page.

mod body;
mod certificate;
mod decrypting;
mod endpoints;
mod health;
mod opening;
mod rate_limit;
mod rotate;
mod server;
mod verify;
mod write_deadline;

pub use body::{BodyBudget, BodyError, HeldBody, MAX_BODY};
pub use endpoints::{Endpoints, MetricsPage, Sources};
pub use health::{Gate, Health, RunningTask};
pub use rate_limit::{Decision, Quota, RateLimiter};
pub use server::{BindError, Handler, Timeouts, bind, serve};

#[cfg(test)]
mod tests;
