//! The doors: which routes there are, and what every request passes on its way in and out.
//!
//! Only here and below does anybody know a status code. Not here: any rule, any SQL. Commands come
//! in, views go out, events stay home.

mod admission;
pub mod assets;
mod body;
mod borrowed;
mod commands;
pub(crate) mod connections;
mod documents;
mod health;
mod limits;
mod live;
mod management;
mod openapi;
mod order_links;
mod owner_commands;
mod owner_session;
mod owners;
mod passage;
mod path;
mod peers;
mod places;
mod problem;
pub mod proxies;
mod queries;
mod session;
mod shell;
mod test_door;
mod wire;

use crate::house::House;
use crate::{inbox, simulated_provider};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use limits::Limit;
use problem::Rejection;
use shared::{ConferenceId, RefusalCode};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::HttpMethod;
use utoipa::openapi::path::Operation;
use uuid::Uuid;

/// Attempts per minute to find an order of one conference from one address.
const FINDS_PER_ADDRESS: u32 = 5;
/// Attempts per minute to find an order of one e-mail address, from anywhere.
const FINDS_PER_EMAIL: u32 = 10;

/// Mails with links that one client may ask for per minute.
const LINKS_PER_ADDRESS: u32 = 5;
/// Mails with links per hour to one e-mail address, which may be anybody's.
const LINKS_PER_EMAIL: u32 = 5;
/// Attempts per minute to sign in from one address.
const SIGN_INS_PER_ADDRESS: u32 = 10;
/// Attempts per minute to sign in with one e-mail address, from anywhere.
const SIGN_INS_PER_EMAIL: u32 = 10;
/// Lost access codes mailed per hour to one e-mail address, which may be anybody's.
const LOST_CODES_PER_EMAIL: u32 = 5;
/// Access codes mailed per minute to one e-mail address, which may be anybody's.
const OWNER_CODES_PER_EMAIL: u32 = 10;
/// Conferences created per hour from one address: each sends a mail, and stays.
const CONFERENCES_PER_ADDRESS: u32 = 60;
/// Sockets of this server.
const SOCKETS_MAX: usize = 20_000;

/// What every door needs.
struct Door {
    house: House,
    shell: shell::Shell,
    borrowed: borrowed::Borrowed,
    directory: queries::DirectoryCache,
    sockets: Arc<places::Places>,
    /// Requests of any kind, and topics that are watched, per client address.
    requests: Limit,
    /// Commands per client address.
    commands: Limit,
    /// Orders that are placed or changed, per client address and conference: each holds seats.
    orders: Limit,
    conferences_by_address: Limit,
    finds_by_address: Limit,
    finds_by_email: Limit,
    links_by_address: Limit,
    links_by_email: Limit,
    sign_ins_by_address: Limit,
    sign_ins_by_email: Limit,
    owner_codes_by_email: Limit,
    lost_codes_by_email: Limit,
    /// `openapi.json`, as it is sent.
    description: String,
}

/// One route and its description: what is not described cannot be served.
struct Route {
    path: String,
    handlers: MethodRouter<Arc<Door>>,
    method: HttpMethod,
    operation: Operation,
}

/// Every address of the house.
pub fn router(house: House) -> Router {
    let provider = house.provider.clone();
    let inbox = house.config.inbox();
    let inbox = inbox.map(|folder| inbox::router(folder, house.public_url.clone()));
    let has_test_door = house.config.http.test_door;
    let is_node = house.ledgers.peers().is_some();
    let routes = routes();
    let door = Arc::new(Door::new(house, openapi::document(&routes)));
    let mut router = Router::new();
    for route in routes {
        router = router.route(&route.path, route.handlers);
    }
    if is_node {
        router = router.merge(peers::routes());
    }
    if has_test_door {
        router = router.merge(test_door::routes());
    }
    let mut router = router
        .route("/api/commands/{*name}", any(|| async { Rejection::from(UNKNOWN_COMMAND) }))
        .route("/api/{*rest}", any(unknown_address))
        .fallback(shell::page)
        .method_not_allowed_fallback(wrong_method)
        .with_state(door.clone());
    if let Some(provider) = provider {
        router = router.merge(simulated_provider::router(provider));
    }
    if let Some(inbox) = inbox {
        router = router.merge(inbox);
    }
    router
        .layer(DefaultBodyLimit::max(body::BYTES_MAX))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(door, passage::pass))
}

/// Everything that is described in `openapi.json`.
fn routes() -> Vec<Route> {
    let mut routes = commands::routes();
    routes.extend(owner_commands::routes());
    routes.extend(owners::routes());
    routes.extend(management::routes());
    routes.extend(admission::routes());
    routes.extend(order_links::routes());
    routes.extend(queries::routes());
    routes.extend(documents::routes());
    routes.extend([live::route(), openapi::route()]);
    routes.extend(health::routes());
    routes
}

const UNKNOWN_COMMAND: RefusalCode = RefusalCode::CommandUnknown;

async fn unknown_address(method: Method) -> Rejection {
    match method {
        Method::GET | Method::HEAD => RefusalCode::ViewUnknown.into(),
        _ => UNKNOWN_COMMAND.into(),
    }
}

/// The router adds which methods are allowed.
async fn wrong_method(method: Method) -> Rejection {
    Rejection::wrong_method(&method)
}

/// An id for a request, for a node, or for something that a test makes.
#[expect(clippy::disallowed_methods, reason = "http makes the ids that no browser makes")]
pub(crate) fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

impl Door {
    fn new(house: House, description: String) -> Self {
        let shell = shell::Shell::load(&house.config.http.dist_dir);
        let settings = &house.config.http;
        let commands = Limit::per_minute(settings.commands_per_minute);
        let requests = Limit::per_minute(settings.requests_per_minute);
        let orders = Limit::per_minute(settings.orders_per_minute);
        let sockets = places::Places::new(SOCKETS_MAX, settings.sockets_per_client);
        let conferences =
            if settings.commands_per_minute == 0 { 0 } else { CONFERENCES_PER_ADDRESS };
        Self {
            house,
            shell,
            borrowed: borrowed::Borrowed::new(),
            directory: queries::DirectoryCache::default(),
            sockets,
            requests,
            commands,
            orders,
            conferences_by_address: Limit::per_hour(conferences),
            finds_by_address: Limit::per_minute(FINDS_PER_ADDRESS),
            finds_by_email: Limit::per_minute(FINDS_PER_EMAIL),
            links_by_address: Limit::per_minute(LINKS_PER_ADDRESS),
            links_by_email: Limit::per_hour(LINKS_PER_EMAIL),
            sign_ins_by_address: Limit::per_minute(SIGN_INS_PER_ADDRESS),
            sign_ins_by_email: Limit::per_minute(SIGN_INS_PER_EMAIL),
            owner_codes_by_email: Limit::per_minute(OWNER_CODES_PER_EMAIL),
            lost_codes_by_email: Limit::per_hour(LOST_CODES_PER_EMAIL),
            description,
        }
    }

    /// The conference with this slug, published or not. What cannot be a slug never reaches the
    /// store, because a database may have stronger feelings about odd characters.
    async fn find(&self, slug: &str) -> Result<ConferenceId, Rejection> {
        let is_possible = (1..=60).contains(&slug.len())
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_possible {
            return Err(RefusalCode::ConferenceNotFound.into());
        }
        Ok(self.house.ledgers.find(slug).await?)
    }
}
