//! A payment provider that is broken or hostile: whatever it answers, we go on, and keep little of it.

use super::{check, odd};
use crate::house::{NOON, fresh};
use proptest::collection::vec;
use proptest::prelude::*;
use server::payment_gateway::{PaymentGateway, PaymentRef, ProviderStatus};
use shared::{OrderId, PaymentId};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What fits into buffers on the way, although nobody reads it.
const IN_BUFFERS_MAX: usize = 16 * 1024 * 1024;

fn payment() -> PaymentRef {
    PaymentRef {
        conference: "rustconf".into(),
        order_id: OrderId(fresh()),
        payment_id: PaymentId(fresh()),
    }
}

fn gateway(address: SocketAddr) -> PaymentGateway {
    PaymentGateway::new(&format!("http://{address}"), b"a key that both know")
}

/// Reads a request's head and as much of its body as comes with it.
async fn hear(stream: &mut TcpStream) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"}") {
        let mut buffer = [0; 4_096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => heard.extend(&buffer[..bytes]),
        }
    }
}

/// A whole answer: head, body, and whether they fit together is another question.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![3 => Just(200_u16), 1 => 100_u16..600];
    let body = prop_oneof![
        3 => odd::value().prop_map(|value| value.to_string().into_bytes()),
        2 => (odd::text(), odd::value()).prop_map(|(status, other)| {
            serde_json::json!({ "status": status, "amount": other }).to_string().into_bytes()
        }),
        1 => Just(br#"{"status":"pending"}"#.to_vec()),
        1 => vec(any::<u8>(), 0..300),
    ];
    let location = prop_oneof![
        Just("http://127.0.0.1:1/elsewhere".to_owned()),
        Just("file:///etc/passwd".to_owned()),
        Just("/again".to_owned()),
    ];
    let whole = (status, body, location, -5_isize..5).prop_map(|(status, body, location, off)| {
        let length = body.len().saturating_add_signed(off.max(0) * (off % 2));
        let head = format!(
            "HTTP/1.1 {status} X\r\nlocation: {location}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.into_bytes(), body].concat()
    });
    prop_oneof![5 => whole, 1 => vec(any::<u8>(), 0..400)]
}

#[test]
fn whatever_a_provider_answers_we_go_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let gateway = gateway(listener.local_addr().unwrap());
    check(120, file!(), answer(), |bytes| {
        let is_pending = bytes.ends_with(br#"{"status":"pending"}"#);
        let answered = runtime.block_on(async {
            let provider = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                hear(&mut stream).await;
                let _ = stream.write_all(&bytes).await;
            };
            let payment = payment();
            let (answered, ()) = tokio::join!(gateway.query(&payment, NOON), provider);
            answered
        });
        if let Ok(status) = answered {
            let is_read = bytes.starts_with(b"HTTP/1.1 2");
            assert!(is_read, "{status:?} from {}", bytes.escape_ascii());
            assert!(!is_pending || status == ProviderStatus::Pending {});
        }
    });
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_not_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway(listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let provider = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        hear(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[";
        stream.write_all(head).await.unwrap();
        let blanks = [b' '; 65_536];
        while stream.write_all(&blanks).await.is_ok() {
            counted.fetch_add(blanks.len(), Ordering::Relaxed);
        }
    });
    let error = gateway.query(&payment(), NOON).await.unwrap_err();
    assert!(format!("{error:#}").contains("does not end"), "{error:#}");
    provider.await.unwrap();
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < IN_BUFFERS_MAX, "{sent} bytes were taken");
}
