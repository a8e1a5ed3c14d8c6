//! What may be told of a refusal to write a Secret.
//!
//! Mostly the API server's own words: they name fields and keys, and scripts match them. But whoever looks at the
//! contents may quote them. Admission webhooks and policies speak with words of their authors, and the API server
//! itself says of a value that is no JSON at which character it ends. A value can be quoted in part and in more ways
//! than anybody can look for, so nothing is looked for: words are passed on where they are known to quote none.

use http::StatusCode;
use kube::core::Status;
use kube::core::response::{StatusCause, reason};

use crate::message::{LONGEST, bounded};

/// What is told of a refusal, at most [`LONGEST`] bytes.
pub(super) fn without_contents(status: &Status) -> String {
    let words = status.message.as_str();
    let known = by_webhook(status).or_else(|| invalid(status)).or_else(|| {
        match words.split_once(" is forbidden: ") {
            Some((_, why)) => forbidden(words, why),
            None => is_plain(status).then(|| words.to_owned()),
        }
    });
    bounded(&known.unwrap_or_else(|| by_code(status, "a value")))
}

/// The code alone, with what its words are withheld for.
pub(super) fn by_code(status: &Status, quoted: &str) -> String {
    let answered = format!("the API server answered {}", code(status));
    if status.message == answered {
        return answered;
    }
    format!("{answered}; {}", withheld(quoted))
}

fn withheld(quoted: &str) -> String {
    format!("its words are withheld because they may quote {quoted}")
}

fn code(status: &Status) -> String {
    StatusCode::from_u16(status.code)
        .map_or_else(|_| status.code.to_string(), |code| code.to_string())
}

/// Which webhook refused, or gave no answer.
fn by_webhook(status: &Status) -> Option<String> {
    let words = status.message.as_str();
    let who = up_to(words, "admission webhook \"", "\" denied the request").or_else(|| {
        up_to(
            words,
            "Internal error occurred: failed calling webhook \"",
            "\"",
        )
    })?;
    Some(format!("{who} ({}); {}", code(status), withheld("a value")))
}

/// A text that begins with `begin`, up to the first `end` after that.
fn up_to<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(begin)?;
    let length = begin.len() + rest.find(end)? + end.len();
    text.get(..length)
}

/// What `why` it is forbidden, if that is a right, a quota, the namespace, or a policy.
fn forbidden(words: &str, why: &str) -> Option<String> {
    const BY_NAME: [&str; 7] = [
        "User \"",
        "exceeded quota: ",
        "failed quota: ",
        "insufficient quota to consume: ",
        "not yet ready to handle request",
        "status unknown for quota: ",
        "unable to create new content in namespace ",
    ];
    if BY_NAME.iter().any(|known| why.starts_with(known)) {
        return Some(words.to_owned());
    }
    let who = up_to(why, "ValidatingAdmissionPolicy '", "' denied request")?;
    let subject = words.strip_suffix(why)?;
    Some(format!("{subject}{who}; {}", withheld("a value")))
}

/// Whether the words are those of a fault that has nothing to do with contents.
fn is_plain(status: &Status) -> bool {
    const PLAIN: [&str; 9] = [
        reason::ALREADY_EXISTS,
        reason::CONFLICT,
        reason::NOT_FOUND,
        reason::REQUEST_ENTITY_TOO_LARGE,
        reason::SERVER_TIMEOUT,
        reason::SERVICE_UNAVAILABLE,
        reason::TIMEOUT,
        reason::TOO_MANY_REQUESTS,
        reason::UNAUTHORIZED,
    ];
    PLAIN.contains(&status.reason.as_str()) || status.message.starts_with("etcdserver: ")
}

