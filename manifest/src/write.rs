//! Writing values as text.

mod json;
mod natural;
pub(crate) mod scalar;
pub(crate) mod yaml;

pub use json::to_json;
pub use yaml::to_yaml;
