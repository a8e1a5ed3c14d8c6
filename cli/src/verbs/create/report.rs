//! What a dry run tells: keys and sizes, never a value.

use sealed_api::names;
use serde::Serialize;

use super::Ready;
use super::args::Request;
use crate::io::Talk;
use crate::output::report_text;
use crate::values::Items;

/// What the API server takes of one Secret (`MaxSecretSize`).
const MAX_BYTES: usize = 1 << 20;

/// What would be sealed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    name: String,
    #[serde(rename = "type")]
    type_: String,
    items: Vec<Item>,
    templates: Vec<String>,
    targets: Vec<Place>,
}

#[derive(Serialize)]
struct Item {
    key: String,
    bytes: usize,
}

#[derive(Serialize)]
struct Place {
    namespace: Option<String>,
    scope: String,
    certificate: String,
    output: Option<String>,
}

impl Report {
    pub(super) fn new(ready: &[Ready<'_>], request: &Request) -> Self {
        let type_ = request.type_.as_deref().unwrap_or(names::secret::OPAQUE);
        let data = ready.first().and_then(|one| one.secret.data.as_ref());
        let items = data.into_iter().flatten().map(|(key, value)| Item {
            key: key.clone(),
            bytes: value.0.len(),
        });
        let targets = ready.iter().map(|one| Place {
            namespace: one.secret.metadata.namespace.clone(),
            scope: one.scope.to_string(),
            certificate: one.certificate.fingerprint().to_string(),
            output: one
                .target
                .output
                .as_ref()
                .map(|path| path.display().to_string()),
        });
        Self {
            name: request.name.clone(),
            type_: type_.to_owned(),
            items: items.collect(),
            templates: request.template.entries.keys().cloned().collect(),
            targets: targets.collect(),
        }
    }

    pub(super) fn text(&self, is_json: bool) -> String {
        if is_json {
            return report_text(self);
        }
        let mut text = String::new();
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        for target in &self.targets {
            let Self { name, type_, .. } = self;
            let namespace = target.namespace.as_ref();
            let namespace = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
            let Place {
                scope, certificate, ..
            } = target;
            let output = target.output.as_ref();
            let output = output.map_or_else(String::new, |output| format!(", into {output}"));
            line(format!(
                "{namespace}{name} ({type_}), {scope}, with the certificate {certificate}{output}"
            ));
        }
        let keys = self.items.iter().map(|item| &item.key);
        let width = keys.chain(&self.templates).map(String::len).max();
        let width = width.unwrap_or_default();
        for Item { key, bytes } in &self.items {
            line(format!("  {key:width$}  {bytes} bytes"));
        }
        for key in &self.templates {
            line(format!("  {key:width$}  a template"));
        }
        text
    }
}

/// What no API server would take is better known before it is committed.
pub(super) fn warn_if_too_large(items: &Items, talk: &mut Talk<'_>) {
    let bytes: usize = items.iter().map(|(_, value)| value.len()).sum();
    if bytes > MAX_BYTES {
        talk.say(&format!(
            "warning: the values have {bytes} bytes, and Kubernetes takes {MAX_BYTES} in one Secret"
        ));
    }
}
