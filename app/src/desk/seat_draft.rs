//! One seat of an order on this device: what is typed, what the server knows, what is on its way, and
//! what to say about it. Pure. The server's view is never overwritten by what is typed.
//!
//! Not here: how a seat looks (`parts/seat_card.rs`), and sending (`seats.rs`).

use shared::commands::{Attendee, Registrant};
use shared::refusal::FieldProblem;
use shared::rules::check_attendee;

/// The boxes of a card: the name of the field in the command, the label, and the autocomplete token.
pub const FIELDS: [(&str, &str); 3] =
    [("given_name", "Given name"), ("family_name", "Family name"), ("email", "Email address")];

/// Where what was typed is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is on its way.
    #[default]
    Idle,
    Saving,
    /// Saved; the view at this position shows it.
    Answered(u64),
    /// Nobody answered. Nothing is sent again by itself.
    NotSent,
    /// Why the server said no.
    Refused(String),
}

/// A seat on this device.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Who sits there, as far as the server said.
    seated: Option<Attendee>,
    typed: [String; 3],
    pub phase: Phase,
    /// What was sent last and not seen yet; an empty seat is `Some(None)`.
    sent: Option<Option<Attendee>>,
    /// What another device did.
    pub news: Option<String>,
}

/// What saving a card would do.
#[derive(Clone, PartialEq, Eq)]
pub enum Intent {
    /// Nothing was changed.
    Nothing,
    /// Something is missing or wrong.
    Incomplete(Vec<FieldProblem>),
    /// A free seat gets a name, or a name is corrected.
    Assign(Attendee),
    /// Somebody else loses the seat and the ticket.
    Reassign(Attendee),
}

impl Draft {
    /// A seat as the server's first view has it.
    #[must_use]
    pub fn of(seated: Option<Attendee>) -> Self {
        Self { typed: texts(seated.as_ref()), seated, ..Self::default() }
    }

    /// What stands in a box.
    #[must_use]
    pub fn text(&self, field: usize) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    /// A key was pressed in a box.
    pub fn types(&mut self, field: usize, text: String) {
        if let Some(typed) = self.typed.get_mut(field) {
            *typed = text;
        }
        self.news = None;
        if !self.is_on_its_way() {
            self.phase = Phase::Idle;
        }
    }

    /// Somebody was chosen for this seat without typing.
    pub fn takes(&mut self, attendee: &Attendee) {
        self.typed = texts(Some(attendee));
        self.news = None;
    }

    /// Who sits there.
    #[must_use]
    pub const fn seated(&self) -> Option<&Attendee> {
        self.seated.as_ref()
    }

