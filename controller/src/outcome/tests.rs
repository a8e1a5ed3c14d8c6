use rstest::rstest;

use super::*;

fn answer(status: Option<u16>, message: &str) -> ApiFailure {
    ApiFailure {
        status,
        message: message.to_owned(),
    }
}

#[rstest]
#[case::no_answer(None, "connection refused", Cause::Unavailable)]
#[case::an_outage(Some(503), "etcdserver: leader changed", Cause::Unavailable)]
#[case::a_limit(Some(429), "too many requests", Cause::Unavailable)]
#[case::an_old_token(Some(401), "Unauthorized", Cause::Unavailable)]
#[case::a_missing_right(Some(403), "secrets is forbidden", Cause::Rejected)]
#[case::an_invalid_key(Some(422), "Secret \"a\" is invalid: data[a b]", Cause::Rejected)]
#[case::an_immutable_secret(
    Some(422),
    "Secret \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    Cause::Immutable
)]
#[case::several_faults_at_once(
    Some(422),
    "Secret \"a\" is invalid: [type: x, data: Forbidden: field is immutable when `immutable` is set]",
    Cause::Rejected
)]
fn an_answer_of_the_api_server_is_told_apart(
    #[case] status: Option<u16>,
    #[case] message: &str,
    #[case] cause: Cause,
) {
    let failure = Failure::api(&answer(status, message));
    assert_eq!(
        failure,
        Failure {
            cause,
            message: message.to_owned()
        }
    );
}

#[rstest]
#[case::foreign(
    Failure::unmanaged("app"),
    "failed update: Resource \"app\" already exists and is not managed by SealedSecret",
    "ErrUpdateFailed",
    "Resource \"app\" already exists and is not managed by SealedSecret"
)]
#[case::immutable(
    Failure::immutable("app"),
    "Secret \"app\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    "ErrUpdateFailed",
    "Error updating web/app: the target Secret is immutable. Once a Secret is marked as \
     immutable, it is not possible to revert this change nor to mutate the contents of the \
     data field. You can only delete and recreate the Secret."
)]
#[case::another_type(
    Failure::secret_type("app", "Opaque"),
    "Secret \"app\" is invalid: type: Invalid value: \"Opaque\": field is immutable",
    "ErrUpdateFailed",
    "Secret \"app\" is invalid: type: Invalid value: \"Opaque\": field is immutable"
)]
#[case::the_api_server_says_no(
    Failure::api(&answer(Some(403), "secrets is forbidden")),
    "secrets is forbidden",
    "ErrUpdateFailed",
    "secrets is forbidden"
)]
#[case::undecryptable(
    Failure { cause: Cause::Unseal(Code::WrongKey), message: "no key could decrypt secret (a)".to_owned() },
    "no key could decrypt secret (a)",
    "ErrUnsealFailed",
    "Failed to unseal: no key could decrypt secret (a)"
)]
fn texts_are_those_users_and_scripts_know(
    #[case] failure: Failure,
    #[case] status: &str,
    #[case] reason: &'static str,
    #[case] event: &str,
) {
    assert_eq!(failure.message, status);
    let expected = Event {
        kind: "Warning",
        reason,
        message: event.to_owned(),
    };
    assert_eq!(failure.event(&ObjectKey::new("web", "app")), expected);
}

#[test]
fn templates_that_may_render_later_are_tried_again() {
    let overdue = UnsealFailure::templates_overdue("limit-time", 0);
    let failure = Failure::unseal(&overdue);
    assert_eq!(failure.cause, Cause::Overrun(Code::TemplateFailed));
    assert_eq!(failure.message, "template failed: limit-time");
}

#[test]
fn success_is_told_in_upstreams_words() {
    let expected = Event {
        kind: "Normal",
        reason: "Unsealed",
        message: "SealedSecret unsealed successfully".to_owned(),
    };
    assert_eq!(
        Outcome::Synced.event(&ObjectKey::new("web", "app")),
        expected
    );
}

#[rstest]
#[case(
    Cause::Immutable,
    FailureReason::Update,
    false,
    true,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::Malformed(Code::WrongType),
    FailureReason::Unseal,
    false,
    false,
    Verdict::Settled
)]
#[case(
    Cause::Overrun(Code::TemplateFailed),
    FailureReason::Unseal,
    true,
    false,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::Rejected,
    FailureReason::Update,
    false,
    false,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::ReservedKey,
    FailureReason::Unmanaged,
    false,
    true,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::SecretType,
    FailureReason::Update,
    false,
    true,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::Unavailable,
    FailureReason::Update,
    true,
    false,
    Verdict::Retry(Pace::Fast)
)]
#[case(
    Cause::Unmanaged,
    FailureReason::Unmanaged,
    false,
    true,
    Verdict::Retry(Pace::Slow)
)]
#[case(
    Cause::Unseal(Code::WrongKey),
    FailureReason::Unseal,
    false,
    false,
    Verdict::Settled
)]
fn what_follows_from_a_cause(
    #[case] cause: Cause,
    #[case] metric: FailureReason,
    #[case] transient: bool,
    #[case] blocker: bool,
    #[case] next: Verdict,
) {
    assert_eq!(cause.metric(), metric);
    assert_eq!(cause.is_transient(), transient);
    assert_eq!(cause.is_blocker(), blocker);
    assert_eq!(cause.next(), next);
}
