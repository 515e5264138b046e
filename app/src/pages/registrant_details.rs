//! Who is registering: given name, family name, email, and nothing else.
//!
//! In high demand this page comes before reserving, because then only paying is left to do in the
//! time of the hold. Not here: the checks themselves (`shared::rules`).

use crate::arrival::{arrive, focus_panel_when_quiet};
use crate::components::field::{self, ErrorSummary, Field, FieldNames, Mistake};
use crate::components::steps::Step;
use crate::erased::{block, either, flag, follow, mark, memo, press, react, show, text};
use crate::flow;
use crate::navigation::Go;
use crate::order_state::OrderState;
use crate::registration::{Details, Registration};
use crate::saved::Saved;
use crate::{browser, format};
use leptos::prelude::*;
use shared::refusal::FieldProblem;
use shared::rules::{check_registrant, email_problem, name_problem};

const GIVEN_NAME: FieldNames = FieldNames {
    id: "given_name",
    label: "Given name",
    hint: "",
    autocomplete: "given-name",
    kind: "text",
};
const FAMILY_NAME: FieldNames = FieldNames {
    id: "family_name",
    label: "Family name",
    hint: "",
    autocomplete: "family-name",
    kind: "text",
};
const EMAIL: FieldNames = FieldNames {
    id: "email",
    label: "Email address",
    hint: "Your access code goes there. Nothing else does.",
    autocomplete: "email",
    kind: "email",
};

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Asking {
    registration: Registration,
    go: Go,
    given_name_error: RwSignal<Option<String>>,
    family_name_error: RwSignal<Option<String>>,
    email_error: RwSignal<Option<String>>,
    mistakes: RwSignal<Vec<Mistake>>,
    /// The address as it was when its field was left.
    echoed: RwSignal<String>,
    /// Seats are being asked for from this page, and it waits for what becomes of it.
    is_waiting: RwSignal<bool>,
}

/// The page.
#[component]
pub fn RegistrantDetailsPage() -> impl IntoView {
    let registration = flow::enter();
    let page = Asking {
        registration,
        go: expect_context::<Go>(),
        given_name_error: RwSignal::new(None),
        family_name_error: RwSignal::new(None),
        email_error: RwSignal::new(None),
        mistakes: RwSignal::new(Vec::new()),
        echoed: RwSignal::new(registration.saved.with_untracked(|saved| saved.email.clone())),
        is_waiting: RwSignal::new(false),
    };
    arrive(|| "Your details".to_owned(), move || page.mistakes.with(|m| !m.is_empty()));
    page.follow_the_order();
    page.show_what_the_server_found();
    let is_closed = memo(move || registration.is_order_closed_here() && !page.is_before());
    view! {
        <div class="main flow">
            {flow::steps(registration, Step::Details)}
            {either(move || !is_closed.get(), move || view! {
                <div class="flow-grid">
                    <div class="flow-main">
                        <ErrorSummary mistakes=page.mistakes />
                        <h1 tabindex="-1">"Your details"</h1>
                        {show(move || page.is_before(), move || view! {
                            <p class="note">
                                "Seats are scarce, so we ask this first. Then only payment is left to do while your seats are held."
                            </p>
                        }.into_any())}
                        {flow::order_panel(registration, "payment")}
                        {page.form()}
                    </div>
                    {flow::summary(registration)}
                </div>
            }.into_any(), move || flow::closed_here(registration).into_any())}
        </div>
    }
}

impl Asking {
    /// True while the order is only prepared: the details come before the seats.
    fn is_before(self) -> bool {
        let registration = self.registration;
        let id = registration.order_id.get();
        let is_prepared = registration.saved.with(|saved| {
            let order = id.and_then(|id| saved.order(id));
            order.is_some_and(|order| !order.is_placed) && !saved.seats.is_empty()
        });
        is_prepared && registration.state.get() == OrderState::Choosing
    }

    fn follow_the_order(self) {
        let Self { registration, is_waiting, .. } = self;
        Effect::new(move |before: Option<OrderState>| {
            let state = registration.state.get();
            match state {
                OrderState::Confirmed => self.go.instead_to(&registration.own_path("confirmed")),
                OrderState::Held { .. } if is_waiting.get() => {
                    is_waiting.set(false);
                    self.go.to(&registration.own_path("payment"));
                }
                OrderState::PartlyHeld { .. }
                | OrderState::NoneHeld { .. }
                | OrderState::Refused(_)
                    if before.is_some_and(OrderState::is_asking) =>
                {
                    is_waiting.set(false);
                    focus_panel_when_quiet();
                }
                _ => {}
            }
            state
        });
    }

    /// A refusal of the details comes back to this page.
    fn show_what_the_server_found(self) {
        react(move || {
            if let Details::Refused(problem) = self.registration.details.get() {
                let fields = problem.fields;
                if fields.is_empty() {
                    let words = problem.title.clone();
                    self.mistakes.set(vec![(GIVEN_NAME.id.to_owned(), words)]);
                    field::focus_summary();
                } else {
                    self.show(fields);
                }
            }
        });
    }

