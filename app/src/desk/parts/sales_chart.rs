//! How sales go: one line over the last day or the last week, its last point marked and labelled, and a
//! sentence that says the same. Not here: its points (`desk/sales_line.rs`).

use crate::dates;
use crate::desk::bars::percent;
use crate::desk::sales_line::{self, Point, Span};
use crate::desk::wall_clock::{Offset, read_offset};
use crate::desk::watching::Watching;
use crate::erased::{each, memo, press, text};
use crate::fact::Fact;
use leptos::prelude::*;
use shared::Timestamp;

/// The spans one can look at.
const SPANS: [(Span, &str); 2] = [(Span::Day, "24 hours"), (Span::Week, "7 days")];
/// Time goes on for the line this often: an hour ends without a sale, too.
const MINUTE_MS: i64 = 60_000;

/// The line, its switch and its sentence.
#[component]
pub fn SalesChart(watching: Watching) -> impl IntoView {
    let session = watching.session;
    let span = RwSignal::new(Span::Day);
    let minute = memo(move || session.live.now.get().0.div_euclid(MINUTE_MS));
    let zone = memo(move || session.zone());
    let points = memo(move || {
        let now = Timestamp(minute.get() * MINUTE_MS);
        let zone = zone.get();
        let offset: Offset<'_> = &|at| read_offset(&dates::zone_offset(at, &zone)?);
        let read = |view: &shared::dashboard::DashboardView| {
            sales_line::points(&view.sales, span.get(), now, offset)
        };
        watching.view(read).unwrap_or_default()
    });
    let sentence = memo(move || {
        let zone = zone.get();
        let clock = |at| dates::time(at, &zone);
        let day = |at| dates::weekday(at, &zone);
        points.with(|points| sales_line::sentence(points, span.get(), &clock, &day))
    });
    view! {
        <section class="desk-panel" aria-labelledby="sales">
            <div class="desk-head">
                <h2 id="sales">"Sales"</h2>
                <div class="choices" role="group" aria-label="Time shown">
                    {each(SPANS, |(choice, words)| view! {
                        <button
                            class="choice"
                            aria-pressed=text(move || (span.get() == choice).to_string())
                            on:click=press(move || span.set(choice))
                        >
                            {words}
                        </button>
                    }.into_any())}
                </div>
            </div>
            <p class="sales-words">{text(move || sentence.get())}</p>
            {drawing(points, span)}
        </section>
    }
}

/// The sentence says the same, so the drawing is for eyes only.
fn drawing(points: Fact<Vec<Point>>, span: RwSignal<Span>) -> impl IntoView {
    let last = move || points.with(|points| points.last().map_or(0, |point| point.seats));
    let height = move || {
        points.with(|points| {
            let last = points.last().map_or(0, |point| point.seats);
            percent(sales_line::height(last, points))
        })
    };
    let outline = memo(move || points.with(|points| sales_line::outline(points)));
    let label = move || match span.get() {
        Span::Day => format!("{} this hour", last()),
        Span::Week => format!("{} today", last()),
    };
    let since = move || match span.get() {
        Span::Day => "24 hours ago",
        Span::Week => "7 days ago",
    };
    view! {
        <div class="sales" aria-hidden="true">
            <p class="sales-label">{text(label)}</p>
            <svg class="sales-drawing" focusable="false">
                <svg viewBox="0 0 100 100" preserveAspectRatio="none">
                    <polygon
                        class="sales-ground"
                        points=text(move || format!("0,100 {} 100,100", outline.get()))
                    ></polygon>
                    <line class="sales-zero" x1="0" y1="100" x2="100" y2="100"></line>
                    <polyline class="sales-line" points=text(move || outline.get())></polyline>
                </svg>
                <circle class="sales-last" cx="100%" cy=text(height) r="5"></circle>
            </svg>
            <p class="sales-ends"><span>{text(since)}</span><span>"now"</span></p>
        </div>
    }
}
