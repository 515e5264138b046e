//! What owners can ask: their commands, signing in and out, and whose session it is.

use super::super::owner_session::PLAIN_NAME;
use super::{POSTED, Schemas, UNWELL, add, json_body, refused, says, summary_of};
use serde_json::{Value, json};
use shared::RefusalCode;
use shared::commands::Accepted;
use shared::management::{
    Admission, AdmitAttendee, ChangeQuota, CreateConference, CreateSeatType, DeleteSeatType,
    OwnerCommand, OwnerView, PublishConference, RequestOwnerCode, ResendConfirmation,
    RotateOwnerCode, SignIn, UnpublishConference, UpdateConference, UpdateSeatType,
};
use utoipa::ToSchema;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

/// The name of the security scheme.
pub(super) const SESSION: &str = "owner_session";
const ABOUT_SESSION: &str = "Set by `/api/sign-in`, for all conferences of an address, and by \
    `create-conference`, for that conference. Over TLS its name begins with `__Host-`.";
/// What every command of an owner can be refused for.
pub(super) const MANAGED: [RefusalCode; 2] =
    [RefusalCode::SignInRequired, RefusalCode::ConferenceNotFound];

pub(super) fn scheme() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(PLAIN_NAME, ABOUT_SESSION)))
}

pub(super) fn by_owner() -> SecurityRequirement {
    SecurityRequirement::new(SESSION, Vec::<String>::new())
}

/// One command of an owner.
pub(in crate::http) fn owner_command<C: OwnerCommand + ToSchema>(
    refusals: &[RefusalCode],
) -> Operation {
    let operation = command::<C>()
        .security(by_owner())
        .response("200", says("Done, or done before", &Accepted::name()));
    refused(operation, &[&POSTED, &MANAGED, &[RefusalCode::Maintenance], refusals])
}

pub(in crate::http) fn create_conference() -> Operation {
    let operation = command::<CreateConference>()
        .description(Some("The access code is mailed to the owner; the cookie opens this one."))
        .response("200", says("Created, now or before", &Accepted::name()));
    let refusals = [RefusalCode::DetailsInvalid, RefusalCode::SlugTaken, RefusalCode::Maintenance];
    refused(operation, &[&POSTED, &refusals])
}

pub(in crate::http) fn admit_attendee() -> Operation {
    let operation = command::<AdmitAttendee>()
        .description(Some("The second time says when the first was."))
        .security(by_owner())
        .response("200", says("Who was let in, now or before", &Admission::name()));
    refused(operation, &[&POSTED, &MANAGED, &[RefusalCode::TicketUnknown]])
}

fn command<C: OwnerCommand + ToSchema>() -> OperationBuilder {
    OperationBuilder::new()
        .tag("owners")
        .summary(Some(summary_of(C::ROUTE)))
        .operation_id(Some(C::ROUTE))
        .request_body(Some(json_body(&C::name(), example(C::ROUTE))))
}

pub(in crate::http) fn sign_in() -> Operation {
    let operation = OperationBuilder::new()
        .tag("owners")
        .summary(Some("Signs an owner in by e-mail and access code"))
        .description(Some("Every mistake gets the same answer."))
        .request_body(Some(json_body(&SignIn::name(), example("sign-in"))))
        .response("200", says("Signed in: the cookie is set", &OwnerView::name()));
    refused(operation, &[&POSTED, &[RefusalCode::SignInFailed]])
}

pub(in crate::http) fn request_owner_code() -> Operation {
    let yes = ResponseBuilder::new().description("If there are conferences, a mail is on its way");
    let operation = OperationBuilder::new()
        .tag("owners")
        .summary(Some("Mails an owner the access code again"))
        .description(Some("The answer is the same whether the address owns a conference or not."))
        .request_body(Some(json_body(&RequestOwnerCode::name(), example("owner-codes"))))
        .response("204", yes.build());
    refused(operation, &[&POSTED])
}

pub(in crate::http) fn sign_out() -> Operation {
    let yes = ResponseBuilder::new().description("Signed out, now or before").build();
    let operation = OperationBuilder::new()
        .tag("owners")
        .summary(Some("Ends the owner's session"))
        .response("204", yes);
    refused(operation, &[&POSTED])
}

