//! How a mail leaves us: to a mail server by SMTP, or into a file for whoever sends it on.
//!
//! Not here: how often it is tried (`effects.rs`), and how a file survives (`folder.rs`).

use super::MailError;
use super::folder::Folder;
use crate::config;
use crate::trust::Trust;
use anyhow::Context;
use async_trait::async_trait;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// What the mail server gets for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// What one mail may take in all: less than an effect's lease.
const MAIL_TIMEOUT: Duration = Duration::from_secs(45);
/// Connections to the mail server; most servers limit them.
const CONNECTIONS_MAX: u32 = 4;
/// An unused connection is closed before the server does it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// One `.eml` file per mail.
    Files(Arc<Folder>),
    /// Connections are kept for the next mail.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// Somebody else's way.
    Post(Arc<dyn Post>),
}

/// Takes mails as a mail server does.
#[async_trait]
pub trait Post: std::fmt::Debug + Send + Sync {
    /// Takes a mail over; `name` is the same for the same mail.
    ///
    /// # Errors
    /// See [`MailError`]. The mail may have arrived all the same.
    async fn take(&self, name: &str, message: Message) -> Result<(), MailError>;
}

impl Transport {
    /// The transport as configured. `domain` is who we say we are.
    pub(super) fn open(mail: &config::Mail, trust: &Trust, domain: &str) -> anyhow::Result<Self> {
        if mail.smtp_url.is_empty() {
            return Ok(Self::Files(Arc::new(Folder::new(mail.dir.clone()))));
        }
        // The library's own words may quote the address, and with it the password.
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp_url).ok();
        let server = server.context(
            "SMTP_URL is not an address such as smtp://user:password@host:587?tls=required",
        )?;
        let server = match believing(trust, &mail.smtp_url)? {
            Some(tls) => server.tls(tls),
            None => server,
        };
        let pool = PoolConfig::new().max_size(CONNECTIONS_MAX).idle_timeout(IDLE_TIMEOUT);
        let server = server
            .hello_name(ClientId::Domain(domain.to_owned()))
            .timeout(Some(ANSWER_TIMEOUT))
            .pool_config(pool);
        Ok(Self::Smtp(server.build()))
    }

    /// Hands the mail over; `name` is its file's.
    pub(super) async fn deliver(&self, name: &str, message: Message) -> Result<(), MailError> {
        match self {
            Self::Files(folder) => {
                let (folder, name) = (folder.clone(), name.to_owned());
                let write = move || folder.write(&name, &message.formatted());
                let written = tokio::task::spawn_blocking(write).await;
                written.context("nobody wrote a mail")?.context("cannot write a mail")?;
            }
            Self::Smtp(server) => {
                let sent = timeout(MAIL_TIMEOUT, server.send(message)).await;
                sent.context("the mail server takes too long")?.map_err(understand)?;
            }
            Self::Post(post) => post.take(name, message).await?,
        }
        Ok(())
    }
}

/// How the address wants to be spoken to, when the operator has authorities of their own; the library
/// sees to it otherwise.
fn believing(trust: &Trust, smtp_url: &str) -> anyhow::Result<Option<Tls>> {
    let Some(pem) = trust.pem() else { return Ok(None) };
    let url: reqwest::Url = smtp_url.parse().context("SMTP_URL is not an address")?;
    let wanted = url.query_pairs().find(|(name, _)| name == "tls");
    let mode: fn(TlsParameters) -> Tls =
        match (url.scheme(), wanted.as_ref().map(|(_, how)| &**how)) {
            ("smtps", _) => Tls::Wrapper,
            (_, Some("required")) => Tls::Required,
            (_, Some("opportunistic")) => Tls::Opportunistic,
            _ => return Ok(None),
        };
    let host = url.host_str().unwrap_or_default().to_owned();
    let certificates = Certificate::from_pem(pem).context("TRUSTED_CERTIFICATES cannot be used")?;
    let parameters = TlsParameters::builder(host).add_root_certificate(certificates).build();
    Ok(Some(mode(parameters.context("TLS cannot be prepared")?)))
}

/// Which failures are worth another attempt: all but a lasting no to this very mail. A password that
/// is not taken is the operator's to mend, and the mail waits for that.
fn understand(error: smtp::Error) -> MailError {
    match error.status() {
        Some(code) if error.is_permanent() && !is_about_us(code) => {
            MailError::Refused(code.to_string())
        }
        Some(code) => MailError::Fault(anyhow::anyhow!("the mail server says {code}")),
        None => {
            let fault = anyhow::Error::new(error);
            MailError::Fault(fault.context("the mail server cannot be reached"))
        }
    }
}

/// 530, 534, 535, 538: about who we are, not about the mail.
fn is_about_us(code: Code) -> bool {
    matches!(code.category, Category::Unspecified3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn open(smtp_url: &str) -> anyhow::Result<Transport> {
        let mut config = Config::for_testing(Path::new("nowhere"), "sqlite:nowhere");
        config.mail.smtp_url = smtp_url.to_owned();
        assert!(!format!("{config:?}").contains("hunter2"), "a configuration tells no password");
        Transport::open(&config.mail, &Trust::default(), "contoso.example")
    }

    #[tokio::test]
    async fn mails_go_where_the_configuration_says() {
        assert!(matches!(open("").unwrap(), Transport::Files(_)));
        for url in [
            "smtp://mail.example:25",
            "smtp://user:hunter2@mail.example:587?tls=required",
            "smtps://user:p%40hunter2@mail.example",
        ] {
            assert!(matches!(open(url).unwrap(), Transport::Smtp(_)), "{url}");
        }
    }

    #[tokio::test]
    async fn a_wrong_address_is_named_without_its_password() {
        for url in ["mail.example", "http://user:hunter2@mail.example", "smtp://user:hunter2@"] {
            let error = format!("{:?}", open(url).unwrap_err());
            assert!(error.contains("SMTP_URL is not an address"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
