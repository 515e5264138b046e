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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let shown = Escaped(r#"<a href="x" id='y'>Q&A</a>"#).to_string();
        assert_eq!(shown, "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;Q&amp;A&lt;/a&gt;");
    }
}
