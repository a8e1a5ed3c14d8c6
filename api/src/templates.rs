//! The renderer of Go templates with the Sprig functions.

use sealed_template::{
    Budget, Environment, ExecError, Functions, Limit, Limits, Map, ParseError, Reason, Template,
    Value,
};

use crate::codes::Code;
use crate::render::{Place, PrivateText, Render, RenderError, Rendered, Texts, Values};

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

    /// Does `work` on text after text, until one has used up the budget that they share: those that are left get
    /// the same error.
    fn each<'t, T>(
        &self,
        texts: &Texts<'t>,
        mut work: impl FnMut(&str, &str, &mut Budget) -> Result<T, Fault>,
    ) -> Vec<(&'t str, Result<T, RenderError>)> {
        let mut budget = Budget::new(self.limits.clone());
        let mut spent = None;
        let mut next = |key: &str, text: &str| {
            if let Some(spent) = &spent {
                return Err(RenderError::clone(spent));
            }
            let Fault { limit, error } = match work(key, text, &mut budget) {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            if limit.is_some_and(Limit::is_shared) {
                spent = Some(behind(&error));
            }
            Err(error)
        };
        texts
            .iter()
            .map(|(key, text)| (*key, next(key, text)))
            .collect()
    }
}

impl<E: Environment> Render for Templates<E> {
    fn render<'t>(
        &self,
        texts: &Texts<'t>,
        context: &Values,
    ) -> Vec<(&'t str, Result<Rendered, RenderError>)> {
        let entries = context
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.as_slice().into()));
        let root = Value::Map(Map::of_strings(entries));
        // What one template draws from the budget differs from time to time, and so what it leaves to the next.
        let mut varies = false;
        self.each(texts, |key, text, budget| {
            let template = Template::parse(key, text, &self.functions, budget)
                .map_err(|error| Fault::of_parsing(&error, varies))?;
            let rendered = template.render(root.clone(), &self.environment, budget);
            varies |= match &rendered {
                Ok(rendered) => !rendered.is_deterministic,
                Err(error) => !error.is_deterministic(),
            };
            let rendered = rendered.map_err(|error| Fault::of_rendering(&error, varies))?;
            Ok(Rendered {
                output: rendered.output.into_vec().into(),
                is_deterministic: rendered.is_deterministic,
            })
        })
    }

    fn check<'t>(&self, texts: &Texts<'t>) -> Vec<(&'t str, RenderError)> {
        let parsed = self.each(texts, |key, text, budget| {
            match Template::parse(key, text, &self.functions, budget) {
                Ok(_) => Ok(()),
                Err(error) => Err(Fault::of_parsing(&error, false)),
            }
        });
        let faults = parsed.into_iter();
        faults
            .filter_map(|(key, result)| Some((key, result.err()?)))
            .collect()
    }
}

/// What is wrong with one template, and whether it is that it passed a bound.
struct Fault {
    limit: Option<Limit>,
    error: RenderError,
}

impl Fault {
    /// All of it may be published: it depends on the text of the template alone, which whoever sees the object
    /// sees. `varies` as in [`may_pass_later`].
    fn of_parsing(error: &ParseError, varies: bool) -> Self {
        let whole = PrivateText::new(error.to_string()).at(Place {
            line: error.line(),
            column: None,
        });
        let limit = error.passed_limit();
        Self {
            limit,
            error: match limit {
                None => RenderError::new(Code::TemplateInvalid, error.to_string(), whole),
                Some(limit) => failed(Reason::Limit(limit), whole, varies),
            },
        }
    }

    fn of_rendering(error: &ExecError, varies: bool) -> Self {
        let private = error.private();
        let whole = String::from_utf8_lossy(private.text()).into_owned();
        let whole = PrivateText::new(whole).at(Place {
            line: private.line(),
            column: Some(private.column()),
        });
        let reason = error.reason();
        Self {
            limit: passed_limit(reason),
            error: failed(reason, whole, varies),
        }
    }
}

fn failed(reason: Reason, whole: PrivateText, varies: bool) -> RenderError {
    let public = format!("template failed: {}", reason.code());
    let error = RenderError::new(Code::TemplateFailed, public, whole);
    if may_pass_later(reason, varies) {
        error.transient()
    } else {
        error
    }
}

