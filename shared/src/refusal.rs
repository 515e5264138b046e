//! Every way the server says no, as one typed list. A refusal changes nothing.
//!
//! The code is stable and for programs; the sentence is for people and says what to do.
//! Not here: which HTTP status goes with it (server, `http/problem.rs`).

use serde::{Deserialize, Serialize};

/// Of a sentence that no reservation can be answered with, those who register load nothing.
macro_rules! sentence_of_a_reservation {
    ($sentence:literal) => {
        $sentence
    };
    (elsewhere $sentence:literal) => {
        SOMETHING_ELSE
    };
}

const SOMETHING_ELSE: &str = "That did not work. Reload the page and try again.";

macro_rules! refusals {
    ($($(#[$doc:meta])* $code:ident => $($where_:ident)? $sentence:literal,)*) => {
        /// Why the server said no. In JSON: snake case, for instance `order_not_found`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum RefusalCode {
            $($(#[$doc])* $code,)*
            /// A code that this release does not know; only a newer server sends it.
            #[serde(other)]
            Unknown,
        }

        impl RefusalCode {
            /// Every code a server of this release can send.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// What happened and what to do, in the registrant's words.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$code => $sentence,)*
                    Self::Unknown => SOMETHING_ELSE,
                }
            }

            /// The same, for a program that must know by itself only why a reservation was refused: it
            /// does not carry the words of refusals that say `elsewhere` in the list.
            #[must_use]
            pub const fn sentence_of_a_reservation(self) -> &'static str {
                match self {
                    $(Self::$code => sentence_of_a_reservation!($($where_)? $sentence),)*
                    Self::Unknown => SOMETHING_ELSE,
                }
            }
        }
    };
}

refusals! {
    // The request itself.
    Malformed => "We could not read that request.",
    TooLarge => "That request is too large.",
    CommandUnknown => elsewhere "There is no such command.",
    ViewUnknown => elsewhere "There is no such view.",
    TokenMissing => "This needs the order's token.",
    TooManyRequests => "That was too fast. Wait a minute and try again.",
    TooManyTopics => elsewhere "This connection watches too many views already.",
    /// There is no owner's session, or it has ended.
    SignInRequired => elsewhere "Sign in to manage your conferences.",
    /// One answer for every mistake at signing in.
    SignInFailed => elsewhere "We couldn't find a conference with that email and access code. Check both.",
    /// A mailed link that was used, is too old, or never existed.
    LinkEnded => elsewhere "This link has ended. Ask for a new one.",
    /// A page of another site sent it.
    OriginForeign => elsewhere "This request comes from another site.",

    // Where.
    ConferenceNotFound => "We can't find that conference.",
    /// Also the answer to a wrong token: whether the order exists is nobody else's business.
    OrderNotFound => "We can't find that order.",
    PaymentNotFound => elsewhere "We can't find that payment.",

    // The owner's commands.
    SlugTaken => elsewhere "Another conference has this address already.",
    SeatTypeExists => elsewhere "This seat type exists already, with other facts.",
    /// Somebody holds or bought seats of it.
    SeatTypeInUse => elsewhere "Seats of this type are held or sold, so it can't be removed.",
    /// The detail says the lowest possible number.
    QuotaTooLow => elsewhere "More seats than that are sold or held.",
    /// Another owner was faster; the detail says what it is now.
    QuotaChanged => elsewhere "Somebody else changed this number in the meantime.",
    /// A conference without a seat type cannot be published.
    NothingToPublish => elsewhere "Add a seat type before you publish.",
    TicketUnknown => elsewhere "This ticket is not valid here.",

    // After the purchase.
    OrderNotConfirmed => elsewhere "This order is not confirmed.",
    SeatPositionUnknown => elsewhere "This order has no such seat.",
    AssignmentClosed => elsewhere "Names can't be changed any more.",
    AlreadyAdmitted => elsewhere "Somebody was admitted with this ticket already.",
    CancellationClosed => elsewhere "This order can't be cancelled any more.",

    // Which seats.
    NoSeatsChosen => "Choose at least one seat.",
    QuantityInvalid => "Choose between 1 and 20 seats of each type.",
    TooManySeatTypes => "An order can have at most 20 seat types.",
    SeatTypeRepeated => "Each seat type can be listed only once.",
    SeatTypeUnknown => "This conference has no such seat type.",
    OverOrderLimit => "That is more than one order may have of this seat type.",
    NotOnSale => "This seat type is not on sale now.",

    // Who.
    DetailsInvalid => "There is a problem with your details.",

    // How far the order has come.
    OrderAlreadyConfirmed => "This order is already confirmed.",
    OrderEnded => "This order has ended. You can start a new one.",
    SeatsNotHeld => "Your seats are not confirmed yet.",
    RegistrantMissing => elsewhere "Tell us first who is registering.",
    PaymentInProgress => "A payment for this order is in progress.",
    NothingToPay => elsewhere "This order is free of charge.",
    PaymentRequired => elsewhere "This order has to be paid.",
    TotalChanged => elsewhere "The total has changed. Check it, then pay.",
    HoldNotExtendable => elsewhere "Because seats are scarce, this time can't be extended.",
    ExtensionsUsedUp => elsewhere "This hold can't be extended again.",

    // The provider's callbacks.
    SignatureInvalid => elsewhere "The signature is not valid.",
    CallbackStale => elsewhere "The callback is too old.",

    // Not your fault.
    Busy => "Very many people are registering right now. Try again in a moment.",
    /// The operator has asked for a pause; the detail may say why and for how long.
    Maintenance => "We take no new orders for a moment. Try again soon.",
    Unavailable => "Sorry, there is a problem. What you typed is saved. Try again in a moment.",
    Fault => "Sorry, there is a problem. What you typed is saved. Try again in a moment.",
}

impl RefusalCode {
    /// True when the same command may well succeed if it is simply sent again later.
    #[must_use]
    pub const fn is_worth_retrying(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable | Self::Fault | Self::TooManyRequests)
    }
}

/// The body of every answer that is not a yes: `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` is what programs match on.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The sentence of the code.
    pub title: String,
    /// The HTTP status, repeated as the RFC asks.
    pub status: u16,
    pub code: RefusalCode,
    /// What exactly was wrong, when there is more to say than the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Which fields of a form are wrong, with the words to show beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// What to quote when asking for help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field's name in the command, for instance `email`.
    pub field: String,
    /// What to do, for instance "Enter your family name".
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_unknown_ones_survive() {
        let json = serde_json::to_string(&RefusalCode::OrderNotFound).unwrap();
        assert_eq!(json, r#""order_not_found""#);
        let newer: RefusalCode = serde_json::from_str(r#""invented_later""#).unwrap();
        assert_eq!(newer, RefusalCode::Unknown);
    }

    #[test]
    fn why_a_reservation_was_refused_has_the_same_words_everywhere() {
        for code in [RefusalCode::NotOnSale, RefusalCode::OrderEnded, RefusalCode::Fault] {
            assert_eq!(code.sentence_of_a_reservation(), code.sentence());
        }
        assert_eq!(RefusalCode::SlugTaken.sentence_of_a_reservation(), SOMETHING_ELSE);
    }

    #[test]
    fn every_sentence_is_a_sentence() {
        for code in RefusalCode::ALL {
            let sentence = code.sentence();
            assert!(sentence.ends_with('.') && !sentence.contains('_'), "{code:?}: {sentence}");
            let of_a_reservation = code.sentence_of_a_reservation();
            assert!(of_a_reservation == sentence || of_a_reservation == SOMETHING_ELSE, "{code:?}");
        }
    }
}
