//! Why does something go wrong? The closed catalogue of causes: each with a code that stays, a title, what to do in
//! one sentence, and a page that says more.

use std::fmt;

use serde::{Serialize, Serializer};

/// The page of a cause is the text that `navi explain` prints and that docs/errors/ shows.
macro_rules! causes {
    ($($name:ident $code:literal $title:literal $hint:literal,)*) => {
        /// One cause. Codes are words of an interface: one that is given stays, and is never given to another cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $(#[doc = $title] $name,)*
        }

        impl Cause {
            /// All of them, by code.
            pub const ALL: &[Cause] = &[$(Cause::$name,)*];

            /// `NAVI0101`. The first two digits are the group.
            pub fn code(self) -> &'static str {
                match self { $(Cause::$name => $code,)* }
            }

            /// What it is, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Cause::$name => $title,)* }
            }

            /// What to do, in one sentence.
            pub fn hint(self) -> &'static str {
                match self { $(Cause::$name => $hint,)* }
            }

            /// The whole page, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Cause::$name => include_str!(concat!("../../docs/errors/", $code, ".md")),)* }
            }
        }
    };
}

causes! {
    ContainerExits "NAVI0101" "a container exits again and again"
        "its last lines say why: mend it, push it and run the command again",
    OutOfMemory "NAVI0102" "a container needs more memory than it has"
        "give the service more `memory` in the stack file, or let the program use less",
    ContainerEnds "NAVI0103" "a container ends by itself, without an error"
        "let its main process stay in the foreground, or say `essential: false` of a container that is to end",
    CannotStart "NAVI0104" "a container's command can't be started"
        "name a `command` that is in the image, as separate words, and that may be executed",
    HealthCheckAnswer "NAVI0105" "the load balancer's health check gets another answer than it wants"
        "answer the check's path with the wanted code, or change `health_check` in the stack file",
    HealthCheckSilence "NAVI0106" "the load balancer's health check gets no answer"
        "let the container listen on 0.0.0.0 at the routed port, and within the check's timeout",
    ContainerUnhealthy "NAVI0107" "a container fails the health check of its own definition"
        "run the check's command inside the container, and give it a longer start period if it is only slow",
    DependencyFailed "NAVI0108" "a container waits for another one that does not come so far"
        "see why the container that is waited for fails; its last lines and its exit code say it",
    SecretMissing "NAVI0109" "a secret or a parameter is not there"
        "make it, in this region, or mend its name under `secrets` in the stack file",
    ExecutionRoleDenied "NAVI0110" "the execution role lacks a permission that the task needs to start"
        "let the role do it, and decrypt with the key of a secret: `role.statements` in the stack file",
    EnvironmentFileMissing "NAVI0111" "an environment file is not in its bucket"
        "upload it, or mend its name under `environment_files` in the stack file",
    LogGroupMissing "NAVI0112" "the log group of a container is not there"
        "run the command again: it makes the log group anew",
    AnotherDeployment "NAVI0113" "somebody else deploys the same service"
        "wait until they are done, and run the command again",
    ImageMissing "NAVI0201" "an image is not in its registry"
        "push the image, or mend its name in the stack file, and run the command again",
    ImageDenied "NAVI0202" "the registry does not hand out the image"
        "let the execution role pull it (`ecr-pull`), and another account's repository let yours",
    ImagePlatform "NAVI0203" "the image has no variant for the tasks' processors"
        "build it for the service's `architecture` (`docker buildx build --platform`), or change that",
    PullLimit "NAVI0204" "the registry refuses more pulls for now"
        "wait for some hours, or use a copy of the image in ECR",
    NoWayToRegistry "NAVI0301" "the tasks can't reach the registry of their image"
        "give the tasks a way out: `nat: single`, a public subnet, or endpoints for ECR and S3",
    NoWayToService "NAVI0302" "the tasks can't reach a service of AWS that they need to start"
        "give the tasks a way out: `nat: single`, a public subnet, or an endpoint for that service",
    SubnetFull "NAVI0303" "a subnet has no free addresses"
        "give the subnets larger address ranges, or the service more subnets or fewer tasks",
    NatGatewayFailed "NAVI0304" "a NAT gateway could not be made"
        "mend what AWS says of it and run the command again, which makes it anew",
    RangeTaken "NAVI0305" "an address range is taken"
        "give the subnet a range of the VPC that no other subnet has",
    StillInUse "NAVI0306" "something else still uses what is to go"
        "what the stack doesn't own is its owner's to remove; what AWS itself still holds goes within minutes",
    Denied "NAVI0401" "the credentials lack a permission"
        "these credentials lack that permission: have it granted (`navi policy` prints all that the stack takes), or use others (--profile)",
    RoleNotAssumable "NAVI0402" "ECS can't assume a role of the tasks"
        "let the role's trust policy name ecs-tasks.amazonaws.com, or run the command again if the role is gone",
    MayNotPassRole "NAVI0403" "the credentials may not hand a role to a service of AWS"
        "have `iam:PassRole` granted for the stack's roles",
    ServiceLinkedRole "NAVI0404" "a service-linked role is missing"
        "run the command again in a minute; if it stays away, have somebody with rights in IAM make it",
    NameTaken "NAVI0501" "a name or a place is somebody else's"
        "give yours another in the stack file, or adopt that one if it is meant to be the stack's",
    LookedUpMissing "NAVI0502" "what the stack file looks up is not there"
        "make it first, or let navi make it: take it out of `find`",
    Vanished "NAVI0503" "somebody has deleted a resource during the run"
        "run the command again, and it is made anew",
    Protected "NAVI0504" "the plan removes what is protected"
        "take the protection out of the stack file if it is meant to go",
    QuotaReached "NAVI0601" "a limit of the account is reached"
        "remove what is no longer needed, or have the limit raised (Service Quotas)",
    FargateQuota "NAVI0602" "Fargate may not run as many vCPUs"
        "have the limit L-3032A538 raised, or run fewer or smaller tasks",
    NoCapacity "NAVI0603" "AWS has no room for the task at the moment"
        "run the command again later, or give the service subnets in more zones",
    Throttled "NAVI0604" "AWS gets too many requests from the account"
        "wait a minute and run the command again",
    NotDelegated "NAVI0701" "the domain does not lead to its hosted zone"
        "enter the zone's name servers at the registrar: `navi outputs` names them",
    CertificateNotIssued "NAVI0702" "a certificate is not issued"
        "prove the domain: the records that Certificate Manager waits for must be in its public zone",
    CertificateNames "NAVI0703" "a certificate is for other hosts"
        "use a certificate that names the host, or let navi request one",
    CertificateExpired "NAVI0704" "a certificate has expired, or soon does"
        "renew it, or let navi request one, which then renews by itself",
    CertificateUnusable "NAVI0705" "a load balancer can't use the certificate"
        "use one of the same region with a key of 2048 bits or more, or let navi request one",
    ZoneAmbiguous "NAVI0706" "several hosted zones have one name"
        "delete the one that the registrar does not lead to, if nobody needs it",
    Locked "NAVI0801" "another navi works on the stack"
        "wait for it to end; a lock whose process is gone is free by itself",
    StateDamaged "NAVI0802" "the state does not hold what navi wrote"
        "put a good copy back, or move the files away and let `navi state rebuild` find the resources by their tags",
    StateNewer "NAVI0803" "a newer navi wrote the state"
        "use that navi",
    OtherAccount "NAVI0804" "the stack lives in another account or region"
        "switch --profile or --region, or give the stack another name",
    StateUnwritable "NAVI0805" "the state can't be read or written"
        "free some space, make the directory writable for you, or choose another with --state-dir",
    NotRecorded "NAVI0806" "nothing is recorded of the stack"
        "run the command where `navi up` ran, or let `navi state rebuild` find the resources by their tags",
    NoCredentials "NAVI0901" "there are no credentials"
        "`aws configure` or `aws sso login` gets some; --profile chooses among them",
    CredentialsExpired "NAVI0902" "the credentials have expired"
        "get new ones (`aws sso login`, or as you got these) and run the command again",
    CredentialsUnknown "NAVI0903" "AWS does not know the credentials"
        "check AWS_ACCESS_KEY_ID and its companions, --profile, and whether the region is enabled",
    SignatureRefused "NAVI0904" "AWS does not take the signature"
        "check this machine's clock, and the secret key",
    Unreachable "NAVI0905" "AWS can't be reached, or fails"
        "check the network, HTTPS_PROXY and the endpoint, and run the command again",
    CertificateUntrusted "NAVI0906" "this machine does not trust the endpoint's certificate"
        "name the certificate of its authority with AWS_CA_BUNDLE",
    Unconfigured "NAVI0907" "AWS's configuration is incomplete or wrong"
        "name the region or the profile, with --region or --profile",
}

