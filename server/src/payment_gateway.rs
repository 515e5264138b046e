//! The seam to a payment provider: where to pay, what became of it, give up, give back; and the
//! protocol's words, which both sides use.
//!
//! Whatever comes from the provider is signed, and so is whatever we say to it. Repeating anything is
//! harmless: the payment's id is the idempotency key.
//! Not here: when to ask (`domain/registration_process.rs`), who asks (`effects.rs`), and the
//! provider itself (`simulated_provider.rs`).

pub mod signature;

use crate::trust::{self, Trust};
use anyhow::{Context, bail, ensure};
use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use shared::{Currency, Money, OrderId, PaymentId, RefusalCode, Timestamp};
use signature::Signer;
use std::sync::Arc;
use std::time::Duration;

/// The provider's hosted page.
pub const PAY_PATH: &str = "/simulated-provider/pay";
/// The folder of the provider's operations.
pub const API_PATH: &str = "/simulated-provider/api";
/// The longest answer; an honest one is some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What the provider gets to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One payment, as both sides call it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentRef {
    /// The conference's slug.
    pub conference: String,
    pub order_id: OrderId,
    pub payment_id: PaymentId,
}

/// What the hosted page's address says, and what its forms send back together with a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayRequest {
    pub conference: String,
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    /// Minor units.
    pub amount: i64,
    pub currency: Currency,
    /// Over all of the above.
    pub signature: String,
}

impl PayRequest {
    /// A request to pay `total`, signed.
    #[must_use]
    pub fn signed(payment: PaymentRef, total: Money, signer: &Signer) -> Self {
        let PaymentRef { conference, order_id, payment_id } = payment;
        let Money { minor: amount, currency } = total;
        let signature = String::new();
        let unsigned = Self { conference, order_id, payment_id, amount, currency, signature };
        Self { signature: signer.seal(&unsigned.canonical()), ..unsigned }
    }

    /// Whether nobody changed it on its way through the browser.
    #[must_use]
    pub fn is_genuine(&self, signer: &Signer) -> bool {
        signer.is_sealed(&self.canonical(), &self.signature)
    }

    #[must_use]
    pub fn payment(&self) -> PaymentRef {
        let Self { conference, order_id, payment_id, .. } = self.clone();
        PaymentRef { conference, order_id, payment_id }
    }

    #[must_use]
    pub const fn total(&self) -> Money {
        Money::new(self.amount, self.currency)
    }

    /// One field a line. No field can hold a line break, except a slug that nobody would sign.
    fn canonical(&self) -> String {
        let Self { conference, order_id, payment_id, amount, currency, .. } = self;
        format!("pay\n{conference}\n{order_id}\n{payment_id}\n{amount}\n{currency}")
    }
}

/// What the provider tells by itself, when it has something to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The conference's slug.
    pub conference: String,
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub outcome: Outcome,
}

/// What became of a payment, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// The money arrived.
    Completed { amount: Money, reference: String },
    /// Not charged; the reason is for the registrant to read.
    Declined { reason: String },
}

/// What the provider answers when asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ProviderStatus {
    /// Nobody has come to its page with this payment.
    Unknown {},
    /// Not decided yet.
    Pending {},
    Completed {
        amount: Money,
        reference: String,
    },
    Declined {
        reason: String,
    },
    /// It will not be collected any more.
    Cancelled {},
    /// The money went back.
    Refunded {
        amount: Money,
        reference: String,
    },
}

/// The body of a question to the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRequest {
    pub conference: String,
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    /// Only for a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// What a provider can be asked to do about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Query,
    Cancel,
    Refund,
}

impl Operation {
    /// The last part of its address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        }
    }
}

/// The way to a provider: a question goes there, an answer comes back, or neither.
#[async_trait]
pub trait Wire: std::fmt::Debug + Send + Sync {
    /// Asks the provider, within a bound.
    ///
    /// # Errors
    /// There is no answer, or one that nobody understands. The provider may have acted all the same.
    async fn ask(
        &self,
        operation: Operation,
        request: &ApiRequest,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus>;
}

/// How we reach a provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PaymentGateway {
    /// What stands before the hosted page's path; empty: our own site.
    pages: Arc<str>,
    signer: Signer,
    wire: Arc<dyn Wire>,
}

/// By signed requests over HTTP.
#[derive(Debug)]
struct Http {
    provider_url: String,
    signer: Signer,
    client: reqwest::Client,
}

impl PaymentGateway {
    /// A gateway to the provider at this address, whose page is reached through our own site. The
    /// address is a neighbour's, without TLS.
    #[must_use]
    pub fn new(provider_url: &str, key: &[u8]) -> Self {
        Self::over_http(provider_url, key, trust::http(trust::nobody(), TIMEOUT))
    }

    /// A gateway over another wire.
    #[must_use]
    pub fn over(wire: Arc<dyn Wire>, key: &[u8]) -> Self {
        Self { pages: "".into(), signer: Signer::new(key), wire }
    }

