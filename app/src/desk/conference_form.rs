//! From what an owner typed to the facts of a conference, and back. Pure: the zone's distance from UTC
//! comes in as a function. The server checks again.

use super::slug;
use super::values::{Problems, Values};
use super::wall_clock;
use shared::management::ConferenceFacts;
use shared::refusal::FieldProblem;
use shared::rules::email_problem;
use shared::views::ConferenceView;
use shared::{Currency, Timestamp};

/// The fields of the facts, in the order of the form.
pub const FACTS: [&str; 11] = [
    "name",
    "tagline",
    "location",
    "description",
    "time_zone",
    "starts_at",
    "ends_at",
    "contact_email",
    "hold_minutes",
    "cancel_until",
    "assign_until",
];
/// What is asked besides when a conference is created.
pub const FIRST: [&str; 4] = ["owner_name", "owner_email", "slug", "currency"];

const MINUTES_PER_DAY: u32 = 24 * 60;

/// How far a zone is ahead of UTC at an instant.
pub type ZoneOffset = fn(Timestamp, &str) -> Option<i64>;

/// Who creates a conference, and what never changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    pub owner_name: String,
    pub owner_email: String,
    pub slug: String,
    pub currency: Currency,
    pub facts: ConferenceFacts,
}

/// Reads the form that creates a conference.
///
/// # Errors
/// One entry per wrong field, in the order of the form.
pub fn read_beginning(values: &Values, offset: ZoneOffset) -> Result<Beginning, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    problems.text(values, "owner_name", "your name", (1, 200));
    problems.note("owner_email", email_problem(values.get("owner_email")));
    // Registrants write to the owner unless another address is given; one mistake is said once.
    let mut all = values.clone();
    let is_shared = values.get("contact_email").is_empty();
    for (field, text) in &mut all.0 {
        if *field == "contact_email" && is_shared {
            values.get("owner_email").clone_into(text);
        }
    }
    let facts = read_into(&mut problems, &all, offset);
    problems.0.retain(|problem| !is_shared || problem.field != "contact_email");
    problems.note("slug", slug::problem(values.get("slug")));
    let currency = values.get("currency").parse().ok();
    if currency.is_none() {
        problems.add("currency", "Choose a currency");
    }
    let beginning = facts.zip(currency).map(|(facts, currency)| Beginning {
        owner_name: values.get("owner_name").to_owned(),
        owner_email: values.get("owner_email").to_owned(),
        slug: values.get("slug").to_owned(),
        currency,
        facts,
    });
    problems.or(beginning)
}

/// Reads the facts alone.
///
/// # Errors
/// One entry per wrong field, in the order of the form.
pub fn read_facts(
    values: &Values,
    offset: ZoneOffset,
) -> Result<ConferenceFacts, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let facts = read_into(&mut problems, values, offset);
    problems.or(facts)
}

fn read_into(
    problems: &mut Problems,
    values: &Values,
    offset: ZoneOffset,
) -> Option<ConferenceFacts> {
    problems.text(values, "name", "a name for the conference", (1, 200));
    problems.text(values, "tagline", "a tagline", (0, 200));
    problems.text(values, "location", "where it takes place", (1, 200));
    problems.text(values, "description", "a description", (0, 10_000));
    let zone = values.get("time_zone");
    if offset(Timestamp(0), zone).is_none() {
        problems.add("time_zone", "Choose a time zone");
    }
    let moment = |field| wall_clock::instant(values.get(field), &|at| offset(at, zone));
    let (starts_at, ends_at) = (moment("starts_at"), moment("ends_at"));
    if starts_at.is_none() {
        problems.add("starts_at", "Enter the day and time it begins");
    }
    match (starts_at, ends_at) {
        (_, None) => problems.add("ends_at", "Enter the day and time it ends"),
        (Some(starts), Some(ends)) if ends < starts => {
            problems.add("ends_at", "It must end after it begins");
        }
        _ => {}
    }
    problems.note("contact_email", email_problem(values.get("contact_email")));
    let hold_minutes = problems.number(values, "hold_minutes", (1, MINUTES_PER_DAY));
    for field in ["cancel_until", "assign_until"] {
        if !values.get(field).is_empty() && moment(field).is_none() {
            problems.add(field, "Enter a day and a time, or leave it empty");
        }
    }
    Some(ConferenceFacts {
        name: values.get("name").to_owned(),
        tagline: values.get("tagline").to_owned(),
        description: values.get("description").to_owned(),
        location: values.get("location").to_owned(),
        starts_at: starts_at?,
        ends_at: ends_at?,
        time_zone: zone.to_owned(),
        contact_email: values.get("contact_email").to_owned(),
        hold_minutes,
        cancel_until: moment("cancel_until"),
        assign_until: moment("assign_until"),
    })
}

