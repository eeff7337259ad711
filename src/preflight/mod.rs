//! Would the plan fail for a reason that shows before anything is made? Start here: one file per check,
//! all of them asked at once, and everything that they find is told together.

mod certificates;
mod delegation;
mod finding;
mod given_back;
mod images;
mod names;
mod quotas;
mod wanted;
mod ways_out;

use std::time::SystemTime;

pub use delegation::Dns;
pub use finding::{Check, Finding, Severity};
use futures::join;
pub use given_back::GivenBack;

use crate::aws::Aws;
use crate::plan::Plan;
use wanted::Wanted;

/// What the checks need to know.
pub struct Preflight<'a> {
    /// The account.
    pub aws: &'a Aws,
    /// What would be done.
    pub plan: &'a Plan,
    /// Whose plan it is.
    pub stack: &'a str,
    /// What the stack gave back.
    pub given_back: Vec<GivenBack>,
    /// Who is asked where domains lead to.
    pub dns: Dns,
    /// The time, for certificates that end soon.
    pub now: SystemTime,
}

impl Preflight<'_> {
    /// Asks every check that the plan gives a reason for. A plan that makes nothing asks nothing.
    pub async fn findings(&self) -> Vec<Finding> {
        let wanted = Wanted::of(self.plan);
        let (quotas, mut names, given_back, network, certificates, delegation, images) = join!(
            quotas::findings(self.aws, wanted),
            names::findings(self.aws, wanted, self.stack, &self.given_back),
            given_back::findings(self.aws, wanted, &self.given_back),
            ways_out::findings(self.aws, wanted),
            certificates::findings(self.aws, wanted, self.now),
            delegation::findings(wanted, &self.dns),
            images::findings(self.aws, wanted),
        );
        // What is found by its name as well is told once.
        let told = |finding: &Finding| {
            let at = finding.address.as_ref();
            at.is_some_and(|at| names.iter().any(|one| one.address.as_ref() == Some(at)))
        };
        let given_back: Vec<Finding> = given_back
            .into_iter()
            .filter(|finding| !told(finding))
            .collect();
        if !given_back.is_empty() {
            names.retain(|finding| finding.severity != Severity::Ok);
        }
        let mut findings = [
            quotas,
            names,
            given_back,
            network,
            certificates,
            delegation,
            images,
        ]
        .concat();
        findings.sort_by_key(|finding| (finding.check, finding.severity));
        findings
    }
}

/// Whether anything found would make the plan fail.
pub fn stops(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}
