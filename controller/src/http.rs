//! The HTTP API and the metrics page.

mod body;
mod certificate;
mod endpoints;
mod health;
mod rate_limit;
mod server;
mod write_deadline;

pub use body::{BodyBudget, BodyError, HeldBody, MAX_BODY};
pub use endpoints::{Endpoints, MetricsPage, Sources};
pub use health::{Gate, Health, RunningTask};
pub use rate_limit::{Decision, Quota, RateLimiter, last_forwarded_for};
pub use server::{BindError, Handler, Timeouts, bind, serve};
