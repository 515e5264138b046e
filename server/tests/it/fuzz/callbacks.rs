//! What pretends to be the payment provider, what the provider is asked and pressed, and signed
//! nonsense.

use super::raw::{Framing, RawRequest};
use super::{SLUG, World, check, odd};
use crate::house::fresh;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Signature {
    /// With the key, this many seconds away from now.
    Good(i64),
    /// With the key, over another body.
    OfAnother,
    Odd(Vec<u8>),
    None,
}

#[derive(Clone, Debug)]
enum Content {
    Callback { outcome: Value, order: Option<String> },
    Odd(Value),
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Case {
    path: &'static str,
    signature: Signature,
    content: Content,
    from: u32,
}

fn signature() -> impl Strategy<Value = Signature> {
    let odd_hex = "t=[-+0-9]{0,22},v1=[0-9a-fA-F]{0,66}".prop_map(String::into_bytes);
    prop_oneof![
        3 => (-400_i64..400).prop_map(Signature::Good),
        1 => any::<i64>().prop_map(Signature::Good),
        1 => Just(Signature::OfAnother),
        1 => odd_hex.prop_map(Signature::Odd),
        1 => odd::header().prop_map(Signature::Odd),
        1 => Just(Signature::None),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let completed = (any::<i64>(), odd::text()).prop_map(|(minor, reference)| {
        let amount = json!({ "minor": minor, "currency": "EUR" });
        json!({ "status": "completed", "amount": amount, "reference": reference })
    });
    let declined = odd::text().prop_map(|reason| json!({ "status": "declined", "reason": reason }));
    let outcome = prop_oneof![2 => completed, 2 => declined, 1 => odd::value()];
    prop_oneof![
        4 => (outcome, prop::option::weighted(0.2, odd::text()))
            .prop_map(|(outcome, order)| Content::Callback { outcome, order }),
        1 => odd::value().prop_map(Content::Odd),
        1 => vec(any::<u8>(), 0..200).prop_map(Content::Bytes),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let paths = vec![
        "/api/payment-callbacks",
        "/api/payment-callbacks",
        "/api/payment-callbacks",
        "/simulated-provider/api/query",
        "/simulated-provider/api/cancel",
        "/simulated-provider/api/refund",
    ];
    (select(paths), signature(), content(), any::<u32>())
        .prop_map(|(path, signature, content, from)| Case { path, signature, content, from })
}

impl Case {
    fn request(&self, world: &World) -> RawRequest {
        let body = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Odd(value) => value.to_string().into_bytes(),
            Content::Callback { outcome, order } => {
                let order_id = order.clone().unwrap_or_else(|| world.ada.order_id.to_string());
                let mut callback = json!({
                    "conference": SLUG, "order_id": order_id, "payment_id": fresh()
                });
                // A question to the provider has no outcome.
                if self.path.starts_with("/api") {
                    callback["outcome"] = outcome.clone();
                } else if self.path.ends_with("refund") {
                    callback["amount"] = outcome["amount"].clone();
                }
                callback.to_string().into_bytes()
            }
        };
        let now = world.house.clock.now();
        let signed = match &self.signature {
            Signature::Good(seconds) => {
                Some(world.house.gateway.sign(&body, now.plus_seconds(*seconds)).into_bytes())
            }
            Signature::OfAnother => Some(world.house.gateway.sign(b"{}", now).into_bytes()),
            Signature::Odd(bytes) => Some(bytes.clone()),
            Signature::None => None,
        };
        let mut request = RawRequest::new("POST", self.path)
            .from(self.from)
            .with("content-type", "application/json");
        if let Some(signed) = signed {
            request = request.with("payment-signature", signed);
        }
        request.with_body(Framing::Length, body)
    }

    const fn may_be_believed(&self) -> bool {
        matches!(self.signature, Signature::Good(seconds) if seconds.unsigned_abs() <= 301)
    }
}

#[test]
fn no_callback_breaks_anything_and_only_signed_ones_are_believed() {
    let world = World::new();
    check(200, file!(), case(), |case| {
        let answer = world.runtime.block_on(world.ask(&case.request(&world))).unwrap();
        if !case.may_be_believed() {
            assert!(matches!(answer.status, 400 | 401 | 413), "{case:?} was answered {answer:?}");
        }
    });
}

/// What the buttons of the provider's page send.
fn pressed() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let names = vec![
        "conference",
        "order_id",
        "payment_id",
        "amount",
        "currency",
        "signature",
        "decision",
        "other",
    ];
    vec((select(names), odd::segment()), 0..9)
}

#[test]
fn no_form_breaks_the_simulated_provider() {
    let world = World::new();
    let kinds = vec!["application/x-www-form-urlencoded", "text/plain", "application/json"];
    let cases = (pressed(), select(kinds), any::<u32>());
    check(100, file!(), cases, |(fields, kind, from)| {
        let body: Vec<Vec<u8>> = fields
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value.as_slice()].concat())
            .collect();
        let request = RawRequest::new("POST", "/simulated-provider/decide")
            .from(from)
            .with("content-type", kind)
            .with_body(Framing::Length, body.join(b"&".as_slice()));
        let answer = world.runtime.block_on(world.ask(&request)).unwrap();
        assert_eq!(answer.status, 400, "nobody signed that: {answer:?}");
    });
}
