//! What is worth knowing about a rendering that succeeded.

use sealed_api::{Rendered, SealedSecret, Unsealed, Values};

use crate::faults::called;
use crate::io::Talk;
use crate::suggest;

/// Tells which values of an object are made up.
pub(super) fn made_up(keys: &[String], object: &SealedSecret, talk: &mut Talk<'_>) {
    if let [first, ..] = keys {
        talk.say(&format!(
            "note: made-up values for {} of {}; --value {first}=VALUE gives one, --recovery-private-key opens them all",
            quoted(keys.iter().map(String::as_str)),
            called(object),
        ));
    }
}

/// Tells what is surprising about the Secret of an object.
pub(super) fn of_object(made: &Unsealed, object: &SealedSecret, talk: &mut Talk<'_>) {
    let items = &object.spec.encrypted_data;
    let template = object.spec.template.as_ref();
    let entries = template.and_then(|template| template.data.as_ref());
    let entries: Vec<&str> = entries
        .into_iter()
        .flatten()
        .filter_map(|(key, text)| text.is_some().then_some(key.as_str()))
        .collect();
    let names = || {
        let items = items.keys().map(String::as_str);
        items.chain(entries.iter().copied())
    };
    for (key, missing) in &made.missing {
        for name in missing {
            let meant = suggest::nearest(name, names());
            let meant =
                meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            talk.say(&format!(
                "note: `{key}` asks for `{name}`, which is no sealed item{meant}"
            ));
        }
    }
    let dropped: Vec<&str> = entries
        .iter()
        .copied()
        .filter(|key| items.contains_key(*key))
        .collect();
    if !dropped.is_empty() {
        talk.say(&format!(
            "note: not used, since the sealed value of the same key wins: the template {}",
            quoted(dropped)
        ));
    }
    volatile(made.volatile.iter().map(String::as_str), talk);
}

/// Tells what is surprising about the output of a template that stands by itself.
pub(super) fn of_text(name: &str, rendered: &Rendered, given: &Values, talk: &mut Talk<'_>) {
    for missing in &rendered.missing {
        let advice = match suggest::nearest(missing, given.keys().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("--value {missing}=VALUE gives one"),
        };
        talk.say(&format!(
            "note: `{name}` asks for `{missing}`, which has no value; {advice}"
        ));
    }
    volatile((!rendered.is_deterministic).then_some(name), talk);
}

fn volatile<'k>(keys: impl IntoIterator<Item = &'k str>, talk: &mut Talk<'_>) {
    let keys = quoted(keys);
    if !keys.is_empty() {
        talk.say(&format!(
            "note: different each time: {keys}; the controller keeps what it made first until the SealedSecret changes"
        ));
    }
}

fn quoted<'k>(keys: impl IntoIterator<Item = &'k str>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|key| format!("`{key}`")).collect();
    keys.join(", ")
}
