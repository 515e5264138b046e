//! From what an owner typed to the facts of a seat type, and back. Pure. The server checks again.

use super::conference_form::ZoneOffset;
use super::quota;
use super::values::{Problems, Values};
use super::wall_clock;
use shared::management::SeatTypeFacts;
use shared::refusal::FieldProblem;
use shared::rules::SEATS_PER_TYPE_MAX;
use shared::views::SeatTypeView;
use shared::{Currency, Money, Timestamp};

/// The fields, in the order of the form. The quota is asked only in the beginning; afterwards it is
/// changed in place.
pub const FIELDS: [&str; 7] =
    ["name", "description", "price", "quota", "per_order_max", "sale_starts_at", "sale_ends_at"];

/// The highest price in major units.
const PRICE_MAX: i64 = 50_000;

/// The conference's money and clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub currency: Currency,
    pub time_zone: String,
}

/// Reads the form of a seat type; the quota only if `is_new`.
///
/// # Errors
/// One entry per wrong field, in the order of the form.
pub fn read(
    values: &Values,
    is_new: bool,
    terms: &Terms,
    offset: ZoneOffset,
) -> Result<(SeatTypeFacts, u32), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    problems.text(values, "name", "a name", (2, 70));
    problems.text(values, "description", "a description", (0, 250));
    let price = read_price(values.get("price"), terms.currency);
    if price.is_none() {
        problems.add("price", "Enter a price from 0 to 50,000, like 199 or 199.50");
    }
    let quota = if is_new { quota::read(values.get("quota")) } else { Ok(0) };
    problems.note("quota", quota.clone().err());
    let per_order_max = problems.number(values, "per_order_max", (1, SEATS_PER_TYPE_MAX));
    let moment = |field| wall_clock::instant(values.get(field), &|at| offset(at, &terms.time_zone));
    let (opens, ends) = (moment("sale_starts_at"), moment("sale_ends_at"));
    for field in ["sale_starts_at", "sale_ends_at"] {
        if !values.get(field).is_empty() && moment(field).is_none() {
            problems.add(field, "Enter a day and a time, or leave it empty");
        }
    }
    if let (Some(opens), Some(ends)) = (opens, ends)
        && ends <= opens
    {
        problems.add("sale_ends_at", "The sale must end after it opens");
    }
    let facts = price.map(|price| SeatTypeFacts {
        name: values.get("name").to_owned(),
        description: values.get("description").to_owned(),
        price,
        per_order_max,
        sale_starts_at: opens,
        sale_ends_at: ends,
    });
    problems.or(facts.zip(quota.ok()))
}

/// Reads `199`, `199.5` or `199,50` without ever touching a floating point number.
fn read_price(text: &str, currency: Currency) -> Option<Money> {
    let decimals = usize::try_from(currency.decimals()).ok()?;
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(part) || decimals < part.len() {
        return None;
    }
    let unit = 10_i64.pow(currency.decimals());
    let minor: i64 = format!("{part:0<decimals$}").parse().unwrap_or(0);
    let total = whole.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(minor)?;
    (total <= PRICE_MAX * unit).then_some(Money::new(total, currency))
}

/// What stands in the form of a known seat type.
#[must_use]
pub fn values_of(seat_type: &SeatTypeView, zone: &str, offset: ZoneOffset) -> Values {
    let moment = |at: Option<Timestamp>| {
        at.and_then(|at| wall_clock::text(at, &|at| offset(at, zone))).unwrap_or_default()
    };
    Values(vec![
        ("name", seat_type.name.clone()),
        ("description", seat_type.description.clone()),
        ("price", price_text(seat_type.price)),
        ("quota", seat_type.quota.to_string()),
        ("per_order_max", seat_type.per_order_max.to_string()),
        ("sale_starts_at", moment(seat_type.sale_starts_at)),
        ("sale_ends_at", moment(seat_type.sale_ends_at)),
    ])
}

/// `199`, or `199.50` when there is a part.
fn price_text(price: Money) -> String {
    let decimals = price.currency.decimals();
    let unit = 10_i64.pow(decimals);
    let (whole, part) = (price.minor / unit, price.minor % unit);
    let width = usize::try_from(decimals).unwrap_or(0);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:0width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::SeatTypeId;
    use uuid::Uuid;

    fn terms() -> Terms {
        Terms { currency: Currency::EUR, time_zone: "UTC".into() }
    }

    fn utc(_: Timestamp, zone: &str) -> Option<i64> {
        (zone == "UTC").then_some(0)
    }

    fn typed(changes: &[(&'static str, &str)]) -> Values {
        let base = [
            ("name", "General admission"),
            ("description", "Both days"),
            ("price", "199"),
            ("quota", "300"),
            ("per_order_max", "10"),
            ("sale_starts_at", ""),
            ("sale_ends_at", ""),
        ];
        let text = |field, text: &'static str| {
            changes
                .iter()
                .find(|(known, _)| *known == field)
                .map_or(text, |(_, other)| *other)
                .to_owned()
        };
        Values(base.map(|(field, value)| (field, text(field, value))).to_vec())
    }

    #[test]
    fn prices_are_read_in_whole_minor_units() {
        let euros = |text| read_price(text, Currency::EUR).map(|price| price.minor);
        for (text, minor) in
            [("199", 19_900), ("199.5", 19_950), ("199,05", 19_905), ("0", 0), ("50000", 5_000_000)]
        {
            assert_eq!(euros(text), Some(minor), "{text}");
        }
        for wrong in ["", "-1", "1.999", "50000.01", "1e3", ".5", "free", "1.2.3"] {
            assert_eq!(euros(wrong), None, "{wrong}");
        }
        let yen = "JPY".parse().unwrap();
        assert_eq!(read_price("2500", yen).map(|price| price.minor), Some(2_500));
        assert_eq!(read_price("2500.5", yen), None);
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (field, wrong) in [
            ("name", "x"),
            ("price", "much"),
            ("quota", "-3"),
            ("per_order_max", "21"),
            ("sale_starts_at", "soon"),
        ] {
            let problems = read(&typed(&[(field, wrong)]), true, &terms(), utc).unwrap_err();
            assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), [field]);
        }
        let window = [("sale_starts_at", "2027-02-01T00:00"), ("sale_ends_at", "2027-01-01T00:00")];
        let problems = read(&typed(&window), true, &terms(), utc).unwrap_err();
        assert_eq!(problems[0].field, "sale_ends_at");
    }

    #[test]
    fn a_known_seat_type_fills_its_form_and_saving_it_changes_nothing() {
        let window = [("sale_ends_at", "2027-01-01T00:00"), ("price", "199.50")];
        let (facts, quota) = read(&typed(&window), true, &terms(), utc).unwrap();
        let view = SeatTypeView {
            id: SeatTypeId(Uuid::nil()),
            name: facts.name.clone(),
            description: facts.description.clone(),
            price: facts.price,
            quota,
            sold: 0,
            held: 0,
            per_order_max: facts.per_order_max,
            sale_starts_at: facts.sale_starts_at,
            sale_ends_at: facts.sale_ends_at,
        };
        let values = values_of(&view, "UTC", utc);
        assert!(values.0.iter().map(|(field, _)| *field).eq(FIELDS));
        assert_eq!(read(&values, true, &terms(), utc), Ok((facts, 300)));
    }
}
