//! A pasted list of people for the seats that are still open, with a preview before anything is
//! written. Not here: how a line is read (`desk/pasted.rs`).

use crate::desk::pasted::{self, Line};
use crate::desk::seats::Seats;
use crate::erased::{block, each, memo, press, show, text};
use crate::format;
use leptos::{html, prelude::*};
use shared::commands::Attendee;

/// What the list will do: who gets which seat, and the lines that cannot be used.
#[derive(Clone, Default, PartialEq, Eq)]
struct Plan {
    given: Vec<(u32, Attendee)>,
    wrong: Vec<String>,
    /// Good lines for which there is no seat.
    seatless: usize,
}

impl Plan {
    fn of(lines: Vec<Line>, open: Vec<u32>) -> Self {
        let mut plan = Self::default();
        let mut open = open.into_iter();
        for Line { number, person } in lines {
            match person {
                Err(why) => plan.wrong.push(format!("Line {number}: {why}.")),
                Ok(attendee) => match open.next() {
                    Some(position) => plan.given.push((position, attendee)),
                    None => plan.seatless += 1,
                },
            }
        }
        plan
    }

    fn seatless_words(&self) -> Option<String> {
        match self.seatless {
            0 => None,
            1 => Some("1 line has no seat left.".to_owned()),
            lines => Some(format!("{lines} lines have no seat left.")),
        }
    }
}

/// The box, behind a disclosure.
#[component]
pub fn PasteList(seats: Seats) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let details = NodeRef::<html::Details>::new();
    let plan = memo(move || Plan::of(pasted::read(&typed.get()), seats.open()));
    let count = move || plan.with(|plan| u32::try_from(plan.given.len()).unwrap_or_default());
    let fill = move || {
        let given = plan.get_untracked().given;
        typed.set(String::new());
        if let Some(details) = details.get_untracked() {
            details.set_open(false);
        }
        for (position, attendee) in given {
            seats.give(position, &attendee);
        }
        crate::browser::focus_soon("#seats-progress");
    };
    view! {
        <details class="desk-panel paste" node_ref=details>
            <summary class="paste-summary">"Paste a list of names"</summary>
            <div class="field">
                <label class="field-label" for="paste">"One person a line"</label>
                <p class="field-hint" id="paste-hint">
                    "Name and email address, like “Ada Lovelace, ada@example.org”. A copied part of a spreadsheet works, too."
                </p>
                <textarea
                    class="field-box field-lines"
                    id="paste"
                    rows="5"
                    spellcheck="false"
                    aria-describedby="paste-hint"
                    prop:value=text(move || typed.get())
                    on:input=move |event| typed.set(event_target_value(&event))
                ></textarea>
            </div>
            {block(move || preview(plan.get()))}
            {show(move || 0 < count(), move || view! {
                <p>
                    <button type="button" class="button button-primary" on:click=press(fill)>
                        {text(move || format!("Fill {}", format::seats(count())))}
                    </button>
                </p>
            }.into_any())}
        </details>
    }
}

fn preview(plan: Plan) -> AnyView {
    let seatless = plan.seatless_words();
    view! {
        <ul class="paste-preview" aria-label="Preview">
            {each(plan.given, |(position, attendee)| view! {
                <li>
                    <strong>{format!("Seat {}", position + 1)}</strong>
                    {format!(" {} {} · {}", attendee.given_name, attendee.family_name, attendee.email)}
                </li>
            }.into_any())}
            {each(plan.wrong.into_iter().chain(seatless), |words| view! {
                <li class="field-error">{words}</li>
            }.into_any())}
        </ul>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_seats_are_filled_in_their_order_and_the_rest_is_told() {
        let text = "Ada Lovelace, ada@example.org\nnobody\nGrace Hopper, grace@example.org\n\
            Alan Turing, alan@example.org";
        let plan = Plan::of(pasted::read(text), vec![1, 3]);
        let given: Vec<(u32, &str)> =
            plan.given.iter().map(|(seat, who)| (*seat, who.given_name.as_str())).collect();
        assert_eq!(given, [(1, "Ada"), (3, "Grace")]);
        assert_eq!(plan.wrong, ["Line 2: There is no email address in this line."]);
        assert_eq!(plan.seatless_words().as_deref(), Some("1 line has no seat left."));
    }
}
