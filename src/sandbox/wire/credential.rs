//! Who calls, which service, and where? The credential scope of the signature says; the signature itself is not verified.

use axum::http::{Request, header::AUTHORIZATION};
use bytes::Bytes;

use super::DEFAULT_ACCOUNT;
use crate::sandbox::{fault::Fault, service::Protocol};

/// `Credential=ACCESS_KEY/date/region/service/aws4_request`.
pub struct Credential {
    pub access_key: String,
    pub region: String,
    pub service: String,
}

impl Credential {
    pub fn of(request: &Request<Bytes>, protocol: Protocol) -> Result<Self, Fault> {
        let header = request
            .headers()
            .get(AUTHORIZATION)
            .ok_or_else(|| missing(protocol))?;
        let header = header.to_str().map_err(|_| incomplete())?;
        let scope = header
            .split([' ', ','])
            .find_map(|part| part.trim().strip_prefix("Credential="))
            .ok_or_else(incomplete)?;
        let mut parts = scope.split('/');
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
        };
        let (access_key, _date, region, service) = (part(), part(), part(), part());
        Ok(Self {
            access_key: access_key.ok_or_else(incomplete)?,
            region: region.ok_or_else(incomplete)?,
            service: service.ok_or_else(incomplete)?,
        })
    }

    /// An access key of twelve digits is the account; so tests can be several customers.
    pub fn account(&self) -> String {
        let is_account = self.access_key.len() == 12
            && self.access_key.bytes().all(|byte| byte.is_ascii_digit());
        if is_account {
            self.access_key.clone()
        } else {
            DEFAULT_ACCOUNT.to_owned()
        }
    }
}

fn missing(protocol: Protocol) -> Fault {
    match protocol {
        Protocol::Json => Fault::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ),
        _ => Fault::new(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
        .with_status(403),
    }
}

fn incomplete() -> Fault {
    Fault::new(
        "IncompleteSignature",
        "Authorization header requires 'Credential' parameter with a scope of date/region/service/aws4_request",
    )
    .with_status(403)
}