    fn over_http(provider_url: &str, key: &[u8], client: reqwest::Client) -> Self {
        let provider_url = provider_url.trim_end_matches('/').to_owned();
        Self::over(Arc::new(Http { provider_url, signer: Signer::new(key), client }), key)
    }

    /// The same, for a provider that may be reached over TLS.
    ///
    /// # Errors
    /// It is, and there is nobody whom we could believe that it is the provider.
    pub fn open(provider_url: &str, key: &[u8], trust: &Trust) -> anyhow::Result<Self> {
        if !provider_url.starts_with("https://") {
            return Ok(Self::new(provider_url, key));
        }
        Ok(Self::over_http(provider_url, key, trust::http(trust.client()?, TIMEOUT)))
    }

    /// The same, for a provider whose page is on a site of its own.
    #[must_use]
    pub fn with_pages_at(mut self, site: &str) -> Self {
        self.pages = site.trim_end_matches('/').into();
        self
    }

    /// The hosted page for one payment of `total`. The same payment always has the same address. It
    /// passes through browsers and their histories, so it says nothing about the person.
    #[must_use]
    pub fn pay_at(
        &self,
        conference: &str,
        order_id: OrderId,
        payment_id: PaymentId,
        total: Money,
    ) -> String {
        let payment = PaymentRef { conference: conference.to_owned(), order_id, payment_id };
        let request = PayRequest::signed(payment, total, &self.signer);
        format!("{}{}", self.pages, pay_path(&request))
    }

    /// What became of a payment.
    ///
    /// # Errors
    /// The provider cannot be reached, or answers something else.
    pub async fn query(
        &self,
        payment: &PaymentRef,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        self.ask(Operation::Query, payment, None, now).await
    }

    /// Tells the provider not to collect a payment any more. One that has the money already says so.
    ///
    /// # Errors
    /// As [`PaymentGateway::query`].
    pub async fn cancel(
        &self,
        payment: &PaymentRef,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        self.ask(Operation::Cancel, payment, None, now).await
    }

    /// Returns the money; answers the provider's reference for that.
    ///
    /// # Errors
    /// As [`PaymentGateway::query`], and when the provider says that it did not return the money.
    pub async fn refund(
        &self,
        payment: &PaymentRef,
        amount: Money,
        now: Timestamp,
    ) -> anyhow::Result<String> {
        match self.ask(Operation::Refund, payment, Some(amount), now).await? {
            ProviderStatus::Refunded { reference, .. } => Ok(reference),
            other => bail!("the provider did not refund the payment: {}", name_of(&other)),
        }
    }

    /// Reads a callback, if the provider sent it, recently.
    ///
    /// # Errors
    /// `SignatureInvalid`, `CallbackStale`, or `Malformed` for a signed body that we cannot read.
    pub fn verify_callback(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Callback, RefusalCode> {
        self.signer.verify(signature, body, now)?;
        serde_json::from_slice(body).map_err(|_| RefusalCode::Malformed)
    }

    /// The signature of a body that is sent at `now`, for those who act as the provider.
    #[must_use]
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        self.signer.sign(body, now)
    }

    async fn ask(
        &self,
        operation: Operation,
        payment: &PaymentRef,
        amount: Option<Money>,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        let PaymentRef { conference, order_id, payment_id } = payment.clone();
        let request = ApiRequest { conference, order_id, payment_id, amount };
        self.wire.ask(operation, &request, now).await
    }
}

#[async_trait]
impl Wire for Http {
    async fn ask(
        &self,
        operation: Operation,
        request: &ApiRequest,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        let body = serde_json::to_vec(request)?;
        let operation = operation.name();
        let answer = self
            .client
            .post(format!("{}{API_PATH}/{operation}", self.provider_url))
            .header(CONTENT_TYPE, "application/json")
            .header(signature::HEADER, self.signer.sign(&body, now))
            .header("idempotency-key", request.payment_id.to_string())
            .body(body)
            .send()
            .await
            .with_context(|| format!("the provider did not answer to {operation}"))?;
        // Elsewhere, or not at all, is no answer either.
        let status = answer.status();
        ensure!(status.is_success(), "the provider answered {status} to {operation}");
        let answer = read(answer).await.and_then(|body| Ok(serde_json::from_slice(&body)?));
        answer.with_context(|| format!("cannot read the answer to {operation}"))
    }
}

