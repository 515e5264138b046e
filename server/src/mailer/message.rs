//! A letter as a MIME message: plain text and HTML side by side, pictures inside the HTML's part, files
//! behind both.
//!
//! Not here: what a letter says (`letters.rs`) and how it looks (`layout.rs`).

use super::{Attached, Block, Letter, MailError, Person, Stamp, layout, one_line};
use anyhow::Context;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use std::time::{Duration, UNIX_EPOCH};

/// The message, the same for the same letter and stamp, byte by byte.
pub(super) fn wrap(letter: &Letter, from: &Address, stamp: Stamp) -> Result<Message, MailError> {
    let Stamp { effect_id, now } = stamp;
    let to = mailbox(&letter.to).ok_or(MailError::NoAddress(letter.to.role))?;
    let conference = mailbox(&letter.conference);
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut message = Message::builder()
        .message_id(Some(format!("<{effect_id}@{}>", from.domain())))
        .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0)))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .from(Mailbox::new(Some(in_header(&letter.conference.name)), from.clone()))
        .to(to)
        .subject(in_header(&letter.subject));
    if let Some(conference) = conference {
        message = message.reply_to(conference.clone());
        if letter.copy_to_contact {
            message = message.cc(conference);
        }
    }
    Ok(message.multipart(body(letter, stamp)?).context("cannot compose a mail")?)
}

/// Text as it may stand in a header. What looks like an encoded word would be decoded by whoever reads
/// it, and nobody would see what was typed.
fn in_header(text: &str) -> String {
    one_line(text).replace("=?", "= ?")
}

fn mailbox(person: &Person) -> Option<Mailbox> {
    let address: Address = person.email.parse().ok()?;
    Some(Mailbox::new(Some(in_header(&person.name)), address))
}

fn body(letter: &Letter, stamp: Stamp) -> Result<MultiPart, MailError> {
    // Boundaries are drawn at random otherwise, and a repeated mail would be another one.
    let boundary = |part: &str| format!("{}-{part}", stamp.effect_id.simple());
    let html = part(ContentType::TEXT_HTML, layout::html(letter));
    let plain = part(ContentType::TEXT_PLAIN, layout::plain(letter));
    let both = MultiPart::alternative().boundary(boundary("both")).singlepart(plain);
    let mut pictures = pictures(letter).peekable();
    let both = if pictures.peek().is_none() {
        both.singlepart(html)
    } else {
        let shown = MultiPart::related().boundary(boundary("shown")).singlepart(html);
        both.multipart(pictures.fold(shown, MultiPart::singlepart))
    };
    if letter.attached.is_empty() {
        return Ok(both);
    }
    let mut all = MultiPart::mixed().boundary(boundary("all")).multipart(both);
    for Attached { name, content_type, bytes } in &letter.attached {
        let kind = ContentType::parse(content_type).context("a kind of file that is none")?;
        all = all.singlepart(Attachment::new((*name).to_owned()).body(bytes.clone(), kind));
    }
    Ok(all)
}

fn part(kind: ContentType, text: String) -> SinglePart {
    SinglePart::builder().header(kind).body(text)
}

/// The pictures that the HTML part shows, under the names it uses.
fn pictures(letter: &Letter) -> impl Iterator<Item = SinglePart> + '_ {
    let pngs = letter.blocks.iter().enumerate().filter_map(|(index, block)| match block {
        Block::Ticket { png, .. } => Some((index, png)),
        _ => None,
    });
    pngs.map(|(index, png)| {
        let kind = ContentType::parse("image/png").expect("a kind of picture");
        let name = format!("ticket-{index}.png");
        Attachment::new_inline_with_name(layout::picture(index), name).body(png.clone(), kind)
    })
}
