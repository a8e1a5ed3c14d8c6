//! The renderer of Go templates with the Sprig functions.

use std::time::Duration;

use sealed_template::{
    Budget, Environment, ExecError, Functions, Limit, Limits, Map, ParseError, Reason, Str,
    Template, Value,
};

use crate::codes::Code;
use crate::render::{Place, PrivateText, Render, RenderError, Rendered, Texts, Values};

/// How long the templates of one object may run altogether, wherever they run: what `seal template` renders in
/// time, the controller does too. An RSA-4096 key takes about a second.
pub const RENDER_TIME: Duration = Duration::from_secs(5);

/// Why a template was not tried that comes behind one that used up what they share; beside the codes of the
/// bounds.
const NOT_TRIED: &str = "limit-shared";

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
    /// A renderer that takes time and randomness from `environment`, with the limits that templates of objects
    /// have: those of the engine, and [`RENDER_TIME`].
    pub fn new(environment: E) -> Self {
        let mut limits = Limits::default();
        limits.time = RENDER_TIME;
        Self::with_limits(environment, limits)
    }

    /// A renderer with other limits.
    pub fn with_limits(environment: E, limits: Limits) -> Self {
        Self {
            functions: sealed_sprig::functions(),
            environment,
            limits,
        }
    }

    /// Does `work` on text after text, until one has used up the budget that they share: those that are left are
    /// not tried.
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
                spent = Some(not_tried(&error));
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
                missing: rendered.missing.iter().map(shown).collect(),
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

/// A name as the text of a template has it, which is UTF-8.
fn shown(name: &Str) -> String {
    String::from_utf8_lossy(name).into_owned()
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

/// What is told of the templates behind the one with `error`, which used up the budget of all: nothing may be
/// wrong with them.
fn not_tried(error: &RenderError) -> RenderError {
    let whole =
        "not tried: a template before this one used up what the templates of an object share";
    let whole = PrivateText::new(whole.to_owned());
    let public = format!("template failed: {NOT_TRIED}");
    let behind = RenderError::new(error.code(), public, whole);
    if error.is_transient() {
        behind.transient()
    } else {
        behind
    }
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
        Templates::with_limits(System::new(), limits)
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
    fn the_templates_behind_one_that_spends_all_are_not_even_parsed_nor_blamed() {
        let templates = templates(|limits| limits.steps = 1_000);
        let texts = [
            ("a", "fine"),
            ("b", "{{range 1000000}}{{end}}"),
            ("c", "fine"),
            ("d", "{{ no template"),
        ];
        let fault = |key: &str, reason: &str| {
            let fault = (format!("template failed: {reason}"), false);
            (key.to_owned(), Some(fault))
        };
        assert_eq!(
            faults(&templates, &texts),
            [
                ("a".to_owned(), None),
                fault("b", "limit-steps"),
                fault("c", "limit-shared"),
                fault("d", "limit-shared"),
            ]
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
        for (index, (_, fault)) in faults.into_iter().enumerate() {
            let reason = ["limit-memory", "limit-shared"][index.min(1)];
            assert_eq!(fault.to_string(), format!("template failed: {reason}"));
            assert_eq!(fault.code(), Code::TemplateFailed);
        }
    }

    #[test]
    fn what_a_template_asked_for_in_vain_is_told() {
        let templates = templates(|_| ());
        let text = "{{.user}}{{.pasword}}{{if .user}}{{$.hots.x}}{{else}}{{.unseen}}{{end}}{{index . \"i\"}}";
        let values = Values::from([("user".to_owned(), b"u".to_vec().into())]);
        let mut rendered = templates.render(&Texts::from([("conf", text)]), &values);
        let (_, rendered) = rendered.pop().expect("one");
        let missing = rendered.expect("a rendering").missing;
        assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["hots", "pasword"]);
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
