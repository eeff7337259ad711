//! The sandbox without sockets: the SDK's requests are handed over in process, so that a whole life
//! passes in virtual time.

use std::fmt;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::SdkConfig;
use aws_types::region::Region;
use axum::http::{Request, Response};
use bytes::Bytes;
use navi::aws::Aws;
use navi::sandbox::{DEFAULT_ACCOUNT, Options, Pace, Sandbox};
use serde_json::Value;

/// A sandbox of its own, at AWS's pace or instant.
#[derive(Clone)]
pub struct InProcess {
    sandbox: Sandbox,
}

impl InProcess {
    pub fn new(pace: Pace, seed: u64) -> Self {
        InProcess {
            sandbox: Sandbox::new(Options {
                pace,
                seed,
                ..Options::default()
            }),
        }
    }

    /// navi's clients, talking to this sandbox.
    pub fn aws(&self) -> Aws {
        let connector = SharedHttpConnector::new(Connector(self.sandbox.clone()));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(super::REGION))
            .endpoint_url("http://sandbox")
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                DEFAULT_ACCOUNT,
                "sandbox",
                None,
                None,
                "test",
            )))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Aws::new(&config)
    }

    /// What one of the control endpoints answers.
    pub async fn control(&self, method: &str, path: &str) -> Value {
        self.send(method, path, Bytes::new()).await
    }

    /// Tells one of the control endpoints something.
    pub async fn tell(&self, path: &str, body: &Value) -> Value {
        self.send("POST", path, Bytes::from(body.to_string())).await
    }

    async fn send(&self, method: &str, path: &str, body: Bytes) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://sandbox/_navi/{path}"))
            .body(body)
            .unwrap();
        let answer = self.sandbox.handle(request).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }
}

struct Connector(Sandbox);

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sandbox = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&sandbox, request).await })
    }
}

async fn exchange(sandbox: &Sandbox, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let (head, body) = request
        .try_into_http1x()
        .map_err(|error| user(error.into()))?
        .into_parts();
    let body = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| user(error.into()))?
        .into_bytes();
    let answer: Response<Bytes> = sandbox
        .handle(Request::from_parts(head, body))
        .await
        .map_err(|_| ConnectorError::io("the connection was dropped".into()))?;
    HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| user(error.into()))
}
