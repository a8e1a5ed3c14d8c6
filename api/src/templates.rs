//! The renderer of Go templates with the Sprig functions.

use std::collections::BTreeMap;

use sealed_template::{Budget, Environment, Functions, Limits, Map, ParseError, Template, Value};

use crate::codes::Code;
use crate::render::{Place, PrivateText, Render, RenderError, Rendered, Texts};

/// Renders templates as the existing controller does: Go's `text/template` with the Sprig functions, except
/// `env`, `expandenv` and `getHostByName`, over a map of strings. A key that is missing prints `<no value>`.
///
/// All templates of one object share one budget of the limits.
pub struct Templates<E> {
    functions: Functions,
    environment: E,
    limits: Limits,
}

impl<E: Environment> Templates<E> {
    /// A renderer that takes time and randomness from `environment`.
    pub fn new(environment: E, limits: Limits) -> Self {
        Self {
            functions: sealed_sprig::functions(),
            environment,
            limits,
        }
    }

    fn parse(&self, key: &str, text: &str) -> Result<Template<'_>, ParseError> {
        Template::parse(key, text, &self.functions, &self.limits)
    }
}

impl<E: Environment> Render for Templates<E> {
    fn render<'t>(
        &self,
        texts: &Texts<'t>,
        context: &BTreeMap<String, Vec<u8>>,
    ) -> Vec<(&'t str, Result<Rendered, RenderError>)> {
        let entries = context
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.as_slice().into()));
        let root = Value::Map(Map::of_strings(entries));
        let mut budget = Budget::new(self.limits.clone());
        let mut render = |key, text| {
            let template = self.parse(key, text).map_err(|error| invalid(&error))?;
            let rendered = template
                .render(root.clone(), &self.environment, &mut budget)
                .map_err(|error| {
                    let private = error.private();
                    let whole = String::from_utf8_lossy(private.text()).into_owned();
                    RenderError::new(
                        Code::TemplateFailed,
                        format!("template failed: {}", error.reason().code()),
                        PrivateText::new(whole).at(Place {
                            line: private.line(),
                            column: Some(private.column()),
                        }),
                    )
                })?;
            Ok(Rendered {
                output: rendered.output,
                is_deterministic: rendered.is_deterministic,
            })
        };
        texts
            .iter()
            .map(|(key, text)| (*key, render(key, text)))
            .collect()
    }

    fn check<'t>(&self, texts: &Texts<'t>) -> Vec<(&'t str, RenderError)> {
        let faults = texts.iter().filter_map(|(key, text)| {
            let error = self.parse(key, text).err()?;
            Some((*key, invalid(&error)))
        });
        faults.collect()
    }
}

/// All of it may be published: it depends on the text of the template alone, which whoever sees the object sees.
fn invalid(error: &ParseError) -> RenderError {
    let whole = PrivateText::new(error.to_string()).at(Place {
        line: error.line(),
        column: None,
    });
    RenderError::new(Code::TemplateInvalid, error.to_string(), whole)
}

impl<E> std::fmt::Debug for Templates<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
