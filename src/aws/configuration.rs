//! Where do credentials, region, endpoint and certificates come from? AWS's own chain, and for the sandbox from nowhere else than the sandbox.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{self, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use super::http_client;

/// Ten attempts instead of three: throttling is the commonest reason, and giving up halfway
/// through an environment helps nobody.
const ATTEMPTS: u32 = 10;

/// A `credential_process` may wait for a person: a fingerprint, a one-time code. The SDK's five
/// seconds are too short for that, and the AWS CLI has no limit.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(120);

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
}

/// Configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// `AWS_CA_BUNDLE`, or `ca_bundle` of the profile, names a file of no use.
    #[error("the certificate bundle {} (AWS_CA_BUNDLE, or ca_bundle of the profile) can't be used: {reason}", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No TLS with what there is.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
    /// The files of `~/.aws` can't be read.
    #[error("AWS's configuration files can't be read: {0}")]
    Profiles(#[from] profile::ProfileFileLoadError),
    /// `--profile` or `AWS_PROFILE` names a profile that no file has.
    #[error(
        "there is no profile `{name}` in AWS's configuration files; {}",
        existing(profiles)
    )]
    NoProfile {
        /// The name asked for.
        name: String,
        /// Those that exist.
        profiles: Vec<String>,
    },
    /// An endpoint that is no URL. The SDK would pass over it and call AWS itself.
    #[error("the endpoint `{url}` of {source_name} is no URL: it begins with http:// or https://")]
    Endpoint {
        /// What it says.
        url: String,
        /// Who says it.
        source_name: &'static str,
    },
    /// No region anywhere.
    #[error(
        "no region: say `region:` in the stack file, pass --region, set AWS_REGION, or put one in the profile"
    )]
    NoRegion,
}

fn existing(profiles: &[String]) -> String {
    match profiles {
        [] => "they have none at all (`aws configure` makes one)".to_owned(),
        _ => format!("there are {}", profiles.join(", ")),
    }
}

/// The configuration of the sandbox. Nothing of the environment or the files of `~/.aws` goes in:
/// neither credentials nor an endpoint of somebody's real AWS.
pub fn for_sandbox(account: &str, region: &str, endpoint: &str) -> SdkConfig {
    // Twelve digits as access key select the account in the sandbox; the secret is no secret.
    let credentials = Credentials::new(account, "sandbox", None, None, "sandbox");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client::on_loopback())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts())
        .build()
}

/// The configuration of AWS, shared by all clients.
pub async fn load(options: &Options) -> Result<SdkConfig, ConfigurationError> {
    let profiles = profiles(options).await?;
    check_endpoints(options, &profiles)?;
    let http_client = http_client::to_anywhere(bundle(&profiles).as_deref())?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client.clone())
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(CREDENTIALS_TIMEOUT)
                .build(),
        )
        .timeout_config(timeouts());
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let config = loader.load().await;
    let Some(region) = config.region().cloned() else {
        return Err(ConfigurationError::NoRegion);
    };
    let mut builder = config.to_builder();
    if configured("AWS_MAX_ATTEMPTS", "max_attempts", &profiles).is_none() {
        let retries = config.retry_config().cloned();
        let retries = retries.unwrap_or_else(RetryConfig::standard);
        builder.set_retry_config(Some(retries.with_max_attempts(ATTEMPTS)));
    }
    if ignores_endpoints(&profiles) {
        builder = builder.service_config(NoServiceEndpoints);
    }
    if let Some(profile) = &options.profile {
        let provider = credentials_of_profile(profile, region, http_client);
        builder.set_credentials_provider(Some(provider));
    }
    Ok(builder.build())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}

/// The files of `~/.aws`, with the profile asked for selected.
async fn profiles(options: &Options) -> Result<ProfileSet, ConfigurationError> {
    let selected = options.profile.clone().map(Into::into);
    let profiles = profile::load(&Fs::real(), &Env::real(), &Default::default(), selected).await?;
    let name = profiles.selected_profile();
    // `default` is also the name of having none.
    if name != "default" && profiles.get_profile(name).is_none() {
        let mut existing: Vec<String> = profiles.profiles().map(str::to_owned).collect();
        existing.sort();
        return Err(ConfigurationError::NoProfile {
            name: name.to_owned(),
            profiles: existing,
        });
    }
    Ok(profiles)
}

/// A setting that is in the environment, or else in the selected profile.
fn configured(variable: &str, key: &str, profiles: &ProfileSet) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
        .or_else(|| profiles.get(key).map(str::to_owned))
}

fn bundle(profiles: &ProfileSet) -> Option<PathBuf> {
    configured("AWS_CA_BUNDLE", "ca_bundle", profiles).map(PathBuf::from)
}

fn ignores_endpoints(profiles: &ProfileSet) -> bool {
    configured(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "ignore_configured_endpoint_urls",
        profiles,
    )
    .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The SDK silently calls AWS itself when a configured endpoint is no URL: a stack meant for an
/// emulator would go to a real account.
fn check_endpoints(options: &Options, profiles: &ProfileSet) -> Result<(), ConfigurationError> {
    let from_environment = || {
        let url = std::env::var("AWS_ENDPOINT_URL").ok()?;
        Some(("AWS_ENDPOINT_URL", url))
    };
    let from_profile = || Some(("the profile", profiles.get("endpoint_url")?.to_owned()));
    let explicit = options.endpoint_url.clone();
    let found = match explicit.map(|url| ("--endpoint-url", url)) {
        None if ignores_endpoints(profiles) => None,
        None => from_environment().or_else(from_profile),
        explicit => explicit,
    };
    match found {
        Some((source_name, url)) if !is_url(&url) => {
            Err(ConfigurationError::Endpoint { url, source_name })
        }
        _ => Ok(()),
    }
}

fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Whoever says `--profile` means that profile: as in the AWS CLI, access keys that are still in the
/// environment don't count then. The SDK's own chain would take them, and work in another account.
fn credentials_of_profile(
    profile: &str,
    region: Region,
    http_client: SharedHttpClient,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_http_client(http_client)
        .with_region(Some(region));
    let from_profile = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_name(profile)
        .build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    let instance = ImdsCredentialsProvider::builder()
        .configure(&config)
        .build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("Profile", from_profile)
            .or_else("EcsContainer", container)
            .or_else("Ec2InstanceMetadata", instance),
    )
}

/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, which the SDK keeps for the endpoint of all services,
/// but not for those of single ones.
#[derive(Debug)]
struct NoServiceEndpoints;

impl LoadServiceConfig for NoServiceEndpoints {
    /// Endpoints are all that the clients ask for here.
    fn load_config(&self, _: ServiceConfigKey<'_>) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for url in ["http://localhost:5000", "https://[::1]:1/", "http://a"] {
            assert!(is_url(url), "{url}");
        }
        for url in ["", "localhost:5000", "http://", "https:///x", "ftp://a"] {
            assert!(!is_url(url), "{url}");
        }
    }
}