    /// True while what was typed is not what the server knows.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.typed != texts(self.seated.as_ref())
    }

    /// True while an answer is awaited, or the view that shows it.
    #[must_use]
    pub const fn is_on_its_way(&self) -> bool {
        matches!(self.phase, Phase::Saving | Phase::Answered(_))
    }

    /// True when nobody sits there, and nobody is about to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.seated.is_none() && self.typed.iter().all(|text| text.trim().is_empty())
    }

    /// What saving would do now.
    #[must_use]
    pub fn intent(&self) -> Intent {
        if self.seated.is_some() && !self.is_changed() {
            return Intent::Nothing;
        }
        let [given_name, family_name, email] = self.typed.clone();
        match check_attendee(&Attendee { given_name, family_name, email }) {
            Err(problems) => Intent::Incomplete(problems),
            Ok(attendee) if self.seated.as_ref() == Some(&attendee) => Intent::Nothing,
            Ok(attendee) => match &self.seated {
                Some(earlier) if !is_same_address(earlier, &attendee) => Intent::Reassign(attendee),
                _ => Intent::Assign(attendee),
            },
        }
    }

    /// What the reader should know before saving, if anything.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let earlier = self.seated.as_ref()?;
        matches!(self.intent(), Intent::Reassign(_)).then(|| {
            format!(
                "{}'s ticket will stop working. We'll email both of them.",
                earlier.given_name.trim()
            )
        })
    }

    /// Something is sent: a name, or an empty seat.
    pub fn sends(&mut self, attendee: Option<Attendee>) {
        self.typed = texts(attendee.as_ref());
        self.sent = Some(attendee);
        self.phase = Phase::Saving;
        self.news = None;
    }

    /// True while a name is sent, not an empty seat.
    #[must_use]
    pub const fn is_naming(&self) -> bool {
        matches!(self.sent, Some(Some(_)))
    }

    /// What became of the sending. After a no, what was true before stands in the boxes again and what
    /// was sent is kept beside them; keys pressed since then are nobody's to take away.
    pub fn hears(&mut self, phase: Phase) {
        let is_refused = matches!(phase, Phase::Refused(_));
        if is_refused && self.typed == texts(self.sent.iter().flatten().next()) {
            self.typed = texts(self.seated.as_ref());
        }
        self.phase = phase;
    }

    /// Whom the server refused, for trying again.
    #[must_use]
    pub fn rejected(&self) -> Option<&Attendee> {
        let is_refused = matches!(self.phase, Phase::Refused(_));
        self.sent.iter().flatten().next().filter(|_| is_refused)
    }

    /// What was typed but came too late to be saved, in words.
    #[must_use]
    pub fn lost_words(&self) -> Option<String> {
        let lost = self.typed.join(" ");
        let lost = self.rejected().map_or_else(|| lost.trim().to_owned(), line_of);
        let is_lost = (self.is_changed() || self.rejected().is_some()) && !lost.is_empty();
        is_lost.then(|| format!("Not saved: {lost}"))
    }

    /// What nobody answered, if nothing was typed since.
    #[must_use]
    pub fn unsent(&self) -> Option<Option<Attendee>> {
        let is_unsent = self.phase == Phase::NotSent;
        self.sent.clone().filter(|sent| is_unsent && self.typed == texts(sent.as_ref()))
    }

    /// The view at this position shows the seat. True when something changed here.
    pub fn shows(&mut self, seated: Option<Attendee>, position: u64) -> bool {
        let before = self.clone();
        // An answer that was lost on the way: the seat itself says that it was done.
        let is_done = self.phase == Phase::NotSent && self.sent.as_ref() == Some(&seated);
        let is_answered = matches!(self.phase, Phase::Answered(answer) if answer <= position);
        if seated != self.seated {
            let was_changed = self.is_changed();
            let is_ours = self.sent.as_ref() == Some(&seated);
            if !is_ours {
                self.news = Some(news(seated.as_ref()));
            }
            if !was_changed {
                self.typed = texts(seated.as_ref());
            }
            self.seated = seated;
        }
        if is_answered || is_done {
            self.phase = Phase::Idle;
            self.sent = None;
        }
        *self != before
    }

    /// The state in a word or two.
    #[must_use]
    pub const fn chip(&self) -> &'static str {
        match (&self.phase, &self.seated) {
            (Phase::Saving | Phase::Answered(_), _) => "Saving…",
            (Phase::NotSent, _) => "Not sent yet",
            (_, Some(_)) => "Assigned",
            (_, None) => "Not assigned",
        }
    }
}

/// The person who ordered, as somebody who sits.
#[must_use]
pub fn attendee_of(registrant: &Registrant) -> Attendee {
    Attendee {
        given_name: registrant.given_name.clone(),
        family_name: registrant.family_name.clone(),
        email: registrant.email.clone(),
    }
}

/// As addresses compare, whatever the case.
#[must_use]
pub fn is_same_address(one: &Attendee, other: &Attendee) -> bool {
    one.email.trim().eq_ignore_ascii_case(other.email.trim())
}

/// How a person is written in a line.
#[must_use]
pub fn line_of(attendee: &Attendee) -> String {
    format!("{} {} · {}", attendee.given_name, attendee.family_name, attendee.email)
}

fn texts(attendee: Option<&Attendee>) -> [String; 3] {
    attendee.map_or_else(<[String; 3]>::default, |attendee| {
        [attendee.given_name.clone(), attendee.family_name.clone(), attendee.email.clone()]
    })
}

