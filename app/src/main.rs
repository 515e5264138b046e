//! Mounts the app in place of what the server wrote, and paints a way out when it panics.

use leptos::prelude::document;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        show_fault();
    }));
    // What the server wrote makes room for the app in the same frame.
    for id in ["static-header", "static", "static-note"] {
        if let Some(element) = document().get_element_by_id(id) {
            element.remove();
        }
    }
    leptos::mount::mount_to_body(app::app::App);
}

/// Never a blank page: the panel waits in `index.html`.
fn show_fault() {
    if let Some(element) = document().get_element_by_id("fault") {
        let _ = element.remove_attribute("hidden");
    }
}