/// The body of an answer, of which nobody knows how long it is.
async fn read(mut answer: reqwest::Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        ensure!(body.len() + chunk.len() <= ANSWER_BYTES_MAX, "the answer does not end");
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The hosted page's path and query.
#[must_use]
pub fn pay_path(request: &PayRequest) -> String {
    let PayRequest { order_id, payment_id, amount, currency, signature, .. } = request;
    // Every other value is made of letters, digits, `-` and `_`.
    let conference = percent_encoded(&request.conference);
    format!(
        "{PAY_PATH}?conference={conference}&order_id={order_id}&payment_id={payment_id}\
         &amount={amount}&currency={currency}&signature={signature}"
    )
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// For logs: the status without references and reasons.
const fn name_of(status: &ProviderStatus) -> &'static str {
    match status {
        ProviderStatus::Unknown {} => "unknown",
        ProviderStatus::Pending {} => "pending",
        ProviderStatus::Completed { .. } => "completed",
        ProviderStatus::Declined { .. } => "declined",
        ProviderStatus::Cancelled {} => "cancelled",
        ProviderStatus::Refunded { .. } => "refunded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kit::NOON;
    use crate::domain::order::tests::{PAYMENT, euros};
    use uuid::Uuid;

    const ORDER: OrderId = OrderId(Uuid::from_u128(3));
    const KEY: &[u8] = b"a key that both know";

    fn gateway() -> PaymentGateway {
        PaymentGateway::new("http://localhost:1", KEY)
    }

    fn callback() -> Callback {
        let outcome = Outcome::Completed { amount: euros(39_800), reference: "R".into() };
        Callback { conference: "rustconf".into(), order_id: ORDER, payment_id: PAYMENT, outcome }
    }

    fn request_in(address: &str) -> PayRequest {
        let uri: axum::http::Uri = address.parse().unwrap();
        axum::extract::Query::<PayRequest>::try_from_uri(&uri).unwrap().0
    }

    #[test]
    fn the_same_payment_is_paid_at_the_same_address_on_our_site() {
        let pay_at = || gateway().pay_at("rustconf", ORDER, PAYMENT, euros(39_800));
        assert_eq!(pay_at(), pay_at());
        assert!(pay_at().starts_with("/simulated-provider/pay?conference=rustconf&"));
        let elsewhere = gateway().with_pages_at("https://pay.example/");
        let address = elsewhere.pay_at("rustconf", ORDER, PAYMENT, euros(39_800));
        assert!(address.starts_with("https://pay.example/simulated-provider/pay?"));
    }

    #[test]
    fn the_address_says_what_to_pay_and_cannot_be_changed() {
        let address = gateway().pay_at("rustconf", ORDER, PAYMENT, euros(39_800));
        let signer = Signer::new(KEY);
        let request = request_in(&address);
        assert_eq!((request.total(), request.payment().payment_id), (euros(39_800), PAYMENT));
        assert!(request.is_genuine(&signer));
        for tampered in [
            PayRequest { amount: 1, ..request.clone() },
            PayRequest { currency: "JPY".parse().unwrap(), ..request.clone() },
            PayRequest { conference: "pycon".into(), ..request.clone() },
            PayRequest { order_id: OrderId(Uuid::nil()), ..request.clone() },
            PayRequest { payment_id: PaymentId(Uuid::nil()), ..request.clone() },
            PayRequest { signature: String::new(), ..request.clone() },
        ] {
            assert!(!tampered.is_genuine(&signer));
        }
        assert!(!request.is_genuine(&Signer::new(b"another key")));
    }

    #[test]
    fn an_odd_slug_stays_inside_its_parameter() {
        let address = gateway().pay_at("a&amount=1 é", ORDER, PAYMENT, euros(5));
        let request = request_in(&address);
        assert_eq!((request.conference.as_str(), request.amount), ("a&amount=1 é", 5));
    }

    #[test]
    fn a_signed_callback_is_read_again_and_again() {
        let body = serde_json::to_vec(&callback()).unwrap();
        let signature = gateway().sign(&body, NOON);
        for _ in 0..2 {
            assert_eq!(gateway().verify_callback(&signature, &body, NOON), Ok(callback()));
        }
    }

    #[test]
    fn a_callback_with_another_amount_is_not_the_providers() {
        let body = serde_json::to_string(&callback()).unwrap();
        let signature = gateway().sign(body.as_bytes(), NOON);
        let tampered = body.replace("39800", "1");
        assert_ne!(tampered, body);
        let verdict = gateway().verify_callback(&signature, tampered.as_bytes(), NOON);
        assert_eq!(verdict, Err(RefusalCode::SignatureInvalid));
    }

    #[test]
    fn a_signed_body_of_another_shape_is_malformed() {
        let question = r#"{"conference":"rustconf","order_id":"00000000-0000-0000-0000-000000000003",
            "payment_id":"00000000-0000-0000-0000-000000000003"}"#;
        let mut more: serde_json::Value = serde_json::to_value(callback()).unwrap();
        more["hello"] = 1.into();
        for body in ["", "null", question, &more.to_string()] {
            let signature = gateway().sign(body.as_bytes(), NOON);
            let verdict = gateway().verify_callback(&signature, body.as_bytes(), NOON);
            assert_eq!(verdict, Err(RefusalCode::Malformed), "{body}");
        }
    }

    #[test]
    fn the_protocol_is_plain_json() {
        let json = serde_json::to_value(callback()).unwrap();
        assert_eq!(json["outcome"]["status"], "completed");
        assert_eq!(json["outcome"]["amount"]["minor"], 39_800);
        let status: ProviderStatus = serde_json::from_str(r#"{"status":"pending"}"#).unwrap();
        assert_eq!(status, ProviderStatus::Pending {});
    }

    #[test]
    fn the_key_is_not_shown() {
        assert!(!format!("{:?}", gateway()).contains("both know"));
    }
}
