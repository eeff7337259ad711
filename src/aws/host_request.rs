//! What does a load balancer answer for a host, also before the host's name leads to it?

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// Whoever does not answer by then is taken for silent; the load balancer itself gives up on a target after 60 s only.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What an Application Load Balancer calls itself in the answers that it gives by itself, redirects and errors too
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html).
const LOAD_BALANCER: &str = "awselb/2.0";

/// How a host answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Whether the load balancer said so by itself, without asking a target.
    pub by_load_balancer: bool,
}

/// Leads every name to the same addresses, as `curl --resolve` does for one.
#[derive(Clone, Debug)]
struct Always(Vec<IpAddr>);

impl ResolveDns for Always {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(self.0.clone()))
    }
}

/// The addresses of a load balancer's own name, asked of this machine's resolver.
pub async fn addresses_of_host(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = tokio::net::lookup_host((name, 0)).await;
    let found = found.map_err(|error| format!("{name} does not resolve here: {error}"))?;
    Ok(found.map(|address| address.ip()).collect())
}

/// How a GET of this URL is answered at one of these addresses. Host header, server name and the
/// certificate's check are the URL's, the system's certificates are trusted, and no redirect is followed.
/// The error says in words why nobody answered.
pub async fn request_host(url: &str, addresses: &[IpAddr]) -> Result<HostAnswer, String> {
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_with_resolver(Always(addresses.to_vec()));
    let mut request = HttpRequest::get(url).map_err(|error| error.to_string())?;
    let agent = concat!("navi/", env!("CARGO_PKG_VERSION"));
    request.headers_mut().insert("user-agent", agent);
    match tokio::time::timeout(ANSWER_WITHIN, connector.call(request)).await {
        Ok(Ok(answer)) => Ok(HostAnswer {
            status: answer.status().as_u16(),
            by_load_balancer: answer.headers().get("server") == Some(LOAD_BALANCER),
        }),
        Ok(Err(error)) => Err(innermost(&error)),
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// The outer ones only say that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_host_is_asked_for_at_another_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let answer = b"HTTP/1.1 503 Service Unavailable\r\nServer: awselb/2.0\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&head[..length]).to_lowercase()
        });
        let url = format!("http://ecs-navi.site:{port}/health");
        let loopback = [IpAddr::from([127, 0, 0, 1])];
        let unanswered = HostAnswer {
            status: 503,
            by_load_balancer: true,
        };
        assert_eq!(request_host(&url, &loopback).await, Ok(unanswered));
        let head = served.await.unwrap();
        assert!(head.starts_with("get /health http/1.1"), "{head}");
        assert!(
            head.contains(&format!("host: ecs-navi.site:{port}")),
            "{head}"
        );
        // Nobody listens there any more.
        let silence = request_host(&url, &loopback).await.unwrap_err();
        assert!(silence.contains("refused"), "{silence}");
    }
}