/// What is wrong with which fields, in the API server's words and order of fields: its own is another one each time.
fn invalid(status: &Status) -> Option<String> {
    let details = status.details.as_ref()?;
    let subject = format!("{} \"{}\" is invalid: ", details.kind, details.name);
    if !status.message.starts_with(&subject) || details.causes.is_empty() {
        return None;
    }
    let mut causes: Vec<&StatusCause> = details.causes.iter().collect();
    causes.sort_by_key(|cause| (&cause.field, &cause.message));
    let (mut faults, mut length) = (Vec::new(), subject.len());
    for cause in &causes {
        let fault = fault(cause);
        length += fault.len() + 2;
        if length > LONGEST - REST && !faults.is_empty() {
            break;
        }
        faults.push(fault);
    }
    let more = match causes.len() - faults.len() {
        0 => String::new(),
        more => format!(" and {more} more faults"),
    };
    Some(match &*faults {
        [only] if more.is_empty() => format!("{subject}{only}"),
        faults => format!("{subject}[{}]{more}", faults.join(", ")),
    })
}

/// What is left free for brackets and the number of faults that are not told.
const REST: usize = 40;

/// One fault. What the API server says of a value tells how it is wrong; of a key, only that it is.
fn fault(cause: &StatusCause) -> String {
    let StatusCause { field, message, .. } = cause;
    let key = field
        .strip_prefix("data[")
        .and_then(|rest| rest.strip_suffix(']'));
    let about_key =
        |key| message.starts_with(&format!("Invalid value: {}", sealed_pflag::quote(key)));
    let known = matches!(field.as_str(), "data" | "immutable" | "type")
        || field.starts_with("metadata")
        || key.is_some_and(about_key);
    match message.split_once(": ") {
        Some((kind, _)) if !known => format!("{field}: {kind} ({})", withheld("a value")),
        _ => format!("{field}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::response::StatusDetails;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn status(code: u16, reason: &str, message: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    #[rstest]
    #[case::a_right(
        403,
        "Forbidden",
        r#"secrets is forbidden: User "x" cannot create resource "secrets" in API group "" in the namespace "web""#
    )]
    #[case::a_quota(
        403,
        "Forbidden",
        r#"secrets "app" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=3, limited: secrets=3"#
    )]
    #[case::a_namespace_on_its_way_out(
        403,
        "Forbidden",
        r#"secrets "app" is forbidden: unable to create new content in namespace web because it is being terminated"#
    )]
    #[case::no_namespace(404, "NotFound", r#"namespaces "web" not found"#)]
    #[case::another_writer(
        409,
        "Conflict",
        r#"Operation cannot be fulfilled on secrets "app": the object has been modified"#
    )]
    #[case::a_size(
        413,
        "RequestEntityTooLarge",
        "Request entity too large: limit is 3145728"
    )]
    #[case::a_size_in_the_database(500, "", "etcdserver: request is too large")]
    #[case::an_answer_of_something_else(502, "", "the API server answered 502 Bad Gateway")]
    fn the_servers_own_words_are_told(
        #[case] code: u16,
        #[case] reason: &str,
        #[case] message: &str,
    ) {
        assert_eq!(without_contents(&status(code, reason, message)), message);
    }

    #[rstest]
    #[case::a_webhook(
        400,
        "",
        r#"admission webhook "w.example.com" denied the request: weak password hunter2"#,
        r#"admission webhook "w.example.com" denied the request (400 Bad Request)"#
    )]
    #[case::a_webhook_that_speaks_as_the_api_server(
        422,
        "Invalid",
        r#"admission webhook "w" denied the request: Secret "app" is invalid: data[a]: Invalid value: "hunter2""#,
        r#"admission webhook "w" denied the request (422 Unprocessable Entity)"#
    )]
    #[case::a_webhook_that_gave_no_answer(
        500,
        "InternalError",
        r#"Internal error occurred: failed calling webhook "w": failed to call webhook: an error on the server ("hunter2")"#,
        r#"Internal error occurred: failed calling webhook "w" (500 Internal Server Error)"#
    )]
    #[case::a_policy(
        422,
        "Invalid",
        r#"secrets "app" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: weak password hunter2"#,
        r#"secrets "app" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request"#
    )]
    #[case::somebody_who_forbids(
        403,
        "Forbidden",
        r#"secrets "app" is forbidden: weak password hunter2"#,
        "the API server answered 403 Forbidden"
    )]
    #[case::anything_else(
        400,
        "BadRequest",
        r#"weak password hunter2 is forbidden: by "me""#,
        "the API server answered 400 Bad Request"
    )]
    fn of_others_it_is_told_who_refused(
        #[case] code: u16,
        #[case] reason: &str,
        #[case] message: &str,
        #[case] told: &str,
    ) {
        assert_eq!(
            without_contents(&status(code, reason, message)),
            format!("{told}; its words are withheld because they may quote a value")
        );
    }

    /// A refusal as the API server makes it of faults.
    fn refused(faults: &[(&str, &str)]) -> Status {
        let causes: Vec<_> = faults
            .iter()
            .map(|(field, message)| json!({ "field": field, "message": message, "reason": "FieldValueInvalid" }))
            .collect();
        let details: StatusDetails =
            serde_json::from_value(json!({ "kind": "Secret", "name": "app", "causes": causes }))
                .unwrap();
        let words: Vec<_> = faults
            .iter()
            .map(|(field, message)| format!("{field}: {message}"))
            .collect();
        let words = match &*words {
            [only] => only.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        status(
            422,
            "Invalid",
            &format!("Secret \"app\" is invalid: {words}"),
        )
        .with_details(details)
    }

    #[rstest]
    #[case::a_key(&[("data[a b]", r#"Invalid value: "a b": a valid config key must consist of …"#)])]
    #[case::fixed_data(&[("data", "Forbidden: field is immutable when `immutable` is set")])]
    #[case::a_type(&[("type", r#"Invalid value: "x": field is immutable"#)])]
    #[case::a_size(&[("data", "Too long: may not be more than 1048576 bytes")])]
    #[case::a_label(&[("metadata.labels", r#"Invalid value: "a b": a valid label must …"#)])]
    #[case::missing_keys(&[("data[tls.crt]", "Required value"), ("data[tls.key]", "Required value")])]
    fn faults_of_fields_and_keys_are_told(#[case] faults: &[(&str, &str)]) {
        let status = refused(faults);
        assert_eq!(without_contents(&status), status.message);
    }

    #[test]
    fn faults_of_values_are_told_without_words() {
        let invalid =
            r#"Invalid value: "<secret contents redacted>": invalid character 'n' looking for …"#;
        let status = refused(&[(".x", "Odd"), ("data[.dockerconfigjson]", invalid)]);
        assert_eq!(
            without_contents(&status),
            "Secret \"app\" is invalid: [.x: Odd, data[.dockerconfigjson]: Invalid value \
             (its words are withheld because they may quote a value)]"
        );
    }

    #[test]
    fn of_ten_thousand_faults_the_same_few_are_told_each_time() {
        let keys: Vec<String> = (0..10_000).map(|key| format!("a {key:05}")).collect();
        let fault = |key: &String| {
            let words = format!("Invalid value: {key:?}: a valid config key must consist of …");
            (format!("data[{key}]"), words)
        };
        let mut faults: Vec<_> = keys.iter().map(fault).collect();
        let told = |faults: &[(String, String)]| {
            let faults: Vec<_> = faults.iter().map(|(a, b)| (&**a, &**b)).collect();
            without_contents(&refused(&faults))
        };
        let first = told(&faults);
        assert!(first.len() <= LONGEST, "{first}");
        assert!(
            first.contains(r#"[data[a 00000]: Invalid value: "a 00000""#),
            "{first}"
        );
        let (_, rest) = first.rsplit_once("] and ").unwrap();
        let more = rest.strip_suffix(" more faults").unwrap();
        assert!((9_980..9_999).contains(&more.parse().unwrap()), "{first}");
        faults.reverse();
        assert_eq!(told(&faults), first);
    }

    #[test]
    fn one_endless_fault_is_cut() {
        let key = "ab ".repeat(1_000);
        let field = format!("data[{key}]");
        let told = without_contents(&refused(&[(
            &field,
            &format!("Invalid value: {key:?}: too long"),
        )]));
        assert!(
            told.len() <= LONGEST && told.ends_with(" more bytes"),
            "{told}"
        );
    }
}
