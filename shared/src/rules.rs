//! The arithmetic on which browser and server must agree: what is granted, what counts as plenty,
//! and what a form must contain. The server decides; the browser uses the same code to be right early.

use crate::commands::{Attendee, Registrant, SeatQuantity};
use crate::refusal::{FieldProblem, RefusalCode};
use crate::time::Timestamp;
use crate::views::SeatTypeView;

/// The most seats of one type in one order, whatever the owner allows.
pub const SEATS_PER_TYPE_MAX: u32 = 20;
/// The most seat types in one order.
pub const SEAT_TYPES_PER_ORDER_MAX: usize = 20;
/// Characters of a name.
pub const NAME_LENGTH_MAX: usize = 200;
/// Characters of an e-mail address (RFC 5321 path limit).
pub const EMAIL_LENGTH_MAX: usize = 254;
/// How often a hold may be extended (WCAG 2.2.1 asks for ten).
pub const EXTENSIONS_MAX: u32 = 10;
/// What one extension adds, in seconds.
pub const EXTENSION_SECONDS: i64 = 300;
/// A payment in flight keeps the hold at most this long past the deadline, in seconds.
pub const PAYMENT_BOUND_SECONDS: i64 = 600;
/// A view older than this is not trusted for optimism, in milliseconds.
pub const VIEW_FRESH_MS: i64 = 5_000;

/// Seats granted to somebody who wants `wanted` and holds `already_held`, while `remaining` are free.
#[must_use]
pub const fn granted(wanted: u32, remaining: u32, already_held: u32) -> u32 {
    let obtainable = remaining.saturating_add(already_held);
    if wanted < obtainable { wanted } else { obtainable }
}

/// True when taking `wanted` more leaves so many that the server will almost surely grant them:
/// at least ten, and at least a tenth of the quota.
#[must_use]
pub fn is_plenty(seat_type: &SeatTypeView, wanted: u32) -> bool {
    let cushion = (seat_type.quota / 10).max(10);
    seat_type.remaining() >= wanted.saturating_add(cushion)
}

/// Under 5 % of the quota is left: scarce seats are not held longer than promised.
#[must_use]
pub const fn is_high_demand(remaining: u32, quota: u32) -> bool {
    (remaining as u64) * 20 < quota as u64
}

/// Checks the shape of an order; prices, limits of a seat type and sale windows are the conference's.
///
/// # Errors
/// The first rule that is broken.
pub fn check_seats(seats: &[SeatQuantity]) -> Result<(), RefusalCode> {
    if seats.is_empty() {
        return Err(RefusalCode::NoSeatsChosen);
    }
    if seats.len() > SEAT_TYPES_PER_ORDER_MAX {
        return Err(RefusalCode::TooManySeatTypes);
    }
    for (index, line) in seats.iter().enumerate() {
        if line.quantity == 0 || line.quantity > SEATS_PER_TYPE_MAX {
            return Err(RefusalCode::QuantityInvalid);
        }
        if seats[..index].iter().any(|earlier| earlier.seat_type == line.seat_type) {
            return Err(RefusalCode::SeatTypeRepeated);
        }
    }
    Ok(())
}

/// Checks a registrant and returns what to store: outer spaces removed.
///
/// # Errors
/// One entry per wrong field, in the order of the form.
pub fn check_registrant(registrant: &Registrant) -> Result<Registrant, Vec<FieldProblem>> {
    let Registrant { given_name, family_name, email } = registrant;
    let [given_name, family_name, email] = check_person([given_name, family_name, email])?;
    Ok(Registrant { given_name, family_name, email })
}

/// Checks an attendee like a registrant: the mail with the ticket has to arrive, too (W7).
///
/// # Errors
/// One entry per wrong field, in the order of the form.
pub fn check_attendee(attendee: &Attendee) -> Result<Attendee, Vec<FieldProblem>> {
    let Attendee { given_name, family_name, email } = attendee;
    let [given_name, family_name, email] = check_person([given_name, family_name, email])?;
    Ok(Attendee { given_name, family_name, email })
}

/// Given name, family name and e-mail, with outer spaces removed.
fn check_person(person: [&str; 3]) -> Result<[String; 3], Vec<FieldProblem>> {
    let trimmed = person.map(str::trim);
    let [given_name, family_name, email] = trimmed;
    let checks = [
        ("given_name", name_problem(given_name, "given")),
        ("family_name", name_problem(family_name, "family")),
        ("email", email_problem(email)),
    ];
    let problems: Vec<FieldProblem> = checks
        .into_iter()
        .filter_map(|(field, problem)| {
            problem.map(|message| FieldProblem { field: field.to_owned(), message })
        })
        .collect();
    if problems.is_empty() { Ok(trimmed.map(str::to_owned)) } else { Err(problems) }
}

/// What is wrong with a trimmed name; `which` is "given" or "family".
#[must_use]
pub fn name_problem(name: &str, which: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("Enter your {which} name"));
    }
    if name.chars().count() > NAME_LENGTH_MAX {
        return Some(format!("Your {which} name must be {NAME_LENGTH_MAX} characters or fewer"));
    }
    if name.chars().any(char::is_control) {
        return Some(format!("Your {which} name must not contain control characters"));
    }
    None
}