fn news(seated: Option<&Attendee>) -> String {
    seated.map_or_else(
        || "The name was taken off elsewhere just now".to_owned(),
        |seated| {
            format!("Changed elsewhere to {} {} just now", seated.given_name, seated.family_name)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(given: &str) -> Attendee {
        Attendee {
            given_name: given.into(),
            family_name: "Jaffe".into(),
            email: format!("{}@example.org", given.to_lowercase()),
        }
    }

    fn typed(draft: &mut Draft, attendee: &Attendee) {
        draft.types(0, attendee.given_name.clone());
        draft.types(1, attendee.family_name.clone());
        draft.types(2, attendee.email.clone());
    }

    #[test]
    fn a_seat_goes_from_not_assigned_over_saving_to_assigned() {
        let mut draft = Draft::of(None);
        assert_eq!((draft.chip(), draft.is_open()), ("Not assigned", true));
        typed(&mut draft, &person("Jon"));
        assert!(draft.intent() == Intent::Assign(person("Jon")));
        draft.sends(Some(person("Jon")));
        assert_eq!(draft.chip(), "Saving…");
        draft.phase = Phase::Answered(7);
        assert!(!draft.shows(None, 6), "an older view changes nothing");
        assert_eq!(draft.chip(), "Saving…");
        assert!(draft.shows(Some(person("Jon")), 7));
        assert_eq!(
            (draft.chip(), draft.news.clone(), draft.is_changed()),
            ("Assigned", None, false)
        );
    }

    #[test]
    fn the_push_may_be_faster_than_the_answer() {
        let mut draft = Draft::of(None);
        draft.sends(Some(person("Jon")));
        assert!(draft.shows(Some(person("Jon")), 7));
        assert_eq!(draft.news, None, "our own change is no news");
        draft.phase = Phase::Answered(7);
        assert!(draft.shows(Some(person("Jon")), 7));
        assert_eq!(draft.chip(), "Assigned");
    }

    #[test]
    fn an_incomplete_card_says_what_is_missing_and_an_unchanged_one_nothing() {
        assert!(Draft::of(Some(person("Jon"))).intent() == Intent::Nothing);
        let mut draft = Draft::of(None);
        assert!(matches!(draft.intent(), Intent::Incomplete(problems) if problems.len() == 3));
        draft.types(0, "Jon".into());
        let Intent::Incomplete(problems) = draft.intent() else { panic!("something is missing") };
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["family_name", "email"]);
        assert!(FIELDS.iter().any(|(field, _)| *field == fields[0]));
    }

    #[test]
    fn giving_a_seat_to_another_warns_and_correcting_a_name_does_not() {
        let mut draft = Draft::of(Some(person("Jon")));
        draft.types(0, "Jonathan".into());
        assert!(matches!(draft.intent(), Intent::Assign(_)) && draft.warning().is_none());
        typed(&mut draft, &person("Mia"));
        assert!(draft.intent() == Intent::Reassign(person("Mia")));
        assert!(draft.warning().is_some_and(|words| words.starts_with("Jon's ticket will stop")));
        draft.types(2, "JON@example.org ".into());
        assert!(matches!(draft.intent(), Intent::Assign(_)), "the address decides who it is");
    }

    #[test]
    fn what_another_device_did_is_told_and_never_overwrites_what_is_typed() {
        let mut draft = Draft::of(None);
        assert!(draft.shows(Some(person("Jon")), 3));
        assert_eq!(draft.news.as_deref(), Some("Changed elsewhere to Jon Jaffe just now"));
        assert_eq!((draft.text(0), draft.chip()), ("Jon", "Assigned"));
        draft.types(0, "Jonny".into());
        assert_eq!(draft.news, None);
        assert!(draft.shows(None, 4));
        assert_eq!(draft.text(0), "Jonny");
        assert_eq!(draft.news.as_deref(), Some("The name was taken off elsewhere just now"));
    }

    #[test]
    fn a_refusal_keeps_what_was_typed_beside_what_is_true() {
        let mut draft = Draft::of(Some(person("Jon")));
        typed(&mut draft, &person("Mia"));
        draft.sends(Some(person("Mia")));
        draft.hears(Phase::Refused("Names can't be changed any more.".into()));
        assert_eq!((draft.chip(), draft.text(0)), ("Assigned", "Jon"));
        assert!(draft.rejected() == Some(&person("Mia")), "and can be tried again");
        draft.types(0, "Mia M".into());
        assert_eq!((draft.phase.clone(), draft.rejected().is_none()), (Phase::Idle, true));
    }

    #[test]
    fn keys_pressed_before_a_refusal_stay() {
        let mut draft = Draft::of(None);
        draft.sends(Some(person("Jon")));
        draft.types(0, "Jonathan".into());
        draft.hears(Phase::Refused("Names can't be changed any more.".into()));
        assert_eq!(draft.text(0), "Jonathan");
    }

    #[test]
    fn what_was_not_sent_says_so_until_it_is_typed_over() {
        let mut draft = Draft::of(None);
        draft.sends(Some(person("Jon")));
        draft.hears(Phase::NotSent);
        assert_eq!(draft.chip(), "Not sent yet");
        assert!(draft.unsent() == Some(Some(person("Jon"))), "and can be sent again");
        draft.types(0, "Jonathan".into());
        assert!(draft.unsent().is_none());
    }

    #[test]
    fn a_name_that_could_not_be_taken_off_can_be_taken_off_again() {
        let mut draft = Draft::of(Some(person("Jon")));
        draft.sends(None);
        draft.hears(Phase::NotSent);
        assert!(draft.unsent() == Some(None));
        assert!(draft.shows(None, 8), "or the answer was lost, and it is done");
        assert_eq!(draft.chip(), "Not assigned");
    }
}
