//! What does a command need before it can begin? The account, the clients and the stack's state.

use std::sync::Arc;

use aws_types::SdkConfig;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::sandbox_server::SandboxServer;
use super::sandbox_settings::SandboxSettings;
use super::stack_file::ChosenStack;
use crate::aws::{self, Aws};
use crate::sandbox::DEFAULT_ACCOUNT;
use crate::state::{Access, Identity, LocalStore, Session};

/// Where a sandbox is when nothing says a region: it is nobody's default.
const SANDBOX_REGION: &str = "us-east-1";

/// An account and region that answer.
pub struct Connection {
    pub aws: Aws,
    pub account: String,
    pub region: String,
    /// The endpoint, when it is not AWS's own.
    pub endpoint: Option<String>,
    pub sandbox: bool,
}

impl Connection {
    /// Connects to AWS, or to the sandbox, and asks whose account it is.
    /// `region` is the file's or the state's; `--region` goes before it, AWS's own configuration after.
    pub async fn open(global: &GlobalOptions, region: Option<&str>) -> Result<Self, CommandError> {
        let region = global.region.as_deref().or(region);
        let configuration = match global.sandbox {
            true => sandbox_configuration(global, region).await?,
            false => {
                aws::load(&aws::Options {
                    region: region.map(str::to_owned),
                    profile: global.profile.clone(),
                    endpoint_url: global.endpoint_url.clone(),
                })
                .await?
            }
        };
        let aws = Aws::new(&configuration);
        let endpoint = configuration.endpoint_url().map(str::to_owned);
        let account = aws.account().await.map_err(|source| CommandError::WhoAmI {
            endpoint: endpoint.clone(),
            source: Box::new(source),
        })?;
        Ok(Connection {
            account,
            region: aws.region.clone(),
            endpoint,
            sandbox: global.sandbox,
            aws,
        })
    }

    /// Connects to where the stack is recorded to be, or where its file says, and refuses another account or region.
    pub async fn of_recorded(
        global: &GlobalOptions,
        session: &Session,
        chosen: &ChosenStack,
    ) -> Result<Self, CommandError> {
        let state = session.state();
        let recorded = state.identity.as_ref().map(|identity| &identity.region);
        let region = recorded.or(chosen.region.as_ref());
        let connection = Connection::open(global, region.map(String::as_str)).await?;
        state.check_identity(&connection.account, &connection.region)?;
        Ok(connection)
    }

    pub fn identity(&self) -> Identity {
        Identity {
            account: self.account.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
        }
    }

    /// Where everything happens, for people: account and region, and what they are not to mistake it for.
    pub fn place(&self) -> String {
        let Connection {
            account, region, ..
        } = self;
        match (&self.endpoint, self.sandbox) {
            (_, true) => format!("account {account}, {region}, in the sandbox"),
            (Some(endpoint), false) => format!("account {account}, {region}, at {endpoint}"),
            (None, false) => format!("account {account}, {region}"),
        }
    }
}

/// Real credentials are never looked for: the sandbox's are fixed.
async fn sandbox_configuration(
    global: &GlobalOptions,
    region: Option<&str>,
) -> Result<SdkConfig, CommandError> {
    let server = SandboxServer::of(&global.state_dir)?;
    let running = server.start(&SandboxSettings::default()).await?.running;
    let from_environment = || {
        ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|region| !region.is_empty())
    };
    let region = region
        .map(str::to_owned)
        .or_else(from_environment)
        .unwrap_or_else(|| SANDBOX_REGION.to_owned());
    Ok(aws::for_sandbox(
        DEFAULT_ACCOUNT,
        &region,
        &running.endpoint,
    ))
}

/// Opens the state of a stack and tells what was odd about it.
pub async fn open_session(
    global: &GlobalOptions,
    stack: &str,
    access: Access,
) -> Result<Session, CommandError> {
    let store = LocalStore::new(global.store_directory());
    let session = Session::open(Arc::new(store), stack, access).await?;
    for warning in session.warnings() {
        super::output::warning(global, &warning.to_string());
    }
    Ok(session)
}

/// Ends a session after `result`: what was learned is kept also when the command failed.
pub async fn close_session<T>(
    session: Session,
    result: Result<T, CommandError>,
) -> Result<T, CommandError> {
    let closed = session.close().await;
    // The command's own error is the one that matters: the journal still holds what happened.
    let value = result?;
    closed.map_err(CommandError::NotClosed)?;
    Ok(value)
}
