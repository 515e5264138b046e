//! Text inside HTML that we write by hand: mails, the inbox and the simulated provider's
//! pages.

use std::fmt::{self, Write};

/// Shows as the text itself, between tags and inside quoted attributes.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A few pages that stand aside of the app, with a head that says what they are not.
#[derive(Clone, Copy, Debug)]
pub struct PlainSite {
    pub name: &'static str,
    pub note: &'static str,
    /// The address of its sheet, which begins with `html/plain.css`.
    pub style: &'static str,
}

impl PlainSite {
    /// A whole document around a body that is markup already.
    #[must_use]
    pub fn page(&self, title: &str, body: &str) -> String {
        let Self { name, note, style } = self;
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} – {name}</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<header><p><strong>{name}</strong> <span>— {note}</span></p></header>
<main>
{body}
</main>
</body>
</html>
"#,
            title = Escaped(title),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let shown = Escaped(r#"<a href="x" id='y'>Q&A</a>"#).to_string();
        assert_eq!(shown, "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;Q&amp;A&lt;/a&gt;");
    }
}
