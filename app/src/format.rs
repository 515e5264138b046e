//! Counts, plurals, date ranges and sentences made of parts. Pure: what the browser must be asked
//! for (the names of days in a time zone) is in `dates.rs`.

/// `1 seat`, `2 seats`.
#[must_use]
pub fn seats(count: u32) -> String {
    if count == 1 { "1 seat".to_owned() } else { format!("{count} seats") }
}

/// One day in a conference's time zone, in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    pub day: String,
    pub month: String,
    pub year: String,
}

/// `5 May 2027`, `3–5 May 2027`, `30 April – 2 May 2027`, `30 December 2027 – 2 January 2028`.
#[must_use]
pub fn day_range(from: &Day, to: &Day) -> String {
    let Day { day, month, year } = from;
    let last = format!("{} {} {}", to.day, to.month, to.year);
    if from == to {
        last
    } else if *year != to.year {
        format!("{day} {month} {year} – {last}")
    } else if *month != to.month {
        format!("{day} {month} – {last}")
    } else {
        format!("{day}–{last}")
    }
}

/// True for a path on this server: where to pay is never another site.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\')
}

/// Mail domains that people mistype.
const DOMAINS: [&str; 12] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "gmx.de",
    "web.de",
    "example.org",
    "example.com",
    "example.net",
];

/// The domain that was probably meant. A suggestion, never a verdict: `None` when in doubt.
#[must_use]
pub fn likely_domain(email: &str) -> Option<&'static str> {
    let domain = email.trim().rsplit_once('@')?.1.to_ascii_lowercase();
    if DOMAINS.contains(&domain.as_str()) {
        return None;
    }
    DOMAINS.into_iter().find(|known| is_one_slip_away(&domain, known))
}

/// True when one letter was left out, added or changed, or two neighbours were swapped.
fn is_one_slip_away(typed: &str, known: &str) -> bool {
    let (typed, known) = (typed.as_bytes(), known.as_bytes());
    let same_start = typed.iter().zip(known).take_while(|(a, b)| a == b).count();
    let (typed, known) = (&typed[same_start..], &known[same_start..]);
    match (typed.len(), known.len()) {
        (t, k) if t == k && 2 <= t && typed[0] == known[1] && typed[1] == known[0] => {
            typed[2..] == known[2..]
        }
        (t, k) if t == k => 0 < t && typed[1..] == known[1..],
        (t, k) if t + 1 == k => *typed == known[1..],
        (t, k) if t == k + 1 => typed[1..] == *known,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, month: &str, year: &str) -> Day {
        Day { day: day.into(), month: month.into(), year: year.into() }
    }

    #[test]
    fn days_that_share_a_month_or_a_year_say_it_once() {
        let may = day("5", "May", "2027");
        assert_eq!(day_range(&may, &may), "5 May 2027");
        assert_eq!(day_range(&day("3", "May", "2027"), &may), "3–5 May 2027");
        assert_eq!(day_range(&day("30", "April", "2027"), &may), "30 April – 5 May 2027");
        assert_eq!(
            day_range(&day("30", "December", "2026"), &may),
            "30 December 2026 – 5 May 2027"
        );
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([seats(1), seats(0), seats(20)], ["1 seat", "0 seats", "20 seats"]);
    }

    #[test]
    fn a_slip_of_one_letter_is_noticed_and_strangers_are_left_alone() {
        for typed in ["a@exmaple.org", "a@example.or", "a@exaample.org", "a@exomple.org"] {
            assert_eq!(likely_domain(typed), Some("example.org"), "{typed}");
        }
        for typed in ["a@example.org", "a@GMAIL.com", "a@contoso.com", "a", "a@", ""] {
            assert_eq!(likely_domain(typed), None, "{typed}");
        }
    }

    #[test]
    fn only_paths_of_this_server_are_followed() {
        assert!(is_own_path("/pay/1"));
        for other in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
