//! What does a visitor get from an environment? Asked over the network of the load balancer, or of the sandbox.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures::future::{join_all, try_join_all};
use serde_json::{Value, json};

use super::context::Connection;
use super::sandbox_server::{self, SandboxError};
use crate::aws::{HostAnswer, addresses_of_host, request_host};
use crate::environment::{Entrance, Environment, Request, Visit, requests};

/// Makes every request of the stack's routes once.
pub async fn visit(
    connection: &Connection,
    environment: &Environment,
) -> Result<Vec<(Request, Visit)>, SandboxError> {
    let requests = requests(environment);
    let Some(entrance) = &environment.entrance else {
        return Ok(Vec::new());
    };
    let visits = match (&connection.endpoint, connection.sandbox) {
        (Some(endpoint), true) => {
            let asked = requests
                .iter()
                .map(|request| in_the_sandbox(endpoint, entrance, request));
            try_join_all(asked).await?
        }
        _ => over_the_network(entrance, &requests).await,
    };
    Ok(requests.into_iter().zip(visits).collect())
}

/// By the host's own name, and at the load balancer where that does not lead there.
async fn in_the_sandbox(
    endpoint: &str,
    entrance: &Entrance,
    request: &Request,
) -> Result<Visit, SandboxError> {
    let Some(load_balancer) = &entrance.dns_name else {
        return Ok(no_load_balancer());
    };
    if entrance.internal {
        return Ok(internal());
    }
    let Some(host) = &request.host else {
        return ask_sandbox(endpoint, entrance, load_balancer, request, None).await;
    };
    let by_name = ask_sandbox(endpoint, entrance, host, request, Some(host)).await?;
    match by_name {
        Visit::Silent(_) => {
            ask_sandbox(endpoint, entrance, load_balancer, request, Some(host)).await
        }
        answered => Ok(answered),
    }
}

/// What is answered at this name, for this host or for the name itself.
async fn ask_sandbox(
    endpoint: &str,
    entrance: &Entrance,
    at: &str,
    request: &Request,
    host: Option<&String>,
) -> Result<Visit, SandboxError> {
    let body = json!({
        "host": host.map_or(at, String::as_str),
        "at": at,
        "path": request.path,
        "scheme": entrance.scheme,
        "port": entrance.port,
    });
    let answer = sandbox_server::ask(endpoint, "http", &body).await?;
    let status = answer["status"].as_u64().map(u16::try_from);
    let reason = answer["reason"].as_str().unwrap_or("nobody answered");
    Ok(match status {
        Some(Ok(status)) => Visit::Answered {
            status,
            by_load_balancer: answer.get("served_by").is_none_or(Value::is_null),
            by_name: host.map(|host| host == at),
        },
        _ => Visit::Silent(reason.to_owned()),
    })
}

async fn over_the_network(entrance: &Entrance, requests: &[Request]) -> Vec<Visit> {
    let all = |visit: &Visit| requests.iter().map(|_| visit.clone()).collect();
    let Some(dns_name) = &entrance.dns_name else {
        return all(&no_load_balancer());
    };
    if entrance.internal {
        return all(&internal());
    }
    match addresses_of_host(dns_name).await {
        Err(reason) => all(&Visit::Silent(reason)),
        Ok(addresses) => {
            let asked = requests
                .iter()
                .map(|request| at_these(entrance, &addresses, request));
            join_all(asked).await
        }
    }
}

async fn at_these(entrance: &Entrance, addresses: &[IpAddr], request: &Request) -> Visit {
    let Some(url) = &request.url else {
        return no_load_balancer();
    };
    if entrance.scheme == "https" && request.host.is_none() {
        let why = "the certificate is for no host that a request could name";
        return Visit::NotAsked(why.to_owned());
    }
    match request_host(url, addresses).await {
        Err(reason) => Visit::Silent(reason),
        Ok(HostAnswer {
            status,
            by_load_balancer,
        }) => Visit::Answered {
            status,
            by_load_balancer,
            by_name: match &request.host {
                None => None,
                Some(host) => Some(leads_to(host, addresses).await),
            },
        },
    }
}

/// Whether the host's name has an address of the load balancer, by this machine's resolver.
async fn leads_to(host: &str, addresses: &[IpAddr]) -> bool {
    let load_balancer: BTreeSet<&IpAddr> = addresses.iter().collect();
    let found = addresses_of_host(host).await.unwrap_or_default();
    found.iter().any(|address| load_balancer.contains(address))
}

fn no_load_balancer() -> Visit {
    Visit::Silent("there is no load balancer".to_owned())
}

fn internal() -> Visit {
    Visit::NotAsked("the load balancer is internal: only the VPC reaches it".to_owned())
}