/// What the first two digits of a code stand for.
const GROUPS: [(&str, &str); 9] = [
    ("01", "tasks that don't start, or don't stay"),
    ("02", "images"),
    ("03", "network"),
    ("04", "permissions and roles"),
    ("05", "names and ownership"),
    ("06", "quotas and limits"),
    ("07", "DNS and certificates"),
    ("08", "state and locks"),
    ("09", "credentials and connection"),
];

impl Cause {
    /// What its code's group is about.
    pub fn group(self) -> &'static str {
        let code = self.code();
        let of_code = GROUPS.iter().find(|(digits, _)| {
            code.strip_prefix("NAVI")
                .is_some_and(|rest| rest.starts_with(digits))
        });
        of_code.map_or("", |(_, group)| group)
    }

    /// The cause of a code, as a person may write it: `NAVI0101`, `navi0101`, `0101`, `101`.
    pub fn of_code(written: &str) -> Option<Cause> {
        let written = written.to_ascii_uppercase();
        let number: u32 = written
            .strip_prefix("NAVI")
            .unwrap_or(&written)
            .parse()
            .ok()?;
        let code = format!("NAVI{number:04}");
        Cause::ALL
            .iter()
            .copied()
            .find(|cause| cause.code() == code)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.code())
    }
}

/// By its code.
impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_in_order_and_each_belongs_to_a_group() {
        let codes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        let mut sorted: Vec<&str> = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for cause in Cause::ALL {
            assert!(!cause.group().is_empty(), "{cause}");
            assert_eq!(cause.code().len(), 8, "{cause}");
        }
    }

    #[test]
    fn a_code_is_taken_as_people_write_it() {
        for written in ["NAVI0101", "navi0101", "Navi101", "0101", "101"] {
            assert_eq!(
                Cause::of_code(written),
                Some(Cause::ContainerExits),
                "{written}"
            );
        }
        for wrong in ["", "NAVI", "NAVI0100", "1O1", "-101", "image"] {
            assert_eq!(Cause::of_code(wrong), None, "{wrong}");
        }
    }

    /// What each page answers, in this order.
    const SECTIONS: [&str; 4] = [
        "## What navi saw",
        "## Why it happens",
        "## How to make sure",
        "## What to do",
    ];

    #[test]
    fn every_page_has_its_title_and_answers_the_same_questions() {
        for cause in Cause::ALL {
            let page = cause.page();
            let title = format!("# {}: {}\n", cause.code(), cause.title());
            assert!(page.starts_with(&title), "{cause} begins otherwise");
            let headings: Vec<&str> = page
                .lines()
                .filter(|line| line.starts_with("## "))
                .collect();
            assert_eq!(headings, SECTIONS, "{cause}");
            // A claim about AWS says where it is from, and doubt can be settled by a command.
            assert!(page.contains("Source: "), "{cause} names no source");
            assert!(page.contains("```sh\n"), "{cause} has no command");
            // A terminal shows it as it is.
            let mut in_code = false;
            for line in page.lines() {
                in_code ^= line.starts_with("```");
                let is_text = !in_code && !line.contains("](http");
                assert!(!is_text || line.chars().count() <= 110, "{cause}: {line}");
            }
        }
    }

    #[test]
    fn every_page_belongs_to_a_cause_and_the_index_lists_all() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors");
        let pages: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        let wanted = Cause::ALL.iter().map(|cause| format!("{cause}.md"));
        assert_eq!(pages, wanted.collect());
        let index = std::fs::read_to_string(format!("{folder}/README.md")).unwrap();
        let listed: Vec<&str> = index
            .lines()
            .filter(|line| line.starts_with("| [NAVI"))
            .collect();
        let rows: Vec<String> = Cause::ALL
            .iter()
            .map(|cause| {
                format!(
                    "| [{cause}]({cause}.md) | {} | {} |",
                    cause.title(),
                    cause.hint()
                )
            })
            .collect();
        assert_eq!(listed, rows);
        for (digits, group) in GROUPS {
            assert!(
                index.contains(&format!("## {digits}xx: {group}")),
                "{group}"
            );
        }
    }
}
