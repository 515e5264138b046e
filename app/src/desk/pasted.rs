//! Reads a pasted list of people, one a line: "Ada Lovelace, ada@example.org" as people type it, as
//! spreadsheets copy it and as mail programs write it. Pure. Not here: where they sit.

use shared::commands::Attendee;
use shared::rules::email_problem;

/// More lines than an order can have seats are not read.
pub const LINES_MAX: usize = 400;

/// A line that was read, or why it could not be.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// In the pasted text, from 1.
    pub number: usize,
    pub person: Result<Attendee, &'static str>,
}

/// Every line that is not empty.
#[must_use]
pub fn read(text: &str) -> Vec<Line> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = lines.take(LINES_MAX).map(|(number, line)| Line { number, person: person(line) });
    read.collect()
}

/// One person: the part with an @ is the address, everything else is the name.
fn person(line: &str) -> Result<Attendee, &'static str> {
    let parts = split(line);
    let (emails, names): (Vec<&String>, Vec<&String>) =
        parts.iter().partition(|part| part.contains('@'));
    let email = match emails.as_slice() {
        [] => return Err("There is no email address in this line"),
        [email] => email.as_str(),
        _ => return Err("There is more than one email address in this line"),
    };
    if email_problem(email).is_some() {
        return Err("The email address is not in the correct format");
    }
    let (given_name, family_name) = match names.as_slice() {
        [] => return Err("There is no name in this line"),
        // As address books sort: "Lovelace, Ada".
        [whole] if whole.contains(',') => {
            whole.split_once(',').map_or(("", ""), |(family, given)| (given, family))
        }
        [whole] => whole.rsplit_once(char::is_whitespace).unwrap_or((whole, "")),
        // A column for each.
        [given, family, ..] => (given.as_str(), family.as_str()),
    };
    if given_name.trim().is_empty() || family_name.trim().is_empty() {
        return Err("Give both names, like Ada Lovelace");
    }
    Ok(Attendee {
        given_name: given_name.trim().to_owned(),
        family_name: family_name.trim().to_owned(),
        email: email.to_owned(),
    })
}

/// The parts of a line: between commas, semicolons, tabs and angle brackets, but not inside quotes.
fn split(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = parts.last_mut();
        match (letter, last) {
            // Two quotes inside quotes are one.
            ('"', Some(last)) if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                last.push('"');
            }
            ('"', _) => is_quoted = !is_quoted,
            (',' | ';' | '\t' | '<' | '>', _) if !is_quoted => parts.push(String::new()),
            (letter, Some(last)) => last.push(letter),
            (_, None) => {}
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(text: &str) -> Vec<(String, String, String)> {
        let person = |line: Line| {
            let Attendee { given_name, family_name, email } = line.person.expect("a person");
            (given_name, family_name, email)
        };
        read(text).into_iter().map(person).collect()
    }

    #[test]
    fn people_are_read_however_they_were_copied() {
        let ada = ("Ada".to_owned(), "Lovelace".to_owned(), "ada@example.org".to_owned());
        for line in [
            "Ada Lovelace, ada@example.org",
            "Ada Lovelace;ada@example.org",
            "Ada\tLovelace\tada@example.org",
            "Ada Lovelace <ada@example.org>",
            "\"Ada Lovelace\" <ada@example.org>,",
            "\"Lovelace, Ada\" <ada@example.org>",
            "ada@example.org, Ada, Lovelace",
            "  \"Ada\",\"Lovelace\",\"ada@example.org\"  ",
        ] {
            assert_eq!(people(line), std::slice::from_ref(&ada), "{line}");
        }
    }

    #[test]
    fn names_may_have_many_parts_and_commas_inside_quotes() {
        let found = people("Maria da Silva, maria@example.org\n\"Van, Jan\",Dijk,jan@example.org");
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("Maria da", "Silva"));
        assert_eq!((found[1].0.as_str(), found[1].1.as_str()), ("Van, Jan", "Dijk"));
        assert_eq!(people("\"Jo \"\"J\"\" Ray\", jo@example.org")[0].0, "Jo \"J\"");
    }

    #[test]
    fn a_line_that_cannot_be_read_says_why_and_where() {
        let lines =
            read("Ada, ada@example.org\n\nAda Lovelace\nAda L, a@b.org, c@d.org\nAda L, a@b\n@");
        let said: Vec<(usize, &str)> = lines
            .iter()
            .filter_map(|line| Some((line.number, line.person.as_ref().err().copied()?)))
            .collect();
        assert_eq!(
            said,
            [
                (1, "Give both names, like Ada Lovelace"),
                (3, "There is no email address in this line"),
                (4, "There is more than one email address in this line"),
                (5, "The email address is not in the correct format"),
                (6, "The email address is not in the correct format"),
            ]
        );
    }

    #[test]
    fn a_whole_book_is_not_read() {
        assert_eq!(read(&"Ada L, ada@example.org\n".repeat(LINES_MAX + 9)).len(), LINES_MAX);
    }
}