/// What is wrong with a trimmed e-mail address. Deliberately lenient: the only proof of an address is
/// a mail that arrives. One pass over the text, so that no input is slow (W41).
#[must_use]
pub fn email_problem(email: &str) -> Option<String> {
    if email.is_empty() {
        return Some("Enter your email address".to_owned());
    }
    let wrong = "Enter an email address in the correct format, like name@example.com";
    let Some((local, domain)) = email.rsplit_once('@') else { return Some(wrong.to_owned()) };
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let labels_are_fine = domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                // Letters of any script pass; the tables that would tell them apart from other
                // signs cost the browser more than a mail to a strange domain costs anybody.
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii())
        });
    let is_fine = !local.is_empty()
        && local.len() <= 64
        && email.len() <= EMAIL_LENGTH_MAX
        && !email.contains(strange)
        && !local.contains('@')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels_are_fine;
    if is_fine { None } else { Some(wrong.to_owned()) }
}

/// True when a seat type may be sold at `now`.
#[must_use]
pub fn is_on_sale(opens: Option<Timestamp>, ends: Option<Timestamp>, now: Timestamp) -> bool {
    opens.is_none_or(|opens| opens <= now) && ends.is_none_or(|ends| now < ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SeatTypeId;
    use crate::money::{Currency, Money};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn seat_type(quota: u32, sold: u32, held: u32) -> SeatTypeView {
        SeatTypeView {
            id: SeatTypeId(Uuid::nil()),
            name: "General admission".into(),
            description: String::new(),
            price: Money::new(19_900, Currency::EUR),
            quota,
            sold,
            held,
            per_order_max: 20,
            sale_starts_at: None,
            sale_ends_at: None,
        }
    }

    fn line(number: u128, quantity: u32) -> SeatQuantity {
        SeatQuantity { seat_type: SeatTypeId(Uuid::from_u128(number)), quantity }
    }

    #[test]
    fn what_i_hold_counts_as_obtainable_for_me() {
        // The worked examples of the reference: quota 10, six held by me, four remaining.
        assert_eq!(granted(8, 4, 6), 8);
        assert_eq!(granted(2, 4, 6), 2);
        assert_eq!(granted(12, 4, 6), 10);
    }

    #[test]
    fn plenty_leaves_ten_seats_and_a_tenth_of_the_quota() {
        assert!(is_plenty(&seat_type(50, 20, 18), 2));
        assert!(!is_plenty(&seat_type(50, 20, 19), 2));
        assert!(is_plenty(&seat_type(1000, 0, 898), 2));
        assert!(!is_plenty(&seat_type(1000, 0, 899), 2));
    }

    #[test]
    fn an_order_lists_each_type_once_with_one_to_twenty_seats() {
        assert_eq!(check_seats(&[]), Err(RefusalCode::NoSeatsChosen));
        assert_eq!(check_seats(&[line(1, 0)]), Err(RefusalCode::QuantityInvalid));
        assert_eq!(check_seats(&[line(1, 21)]), Err(RefusalCode::QuantityInvalid));
        assert_eq!(check_seats(&[line(1, 1), line(1, 1)]), Err(RefusalCode::SeatTypeRepeated));
        let many: Vec<_> = (0..21).map(|n| line(n, 1)).collect();
        assert_eq!(check_seats(&many), Err(RefusalCode::TooManySeatTypes));
        assert_eq!(check_seats(&[line(1, 1), line(2, 20)]), Ok(()));
    }

    #[test]
    fn ordinary_addresses_pass_and_broken_ones_are_explained() {
        for good in ["ada@example.org", "a.b+c@sub.example.co.uk", "o'neil@exämple.de"] {
            assert_eq!(email_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "a b@example.org",
            "ada@@example.org",
            "ada@-example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada@example.org\nBcc: all@example.org",
        ] {
            assert!(email_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_registrant_is_trimmed_and_every_wrong_field_is_named() {
        let blank = Registrant {
            given_name: " ".into(),
            family_name: "x".repeat(201),
            email: "ada".into(),
        };
        let fields: Vec<String> =
            check_registrant(&blank).unwrap_err().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["given_name", "family_name", "email"]);
        let ada = Registrant {
            given_name: " Ada ".into(),
            family_name: "Lovelace".into(),
            email: " ada@example.org".into(),
        };
        assert_eq!(check_registrant(&ada).unwrap().given_name, "Ada");
    }

    #[test]
    fn an_attendee_is_checked_like_a_registrant() {
        let wrong = Attendee {
            given_name: "Grace\u{7}".into(),
            family_name: " ".into(),
            email: "grace@example.org, all@example.org".into(),
        };
        let fields: Vec<String> =
            check_attendee(&wrong).unwrap_err().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["given_name", "family_name", "email"]);
        let grace = Attendee {
            given_name: "Grace ".into(),
            family_name: "Hopper".into(),
            email: "grace@example.org".into(),
        };
        assert_eq!(check_attendee(&grace).unwrap().given_name, "Grace");
    }

    proptest! {
        #[test]
        fn a_grant_is_never_more_than_wanted_or_obtainable(wanted: u32, remaining: u32, held: u32) {
            let seats = granted(wanted, remaining, held);
            prop_assert!(seats <= wanted && seats <= remaining.saturating_add(held));
        }

        #[test]
        fn no_text_makes_the_address_check_panic(text in "\\PC{0,300}") {
            let _ = email_problem(&text);
        }
    }
}