    fn show(self, problems: Vec<FieldProblem>) {
        let message = |field: &str| {
            problems.iter().find(|problem| problem.field == field).map(|p| p.message.clone())
        };
        self.given_name_error.set(message(GIVEN_NAME.id));
        self.family_name_error.set(message(FAMILY_NAME.id));
        self.email_error.set(message(EMAIL.id));
        let mistakes: Vec<Mistake> =
            problems.into_iter().map(|problem| (problem.field, problem.message)).collect();
        let has_mistakes = !mistakes.is_empty();
        self.mistakes.set(mistakes);
        if has_mistakes {
            field::focus_summary();
        }
    }

    fn submit(self) {
        let registration = self.registration;
        if self.is_waiting.get_untracked() {
            return;
        }
        let typed = registration.saved.with_untracked(Saved::registrant);
        match check_registrant(&typed) {
            Err(problems) => self.show(problems),
            Ok(_) if untrack(|| self.is_before()) => {
                self.show(Vec::new());
                let seats = registration.saved.with_untracked(|saved| saved.seats.clone());
                self.is_waiting.set(true);
                registration.reserve(seats);
                registration.save_details();
            }
            Ok(_) => {
                self.show(Vec::new());
                registration.save_details();
                self.go.to(&registration.own_path("payment"));
            }
        }
    }

    fn form(self) -> impl IntoView {
        let registration = self.registration;
        let saved = registration.saved;
        let submit_label = move || {
            if self.is_waiting.get() {
                registration.headline()
            } else if self.is_before() {
                let seats = saved.with(|saved| saved.seats.iter().map(|line| line.quantity).sum());
                format!("Reserve {}", format::seats(seats))
            } else {
                "Continue".to_owned()
            }
        };
        view! {
            <form
                class="form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    self.submit();
                }
            >
                <Field
                    names=GIVEN_NAME
                    value=follow(move || saved.with(|saved| saved.given_name.clone()))
                    error=self.given_name_error
                    typed=Callback::new(move |text| saved.update(|saved| saved.given_name = text))
                    check=Callback::new(|text: String| name_problem(text.trim(), "given"))
                />
                <Field
                    names=FAMILY_NAME
                    value=follow(move || saved.with(|saved| saved.family_name.clone()))
                    error=self.family_name_error
                    typed=Callback::new(move |text| saved.update(|saved| saved.family_name = text))
                    check=Callback::new(|text: String| name_problem(text.trim(), "family"))
                />
                <div class="field-group" on:focusout=move |_| browser::when_released(Box::new(move || self.echo()))>
                <Field
                    names=EMAIL
                    value=follow(move || saved.with(|saved| saved.email.clone()))
                    error=self.email_error
                    typed=Callback::new(move |text| saved.update(|saved| saved.email = text))
                    check=Callback::new(|text: String| email_problem(text.trim()))
                />
                {self.email_echo()}
                </div>
                <div class="form-acts">
                    <button
                        class="button button-primary"
                        class:button-busy=flag(move || self.is_waiting.get())
                        aria-disabled=mark(move || self.is_waiting.get())
                    >
                        {submit_label}
                    </button>
                    <p class="form-saved">"Saved on this device as you type."</p>
                </div>
            </form>
        }
    }

    fn echo(self) {
        let typed = self.registration.saved.with_untracked(|saved| saved.email.trim().to_owned());
        // The page may have been left meanwhile.
        let _ = self.echoed.try_set(typed);
    }

    /// Where the code goes, in bold, and a likely slip of the pen as an offer.
    fn email_echo(self) -> impl IntoView {
        let saved = self.registration.saved;
        // As it was when the field was left: nothing moves while somebody types.
        let email = self.echoed;
        let is_fine = memo(move || email.with(|email| email_problem(email).is_none()));
        let likely = memo(move || email.with(|email| format::likely_domain(email)));
        let take = move |domain: &str| {
            saved.update(|saved| {
                if let Some((local, _)) = saved.email.trim().rsplit_once('@') {
                    saved.email = format!("{local}@{domain}");
                }
            });
            self.echo();
            browser::focus_id(EMAIL.id);
        };
        view! {
            <div class="field-echo">
                {show(move || is_fine.get(), move || view! {
                    <p>"We'll send your access code to " <strong>{text(move || email.get())}</strong></p>
                }.into_any())}
                {block(move || {
                    likely
                        .get()
                        .map(|domain| {
                            view! {
                                <button type="button" class="button button-quiet" on:click=press(move || take(domain))>
                                    {format!("Did you mean {domain}?")}
                                </button>
                            }
                        })
                })}
            </div>
        }
    }
}
