//! What a person sees at the provider. Plain HTML that says in every place that it is a simulation.
//!
//! Not here: what a button does (`journal.rs`), and the looks (`style.css`).

use super::journal::Status;
use crate::html::{Escaped, PlainSite};
use crate::payment_gateway::{PayRequest, PaymentRef};

/// A button, what it sends, and what it does in one sentence.
struct Answer {
    label: &'static str,
    value: &'static str,
    class: &'static str,
    explanation: &'static str,
}

const ACCEPT: Answer =
    Answer { label: "Accept", value: "accept", class: "yes", explanation: "The payment succeeds." };
const DECLINE: Answer = Answer {
    label: "Decline",
    value: "decline",
    class: "no",
    explanation: "The bank says no. Nothing is charged.",
};
const LATER: Answer = Answer {
    label: "Answer later",
    value: "answer_later",
    class: "",
    explanation: "You go back without an answer, and give it on the list of pending payments.",
};
const TWICE: Answer = Answer {
    label: "Answer twice",
    value: "answer_twice",
    class: "",
    explanation: "The payment succeeds, and the conference is told so two times.",
};

const PROVIDER: PlainSite = PlainSite {
    name: "Simulated payment provider",
    note: "no real money moves.",
    style: "/simulated-provider/style.css",
};
const ACCEPT_ALTHOUGH_CANCELLED: Answer = Answer {
    label: "Accept although cancelled",
    value: "accept_although_cancelled",
    class: "",
    explanation: "The money arrives although the conference has given this payment up.",
};

/// The hosted page of one payment.
pub(super) fn pay(request: &PayRequest, status: Status) -> String {
    let total = request.total();
    let facts = facts(request);
    let answers = match status {
        Status::Unknown => buttons(request, "answer", &[ACCEPT, DECLINE, LATER, TWICE]),
        Status::Pending => buttons(request, "answer", &[ACCEPT, DECLINE, TWICE]),
        Status::Completed | Status::Declined | Status::Cancelled | Status::Refunded => {
            String::new()
        }
    };
    let (heading, below) = if answers.is_empty() {
        let back = return_path(&request.payment());
        let back = format!(r#"<p><a class="back" href="{back}">Back to the conference</a></p>"#);
        (outcome(status), back)
    } else {
        let question = "<h2>How should the bank answer?</h2>";
        let never = r#"<p class="aside">To rehearse an answer that never comes, close this page.
<a href="/simulated-provider/pending">All pending payments</a></p>"#;
        ("Pay for your registration", format!("{question}{answers}{never}"))
    };
    let title = format!("{heading}: {total}");
    PROVIDER.page(&title, &format!("<h1>{heading}</h1>\n{facts}\n{below}"))
}

/// Every payment that waits for a person's answer.
pub(super) fn pending(rows: &[(PayRequest, Status)]) -> String {
    let mut body = String::from("<h1>Pending payments</h1>\n");
    if rows.is_empty() {
        body.push_str(
            "<p>No payment waits for an answer. They come here by the button \
             <strong>Answer later</strong>.</p>",
        );
    }
    for (index, (request, status)) in rows.iter().enumerate() {
        let (state, answers) = match status {
            Status::Cancelled => {
                ("Cancelled by the conference", [ACCEPT_ALTHOUGH_CANCELLED].as_slice())
            }
            _ => ("Waits for an answer", [ACCEPT, DECLINE].as_slice()),
        };
        let id = format!("payment-{index}");
        let (facts, buttons) = (facts(request), buttons(request, &id, answers));
        body.push_str(&format!(
            r#"<section class="payment" aria-labelledby="{id}">
<h2 id="{id}">{total} <span class="state">{state}</span></h2>
{facts}{buttons}</section>
"#,
            total = Escaped(&request.total().to_string()),
        ));
    }
    PROVIDER.page("Pending payments", &body)
}

/// The answer to parameters that nobody signed.
pub(super) fn not_ours() -> String {
    let body = "<h1>This payment link is not valid</h1>
<p>It is incomplete or was changed on its way. Nothing was charged. Go back to the conference and \
                start the payment again.</p>";
    PROVIDER.page("This payment link is not valid", body)
}

/// Where the registrant goes afterwards: made here, never taken from a request.
pub(super) fn return_path(payment: &PaymentRef) -> String {
    // Only slugs are signed; the filter makes sure that no other text ever becomes another site.
    let slug: String = payment
        .conference
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    format!("/{slug}/order/{}/payment", payment.order_id)
}

const fn outcome(status: Status) -> &'static str {
    match status {
        Status::Completed => "This payment was accepted",
        Status::Declined => "This payment was declined",
        Status::Cancelled => "This payment was cancelled",
        Status::Refunded => "This payment was refunded",
        Status::Unknown | Status::Pending => "This payment waits for an answer",
    }
}

