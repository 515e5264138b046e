//! `GET /api/openapi.json`: every route with its bodies and its refusals, made from the types.
//!
//! Each route hands in its own description, so none can be forgotten. A copy is kept in
//! `docs/openapi.json`, and a test compares.

mod lists;
mod owners;

pub(super) use lists::{list, owned, table};
pub(super) use owners::{
    admit_attendee, create_conference, owner, owner_command, sign_in, sign_out,
};

use super::{Door, Route, problem};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use shared::commands::{
    Accepted, AssignRegistrantDetails, AssignSeat, BrowserCommand, CancelRegistration,
    CheckPayment, CompleteRegistration, ExtendSeatReservation, FindOrder, FoundOrder,
    InitiatePayment, OpenOrderLink, RegisterToConference, ReleaseHold, RequestOrderLinks,
    SendConfirmationAgain, UnassignSeat,
};
use shared::live::Snapshot;
use shared::tickets::Tickets;
use shared::{Problem, RefusalCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::PathItem;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApiBuilder,
    PathsBuilder, Ref, RefOr, Required, ResponseBuilder,
};

const TITLE: &str = "Contoso Conference Management System";
const ABOUT: &str = "Commands come in, views go out. A command sent twice with the same \
    `command_id` acts once. Every answer that is not a yes is a problem (RFC 9457) with a stable \
    `code`.";
/// The name of the security scheme.
const TOKEN: &str = "order_token";
const ABOUT_TOKEN: &str = "The order's token: 32 to 128 of the characters A–Z, a–z, 0–9, `-` and \
    `_` that the browser made before it sent the first command, or what `/api/find-order` answered.";
const ABOUT_SOCKET: &str = "Frames are JSON texts. The client says `{\"type\":\"watch\",\"topic\":…,\
    \"token\":…}`, `{\"type\":\"unwatch\",\"topic\":…}` and `{\"type\":\"ping\"}`; the server says \
    `hello`, `snapshot` (a whole view and its position; the later position wins), `refused`, `pong` \
    and `restarting`. A topic is the part of a view's address after `/api/views/`.";

/// What anything can be answered that is posted.
const POSTED: [RefusalCode; 7] = [
    RefusalCode::Malformed,
    RefusalCode::OriginForeign,
    RefusalCode::TooLarge,
    RefusalCode::TooManyRequests,
    RefusalCode::Busy,
    RefusalCode::Unavailable,
    RefusalCode::Fault,
];
/// What every command can be refused for.
const COMMANDED: [RefusalCode; 3] =
    [RefusalCode::TokenMissing, RefusalCode::ConferenceNotFound, RefusalCode::OrderNotFound];
const UNWELL: [RefusalCode; 3] = [RefusalCode::Busy, RefusalCode::Unavailable, RefusalCode::Fault];

pub(super) fn route() -> Route {
    let body = ContentBuilder::new().schema(Some(object())).build();
    let yes = ResponseBuilder::new().description("This document").content("application/json", body);
    Route {
        path: "/api/openapi.json".to_owned(),
        handlers: get(serve),
        method: HttpMethod::Get,
        operation: OperationBuilder::new()
            .summary(Some("Describes this API"))
            .response("200", yes)
            .build(),
    }
}

async fn serve(State(door): State<Arc<Door>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], door.description.clone())
}

/// One command.
pub(super) fn command<C: BrowserCommand + ToSchema>(refusals: &[RefusalCode]) -> Operation {
    let operation = OperationBuilder::new()
        .tag("commands")
        .summary(Some(summary_of(C::ROUTE)))
        .operation_id(Some(C::ROUTE))
        .security(SecurityRequirement::new(TOKEN, Vec::<String>::new()))
        .request_body(Some(json_body(&C::name(), example(C::ROUTE))))
        .response("200", says("Done, or done before", &Accepted::name()));
    refused(operation, &[&POSTED, &COMMANDED, refusals])
}

/// The words of a route, as a heading.
fn summary_of(route: &str) -> String {
    let words = route.replace('-', " ");
    format!("{}{}", words[..1].to_uppercase(), &words[1..])
}

