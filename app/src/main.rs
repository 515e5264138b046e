//! Mounts the app in place of what the server wrote. What is shown when its code fails waits in
//! `index.html`: a panic of this build is a trap, which runs no more code of ours.

use app::app::App;
use app::early::TypedEarly;
use leptos::prelude::*;

fn main() {
    let early = TypedEarly::take_over();
    leptos::mount::mount_to_body(move || view! { <App early=early /> });
}
