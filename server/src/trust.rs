//! Whom we believe when we go out over TLS, to a mail server or a payment provider: the authorities
//! that the machine knows, and those in the operator's own file.
//!
//! Not here: what is said on the connection (`payment_gateway.rs`, `mailer/transport.rs`).

use crate::config;
use anyhow::{Context, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// The operator's own authorities, read once.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Certificates one after the other, as text; empty: none.
    pem: Vec<u8>,
}

impl Trust {
    /// Reads the file, if one is configured.
    ///
    /// # Errors
    /// It cannot be read, or there is no certificate in it.
    pub fn open(tls: &config::Tls) -> anyhow::Result<Self> {
        let Some(path) = &tls.trusted_certificates else { return Ok(Self::default()) };
        let about = || format!("TRUSTED_CERTIFICATES, {}", path.display());
        let trust = Self { pem: fs::read(path).with_context(about)? };
        let certificates = trust.certificates().with_context(about)?;
        ensure!(!certificates.is_empty(), "there is no certificate in {}", about());
        Ok(trust)
    }

    /// As text, for whoever reads them by a library of their own; `None` without any.
    #[must_use]
    pub fn pem(&self) -> Option<&[u8]> {
        (!self.pem.is_empty()).then_some(&self.pem)
    }

    /// A client that believes the machine's authorities and these.
    ///
    /// # Errors
    /// The machine has no authorities and there are none of ours, so that nobody could be believed.
    pub fn client(&self) -> anyhow::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        // One that is out of shape takes nothing from the others.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in self.certificates()? {
            roots.add(certificate).context("a certificate in TRUSTED_CERTIFICATES is none")?;
        }
        ensure!(!roots.is_empty(), "this machine knows no authorities; name TRUSTED_CERTIFICATES");
        Ok(with_roots(roots))
    }

    fn certificates(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        CertificateDer::pem_slice_iter(&self.pem)
            .collect::<Result<_, _>>()
            .context("this is no list of certificates (PEM)")
    }
}

/// Speaks HTTP to one side that the configuration names: it follows nobody elsewhere, and no variable
/// of the shell reroutes it.
///
/// # Panics
/// Never: what it needs from outside is in `tls` already.
#[must_use]
pub fn http(tls: ClientConfig, timeout: Duration) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client with its TLS can be built")
}

/// A client that believes nobody: for neighbours who speak no TLS.
#[must_use]
pub fn nobody() -> ClientConfig {
    with_roots(RootCertStore::empty())
}

fn with_roots(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the library knows its own versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls;

    fn open(text: &str) -> anyhow::Result<Trust> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authorities.pem");
        fs::write(&path, text).unwrap();
        Trust::open(&Tls { trusted_certificates: Some(path) })
    }

    #[test]
    fn a_file_of_certificates_is_added_to_the_machines() {
        let made = rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap();
        let trust = open(&made.cert.pem().repeat(2)).unwrap();
        assert!(trust.pem().is_some() && trust.client().is_ok());
        assert!(Trust::open(&Tls { trusted_certificates: None }).unwrap().pem().is_none());
    }

    #[test]
    fn a_file_without_certificates_is_named_at_the_start() {
        let broken = "-----BEGIN CERTIFICATE-----\nnonsense";
        for text in ["", "nonsense", broken] {
            let error = format!("{:?}", open(text).unwrap_err());
            assert!(error.contains("TRUSTED_CERTIFICATES"), "{error}");
        }
        let nowhere = Tls { trusted_certificates: Some("/nowhere/at/all".into()) };
        assert!(format!("{:?}", Trust::open(&nowhere).unwrap_err()).contains("/nowhere/at/all"));
    }
}