/// One view; `parts` are the variables in its address.
pub(super) fn view(summary: &str, parts: &[&str], refusals: &[RefusalCode]) -> Operation {
    let operation = OperationBuilder::new()
        .tag("views")
        .summary(Some(summary))
        .response("200", says("The view as it is now", &Snapshot::name()));
    let operation = in_path(operation, parts);
    let operation = if refusals.contains(&RefusalCode::TokenMissing) {
        operation.security(SecurityRequirement::new(TOKEN, Vec::<String>::new()))
    } else if refusals.contains(&RefusalCode::SignInRequired) {
        operation.security(owners::by_owner())
    } else {
        operation
    };
    refused(operation, &[refusals, &UNWELL])
}

pub(super) fn find_order() -> Operation {
    let operation = OperationBuilder::new()
        .tag("orders")
        .summary(Some("Opens an order by e-mail and access code"))
        .description(Some("Every mistake gets the same answer."))
        .request_body(Some(json_body(&FindOrder::name(), example("find-order"))))
        .response("200", says("The order, and a token for a day", &FoundOrder::name()));
    refused(operation, &[&POSTED, &[RefusalCode::OrderNotFound]])
}

pub(super) fn request_order_links() -> Operation {
    let yes = ResponseBuilder::new().description("If there are orders, a mail is on its way");
    let operation = OperationBuilder::new()
        .tag("orders")
        .summary(Some("Mails one-time links to the orders of an address"))
        .description(Some("The answer is the same whether there are orders or not."))
        .request_body(Some(json_body(&RequestOrderLinks::name(), example("order-links"))))
        .response("204", yes.build());
    refused(operation, &[&POSTED])
}

pub(super) fn open_order_link() -> Operation {
    let operation = OperationBuilder::new()
        .tag("orders")
        .summary(Some("Opens an order by a mailed link, once"))
        .description(Some("Every link that is not good gets the same answer."))
        .request_body(Some(json_body(&OpenOrderLink::name(), example("open-order-link"))))
        .response("200", says("The order, and a token for a day", &FoundOrder::name()));
    refused(operation, &[&POSTED, &[RefusalCode::LinkEnded]])
}

/// The calendar entry of a conference.
pub(super) fn calendar() -> Operation {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let yes = ResponseBuilder::new()
        .description("An iCalendar file (RFC 5545)")
        .content("text/calendar", ContentBuilder::new().schema(Some(text)).build());
    let operation = OperationBuilder::new()
        .tag("documents")
        .summary(Some("A published conference as a calendar entry"))
        .response("200", yes);
    let operation = in_path(operation, &["slug"]);
    refused(operation, &[&[RefusalCode::ConferenceNotFound], &UNWELL])
}

/// The tickets of an order.
pub(super) fn tickets() -> Operation {
    let operation = OperationBuilder::new()
        .tag("documents")
        .summary(Some("The tickets of an order, to be printed by those who have its token"))
        .description(Some("Only seats that have a name have a ticket."))
        .security(SecurityRequirement::new(TOKEN, Vec::<String>::new()))
        .response("200", says("One per seat that has a name", &Tickets::name()));
    let operation = in_path(operation, &["slug", "order_id"]);
    let refusals = [
        RefusalCode::TokenMissing,
        RefusalCode::ConferenceNotFound,
        RefusalCode::OrderNotFound,
        RefusalCode::OrderNotConfirmed,
    ];
    refused(operation, &[&refusals, &UNWELL])
}

