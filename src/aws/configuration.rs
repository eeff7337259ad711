//! Where do credentials, region, endpoint, proxy and certificates come from? AWS's own chain.

use std::path::PathBuf;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use std::time::Duration;

/// What the command line may set; everything else comes from AWS's chain
/// (environment, profiles, SSO, web identity, container and instance roles).
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--region`, or the stack file's region.
    pub region: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`; an explicit one always wins over the environment's and the profile's.
    pub endpoint_url: Option<String>,
    /// Fixed credentials, for the sandbox only: real ones are never read there.
    pub sandbox_account: Option<String>,
}

/// Configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// `AWS_CA_BUNDLE` names a file that can't be read.
    #[error("AWS_CA_BUNDLE names {}, which can't be read: {source}", path.display())]
    CertificateBundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificates in it are no good.
    #[error("the certificates of AWS_CA_BUNDLE can't be used: {0}")]
    Certificates(String),
    /// No region anywhere.
    #[error(
        "no region: say `region:` in the stack file, pass --region, set AWS_REGION, or put one in the profile"
    )]
    NoRegion,
}

/// The SDK's configuration, shared by all clients.
pub async fn load(options: &Options) -> Result<SdkConfig, ConfigurationError> {
    let plain_http = options
        .endpoint_url
        .as_deref()
        .is_some_and(|url| url.starts_with("http://"));
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(plain_http)?)
        // Ten attempts instead of three: throttling is the commonest reason, and giving up halfway
        // through an environment helps nobody.
        .retry_config(RetryConfig::standard().with_max_attempts(10))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .operation_attempt_timeout(Duration::from_secs(30))
                .build(),
        );
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(account) = &options.sandbox_account {
        // Twelve digits as access key select the account in the sandbox; the secret is no secret.
        loader = loader
            .credentials_provider(Credentials::new(account, "sandbox", None, None, "sandbox"));
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(ConfigurationError::NoRegion);
    }
    Ok(config)
}

/// An HTTP client that honours `AWS_CA_BUNDLE` and `HTTPS_PROXY`/`NO_PROXY`, which the Rust SDK
/// does not do by itself. A plain-HTTP endpoint needs no certificates, so none are loaded then.
fn http_client(plain_http: bool) -> Result<SharedHttpClient, ConfigurationError> {
    if plain_http {
        return Ok(Builder::new().build_http());
    }
    let mut store = TrustStore::default().with_native_roots(true);
    if let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        let pem = std::fs::read(&path)
            .map_err(|source| ConfigurationError::CertificateBundle { path, source })?;
        store = store.with_pem_certificate(pem);
    }
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| ConfigurationError::Certificates(error.to_string()))?;
    Ok(
        Builder::new().build_with_connector_fn(move |settings, components| {
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
        }),
    )
}
