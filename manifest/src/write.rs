//! Writing values as text.

mod json;
mod natural;
mod scalar;
mod yaml;

pub use json::to_json;
pub use yaml::to_yaml;