/// The provider's callbacks; `signature` is the header that proves them.
pub(super) fn callback(signature: &str) -> Operation {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let header = ParameterBuilder::new()
        .name(signature)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("HMAC-SHA-256 over the instant and the body"))
        .schema(Some(text));
    let body = ContentBuilder::new().schema(Some(object())).example(Some(example("callback")));
    let body = RequestBodyBuilder::new().content("application/json", body.build());
    let operation = OperationBuilder::new()
        .tag("payments")
        .summary(Some("Tells what became of a payment; for the payment provider"))
        .description(Some("May be sent again and again; the answer is the same."))
        .parameter(header)
        .request_body(Some(body.required(Some(Required::True)).build()))
        .response("200", says("Recorded, now or before", &Accepted::name()));
    let refusals = [
        RefusalCode::SignatureInvalid,
        RefusalCode::CallbackStale,
        RefusalCode::ConferenceNotFound,
        RefusalCode::OrderNotFound,
        RefusalCode::PaymentNotFound,
    ];
    refused(operation, &[&POSTED, &refusals])
}

pub(super) fn socket() -> Operation {
    let yes = ResponseBuilder::new().description("The socket is open").build();
    let operation = OperationBuilder::new()
        .tag("views")
        .summary(Some("Watches views"))
        .description(Some(ABOUT_SOCKET))
        .response("101", yes);
    let full = [RefusalCode::TooManyRequests, RefusalCode::Busy];
    refused(operation, &[&[RefusalCode::Malformed, RefusalCode::OriginForeign], &full])
}

pub(super) fn health(summary: &str, may_say_no: bool) -> Operation {
    let says = |words: &str| ResponseBuilder::new().description(words).build();
    let operation =
        OperationBuilder::new().tag("health").summary(Some(summary)).response("200", says("Yes"));
    if may_say_no { operation.response("503", says("Not now")) } else { operation }.build()
}

/// The whole document.
pub(super) fn document(routes: &[Route]) -> String {
    let paths = routes.iter().fold(PathsBuilder::new(), |paths, route| {
        paths.path(&route.path, PathItem::new(route.method.clone(), route.operation.clone()))
    });
    let token =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(ABOUT_TOKEN)).build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas())
        .security_scheme(TOKEN, SecurityScheme::Http(token))
        .security_scheme(owners::SESSION, owners::scheme())
        .build();
    let info = InfoBuilder::new()
        .title(TITLE)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    let document =
        OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build();
    let mut json = document.to_pretty_json().expect("a description is plain data");
    json.push('\n');
    json
}

/// Every type that a body can have, with what it consists of.
fn schemas() -> BTreeMap<String, RefOr<Schema>> {
    let mut all = Vec::new();
    owners::add_schemas(&mut all);
    lists::add_schemas(&mut all);
    add::<RegisterToConference>(&mut all);
    add::<AssignRegistrantDetails>(&mut all);
    add::<ExtendSeatReservation>(&mut all);
    add::<ReleaseHold>(&mut all);
    add::<CompleteRegistration>(&mut all);
    add::<InitiatePayment>(&mut all);
    add::<CheckPayment>(&mut all);
    add::<AssignSeat>(&mut all);
    add::<UnassignSeat>(&mut all);
    add::<CancelRegistration>(&mut all);
    add::<SendConfirmationAgain>(&mut all);
    add::<RequestOrderLinks>(&mut all);
    add::<OpenOrderLink>(&mut all);
    add::<FindOrder>(&mut all);
    add::<Accepted>(&mut all);
    add::<FoundOrder>(&mut all);
    add::<Snapshot>(&mut all);
    add::<Tickets>(&mut all);
    add::<Problem>(&mut all);
    all.into_iter().collect()
}

type Schemas = Vec<(String, RefOr<Schema>)>;

fn add<T: ToSchema>(all: &mut Schemas) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

