//! Mails: from a letter to the mail server, or to a file. Plain text with an HTML alternative; nothing
//! in a mail is loaded from elsewhere.
//!
//! A mail bears the id of the effect that asked for it, so that a repeated attempt writes the same mail
//! again. Not here: when a mail is due (`domain/registration_process.rs`).

mod folder;
mod layout;
pub mod letters;
mod message;
mod transport;

use crate::config;
use crate::trust::Trust;
use lettre::Address;
use shared::Timestamp;
use std::sync::Arc;
use transport::Transport;
use uuid::Uuid;

/// The style that every mail has, and no other.
pub use layout::STYLE;
pub use transport::Post;

/// Sends mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: Transport,
    /// Whom mails come from; the name in front of it is the conference's.
    from: Address,
    /// How the world reaches us, without a slash at the end.
    public_url: Arc<str>,
}

/// What makes a mail one mail, however often it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The effect that asks for the mail.
    pub effect_id: Uuid,
    /// The date of the mail.
    pub now: Timestamp,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Somebody's address is none. Trying again would not help.
    #[error("the {0}'s address cannot be used")]
    NoAddress(&'static str),
    /// The mail server will not take it, now or ever. Its words may name a person and stay out.
    #[error("the mail server refuses this mail: {0}")]
    Refused(String),
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

/// A mail before it is wrapped.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The first word of the file's name.
    kind: &'static str,
    to: Person,
    /// The conference: its name stands in front of our address, answers go to its contact.
    conference: Person,
    /// The conference's contact gets a copy.
    copy_to_contact: bool,
    subject: String,
    blocks: Vec<Block>,
    attached: Vec<Attached>,
}

/// Somebody with an address.
#[derive(Clone, Debug)]
struct Person {
    /// What they are, for an error that must not name them.
    role: &'static str,
    name: String,
    email: String,
}

/// A piece of a mail that both parts know how to show.
#[derive(Clone, Debug)]
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
    /// What is shown at the door.
    Ticket {
        attendee: String,
        seat_type: String,
        ticket: String,
        /// A QR code of the ticket.
        png: Vec<u8>,
    },
}

/// A file that comes along.
#[derive(Clone, Debug)]
struct Attached {
    name: &'static str,
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl Mailer {
    /// A mailer as configured, that links to `public_url` (without a slash at the end).
    ///
    /// # Errors
    /// The mail server's address or ours cannot be used.
    pub fn open(mail: &config::Mail, trust: &Trust, public_url: Arc<str>) -> anyhow::Result<Self> {
        let from = mail.sender()?;
        let transport = Transport::open(mail, trust, from.domain())?;
        Ok(Self { transport, from, public_url })
    }

    /// A mailer that hands its mails to somebody else.
    #[must_use]
    pub fn by_post(post: Arc<dyn Post>, from: Address, public_url: Arc<str>) -> Self {
        Self { transport: Transport::Post(post), from, public_url }
    }

    /// How the world reaches us, for links.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Hands a mail over: afterwards it is the mail server's, or a durable file.
    ///
    /// # Errors
    /// See [`MailError`].
    pub async fn send(&self, letter: &Letter, stamp: Stamp) -> Result<(), MailError> {
        let message = message::wrap(letter, &self.from, stamp)?;
        let name = format!("{}-{}.eml", letter.kind, stamp.effect_id);
        self.transport.deliver(&name, message).await
    }
}

/// Whatever somebody put into a name, it stays on its line and in its header. Several blanks become
/// one: a header with odd letters would lose them all.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "mailer/tests.rs"]
pub(crate) mod tests;
