//! Mounts the owners' program in place of what the server wrote. Those who register never load it.

use app::desk::frame::Desk;
use app::early::TypedEarly;
use leptos::prelude::*;

fn main() {
    app::live::understand_dashboards();
    let _ = TypedEarly::take_over();
    leptos::mount::mount_to_body(|| view! { <Desk /> });
}
