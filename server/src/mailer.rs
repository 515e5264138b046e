//! Mails, written as `.eml` files for whoever sends them on. Plain text with an HTML alternative;
//! nothing in a mail is loaded from elsewhere.
//!
//! The file is named after the effect that asked for the mail, so that a repeated attempt writes the
//! same mail over itself. Not here: when a mail is due (`domain/registration_process.rs`).

use crate::html::Escaped;
use anyhow::Context;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use shared::views::{ConferenceView, OrderStatus, OrderView};
use shared::{AccessCode, Money, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Writes mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    dir: Arc<Path>,
    public_url: Arc<str>,
}

/// What every mail is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The effect that asks for the mail.
    pub effect_id: Uuid,
    pub conference: &'a ConferenceView,
    pub order: &'a OrderView,
    /// The date of the mail.
    pub now: Timestamp,
}

/// Why a mail was not written.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Somebody's address is none. Trying again would not help.
    #[error("the {0}'s address cannot be used")]
    NoAddress(&'static str),
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

/// A mail before it is wrapped: its subject and, line by line, what it says.
struct Letter {
    kind: &'static str,
    subject: String,
    blocks: Vec<Block>,
    /// The owner gets a copy.
    copy_to_owner: bool,
}

/// A piece of a mail that both parts know how to show.
enum Block {
    Heading(String),
    Text(String),
    /// Large and spaced, to be read aloud.
    Code(String),
    List(Vec<String>),
    Link {
        words: &'static str,
        address: String,
    },
}

impl Mailer {
    /// A mailer that writes into `dir` and links to `public_url` (without a slash at the end).
    #[must_use]
    pub fn new(dir: &Path, public_url: Arc<str>) -> Self {
        Self { dir: dir.into(), public_url }
    }

    /// Tells the registrant that the order is confirmed, with the access code.
    ///
    /// # Errors
    /// The address cannot be used, or the file cannot be written.
    pub async fn send_confirmation(&self, about: About<'_>) -> Result<(), MailError> {
        self.send(about, self.confirmation(about)).await
    }

    /// Tells the registrant, and the owner by a copy, that money goes back.
    ///
    /// # Errors
    /// As [`Mailer::send_confirmation`].
    pub async fn send_refund(&self, about: About<'_>, amount: Money) -> Result<(), MailError> {
        self.send(about, refund(about, amount)).await
    }

    /// Tells the owner of a conference the access code.
    ///
    /// # Errors
    /// As [`Mailer::send_confirmation`].
    pub async fn send_owner_code(
        &self,
        stamp: (Uuid, Timestamp),
        conference: &ConferenceView,
        (name, email): (&str, &str),
        code: AccessCode,
    ) -> Result<(), MailError> {
        let to = mailbox(name, email).ok_or(MailError::NoAddress("owner"))?;
        self.post(stamp, conference, to, &self.owner_code(conference, code)).await
    }

    fn owner_code(&self, conference: &ConferenceView, code: AccessCode) -> Letter {
        let name = one_line(&conference.name);
        let blocks = vec![
            Block::Heading("Your conference is yours to manage".to_owned()),
            Block::Text(format!("{name}, {}, {}", day(conference), one_line(&conference.location))),
            Block::Text("Your access code:".to_owned()),
            Block::Code(code.to_string()),
            Block::Text(
                "Sign in with this code and this email address. If you did not ask for it, you need \
                 not do anything."
                    .to_owned(),
            ),
            Block::Link { words: "Sign in", address: format!("{}/manage", self.public_url) },
        ];
        let subject = format!("Your access code: {name}");
        Letter { kind: "owner-code", subject, blocks, copy_to_owner: false }
    }

    fn confirmation(&self, about: About<'_>) -> Letter {
        let About { conference, order, .. } = about;
        let name = one_line(&conference.name);
        let here = format!("{}/{}", self.public_url, conference.slug);
        let seats = order
            .lines
            .iter()
            .filter(|line| line.held > 0)
            .map(|line| format!("{} × {}: {}", line.held, one_line(&line.name), line.line_total))
            .collect();
        let blocks = vec![
            Block::Heading("You're registered".to_owned()),
            Block::Text(format!("{name}, {}, {}", day(conference), one_line(&conference.location))),
            Block::Text("Your access code:".to_owned()),
            Block::Code(order.access_code.to_string()),
            Block::Text(
                "Keep it. With this code and your email address you can open your order on any \
                 device."
                    .to_owned(),
            ),
            Block::Text("Your seats:".to_owned()),
            Block::List(seats),
            Block::Text(format!("Total: {}", order.total)),
            Block::Link {
                words: "Your order",
                address: format!("{here}/order/{}/confirmed", order.id),
            },
            Block::Link { words: "Find it on another device", address: format!("{here}/find") },
            questions(conference),
        ];
        let subject = format!("You're registered: {name}");
        Letter { kind: "confirmation", subject, blocks, copy_to_owner: false }
    }

    async fn send(&self, about: About<'_>, letter: Letter) -> Result<(), MailError> {
        let About { effect_id, conference, order, now } = about;
        let registrant = order.registrant.as_ref().ok_or(MailError::NoAddress("registrant"))?;
        let person = format!("{} {}", registrant.given_name, registrant.family_name);
        let to = mailbox(&person, &registrant.email).ok_or(MailError::NoAddress("registrant"))?;
        self.post((effect_id, now), conference, to, &letter).await
    }

    async fn post(
        &self,
        (effect_id, now): (Uuid, Timestamp),
        conference: &ConferenceView,
        to: Mailbox,
        letter: &Letter,
    ) -> Result<(), MailError> {
        let name = format!("{}-{effect_id}.eml", letter.kind);
        let message = self.wrap((effect_id, now), conference, to, letter)?;
        write(&self.dir, &name, &message.formatted()).await.context("cannot write a mail")?;
        Ok(())
    }

    fn wrap(
        &self,
        (effect_id, now): (Uuid, Timestamp),
        conference: &ConferenceView,
        to: Mailbox,
        letter: &Letter,
    ) -> Result<Message, MailError> {
        let from = mailbox(&conference.name, &conference.contact_email)
            .ok_or(MailError::NoAddress("conference"))?;
        let host = reqwest::Url::parse(&self.public_url).ok();
        let host = host.as_ref().and_then(reqwest::Url::host_str).unwrap_or("localhost");
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut message = Message::builder()
            .message_id(Some(format!("<{effect_id}@{host}>")))
            .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .from(from.clone())
            .to(to)
            .subject(&letter.subject);
        if letter.copy_to_owner {
            message = message.cc(from);
        }
        let part = |kind, text: String| SinglePart::builder().header(kind).body(text);
        let both = MultiPart::alternative()
            .boundary(effect_id.simple().to_string())
            .singlepart(part(ContentType::TEXT_PLAIN, plain(letter)))
            .singlepart(part(ContentType::TEXT_HTML, html(letter)));
        Ok(message.multipart(both).context("cannot compose a mail")?)
    }
}

fn refund(about: About<'_>, amount: Money) -> Letter {
    let About { conference, order, .. } = about;
    let name = one_line(&conference.name);
    let reason = match order.status {
        OrderStatus::Confirmed => {
            "Your order had already been paid for, so this second payment was not needed. Your \
             registration is not affected."
        }
        OrderStatus::Expired | OrderStatus::Cancelled => {
            "Your payment arrived after the hold on your seats had ended, and the seats were gone. \
             You are not registered."
        }
        OrderStatus::Reserving | OrderStatus::Held | OrderStatus::PartlyHeld => {
            "Your payment was for another amount than your order now costs."
        }
    };
    let blocks = vec![
        Block::Heading(format!("We are returning {amount}")),
        Block::Text(format!("{name}, {}", day(conference))),
        Block::Text(reason.to_owned()),
        Block::Text(format!(
            "The full amount of {amount} goes back the way it came. Banks can take some days to \
             show it."
        )),
        questions(conference),
    ];
    let subject = format!("Your payment is returned: {name}");
    Letter { kind: "refund", subject, blocks, copy_to_owner: true }
}

fn questions(conference: &ConferenceView) -> Block {
    Block::Text(format!("Questions? Write to {}.", one_line(&conference.contact_email)))
}

/// The first day of the conference, where it takes place.
fn day(conference: &ConferenceView) -> String {
    let Ok(starts_at) = jiff::Timestamp::from_millisecond(conference.starts_at.0) else {
        return String::new();
    };
    let there = starts_at
        .in_tz(&conference.time_zone)
        .unwrap_or_else(|_| starts_at.to_zoned_datetime(jiff::tz::TimeZone::UTC));
    there.strftime("%A, %-d %B %Y").to_string()
}

/// Whatever somebody put into a name, it stays on its line and in its header.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn mailbox(name: &str, address: &str) -> Option<Mailbox> {
    let address: Address = address.parse().ok()?;
    Some(Mailbox::new(Some(one_line(name)), address))
}

