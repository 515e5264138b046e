//! Going out over TLS: to a mail server and to a payment provider whom we have reason to believe, and
//! to nobody who only says so.

use crate::effects::next_attempt;
use crate::house::{Db, TestHouse, start_with};
use crate::mail::registered;
use crate::payment::{KEY, all_effects_are_done, closed_address};
use crate::smtp_server::SmtpServer;
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use server::clock::Clock;
use server::config::Tls;
use server::payment_gateway::{PaymentGateway, PaymentRef, ProviderStatus};
use server::simulated_provider::{self, SimulatedProvider};
use server::trust::Trust;
use shared::{OrderId, PaymentId};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

/// A certificate of the house: what its owner serves with, and the file that makes others believe it.
struct OfTheHouse {
    acceptor: TlsAcceptor,
    folder: TempDir,
}

impl OfTheHouse {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("authorities.pem"), made.cert.pem()).unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), folder }
    }

    fn believed(&self) -> Tls {
        Tls { trusted_certificates: Some(self.folder.path().join("authorities.pem")) }
    }
}

async fn house_with(smtp_url: &str, tls: Tls) -> TestHouse {
    start_with(Db::Sqlite, |config| {
        config.mail.smtp_url = smtp_url.to_owned();
        config.mail.from = "tickets@contoso.example".to_owned();
        config.tls = tls;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_and_passwords_go_over_tls_to_a_server_that_we_believe() {
    let ours = OfTheHouse::new();
    let (server, url) = SmtpServer::start_with_tls(ours.acceptor.clone()).await;
    let house = house_with(&url, ours.believed()).await;
    let browser = registered(&house, "sealed").await;
    all_effects_are_done(&house).await;
    let delivered = server.delivered();
    assert_eq!((server.secured(), server.credentials().len(), delivered.len()), (1, 1, 1));
    let code = house.order(&browser).await.access_code.to_string();
    assert!(delivered[0].message.contains(&code));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_only_says_who_it_is_gets_nothing() {
    let (ours, theirs) = (OfTheHouse::new(), OfTheHouse::new());
    let (server, url) = SmtpServer::start_with_tls(theirs.acceptor.clone()).await;
    let house = house_with(&url, ours.believed()).await;
    registered(&house, "sealed").await;
    assert!(next_attempt(&house).await, "it is not forgotten");
    assert!(0 < server.connections());
    assert_eq!((server.credentials().len(), server.attempts()), (0, 0));
}

/// Whoever connects speaks TLS.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, addr)) = self.listener.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A provider behind TLS; says where.
async fn provider(journal: &Path, clock: Clock, acceptor: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let nowhere = format!("{}/api/payment-callbacks", closed_address().await);
    let provider = SimulatedProvider::open(journal, KEY, nowhere, clock).unwrap();
    let router = simulated_provider::router(provider);
    let listener = TlsListener { listener, acceptor };
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_provider_is_asked_over_tls_and_only_if_we_believe_it() {
    let (ours, theirs) = (OfTheHouse::new(), OfTheHouse::new());
    let (clock, folder) = (Clock::settable(crate::house::NOON), TempDir::new().unwrap());
    let journal = folder.path().join("journal.jsonl");
    let address = provider(&journal, clock.clone(), ours.acceptor.clone()).await;
    let payment = PaymentRef {
        conference: "rustconf".into(),
        order_id: OrderId(Uuid::from_u128(1)),
        payment_id: PaymentId(Uuid::from_u128(2)),
    };
    let ask = async |tls: &Tls| {
        let trust = Trust::open(tls).unwrap();
        let gateway = PaymentGateway::open(&address, KEY, &trust).unwrap();
        gateway.query(&payment, clock.now()).await
    };
    assert_eq!(ask(&ours.believed()).await.unwrap(), ProviderStatus::Unknown {});
    for strange in [theirs.believed(), Tls { trusted_certificates: None }] {
        let error = format!("{:?}", ask(&strange).await.unwrap_err());
        assert!(error.contains("certificate"), "{error}");
    }
}