pub(in crate::http) fn owner() -> Operation {
    let nobody = ResponseBuilder::new().description("There is no session").build();
    let operation = OperationBuilder::new()
        .tag("owners")
        .summary(Some("Whose session this is, and what it opens"))
        .security(by_owner())
        .response("200", says("The owner's conferences, newest first", &OwnerView::name()))
        .response("204", nobody);
    refused(operation, &[&UNWELL])
}

/// A body that really is one; a test reads it back.
pub(super) fn example(route: &str) -> Value {
    let id = |number: u32| format!("0190a5e4-0000-7000-8000-00000000000{number}");
    if route == "sign-in" {
        return json!({ "email": "mia@example.org", "access_code": "K7M-2QX" });
    }
    if route == "owner-codes" {
        return json!({ "email": "mia@example.org" });
    }
    let facts = json!({
        "name": "RustConf", "tagline": "Fearless", "description": "Two days of Rust.",
        "location": "Berlin", "starts_at": 1_807_790_400_000_i64,
        "ends_at": 1_807_963_200_000_i64, "time_zone": "Europe/Berlin",
        "contact_email": "team@example.org", "hold_minutes": 15,
        "cancel_until": 1_807_704_000_000_i64, "assign_until": null
    });
    let seat_type_facts = json!({
        "name": "General admission", "description": "Both days.",
        "price": { "minor": 19_900, "currency": "EUR" }, "per_order_max": 20,
        "sale_starts_at": null, "sale_ends_at": null
    });
    if route == CreateConference::ROUTE {
        return json!({
            "command_id": id(1), "owner_name": "Mia", "owner_email": "mia@example.org",
            "slug": "rustconf", "currency": "EUR", "facts": facts
        });
    }
    let mut body = json!({ "command_id": id(1), "conference": "rustconf" });
    match route {
        UpdateConference::ROUTE => body["facts"] = facts,
        CreateSeatType::ROUTE => {
            body["seat_type"] = json!(id(3));
            body["facts"] = seat_type_facts;
            body["quota"] = json!(500);
        }
        UpdateSeatType::ROUTE => {
            body["seat_type"] = json!(id(3));
            body["facts"] = seat_type_facts;
        }
        DeleteSeatType::ROUTE => body["seat_type"] = json!(id(3)),
        ResendConfirmation::ROUTE => body["order_id"] = json!(id(2)),
        AdmitAttendee::ROUTE => body["ticket"] = json!("7Q2M-K0XD-93VA-TB5H"),
        ChangeQuota::ROUTE => {
            body["seat_type"] = json!(id(3));
            body["quota"] = json!(550);
            body["seen"] = json!(500);
        }
        _ => {}
    }
    body
}

/// Every type that a body of an owner can have, with what it consists of.
pub(super) fn add_schemas(all: &mut Schemas) {
    add::<CreateConference>(all);
    add::<UpdateConference>(all);
    add::<PublishConference>(all);
    add::<UnpublishConference>(all);
    add::<CreateSeatType>(all);
    add::<UpdateSeatType>(all);
    add::<DeleteSeatType>(all);
    add::<ChangeQuota>(all);
    add::<RotateOwnerCode>(all);
    add::<ResendConfirmation>(all);
    add::<AdmitAttendee>(all);
    add::<Admission>(all);
    add::<SignIn>(all);
    add::<RequestOwnerCode>(all);
    add::<OwnerView>(all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    fn survives<C: Serialize + DeserializeOwned>(route: &str) {
        let command: C = serde_json::from_value(example(route)).expect(route);
        assert_eq!(serde_json::to_value(command).unwrap(), example(route));
    }

    #[test]
    fn every_example_of_an_owner_is_a_command() {
        survives::<CreateConference>(CreateConference::ROUTE);
        survives::<UpdateConference>(UpdateConference::ROUTE);
        survives::<PublishConference>(PublishConference::ROUTE);
        survives::<UnpublishConference>(UnpublishConference::ROUTE);
        survives::<CreateSeatType>(CreateSeatType::ROUTE);
        survives::<UpdateSeatType>(UpdateSeatType::ROUTE);
        survives::<DeleteSeatType>(DeleteSeatType::ROUTE);
        survives::<ChangeQuota>(ChangeQuota::ROUTE);
        survives::<RotateOwnerCode>(RotateOwnerCode::ROUTE);
        survives::<ResendConfirmation>(ResendConfirmation::ROUTE);
        survives::<AdmitAttendee>(AdmitAttendee::ROUTE);
        survives::<SignIn>("sign-in");
        survives::<RequestOwnerCode>("owner-codes");
    }
}
