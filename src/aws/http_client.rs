//! How does a request leave the machine? Through the proxy of the environment, trusting the certificates that AWS's configuration names.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::call_log::counting;
use super::configuration::ConfigurationError;

/// For the sandbox: plain HTTP on loopback. No proxy of the environment may come between.
pub(super) fn on_loopback() -> SharedHttpClient {
    counting(Builder::new().build_http())
}

/// For AWS and everything that speaks like it. Honours `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`,
/// and a certificate bundle, none of which the Rust SDK does by itself. A bundle replaces the
/// system's certificates, as it does for the AWS CLI.
pub(super) fn to_anywhere(bundle: Option<&Path>) -> Result<SharedHttpClient, ConfigurationError> {
    let store = match bundle {
        Some(path) => TrustStore::empty().with_pem_certificate(checked_bundle(path)?),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| ConfigurationError::Tls(error.to_string()))?;
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        if let Some(settings) = settings {
            builder = builder.connector_settings(settings.clone());
        }
        if let Some(sleep) = components.and_then(|components| components.sleep_impl()) {
            builder = builder.sleep_impl(sleep);
        }
        builder.build()
    });
    Ok(counting(SharedHttpClient::new(BuiltByNeed(client))))
}

/// Passes on everything but the validation, in which the SDK's own client builds, and throws away,
/// a connector with all root certificates for each of navi's clients.
#[derive(Debug)]
struct BuiltByNeed(SharedHttpClient);

impl HttpClient for BuiltByNeed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }
}

/// The content of a bundle that holds nothing but good certificates: the SDK panics over others.
fn checked_bundle(path: &Path) -> Result<Vec<u8>, ConfigurationError> {
    let unusable = |reason: String| ConfigurationError::Bundle {
        path: PathBuf::from(path),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| store.add(certificate).map_err(|error| error.to_string()))
            .map_err(|reason| unusable(format!("a certificate in it is damaged: {reason}")))?;
    }
    match store.is_empty() {
        true => Err(unusable("there is no certificate in it".to_owned())),
        false => Ok(pem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(content: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        to_anywhere(Some(file.path())).unwrap_err().to_string()
    }

    #[test]
    fn an_unusable_bundle_is_an_error_and_no_panic() {
        let missing = to_anywhere(Some(Path::new("/nowhere/bundle.pem"))).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/bundle.pem"));
        assert!(refusal("").contains("no certificate"));
        let torn = "-----BEGIN CERTIFICATE-----\nMIIB";
        assert!(refusal(torn).contains("damaged"), "{}", refusal(torn));
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refusal(nonsense).contains("damaged"));
    }
}