/// A body that really is one; a test reads it back.
fn example(route: &str) -> Value {
    let id = |number: u32| format!("0190a5e4-0000-7000-8000-00000000000{number}");
    if route == "find-order" {
        return json!({
            "conference": "rustconf", "email": "ada@example.org", "access_code": "K7M-2QX"
        });
    }
    if route == "order-links" {
        return json!({ "conference": "rustconf", "email": "ada@example.org" });
    }
    if route == "open-order-link" {
        let link = "Xq3vN0c9mD1tY5rB7wKzE2uJ4hL8pS6aG0fQoViTxCk";
        return json!({ "conference": "rustconf", "link": link });
    }
    if route == "callback" {
        return json!({
            "conference": "rustconf", "order_id": id(2), "payment_id": id(4),
            "outcome": {
                "status": "completed",
                "amount": { "minor": 39_800, "currency": "EUR" },
                "reference": "tr_1"
            }
        });
    }
    let mut body = json!({ "command_id": id(1), "conference": "rustconf", "order_id": id(2) });
    match route {
        RegisterToConference::ROUTE => {
            body["seats"] = json!([{ "seat_type": id(3), "quantity": 2 }]);
        }
        AssignRegistrantDetails::ROUTE => {
            body["registrant"] = json!({
                "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org"
            });
        }
        InitiatePayment::ROUTE => {
            body["payment_id"] = json!(id(4));
            body["total"] = json!({ "minor": 39_800, "currency": "EUR" });
        }
        CheckPayment::ROUTE => body["payment_id"] = json!(id(4)),
        AssignSeat::ROUTE => {
            body["position"] = json!(0);
            body["attendee"] = json!({
                "given_name": "Grace", "family_name": "Hopper", "email": "grace@example.org"
            });
        }
        UnassignSeat::ROUTE => body["position"] = json!(0),
        _ => {}
    }
    body
}

fn json_body(schema: &str, example: Value) -> RequestBody {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .example(Some(example))
        .build();
    RequestBodyBuilder::new()
        .content("application/json", content)
        .required(Some(Required::True))
        .build()
}

fn says(words: &str, schema: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    ResponseBuilder::new().description(words).content("application/json", content)
}

/// The variables in an address.
fn in_path(operation: OperationBuilder, parts: &[&str]) -> OperationBuilder {
    parts.iter().fold(operation, |operation, part| {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let parameter = ParameterBuilder::new()
            .name(*part)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text));
        operation.parameter(parameter)
    })
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

/// One response per status, naming the codes that it can carry.
fn refused(operation: OperationBuilder, refusals: &[&[RefusalCode]]) -> Operation {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in refusals.iter().copied().flatten() {
        let name = serde_json::to_value(code).unwrap_or_default();
        let line = format!("`{}`: {}", name.as_str().unwrap_or_default(), code.sentence());
        by_status.entry(problem::status(*code).as_u16()).or_default().push(line);
    }
    by_status
        .into_iter()
        .fold(operation, |operation, (status, lines)| {
            let body =
                ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
            let response = ResponseBuilder::new()
                .description(lines.join("\n\n"))
                .content("application/problem+json", body);
            operation.response(status.to_string(), response)
        })
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment_gateway::Callback;
    use serde::de::DeserializeOwned;

    fn survives<C: BrowserCommand + DeserializeOwned>() {
        let example = example(C::ROUTE);
        let command: C = serde_json::from_value(example.clone()).expect(C::ROUTE);
        assert_eq!(serde_json::to_value(command).unwrap(), example);
    }

    #[test]
    fn every_example_is_a_command() {
        survives::<RegisterToConference>();
        survives::<AssignRegistrantDetails>();
        survives::<ExtendSeatReservation>();
        survives::<ReleaseHold>();
        survives::<CompleteRegistration>();
        survives::<InitiatePayment>();
        survives::<CheckPayment>();
        survives::<AssignSeat>();
        survives::<UnassignSeat>();
        survives::<CancelRegistration>();
        survives::<SendConfirmationAgain>();
        let links: RequestOrderLinks = serde_json::from_value(example("order-links")).unwrap();
        assert_eq!(serde_json::to_value(links).unwrap(), example("order-links"));
        let open: OpenOrderLink = serde_json::from_value(example("open-order-link")).unwrap();
        assert_eq!(serde_json::to_value(open).unwrap(), example("open-order-link"));
        let find: FindOrder = serde_json::from_value(example("find-order")).unwrap();
        assert_eq!(serde_json::to_value(find).unwrap(), example("find-order"));
        let callback: Callback = serde_json::from_value(example("callback")).unwrap();
        assert_eq!(serde_json::to_value(callback).unwrap(), example("callback"));
    }
}
