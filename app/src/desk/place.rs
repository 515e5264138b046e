//! The addresses of the desk, as one table from path to page. Pure. The server's shell has the same.
//!
//! Not here: the pages (`frame.rs` picks them). Other addresses belong to the first program; links
//! there say `rel="external"`, so that the browser loads it.

use shared::OrderId;

/// Which page an address shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Conferences,
    NewConference,
    Dashboard,
    Settings,
    SeatTypes,
    Orders,
    OrderHistory,
    Attendees,
    CheckIn,
    /// Anybody's.
    FindOrder,
    /// A registrant's page: opened with the order's token, not with a session.
    Assign,
    /// The same registrant's tickets.
    Tickets,
    Nowhere,
}

impl Place {
    /// True when registrants use it, not owners.
    #[must_use]
    pub const fn is_registrants(self) -> bool {
        matches!(self, Self::FindOrder | Self::Assign | Self::Tickets)
    }

    /// True when only an owner may see it.
    #[must_use]
    pub const fn needs_session(self) -> bool {
        !(self.is_registrants() || matches!(self, Self::NewConference | Self::Nowhere))
    }
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
    /// Reads a path such as `/manage/rustconf/orders`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let order = |id: &str| id.parse::<OrderId>().ok();
        let (slug, order, place) = match parts.as_slice() {
            ["manage"] => ("", None, Place::Conferences),
            ["manage", "new"] => ("", None, Place::NewConference),
            ["manage", slug] => (*slug, None, Place::Dashboard),
            ["manage", slug, section] => (*slug, None, section_of(section)),
            ["manage", slug, "orders", id] if order(id).is_some() => {
                (*slug, order(id), Place::OrderHistory)
            }
            [slug, "find"] => (*slug, None, Place::FindOrder),
            [slug, "order", id, "assign"] if order(id).is_some() => {
                (*slug, order(id), Place::Assign)
            }
            [slug, "order", id, "tickets"] if order(id).is_some() => {
                (*slug, order(id), Place::Tickets)
            }
            _ => ("", None, Place::Nowhere),
        };
        Self { place, slug: slug.to_owned(), order }
    }
}

fn section_of(section: &str) -> Place {
    match section {
        "settings" => Place::Settings,
        "seats" => Place::SeatTypes,
        "orders" => Place::Orders,
        "attendees" => Place::Attendees,
        "check-in" => Place::CheckIn,
        _ => Place::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_one_page() {
        let id = "0190a5e4-0000-7000-8000-000000000001";
        for (path, place, slug) in [
            ("/manage", Place::Conferences, ""),
            ("/manage/", Place::Conferences, ""),
            ("/manage/new", Place::NewConference, ""),
            ("/manage/rustconf", Place::Dashboard, "rustconf"),
            ("/manage/rustconf/settings", Place::Settings, "rustconf"),
            ("/manage/rustconf/seats", Place::SeatTypes, "rustconf"),
            ("/manage/rustconf/orders?search=mia", Place::Orders, "rustconf"),
            (&format!("/manage/rustconf/orders/{id}"), Place::OrderHistory, "rustconf"),
            ("/manage/rustconf/attendees", Place::Attendees, "rustconf"),
            ("/manage/rustconf/check-in", Place::CheckIn, "rustconf"),
            ("/rustconf/find", Place::FindOrder, "rustconf"),
            (&format!("/rustconf/order/{id}/assign"), Place::Assign, "rustconf"),
            (&format!("/rustconf/order/{id}/tickets"), Place::Tickets, "rustconf"),
            ("/manage/rustconf/orders/7", Place::Nowhere, ""),
            ("/manage/rustconf/other", Place::Nowhere, "rustconf"),
            ("/rustconf/order/7/assign", Place::Nowhere, ""),
            ("/rustconf", Place::Nowhere, ""),
        ] {
            let address = Address::of(path);
            assert_eq!((address.place, address.slug.as_str()), (place, slug), "{path}");
        }
        let order = Address::of(&format!("/manage/rustconf/orders/{id}")).order;
        assert_eq!(order.map(|id| id.to_string()).as_deref(), Some(id));
    }

    #[test]
    fn strangers_may_create_a_conference_and_registrants_name_their_seats() {
        let registrants = [Place::FindOrder, Place::Assign, Place::Tickets];
        assert!(registrants.into_iter().all(Place::is_registrants));
        let mut open = registrants.into_iter().chain([Place::NewConference, Place::Nowhere]);
        assert!(open.all(|place| !place.needs_session()));
        assert!(Place::Conferences.needs_session() && Place::CheckIn.needs_session());
    }
}
