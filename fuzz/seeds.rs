//! Writes what the targets begin with into `fuzz/seeds`: the recorded values and templates, a file each.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| -> Result<Value, Box<dyn std::error::Error>> {
        Ok(serde_json::from_slice(&fs::read(here.join("..").join(path))?)?)
    };
    let write = |target: &str, id: &Value, text: &[u8]| -> std::io::Result<()> {
        let directory = here.join("seeds").join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(id.as_str().unwrap_or("nameless")), text)
    };
    let values = read("tests/vectors/values.json")?;
    for value in values["values"].as_array().into_iter().flatten() {
        write("value", &value["id"], value["sealed"].as_str().unwrap_or_default().as_bytes())?;
    }
    let cases = read("template/conformance/gotemplate_cases.json")?;
    for case in cases["cases"].as_array().into_iter().flatten() {
        let template = case["template"].as_str().unwrap_or_default();
        write("template", &case["id"], template.as_bytes())?;
        write("render", &case["id"], template.as_bytes())?;
    }
    Ok(())
}
