//! The part of every address that names a conference: a suggestion from its title, and its shape. Pure.
//!
//! Not here: whether another conference has it already, and which ones are reserved (the server knows).

/// Characters of a slug, at least and at most.
const LENGTH_MIN: usize = 2;
const LENGTH_MAX: usize = 60;

/// A slug made of a title: `Über Rust 2027!` becomes `ueber-rust-2027`. Empty when nothing is left.
#[must_use]
pub fn suggest(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match plain(c) {
            Some(letters) => slug.push_str(letters),
            None if c.is_ascii_alphanumeric() => slug.push(c),
            // An apostrophe is inside a word.
            None if matches!(c, '\'' | '’') => {}
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    if LENGTH_MAX < slug.len() {
        // Whole words, if the first one leaves a choice.
        let cut = slug[..=LENGTH_MAX].rfind('-').filter(|at| LENGTH_MIN <= *at);
        slug.truncate(cut.unwrap_or(LENGTH_MAX));
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Letters that people write in other ways when they have to.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ś' | 'š' => "s",
        'ù' | 'ú' | 'û' | 'ů' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// What is wrong with a slug's shape.
#[must_use]
pub fn problem(slug: &str) -> Option<String> {
    if slug.is_empty() {
        return Some("Enter an address for the conference".to_owned());
    }
    let is_fine = (LENGTH_MIN..=LENGTH_MAX).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    (!is_fine).then(|| {
        "Use 2 to 60 small letters a–z, digits and hyphens, with no hyphen at either end".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_suggests_an_address() {
        for (title, slug) in [
            ("RustConf 2027", "rustconf-2027"),
            ("  Über Straßen & Züge!  ", "ueber-strassen-zuege"),
            ("Women’s Days — São Paulo", "womens-days-sao-paulo"),
            ("C++ / C#", "c-c"),
            ("日本", ""),
            ("", ""),
        ] {
            assert_eq!(suggest(title), slug, "{title}");
        }
    }

    #[test]
    fn a_long_title_ends_with_a_whole_word() {
        let slug = suggest(&"conference ".repeat(10));
        assert_eq!(slug, "conference-conference-conference-conference-conference");
        assert_eq!(suggest(&"x".repeat(99)), "x".repeat(60));
        let exact = format!("{} tail", "y".repeat(60));
        assert_eq!(suggest(&exact), "y".repeat(60));
    }

    #[test]
    fn what_is_suggested_has_the_right_shape() {
        for title in ["RustConf 2027", "Über Rust", "a-", "x y", &"long ".repeat(40)] {
            let slug = suggest(title);
            assert!(slug.len() < 2 || problem(&slug).is_none(), "{slug}");
        }
        for wrong in ["", "a", "-ab", "ab-", "Ab", "a b", "ä-b", &"x".repeat(61)] {
            assert!(problem(wrong).is_some(), "{wrong}");
        }
    }
}