/// The fault of the templates behind the one that used up the budget of all.
fn behind(error: &RenderError) -> RenderError {
    let whole = format!("{error}: a template before this one used up what they share");
    error.clone().with_whole(PrivateText::new(whole))
}

fn passed_limit(reason: Reason) -> Option<Limit> {
    match reason {
        Reason::Limit(limit) => Some(limit),
        _ => None,
    }
}

/// Whether the same templates may get through another time. Time runs out on a busy machine, too; of the other
/// bounds, a template that `varies` with clock or randomness may have passed one by chance.
fn may_pass_later(reason: Reason, varies: bool) -> bool {
    match passed_limit(reason) {
        None => false,
        Some(Limit::Time) => true,
        Some(_) => varies,
    }
}

impl<E> std::fmt::Debug for Templates<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sealed_sprig::System;

    use super::*;

    #[test]
    fn only_a_bound_may_be_kept_another_time() {
        for (reason, varies, later) in [
            (Reason::Limit(Limit::Time), false, true),
            (Reason::Limit(Limit::Memory), false, false),
            (Reason::Limit(Limit::Steps), false, false),
            (Reason::Limit(Limit::Steps), true, true),
            (Reason::Limit(Limit::Output), true, true),
            (Reason::FunctionFailed, false, false),
            (Reason::FunctionFailed, true, false),
        ] {
            assert_eq!(may_pass_later(reason, varies), later, "{reason:?} {varies}");
        }
    }

    fn templates(change: impl FnOnce(&mut Limits)) -> Templates<System> {
        let mut limits = Limits::default();
        change(&mut limits);
        Templates::new(System::new(), limits)
    }

    /// What is wrong with each text, and whether that may pass.
    fn faults(
        templates: &Templates<System>,
        texts: &[(&str, &str)],
    ) -> Vec<(String, Option<(String, bool)>)> {
        let texts: Texts<'_> = texts.iter().copied().collect();
        let rendered = templates.render(&texts, &Values::new()).into_iter();
        let told = |error: RenderError| (error.to_string(), error.is_transient());
        rendered
            .map(|(key, result)| (key.to_owned(), result.err().map(told)))
            .collect()
    }

    #[test]
    fn the_templates_behind_one_that_spends_all_are_not_even_parsed() {
        let templates = templates(|limits| limits.steps = 1_000);
        let texts = [
            ("a", "fine"),
            ("b", "{{range 1000000}}{{end}}"),
            ("c", "fine"),
            ("d", "{{ no template"),
        ];
        let spent = |key: &str| {
            let fault = ("template failed: limit-steps".to_owned(), false);
            (key.to_owned(), Some(fault))
        };
        assert_eq!(
            faults(&templates, &texts),
            [("a".to_owned(), None), spent("b"), spent("c"), spent("d")]
        );
    }

    #[test]
    fn parsing_is_drawn_from_the_budget_of_the_object() {
        let templates = templates(|limits| limits.memory = 1 << 20);
        let text = "{{.}}".repeat(1_000);
        let keys: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
        let texts: Texts<'_> = keys
            .iter()
            .map(|key| (key.as_str(), text.as_str()))
            .collect();
        let faults = templates.check(&texts);
        assert!((1..20).contains(&faults.len()), "{}", faults.len());
        for (_, fault) in faults {
            assert_eq!(fault.to_string(), "template failed: limit-memory");
            assert_eq!(fault.code(), Code::TemplateFailed);
        }
    }

    #[test]
    fn what_time_or_chance_ended_may_pass() {
        let slow = templates(|limits| limits.time = Duration::ZERO);
        let text = [("a", "{{range 1000000}}{{end}}")];
        let fault =
            |text: &str, transient| vec![("a".to_owned(), Some((text.to_owned(), transient)))];
        assert_eq!(
            faults(&slow, &text),
            fault("template failed: limit-time", true)
        );
        let few = templates(|limits| limits.steps = 100);
        let text = [("a", "{{$_ := now}}{{range 1000000}}{{end}}")];
        assert_eq!(
            faults(&few, &text),
            fault("template failed: limit-steps", true)
        );
    }
}
