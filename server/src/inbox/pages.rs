//! What a developer sees of the inbox. Every word of a mail is shown as text, or in a frame that runs
//! nothing.
//!
//! Not here: the looks (`style.css`).

use super::{Line, date, file_name};
use crate::html::{Escaped, PlainSite};
use mail_parser::{Address, Message};

const INBOX: PlainSite = PlainSite {
    name: "Development inbox",
    note: "these mails were written to files and sent to nobody.",
    style: "/inbox/style.css",
};

/// The mails, newest first.
pub(super) fn list(lines: &[Line]) -> String {
    let mut body = String::from("<h1>Inbox</h1>\n");
    if lines.is_empty() {
        body.push_str("<p>No mail yet. Register for a conference, and it comes here.</p>\n");
    } else {
        let items: String = lines.iter().map(item).collect();
        body.push_str(&format!("<ol class=\"mails\">\n{items}</ol>\n"));
    }
    INBOX.page("Inbox", &body)
}

fn item(line: &Line) -> String {
    let Line { name, subject, to, date } = line;
    format!(
        "<li><a href=\"/inbox/{name}\">{subject}</a>\n<p>to {to} · {date}</p></li>\n",
        name = Escaped(name),
        subject = Escaped(subject),
        to = Escaped(to),
        date = Escaped(date),
    )
}

/// One mail with all it has.
pub(super) fn mail(name: &str, mail: &Message<'_>) -> String {
    let subject = mail.subject().unwrap_or("No subject");
    let name = Escaped(name);
    let body = format!(
        "<p><a class=\"back\" href=\"/inbox\">All mails</a></p>\n<h1>{subject}</h1>\n{facts}\
         <h2 id=\"shown\">As a mail program shows it</h2>\n\
         <iframe src=\"/inbox/{name}/html\" title=\"The mail\" \
         sandbox=\"allow-popups allow-popups-to-escape-sandbox\"></iframe>\n\
         <h2>As plain text</h2>\n<pre tabindex=\"0\">{plain}</pre>\n{files}",
        subject = Escaped(subject),
        facts = facts(mail),
        plain = Escaped(&mail.body_text(0).unwrap_or_default()),
        files = files(&name, mail),
    );
    INBOX.page(subject, &body)
}

/// The headers that people read.
fn facts(mail: &Message<'_>) -> String {
    let rows = [
        ("From", mail.from().map(people)),
        ("To", mail.to().map(people)),
        ("Copy to", mail.cc().map(people)),
        ("Answers to", mail.reply_to().map(people)),
        ("Date", Some(date(mail))),
    ];
    let rows: String = rows
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", Escaped(&value)))
        .collect();
    format!("<dl class=\"facts\">\n{rows}</dl>\n")
}

fn people(addresses: &Address<'_>) -> String {
    let people = addresses.iter().map(|one| {
        let address = one.address().unwrap_or_default();
        match one.name() {
            Some(name) => format!("{name} <{address}>"),
            None => address.to_owned(),
        }
    });
    people.collect::<Vec<_>>().join(", ")
}

fn files(name: &Escaped<'_>, mail: &Message<'_>) -> String {
    let items: String = mail
        .attachments()
        .enumerate()
        .map(|(number, part)| {
            let (file, size) = (file_name(part), part.contents().len());
            format!("<li><a href=\"/inbox/{name}/files/{number}\">{file}</a>, {size} bytes</li>\n")
        })
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!("<h2>Files</h2>\n<ul class=\"files\">\n{items}</ul>\n")
}

/// The answer to a name that no mail has.
pub(super) fn not_there() -> String {
    let body = "<h1>There is no such mail</h1>\n\
                <p><a class=\"back\" href=\"/inbox\">All mails</a></p>\n";
    INBOX.page("There is no such mail", body)
}