fn facts(request: &PayRequest) -> String {
    format!(
        r#"<dl class="facts">
<div><dt>Amount</dt><dd class="amount">{total}</dd></div>
<div><dt>For</dt><dd>Registration, {conference}</dd></div>
<div><dt>Order</dt><dd class="id">{order}</dd></div>
</dl>
"#,
        total = Escaped(&request.total().to_string()),
        conference = Escaped(&request.conference),
        order = request.order_id,
    )
}

/// One form per answer, so that each works without a script.
fn buttons(request: &PayRequest, id: &str, answers: &[Answer]) -> String {
    let fields = signed_fields(request);
    let forms: String = answers
        .iter()
        .map(|Answer { label, value, class, explanation }| {
            format!(
                r#"<form method="post" action="/simulated-provider/decide">
{fields}<button class="{class}" name="decision" value="{value}" aria-describedby="{id}-{value}">{label}</button>
<p id="{id}-{value}">{explanation}</p>
</form>
"#
            )
        })
        .collect();
    format!("<div class=\"answers\">\n{forms}</div>\n")
}

fn signed_fields(request: &PayRequest) -> String {
    let PayRequest { conference, order_id, payment_id, amount, currency, signature } = request;
    [
        ("conference", conference.clone()),
        ("order_id", order_id.to_string()),
        ("payment_id", payment_id.to_string()),
        ("amount", amount.to_string()),
        ("currency", currency.to_string()),
        ("signature", signature.clone()),
    ]
    .iter()
    .map(|(name, value)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", Escaped(value))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::tests::{PAYMENT, euros};
    use crate::payment_gateway::signature::Signer;
    use shared::OrderId;
    use uuid::Uuid;

    fn request(conference: &str) -> PayRequest {
        let payment = PaymentRef {
            conference: conference.into(),
            order_id: OrderId(Uuid::from_u128(3)),
            payment_id: PAYMENT,
        };
        PayRequest::signed(payment, euros(39_800), &Signer::new(b"key"))
    }

    #[test]
    fn the_page_shows_what_is_paid_and_that_nothing_is_real() {
        let page = pay(&request("rustconf"), Status::Unknown);
        for text in ["€398", "Registration, rustconf", "no real money moves."] {
            assert!(page.contains(text), "{text}");
        }
        for label in ["Accept", "Decline", "Answer later", "Answer twice"] {
            assert!(page.contains(&format!(">{label}</button>")), "{label}");
        }
        assert!(!page.contains("style=") && !page.contains("<script"));
    }

    #[test]
    fn a_decided_payment_has_no_buttons_but_a_way_back() {
        for status in [Status::Completed, Status::Declined, Status::Cancelled, Status::Refunded] {
            let page = pay(&request("rustconf"), status);
            assert!(!page.contains("<button"), "{status:?}");
            assert!(page.contains("/rustconf/order/00000000-0000-0000-0000-000000000003/payment"));
        }
    }

    #[test]
    fn only_a_cancelled_payment_can_be_accepted_although_cancelled() {
        let special = "Accept although cancelled</button>";
        assert!(!pending(&[(request("rustconf"), Status::Pending)]).contains(special));
        let page = pending(&[(request("rustconf"), Status::Cancelled)]);
        assert!(page.contains(special) && !page.contains(">Accept</button>"));
    }

    #[test]
    fn no_text_becomes_markup_or_another_site() {
        let odd = request("\"><script>");
        assert!(!pay(&odd, Status::Unknown).contains("<script"));
        let elsewhere = return_path(&request("/evil.example").payment());
        assert!(elsewhere.starts_with("/evilexample/order/"), "{elsewhere}");
    }
}
