//! How a mail looks: the same blocks as plain text and as HTML.
//!
//! All style stands in one sheet of our own, so that a page that shows a mail can allow this sheet and
//! nothing else. A program that ignores it shows a plain, readable page.

use super::{Block, Letter};
use crate::html::Escaped;

/// Light and dark. Pictures of codes bring their own white.
pub const STYLE: &str = "
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #faf8f4; color: #181a22;
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 24px; background: #ffffff;
  border: 1px solid #ded9ce; border-radius: 14px; }
h1 { margin: 0 0 16px; font-size: 26px; line-height: 1.2; }
p, ul { margin: 0 0 16px; }
p { overflow-wrap: anywhere; }
a { color: #1d3fbb; font-weight: 600; }
.code { font: bold 28px/1.3 ui-monospace, Menlo, Consolas, monospace; letter-spacing: 0.1em; }
.ticket { margin: 0 0 16px; padding: 16px; border: 1px solid #ded9ce; border-radius: 10px; }
.ticket p { margin: 0 0 4px; }
.ticket img { display: block; width: 200px; height: 200px; margin: 12px 0; }
.ticket .name { font-size: 18px; font-weight: 700; }
.ticket .code { font-size: 18px; letter-spacing: 0.05em; }
@media (prefers-color-scheme: dark) {
  body { background: #11131a; color: #eceef4; }
  main { background: #1a1d27; border-color: #2d3240; }
  .ticket { border-color: #2d3240; }
  a { color: #9fb5ff; }
}
";

/// The name under which the HTML shows the picture of a block.
pub(super) fn picture(index: usize) -> String {
    format!("ticket-{index}@mail")
}

pub(super) fn plain(letter: &Letter) -> String {
    let mut text = String::new();
    for block in &letter.blocks {
        let block = match block {
            Block::Heading(words) | Block::Text(words) => words.clone(),
            Block::Code(code) => format!("    {code}"),
            Block::List(lines) => lines.iter().map(|line| format!("  {line}\n")).collect(),
            Block::Link { words, address } => format!("{words}:\n{address}"),
            Block::Ticket { attendee, seat_type, ticket, .. } => {
                format!("{attendee}\n{seat_type}\n    {ticket}")
            }
        };
        text.push_str(block.trim_end());
        text.push_str("\n\n");
    }
    text
}

pub(super) fn html(letter: &Letter) -> String {
    let blocks = letter.blocks.iter().enumerate();
    let body: String = blocks.map(|(index, block)| html_block(index, block)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        Escaped(&letter.subject)
    )
}

fn html_block(index: usize, block: &Block) -> String {
    match block {
        Block::Heading(words) => format!("<h1>{}</h1>\n", Escaped(words)),
        Block::Text(words) => format!("<p>{}</p>\n", Escaped(words)),
        Block::Code(code) => format!("<p class=\"code\">{}</p>\n", Escaped(code)),
        Block::List(lines) => {
            let items: String =
                lines.iter().map(|line| format!("<li>{}</li>\n", Escaped(line))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Link { words, address } => {
            format!("<p><a href=\"{}\">{}</a></p>\n", Escaped(address), Escaped(words))
        }
        Block::Ticket { attendee, seat_type, ticket, .. } => format!(
            "<div class=\"ticket\">\n<p class=\"name\">{}</p>\n<p>{}</p>\n\
             <img src=\"cid:{}\" width=\"200\" height=\"200\" alt=\"QR code of this ticket\">\n\
             <p class=\"code\">{}</p>\n</div>\n",
            Escaped(attendee),
            Escaped(seat_type),
            picture(index),
            Escaped(ticket)
        ),
    }
}
