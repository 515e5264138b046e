//! What is typed into a form, by field, and the checks that several forms share. Pure.

use shared::refusal::FieldProblem;

/// The typed texts of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(pub Vec<(&'static str, String)>);

impl Values {
    /// What is typed into a field, outer spaces removed; empty when there is no such field.
    #[must_use]
    pub fn get(&self, field: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == field).map_or("", |(_, text)| text.trim())
    }
}

/// Collects what is wrong, field by field.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<FieldProblem>);

impl Problems {
    /// Something is wrong with a field.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldProblem { field: field.to_owned(), message: message.into() });
    }

    /// Something may be wrong with a field.
    pub fn note(&mut self, field: &str, problem: Option<String>) {
        if let Some(message) = problem {
            self.add(field, message);
        }
    }

    /// A text's length; `what` as in "Enter a name". An optional text may be empty.
    pub fn text(&mut self, values: &Values, field: &str, what: &str, lengths: (usize, usize)) {
        let (least, most) = lengths;
        let count = values.get(field).chars().count();
        if count == 0 && 0 < least {
            self.add(field, format!("Enter {what}"));
        } else if count < least {
            self.add(field, format!("Enter {what} of at least {least} characters"));
        } else if most < count {
            self.add(field, format!("That has {count} characters; {most} are possible"));
        }
    }

    /// A whole number within bounds.
    pub fn number(&mut self, values: &Values, field: &str, bounds: (u32, u32)) -> u32 {
        let (least, most) = bounds;
        match values.get(field).parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.add(field, format!("Enter a whole number from {least} to {most}"));
                least
            }
        }
    }

    /// The value, if nothing was wrong.
    ///
    /// # Errors
    /// All that was wrong, in the order of the form.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Vec<FieldProblem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