/// What stands in the form of a known conference.
#[must_use]
pub fn values_of(view: &ConferenceView, offset: ZoneOffset) -> Values {
    let moment =
        |at: Timestamp| wall_clock::text(at, &|at| offset(at, &view.time_zone)).unwrap_or_default();
    Values(vec![
        ("name", view.name.clone()),
        ("tagline", view.tagline.clone()),
        ("location", view.location.clone()),
        ("description", view.description.clone()),
        ("time_zone", view.time_zone.clone()),
        ("starts_at", moment(view.starts_at)),
        ("ends_at", moment(view.ends_at)),
        ("contact_email", view.contact_email.clone()),
        ("hold_minutes", view.hold_minutes.to_string()),
        ("cancel_until", view.cancel_until.map(moment).unwrap_or_default()),
        ("assign_until", view.assign_until.map(moment).unwrap_or_default()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ConferenceId;
    use uuid::Uuid;

    const HOUR_MS: i64 = 3_600_000;

    fn two_hours_ahead(_: Timestamp, zone: &str) -> Option<i64> {
        (zone == "Europe/Helsinki").then_some(2 * HOUR_MS)
    }

    fn typed() -> Values {
        Values(vec![
            ("owner_name", "Mia Virtanen".into()),
            ("owner_email", "mia@example.org".into()),
            ("name", " RustConf ".into()),
            ("tagline", String::new()),
            ("location", "Helsinki".into()),
            ("description", "Two days.".into()),
            ("slug", "rustconf".into()),
            ("time_zone", "Europe/Helsinki".into()),
            ("starts_at", "2027-05-03T09:00".into()),
            ("ends_at", "2027-05-04T17:00".into()),
            ("currency", "EUR".into()),
            ("contact_email", String::new()),
            ("hold_minutes", "15".into()),
            ("cancel_until", "2027-04-30T00:00".into()),
            ("assign_until", String::new()),
        ])
    }

    fn with(field: &str, text: &str) -> Values {
        let mut values = typed();
        values.0.iter_mut().filter(|(known, _)| *known == field).for_each(|(_, value)| {
            text.clone_into(value);
        });
        values
    }

    #[test]
    fn what_was_typed_becomes_facts_in_the_conferences_zone() {
        let Beginning { facts, slug, currency, .. } =
            read_beginning(&typed(), two_hours_ahead).unwrap();
        assert_eq!((slug.as_str(), currency), ("rustconf", Currency::EUR));
        assert_eq!(facts.name, "RustConf");
        assert_eq!(facts.contact_email, "mia@example.org", "the owner's, unless told otherwise");
        assert_eq!(facts.ends_at.0 - facts.starts_at.0, 32 * HOUR_MS);
        assert_eq!(facts.starts_at.0.rem_euclid(24 * HOUR_MS), 7 * HOUR_MS);
        assert!(facts.cancel_until.is_some() && facts.assign_until.is_none());
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let fields = |values: &Values| -> Vec<String> {
            let problems = read_beginning(values, two_hours_ahead).unwrap_err();
            problems.into_iter().map(|problem| problem.field).collect()
        };
        for (field, wrong) in [
            ("owner_name", ""),
            ("owner_email", "mia"),
            ("name", "  "),
            ("location", ""),
            ("slug", "Rust Conf"),
            ("ends_at", "2027-05-02T09:00"),
            ("ends_at", ""),
            ("hold_minutes", "0"),
            ("hold_minutes", "1441"),
            ("currency", "euro"),
            ("cancel_until", "soon"),
        ] {
            assert_eq!(fields(&with(field, wrong)), [field], "{wrong}");
        }
        assert_eq!(fields(&with("tagline", &"x".repeat(201))), ["tagline"]);
        let nothing = fields(&Values::default());
        assert!(nothing.len() >= 9 && nothing[0] == "owner_name", "{nothing:?}");
    }

    #[test]
    fn a_known_conference_fills_its_form_and_saving_it_changes_nothing() {
        let facts = read_beginning(&typed(), two_hours_ahead).unwrap().facts;
        let view = ConferenceView {
            id: ConferenceId(Uuid::nil()),
            slug: "rustconf".into(),
            name: facts.name.clone(),
            tagline: facts.tagline.clone(),
            description: facts.description.clone(),
            location: facts.location.clone(),
            starts_at: facts.starts_at,
            ends_at: facts.ends_at,
            time_zone: facts.time_zone.clone(),
            currency: Currency::EUR,
            contact_email: facts.contact_email.clone(),
            hold_minutes: facts.hold_minutes,
            cancel_until: facts.cancel_until,
            assign_until: facts.assign_until,
            is_published: false,
            high_demand: false,
            seat_types: Vec::new(),
        };
        let values = values_of(&view, two_hours_ahead);
        assert_eq!(values.get("starts_at"), "2027-05-03T09:00");
        assert!(values.0.iter().map(|(field, _)| *field).eq(FACTS));
        assert_eq!(read_facts(&values, two_hours_ahead), Ok(facts));
    }
}
