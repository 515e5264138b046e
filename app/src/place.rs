//! The addresses of the app, as one table from path to page. Pure. Those of the second program are in
//! `desk/place.rs`.
//!
//! Not here: going somewhere (`flow::Go`), and the pages (`app.rs` picks them).

use shared::OrderId;

/// Which page an address shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Directory,
    ConferenceHome,
    SelectSeats,
    RegistrantDetails,
    Payment,
    Confirmation,
    Nowhere,
}

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub place: Place,
    /// The conference's slug; empty outside conferences.
    pub slug: String,
    pub order: Option<OrderId>,
}

impl Address {
    /// Reads a path such as `/rustconf/order/<id>/payment`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (slug, order, place) = match parts.as_slice() {
            [] => ("", None, Place::Directory),
            [slug] => (*slug, None, Place::ConferenceHome),
            [slug, "seats"] => (*slug, None, Place::SelectSeats),
            [slug, "order", id, step] => (*slug, id.parse().ok(), step_of(step)),
            [slug, ..] => (*slug, None, Place::Nowhere),
        };
        let is_orderless = order.is_none() && parts.len() == 4;
        let place = if is_orderless { Place::Nowhere } else { place };
        Self { place, slug: slug.to_owned(), order }
    }
}

fn step_of(step: &str) -> Place {
    match step {
        "details" => Place::RegistrantDetails,
        "payment" => Place::Payment,
        "confirmed" => Place::Confirmation,
        _ => Place::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_one_page() {
        let id = "0190a5e4-0000-7000-8000-000000000001";
        for (path, place) in [
            ("/", Place::Directory),
            ("/rustconf", Place::ConferenceHome),
            ("/rustconf/", Place::ConferenceHome),
            ("/rustconf/seats", Place::SelectSeats),
            (&format!("/rustconf/order/{id}/details"), Place::RegistrantDetails),
            (&format!("/rustconf/order/{id}/payment"), Place::Payment),
            (&format!("/rustconf/order/{id}/confirmed"), Place::Confirmation),
            (&format!("/rustconf/order/{id}/other"), Place::Nowhere),
            (&format!("/rustconf/order/{id}"), Place::Nowhere),
            ("/rustconf/order/7/details", Place::Nowhere),
            ("/rustconf/other", Place::Nowhere),
            ("/a/b/c/d/e", Place::Nowhere),
        ] {
            assert_eq!(Address::of(path).place, place, "{path}");
        }
        let address = Address::of(&format!("/rustconf/order/{id}/payment"));
        assert_eq!(address.slug, "rustconf");
        assert_eq!(address.order.map(|id| id.to_string()).as_deref(), Some(id));
    }
}
