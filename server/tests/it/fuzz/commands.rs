//! Everything that is posted as JSON: each body of `openapi.json`, changed.

use super::raw::{Framing, RawRequest};
use super::{World, assert_mails_are_whole, check, odd};
use crate::house::fresh;
use crate::payment::all_effects_are_done;
use crate::seating::{bought, seat};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use reqwest::Method;
use serde_json::{Value, json};
use std::cell::RefCell;

/// What is done to a body that was right.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index),
    Rename(Index, String),
    Add(Index, String, Value),
}

/// What is done to its text.
#[derive(Clone, Debug)]
enum Mangle {
    Nothing,
    Cut(Index),
    Insert(Index, Vec<u8>),
    Append(Vec<u8>),
    /// The first field once more, with this value.
    Twice(Value),
    Deep(usize),
}

#[derive(Clone, Debug)]
enum Who {
    Nobody,
    Ada,
    Mia,
    Both,
    Somebody(Vec<u8>, Vec<u8>),
}

#[derive(Clone, Debug)]
struct Case {
    route: Index,
    changes: Vec<Change>,
    mangle: Mangle,
    who: Who,
    kind: Option<Vec<u8>>,
    framing: Framing,
    address: u32,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), odd::value()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => (any::<Index>(), odd::text()).prop_map(|(at, name)| Change::Rename(at, name)),
        1 => (any::<Index>(), odd::text(), odd::value())
            .prop_map(|(at, name, value)| Change::Add(at, name, value)),
    ]
}

fn mangle() -> impl Strategy<Value = Mangle> {
    let bytes = || vec(any::<u8>(), 1..8);
    prop_oneof![
        8 => Just(Mangle::Nothing),
        1 => any::<Index>().prop_map(Mangle::Cut),
        1 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Mangle::Insert(at, bytes)),
        1 => bytes().prop_map(Mangle::Append),
        1 => odd::value().prop_map(Mangle::Twice),
        1 => (1_usize..80_000).prop_map(Mangle::Deep),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        1 => Just(Who::Nobody),
        2 => Just(Who::Ada),
        2 => Just(Who::Mia),
        4 => Just(Who::Both),
        1 => (odd::header(), odd::header()).prop_map(|(token, cookie)| Who::Somebody(token, cookie)),
    ]
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        6 => Just(Framing::Length),
        2 => (1_usize..5_000).prop_map(Framing::Chunked),
        1 => (0_usize..100_000).prop_map(Framing::Short),
        1 => Just(Framing::TwoLengths),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![
        8 => Just(None),
        1 => odd::header().prop_map(Some),
        1 => Just(Some(b"application/json; charset=utf-16".to_vec())),
    ];
    let who_and_how = (who(), kind, framing(), any::<u32>());
    (any::<Index>(), vec(change(), 0..3), mangle(), who_and_how).prop_map(
        |(route, changes, mangle, (who, kind, framing, address))| Case {
            route,
            changes,
            mangle,
            who,
            kind,
            framing,
            address,
        },
    )
}

