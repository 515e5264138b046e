//! Which seats there are, how many, and at what price. One form is open at a time.

use crate::browser;
use crate::desk::arrival::arrive;
use crate::desk::parts::seat_type_card::SeatTypeCard;
use crate::desk::parts::seat_type_form::SeatTypeForm;
use crate::desk::session::{Session, use_session};
use crate::erased::{block, either, keyed, memo, press, show};
use leptos::prelude::*;
use shared::SeatTypeId;

/// Which form is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    New,
    Known(SeatTypeId),
}

/// The page.
#[component]
pub fn SeatTypesPage() -> impl IntoView {
    let session = use_session();
    arrive(|| "Seats".to_owned(), || false);
    let is_known = memo(move || session.conference(|_| ()).is_some());
    view! {
        <div class="main desk-page">
            {either(move || is_known.get(), move || list(session), || view! {
                <h1 tabindex="-1">"Seats"</h1>
                <p class="loading">"Counting the seats…"</p>
            }.into_any())}
        </div>
    }
}

fn list(session: Session) -> AnyView {
    let open = RwSignal::new(Open::Nothing);
    let ids = memo(move || {
        session
            .conference(|view| view.seat_types.iter().map(|it| it.id).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let is_empty = memo(move || ids.with(Vec::is_empty));
    let close = Callback::new(move |()| {
        let before = open.get_untracked();
        open.set(Open::Nothing);
        let id = match before {
            Open::Known(id) => format!("edit-{id}"),
            Open::New | Open::Nothing => "add-seat-type".to_owned(),
        };
        request_animation_frame(move || browser::focus_id(&id));
    });
    let edit = Callback::new(move |id| open.set(Open::Known(id)));
    view! {
        <div class="desk-head">
            <h1 tabindex="-1">"Seats"</h1>
            {show(move || open.get() != Open::New, move || view! {
                <button
                    class="button button-primary"
                    id="add-seat-type"
                    on:click=press(move || open.set(Open::New))
                >"Add a seat type"</button>
            }.into_any())}
        </div>
        {show(move || is_empty.get() && open.get() == Open::Nothing, || view! {
            <p class="note">
                "No seats yet. Add the first seat type: a name, a price, and how many there are."
            </p>
        }.into_any())}
        {show(move || open.get() == Open::New, move || view! {
            <SeatTypeForm known=None done=close />
        }.into_any())}
        <ul class="seat-type-list">
            {keyed(ids, move |id| row(session, open, id, edit, close))}
        </ul>
    }
    .into_any()
}

/// The card, or the form in its place.
fn row(
    session: Session,
    open: RwSignal<Open>,
    id: SeatTypeId,
    edit: Callback<SeatTypeId>,
    close: Callback<()>,
) -> AnyView {
    let is_edited = memo(move || open.get() == Open::Known(id));
    block(move || {
        if is_edited.get() {
            let known = untrack(|| session.conference(|view| view.seat_type(id).cloned()));
            view! { <li><SeatTypeForm known=known.flatten() done=close /></li> }.into_any()
        } else {
            view! { <SeatTypeCard id=id edit=edit /> }.into_any()
        }
    })
}
