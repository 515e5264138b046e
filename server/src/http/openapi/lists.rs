//! What owners can look up: lists, one of their rows, and tables for spreadsheets.

use super::owners::{MANAGED, by_owner};
use super::{Schemas, UNWELL, add, refused, says};
use shared::RefusalCode;
use shared::management::{AttendeePage, OrderHistory, OrderPage};
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Required, ResponseBuilder};

/// A page of a list; `asked` is what may stand behind the `?`.
pub(in crate::http) fn list<T: ToSchema>(summary: &str, asked: &[&str]) -> Operation {
    let operation = asked.iter().fold(begin(summary, &[]), |operation, name| {
        operation.parameter(parameter(name, ParameterIn::Query, Required::False))
    });
    let operation = operation.response("200", says("A page of the list", &T::name()));
    refused(operation, &[&UNWELL, &MANAGED, &[RefusalCode::Malformed]])
}

/// One thing of a conference; `parts` are the variables in its address after the slug.
pub(in crate::http) fn owned<T: ToSchema>(summary: &str, parts: &[&str]) -> Operation {
    let operation = begin(summary, parts).response("200", says("As it is now", &T::name()));
    refused(operation, &[&UNWELL, &MANAGED, &[RefusalCode::OrderNotFound]])
}

/// A whole list as CSV (RFC 4180, UTF-8).
pub(in crate::http) fn table(summary: &str) -> Operation {
    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let text = ObjectBuilder::new().schema_type(Type::String).format(Some(binary));
    let body = ContentBuilder::new().schema(Some(text)).build();
    let yes = ResponseBuilder::new()
        .description("A table for spreadsheets, as an attachment")
        .content("text/csv", body);
    refused(begin(summary, &[]).response("200", yes), &[&UNWELL, &MANAGED])
}

fn begin(summary: &str, parts: &[&str]) -> OperationBuilder {
    let operation =
        OperationBuilder::new().tag("owners").summary(Some(summary)).security(by_owner());
    ["slug"].iter().chain(parts).fold(operation, |operation, part| {
        operation.parameter(parameter(part, ParameterIn::Path, Required::True))
    })
}

fn parameter(name: &str, place: ParameterIn, required: Required) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(text))
}

/// Every type that an answer to an owner's question can have.
pub(super) fn add_schemas(all: &mut Schemas) {
    add::<OrderPage>(all);
    add::<AttendeePage>(all);
    add::<OrderHistory>(all);
}
