//! What does ACM do? It issues certificates, once the owner of the names has shown that they are theirs.

mod certificate;
mod certificate_tags;
mod listing;
#[cfg(test)]
mod tests;
mod validation;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::certificate::{Certificate, Status};
use super::{client_token::ClientTokens, dispatch::Operation, fault::Fault};

#[derive(Debug, Default, Serialize)]
pub struct Acm {
    /// By ARN.
    pub certificates: BTreeMap<String, Certificate>,
    #[serde(skip)]
    tokens: ClientTokens,
}

impl Acm {
    fn certificate(&self, arn: &str) -> Result<&Certificate, Fault> {
        check_arn(arn)?;
        self.certificates
            .get(arn)
            .ok_or_else(|| certificate::not_found(arn))
    }

    fn certificate_mut(&mut self, arn: &str) -> Result<&mut Certificate, Fault> {
        check_arn(arn)?;
        self.certificates
            .get_mut(arn)
            .ok_or_else(|| certificate::not_found(arn))
    }
}

fn check_arn(arn: &str) -> Result<(), Fault> {
    if arn.starts_with("arn:aws:acm:") && arn.contains(":certificate/") {
        return Ok(());
    }
    Err(Fault::new(
        "InvalidArnException",
        format!("Invalid ARN: {arn}"),
    ))
}

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "RequestCertificate" => certificate::request,
        "DescribeCertificate" => certificate::describe,
        "DeleteCertificate" => certificate::delete,
        "ListCertificates" => listing::list,
        "AddTagsToCertificate" => certificate_tags::add,
        "RemoveTagsFromCertificate" => certificate_tags::remove,
        "ListTagsForCertificate" => certificate_tags::list,
        _ => return None,
    })
}
