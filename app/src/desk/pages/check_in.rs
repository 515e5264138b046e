//! Lets people in at the door: scan or enter a ticket, see at once whether it is good, and since when it
//! was used if it was. One thumb is enough; the answer is big, and the last ten stay.
//!
//! Not here: the camera (`desk/scanner.rs`).

use crate::api::Failure;
use crate::browser;
use crate::dates;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::scanner::{NoCamera, Scanner};
use crate::desk::session::{Session, use_session};
use crate::erased::{block, each, either, flag, mark, press, text};
use leptos::task::spawn_local;
use leptos::{html, prelude::*};
use shared::management::{Admission, AdmitAttendee};
use shared::{CommandId, RefusalCode};

/// Answers kept on the page.
const KEPT_MAX: usize = 10;

/// What the door is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    kind: &'static str,
    icon: &'static str,
    title: &'static str,
    /// Who stands there, if the ticket says it.
    who: String,
    words: String,
}

impl Verdict {
    fn in_a_line(&self) -> String {
        let parts = [self.title, &self.who, &self.words];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }
}

/// The words for an answer; `when` is the instant of the first admission as people read it.
fn verdict_of(answer: &Result<Admission, Failure>, when: &str) -> Verdict {
    match answer {
        Ok(admission) => {
            let Admission { given_name, family_name, seat_type, .. } = admission;
            let who = format!("{given_name} {family_name}");
            if admission.is_first {
                let words = seat_type.clone();
                Verdict { kind: "good", icon: "✓", title: "Welcome", who, words }
            } else {
                let words = format!("{seat_type}. Admitted already: {when}.");
                Verdict { kind: "again", icon: "!", title: "Used before", who, words }
            }
        }
        Err(Failure::Refused(problem)) if problem.code == RefusalCode::TicketUnknown => Verdict {
            kind: "wrong",
            icon: "✗",
            title: "Not admitted",
            who: String::new(),
            words: problem.title.clone(),
        },
        // Nothing is known about the ticket: that is neither a yes nor a no.
        Err(failure) => Verdict {
            kind: "open",
            icon: "?",
            title: "No answer",
            who: String::new(),
            words: failure.sentence().to_owned(),
        },
    }
}

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Door {
    session: Session,
    ticket: RwSignal<String>,
    /// Newest first.
    verdicts: RwSignal<Vec<Verdict>>,
    is_busy: RwSignal<bool>,
    /// The ticket that nobody has answered yet, with its intent: asked again, it is still the first time.
    unanswered: StoredValue<Option<(String, CommandId)>>,
    video: NodeRef<html::Video>,
    camera: RwSignal<Camera>,
    scanner: StoredValue<Option<Scanner>, LocalStorage>,
}

/// What the camera does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Camera {
    Off,
    Asked,
    On,
    Without(NoCamera),
}

/// The page.
#[component]
pub fn CheckInPage() -> impl IntoView {
    arrive(|| "Check-in".to_owned(), || false);
    let door = Door {
        session: use_session(),
        ticket: RwSignal::new(String::new()),
        verdicts: RwSignal::new(Vec::new()),
        is_busy: RwSignal::new(false),
        unanswered: StoredValue::new(None),
        video: NodeRef::new(),
        camera: RwSignal::new(Camera::Off),
        scanner: StoredValue::new_local(None),
    };
    on_cleanup(move || {
        let _ = door.scanner.try_set_value(None);
    });
    view! {
        <div class="main desk-page check-in">
            <h1 tabindex="-1">"Check-in"</h1>
            {block(move || shown(door.verdicts.with(|all| all.first().cloned())))}
            {door.form()}
            {door.camera()}
            {door.earlier()}
        </div>
    }
}

/// The answer. Its place is there before the first one, so that nothing moves under a thumb.
fn shown(verdict: Option<Verdict>) -> impl IntoView {
    let Verdict { kind, icon, title, who, words } = verdict.unwrap_or_else(|| Verdict {
        kind: "none",
        icon: "›",
        title: "Ready",
        who: String::new(),
        words: "Scan a ticket, or type its letters.".to_owned(),
    });
    view! {
        <section class=format!("verdict verdict-{kind}") aria-label="Answer">
            <span class="verdict-icon" aria-hidden="true">{icon}</span>
            <p class="verdict-title">{title}</p>
            <p class="verdict-words">
                {(!who.is_empty()).then(|| view! { <strong class="verdict-who">{who}</strong> })}
                <span>{words}</span>
            </p>
        </section>
    }
}

impl Door {
    fn form(self) -> impl IntoView {
        view! {
            <form
                class="desk-search"
                on:submit=move |event| {
                    event.prevent_default();
                    self.admit();
                }
            >
                <label class="field">
                    <span class="field-label">"Ticket"</span>
                    <input
                        class="field-box"
                        id="ticket"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        enterkeyhint="go"
                        prop:value=text(move || self.ticket.get())
                        on:input=move |event| self.ticket.set(event_target_value(&event))
                    />
                </label>
                <button
                    class="button button-primary"
                    class:button-busy=flag(move || self.is_busy.get())
                    aria-disabled=mark(move || self.is_busy.get())
                >
                    {text(move || if self.is_busy.get() { "Asking…" } else { "Admit" })}
                </button>
            </form>
        }
    }

