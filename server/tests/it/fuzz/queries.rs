//! Every address there is, and every one there is not: odd parts, odd queries, odd headers, odd
//! methods.

use super::raw::RawRequest;
use super::{SLUG, World, check, odd};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What is in front of the API's own addresses: pages, files, the provider and the inbox.
const PAGES: [&str; 18] = [
    "/",
    "/{slug}",
    "/{slug}/seats",
    "/{slug}/order/{order_id}",
    "/{slug}/order/{order_id}/confirmed",
    "/{slug}/order/{order_id}/seats",
    "/{slug}/{order_id}/{other}",
    "/manage",
    "/manage/{slug}/settings",
    "/desk/{other}",
    "/assets/{other}",
    "/simulated-provider/pay",
    "/simulated-provider/pending",
    "/inbox",
    "/inbox/{other}",
    "/inbox/{other}/html",
    "/inbox/{other}/files/{slug}",
    "/{other}",
];

/// Addresses of the API with parts.
const API: [&str; 12] = [
    "/api/views/directory",
    "/api/views/conference/{slug}",
    "/api/views/dashboard/{slug}",
    "/api/views/order/{slug}/{order_id}",
    "/api/views/{other}",
    "/api/manage/{slug}/orders",
    "/api/manage/{slug}/attendees",
    "/api/manage/{slug}/orders/{order_id}",
    "/api/manage/{slug}/{other}",
    "/api/tickets/{slug}/{order_id}",
    "/api/conferences/{slug}/calendar.ics",
    "/api/{other}",
];

/// The parameters that some door reads.
const NAMES: [&str; 10] = [
    "search",
    "status",
    "after",
    "order",
    "conference",
    "order_id",
    "payment_id",
    "amount",
    "currency",
    "signature",
];

#[derive(Clone, Debug)]
struct Case {
    address: &'static str,
    /// Instead of a slug and an id that exist, each.
    slug: Option<Vec<u8>>,
    order_id: Option<Vec<u8>>,
    other: Vec<u8>,
    query: Vec<(&'static str, Vec<u8>)>,
    method: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    is_known: bool,
    from: u32,
    end: Index,
}

/// Where a list may go on, and almost.
fn after() -> impl Strategy<Value = Vec<u8>> {
    let place = (any::<i64>(), any::<u128>())
        .prop_map(|(at, id)| format!("{at}.{}", uuid::Uuid::from_u128(id)));
    let key = (any::<[u128; 2]>(), any::<u32>(), "[A-Za-z0-9_-]{0,30}").prop_map(
        |([kind, process], place, sought)| {
            let [kind, process] = [kind, process].map(uuid::Uuid::from_u128);
            format!("{kind}.{process}.{place}.{sought}")
        },
    );
    prop_oneof![place.prop_map(String::into_bytes), key.prop_map(String::into_bytes)]
}

fn case() -> impl Strategy<Value = Case> {
    let addresses = [API.to_vec(), API.to_vec(), PAGES.to_vec()].concat();
    let maybe = || prop::option::weighted(0.4, odd::segment());
    let parameter = prop_oneof![
        2 => (select(NAMES.to_vec()), odd::segment()),
        1 => after().prop_map(|place| ("after", place)),
    ];
    let methods = vec!["GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"];
    let names = [
        "cookie",
        "authorization",
        "range",
        "if-none-match",
        "accept-encoding",
        "forwarded",
        "x-forwarded-for",
        "origin",
        "upgrade",
        "content-type",
        "expect",
    ];
    let headers = vec((select(names.to_vec()), odd::header()), 0..4);
    let parts = (maybe(), maybe(), odd::segment(), vec(parameter, 0..5));
    let around = (select(methods), headers, any::<bool>(), any::<u32>(), any::<Index>());
    (select(addresses), parts, around).prop_map(
        |(address, (slug, order_id, other, query), (method, headers, is_known, from, end))| Case {
            address,
            slug,
            order_id,
            other,
            query,
            method,
            headers,
            is_known,
            from,
            end,
        },
    )
}

impl Case {
    fn request(&self, world: &World) -> RawRequest {
        let order_id = world.ada.order_id.to_string().into_bytes();
        let slug = self.slug.clone().unwrap_or_else(|| SLUG.into());
        let order_id = self.order_id.clone().unwrap_or(order_id);
        let mut target = Vec::new();
        for part in self.address.split_inclusive('/') {
            let (part, slash) = part.strip_suffix('/').map_or((part, ""), |part| (part, "/"));
            match part {
                "{slug}" => target.extend(&slug),
                "{order_id}" => target.extend(&order_id),
                "{other}" => target.extend(&self.other),
                known => target.extend(known.as_bytes()),
            }
            target.extend(slash.as_bytes());
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.extend([if index == 0 { b"?" } else { b"&" }, name.as_bytes(), b"="].concat());
            target.extend(value);
        }
        if self.is_known {
            // Nothing to cut: it would be another address.
        } else {
            target.truncate(1 + self.end.index(target.len()));
        }
        let mut request = RawRequest::new(self.method, target).from(self.from);
        if self.is_known {
            request = request
                .with("authorization", format!("Bearer {}", world.ada.token))
                .with("cookie", world.mia.cookie.clone().unwrap());
        }
        for (name, value) in &self.headers {
            request = request.with(name, value.clone());
        }
        request
    }
}

#[test]
fn every_address_survives_any_reader() {
    let world = World::new();
    check(400, file!(), case(), |case| {
        world.runtime.block_on(world.ask(&case.request(&world)));
    });
}