fn plain(letter: &Letter) -> String {
    let mut text = String::new();
    for block in &letter.blocks {
        let block = match block {
            Block::Heading(words) | Block::Text(words) => words.clone(),
            Block::Code(code) => format!("    {code}"),
            Block::List(lines) => lines.iter().map(|line| format!("  {line}\n")).collect(),
            Block::Link { words, address } => format!("{words}:\n{address}"),
        };
        text.push_str(block.trim_end());
        text.push_str("\n\n");
    }
    text
}

fn html(letter: &Letter) -> String {
    let body: String = letter
        .blocks
        .iter()
        .map(|block| match block {
            Block::Heading(words) => format!("<h1>{}</h1>\n", Escaped(words)),
            Block::Text(words) => format!("<p>{}</p>\n", Escaped(words)),
            Block::Code(code) => format!(
                "<p style=\"font: bold 1.5em monospace; letter-spacing: 0.1em\">{}</p>\n",
                Escaped(code)
            ),
            Block::List(lines) => {
                let items: String =
                    lines.iter().map(|line| format!("<li>{}</li>\n", Escaped(line))).collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Block::Link { words, address } => {
                format!("<p><a href=\"{}\">{}</a></p>\n", Escaped(address), Escaped(words))
            }
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n\
         <body style=\"font-family: sans-serif; line-height: 1.5\">\n{body}</body>\n</html>\n",
        Escaped(&letter.subject)
    )
}

/// The whole file or none of it, under its name.
async fn write(dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(dir).await?;
    let unfinished: PathBuf = dir.join(format!(".{name}.unfinished"));
    let mut file = fs::File::create(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    fs::rename(&unfinished, dir.join(name)).await?;
    // The name is durable only when its folder is.
    fs::File::open(dir).await?.sync_all().await
}

#[cfg(test)]
#[path = "mailer/tests.rs"]
mod tests;
