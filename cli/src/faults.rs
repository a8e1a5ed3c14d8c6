//! Why a SealedSecret has no Secret, for somebody who may see its values: every fault, with the item or the line of
//! the template that has it.

use sealed_api::names::annotations;
use sealed_api::{Code, ItemReport, PrivateText, RenderError, SealedSecret, UnsealFailure};
use sealed_crypto::Keyring;

use crate::excerpt::Excerpt;
use crate::failure::{Failure, one_line};
use crate::sealed_input::Found;

/// Functions that Helm adds to Sprig's, and that are looked for here in vain.
const HELM: [&str; 5] = ["include", "lookup", "required", "toYaml", "tpl"];

/// The failure to `verb` an object of the input `origin`, whose values were opened with `keyring`.
pub(crate) fn cannot(
    verb: &str,
    failure: &UnsealFailure,
    found: &Found,
    origin: &str,
    keyring: &Keyring,
) -> Failure {
    let (templates, items): (Vec<_>, Vec<_>) = failure
        .reports()
        .iter()
        .partition(|report| report.whole.is_some());
    let mut message = format!("cannot {verb} {}", called(&found.sealed));
    if !items.is_empty() {
        message.push_str(": ");
        message.push_str(&by_fault(&items));
    }
    let mut helms = Vec::new();
    for report in templates {
        let (Some(whole), Some(key)) = (&report.whole, &report.key) else {
            continue;
        };
        let words = words(whole, key);
        helms.extend(helm_hint(words));
        let place = match whole.place() {
            Some(place) => format!("template `{key}`, line {}", place.line),
            None => format!("template `{key}`"),
        };
        let told = format!("\n{origin}: {place}: {words}");
        message.push_str(&told);
        message.push_str(&excerpt(whole, text_of(&found.sealed, key)));
    }
    helms.dedup();
    let mut told = Failure::new(failure.code(), message)
        .at(&found.place)
        .kubeseal(failure.whole().expose());
    if failure.code() == Code::WrongKey {
        told = told.hint(tried(found, keyring)).hint(format!(
            "the scope is {}: a value opens only where it was sealed for",
            found.sealed.scope()
        ));
    }
    helms.into_iter().fold(told, Failure::hint)
}

/// The failure of a template that stands by itself.
pub(crate) fn cannot_render(error: &RenderError, name: &str, text: &str) -> Failure {
    let whole = error.whole();
    let words = words(whole, name);
    let place = match whole.place() {
        Some(place) => format!("cannot render `{name}`, line {}", place.line),
        None => format!("cannot render `{name}`"),
    };
    let message = format!("{place}: {words}{}", excerpt(whole, Some(text)));
    let told = Failure::new(error.code(), message);
    helm_hint(words).into_iter().fold(told, Failure::hint)
}

/// The failure of keys that were asked for and of which none can be used. Without a key every value would be told to
/// be damaged or sealed for another, and the fault is neither.
pub(crate) fn no_key() -> Failure {
    Failure::new(Code::BadKey, "no private key to open with")
        .hint("a private key is RSA, in PEM or in a key Secret as YAML or JSON")
}

/// `namespace/name`, in one line whatever a file says.
pub(crate) fn called(object: &SealedSecret) -> String {
    one_line(&match object.namespace() {
        "" => object.name().to_owned(),
        namespace => format!("{namespace}/{}", object.name()),
    })
}

/// The faults with the items that have them, in one line.
fn by_fault(reports: &[&ItemReport]) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for report in reports {
        let text = match &report.detail {
            Some(detail) => format!("{} ({detail})", report.text),
            None => report.text.clone(),
        };
        let item = report.key.as_ref().map(|key| format!("`{key}`"));
        match groups.iter_mut().find(|(fault, _)| *fault == text) {
            Some((_, items)) => items.extend(item),
            None => groups.push((text, item.into_iter().collect())),
        }
    }
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(fault, items)| {
            if items.is_empty() {
                fault
            } else {
                format!("{}: {fault}", items.join(", "))
            }
        })
        .collect();
    groups.join("; ")
}

/// The keys that were tried, next to those that the object says it was sealed for.
fn tried(found: &Found, keyring: &Keyring) -> String {
    let count = match keyring.len() {
        1 => "1 private key was tried".to_owned(),
        count => format!("{count} private keys were tried"),
    };
    let own = found.sealed.metadata.annotations.as_ref();
    let sealed_for = own
        .and_then(|all| all.get(annotations::KEYS))
        .filter(|keys| !keys.is_empty())
        .map(|keys| format!("; its annotation {} names {keys}", annotations::KEYS));
    let fingerprints: Vec<String> = keyring.fingerprints().map(|one| one.to_string()).collect();
    format!(
        "{count}: {}{}",
        fingerprints.join(", "),
        sealed_for.unwrap_or_default()
    )
}

/// Go's account without the place that it begins with, which is told in words.
fn words<'a>(whole: &'a PrivateText, name: &str) -> &'a str {
    let account = whole.expose();
    let Some(place) = whole.place() else {
        return account;
    };
    let at = match place.column {
        Some(column) => format!("template: {name}:{}:{column}: ", place.line),
        None => format!("template: {name}:{}: ", place.line),
    };
    account.strip_prefix(&at).unwrap_or(account)
}

/// The line that the fault is in, below what was said so far.
fn excerpt(whole: &PrivateText, template: Option<&str>) -> String {
    let excerpt = template
        .zip(whole.place())
        .and_then(|(template, place)| Excerpt::of(template, place));
    excerpt.map_or_else(String::new, |excerpt| format!("\n{excerpt}"))
}

fn text_of<'o>(object: &'o SealedSecret, key: &str) -> Option<&'o str> {
    let template = object.spec.template.as_ref()?;
    template.data.as_ref()?.get(key)?.as_deref()
}

fn helm_hint(words: &str) -> Option<String> {
    let name = HELM
        .into_iter()
        .find(|name| words == format!("function \"{name}\" not defined"))?;
    Some(format!(
        "`{name}` is Helm's, not Sprig's: the controller knows Go's and Sprig's functions"
    ))
}
