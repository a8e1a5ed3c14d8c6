//! The HTTP API and the metrics page.

mod body;
mod budget;
mod certificate;
mod connections;
mod decrypting;
mod endpoints;
mod health;
mod metrics_page;
mod opening;
mod rate_limit;
mod rotate;
mod server;
mod tls;
mod verify;
mod write_deadline;

pub use endpoints::{Endpoints, Sources};
pub use health::{Gate, Health};
pub use metrics_page::MetricsPage;
pub use rate_limit::Quota;
pub use server::{Handler, Timeouts, bind, serve};
pub use tls::{ServerCertificate, ServerCertificates, TlsFault};

#[cfg(test)]
mod tests;