/// The addresses of all values in a body, itself included.
fn places(body: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match body {
        Value::Object(fields) => {
            for (name, inner) in fields {
                places(inner, &format!("{here}/{}", escaped(name)), found);
            }
        }
        Value::Array(all) => {
            for (index, inner) in all.iter().enumerate() {
                places(inner, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

impl Change {
    fn apply(&self, body: &mut Value) {
        let (Self::Replace(at, _) | Self::Remove(at) | Self::Rename(at, _) | Self::Add(at, ..)) =
            self;
        let mut found = vec![];
        places(body, "", &mut found);
        let place = at.get(&found).clone();
        if let Self::Replace(_, value) = self {
            *body.pointer_mut(&place).unwrap() = value.clone();
            return;
        }
        if let (Self::Add(_, name, value), Some(Value::Object(fields))) =
            (self, body.pointer_mut(&place))
        {
            fields.insert(name.clone(), value.clone());
            return;
        }
        let Some((parent, name)) = place.rsplit_once('/') else { return };
        let Some(Value::Object(fields)) = body.pointer_mut(parent) else { return };
        let name = name.replace("~1", "/").replace("~0", "~");
        let Some(value) = fields.remove(&name) else { return };
        if let Self::Rename(_, new) = self {
            fields.insert(new.clone(), value);
        }
    }
}

impl Mangle {
    fn apply(&self, body: &Value) -> Vec<u8> {
        let mut text = body.to_string().into_bytes();
        match self {
            Self::Nothing => {}
            Self::Cut(at) => text.truncate(at.index(text.len())),
            Self::Insert(at, bytes) => {
                let at = at.index(text.len());
                text.splice(at..at, bytes.iter().copied());
            }
            Self::Append(bytes) => text.extend(bytes),
            Self::Twice(value) => {
                let first = body.as_object().and_then(|fields| fields.keys().next());
                if let Some(name) = first {
                    let field = format!("{}:{value},", json!(name));
                    text.splice(1..1, field.into_bytes());
                }
            }
            Self::Deep(levels) => text = b"[".repeat(*levels),
        }
        text
    }
}

impl Case {
    fn request(&self, world: &World) -> (String, RawRequest) {
        let posted: Vec<_> =
            world.routes.iter().filter(|route| route.method == Method::POST).collect();
        let route = self.route.get(&posted);
        let mut body = route.body.clone();
        for (field, value) in [
            ("command_id", json!(fresh())),
            ("order_id", json!(world.ada.order_id)),
            // One conference each, or only the first could be created.
            ("slug", json!(format!("conf-{}", fresh()))),
        ] {
            if body.get(field).is_some() {
                body[field] = value;
            }
        }
        for change in &self.changes {
            change.apply(&mut body);
        }
        let mut request = RawRequest::new("POST", route.path.clone()).from(self.address);
        let kind = self.kind.clone().unwrap_or_else(|| b"application/json".to_vec());
        request = request.with("content-type", kind);
        let token = [b"Bearer ", world.ada.token.as_bytes()].concat();
        let cookie = world.mia.cookie.clone().unwrap().into_bytes();
        let (token, cookie) = match &self.who {
            Who::Nobody => (None, None),
            Who::Ada => (Some(token), None),
            Who::Mia => (None, Some(cookie)),
            Who::Both => (Some(token), Some(cookie)),
            Who::Somebody(token, cookie) => (Some(token.clone()), Some(cookie.clone())),
        };
        if let Some(token) = token {
            request = request.with("authorization", token);
        }
        if let Some(cookie) = cookie {
            request = request.with("cookie", cookie);
        }
        let bytes = self.mangle.apply(&body);
        (route.path.clone(), request.with_body(self.framing.clone(), bytes))
    }
}

/// After some commands the world is another one, where most of the rest can only be refused.
async fn put_back(world: &mut World, path: &str) {
    let path = path.rsplit('/').next().unwrap_or_default();
    match path {
        "sign-out" | "unpublish-conference" | "delete-seat-type" | "rotate-owner-code" => {
            world.is_spoilt = true;
        }
        "cancel-registration" => {
            world.ada = bought(&world.house, 2).await;
            seat(&world.house, &world.ada, 0, "Jon").await;
        }
        _ => {}
    }
}

#[test]
fn every_command_survives_any_body() {
    let world = RefCell::new(World::new());
    check(220, file!(), case(), |case| {
        let world = &mut *world.borrow_mut();
        if world.is_spoilt {
            *world = World::new();
        }
        let (path, request) = case.request(world);
        let runtime = world.runtime.handle().clone();
        let answer = runtime.block_on(world.ask(&request));
        if answer.is_some_and(|answer| answer.status < 400) {
            runtime.block_on(async {
                put_back(world, &path).await;
                all_effects_are_done(&world.house).await;
            });
        }
    });
    assert_mails_are_whole(&world.borrow());
}