    /// The camera's picture behind a button; the words say why where there is none.
    fn camera(self) -> impl IntoView {
        let is_on = move || matches!(self.camera.get(), Camera::On | Camera::Asked);
        let words = move || match self.camera.get() {
            Camera::Without(why) => why.words(),
            Camera::Off | Camera::Asked | Camera::On => "",
        };
        view! {
            <section class="check-in-camera" aria-label="Camera">
                {either(is_on, move || view! {
                    <button class="button" on:click=press(move || self.stop_the_camera())>
                        "Stop the camera"
                    </button>
                }.into_any(), move || view! {
                    <button class="button" on:click=press(move || self.start_the_camera())>
                        "Scan with the camera"
                    </button>
                }.into_any())}
                <p class="desk-soft">{text(words)}</p>
                <video class="check-in-video" class:hidden=flag(move || !is_on()) node_ref=self.video muted playsinline></video>
            </section>
        }
    }

    fn start_the_camera(self) {
        let Some(video) = self.video.get_untracked() else { return };
        self.camera.set(Camera::Asked);
        spawn_local(async move {
            let found = move |code| {
                if self.ticket.try_set(code).is_none() {
                    self.admit();
                }
            };
            match Scanner::start(video, found).await {
                Ok(scanner) if self.camera.try_get_untracked() == Some(Camera::Asked) => {
                    self.scanner.set_value(Some(scanner));
                    self.camera.set(Camera::On);
                }
                // It was stopped, or the page was left, before the picture came.
                Ok(_) => {}
                Err(why) => {
                    let _ = self.camera.try_set(Camera::Without(why));
                    self.session.announcer.polite(why.words());
                }
            }
        });
    }

    fn stop_the_camera(self) {
        self.scanner.set_value(None);
        self.camera.set(Camera::Off);
    }

    fn earlier(self) -> AnyView {
        block(move || {
            let earlier: Vec<Verdict> =
                self.verdicts.with(|all| all.iter().skip(1).cloned().collect());
            (!earlier.is_empty()).then(|| {
                view! {
                    <section class="desk-panel" aria-labelledby="earlier">
                        <h2 id="earlier">"Before"</h2>
                        <ol class="verdicts">
                            {each(earlier, |verdict| view! {
                                <li class=format!("verdicts-line verdict-{}", verdict.kind)>
                                    <span class="verdicts-icon" aria-hidden="true">{verdict.icon}</span>
                                    <span>{verdict.in_a_line()}</span>
                                </li>
                            }.into_any())}
                        </ol>
                    </section>
                }
            })
        })
    }

    fn admit(self) {
        let ticket = self.ticket.get_untracked().trim().to_owned();
        if ticket.is_empty() || self.is_busy.get_untracked() {
            return browser::focus_id("ticket");
        }
        let before = self.unanswered.get_value().filter(|(known, _)| *known == ticket);
        let command_id = before.map_or_else(|| CommandId(browser::fresh_id()), |(_, id)| id);
        self.unanswered.set_value(Some((ticket.clone(), command_id)));
        let conference = untrack(|| self.session.slug());
        let command = AdmitAttendee { command_id, conference, ticket };
        self.is_busy.set(true);
        spawn_local(async move {
            let answer = api::ask::<_, Admission>(&command).await;
            let _ = self.is_busy.try_set(false);
            if answer.as_ref().is_err_and(|failure| self.session.has_ended(failure)) {
                return;
            }
            let zone = untrack(|| self.session.zone());
            let when = answer.as_ref().map(|it| dates::day_and_time(it.admitted_at, &zone));
            let verdict = verdict_of(&answer, when.as_deref().unwrap_or_default());
            self.session.announcer.say(&verdict.in_a_line(), true);
            // What nobody has answered may be sent again as it stands.
            if verdict.kind != "open" {
                let _ = self.unanswered.try_set_value(None);
                let _ = self.ticket.try_set(String::new());
            }
            let _ = self.verdicts.try_update(|all| {
                all.insert(0, verdict);
                all.truncate(KEPT_MAX);
            });
            // With the camera on, a keyboard would cover the picture.
            if self.camera.try_get_untracked() != Some(Camera::On) {
                browser::focus_id("ticket");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Timestamp;

    #[test]
    fn the_second_time_says_when_the_first_was() {
        let admission = |is_first| Admission {
            is_first,
            admitted_at: Timestamp(0),
            given_name: "Ada".into(),
            family_name: "Lovelace".into(),
            seat_type: "General".into(),
        };
        let first = verdict_of(&Ok(admission(true)), "3 May, 09:01");
        assert_eq!(
            (first.kind, first.in_a_line().as_str()),
            ("good", "Welcome · Ada Lovelace · General")
        );
        let second = verdict_of(&Ok(admission(false)), "3 May, 09:01");
        assert_eq!((second.kind, second.who.as_str()), ("again", "Ada Lovelace"));
        assert_eq!(second.words, "General. Admitted already: 3 May, 09:01.");
    }

    #[test]
    fn what_nobody_answered_is_neither_a_yes_nor_a_no() {
        assert_eq!(verdict_of(&Err(Failure::Unreachable), "").kind, "open");
        assert_eq!(verdict_of(&Err(Failure::Faulty { reference: None }), "").kind, "open");
    }
}
