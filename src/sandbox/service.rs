//! Which AWS services does the sandbox know, and how does each speak?

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::fault::Fault;

/// One AWS service. The name AWS signs requests with is its identity on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
// "Service Quotas" is AWS's name for one of them.
#[expect(clippy::enum_variant_names)]
pub enum Service {
    Acm,
    ApplicationAutoScaling,
    CloudMap,
    Ec2,
    Ecr,
    Ecs,
    ElasticLoadBalancing,
    Iam,
    Logs,
    Route53,
    ServiceQuotas,
    Sts,
}

/// How a service frames requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form-encoded request, XML answer with `<item>` lists.
    Ec2Query,
    /// Form-encoded request, XML answer wrapped in `<XResponse><XResult>` with `<member>` lists.
    Query,
    /// JSON both ways, the operation in `x-amz-target`.
    Json,
    /// Paths and verbs, XML bodies.
    RestXml,
}

/// All of them.
pub const SERVICES: [Service; 12] = [
    Service::Acm,
    Service::ApplicationAutoScaling,
    Service::CloudMap,
    Service::Ec2,
    Service::Ecr,
    Service::Ecs,
    Service::ElasticLoadBalancing,
    Service::Iam,
    Service::Logs,
    Service::Route53,
    Service::ServiceQuotas,
    Service::Sts,
];

/// By the name that AWS signs requests with, as users of the AWS CLI know it.
impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_signing_name(&name)
            .ok_or_else(|| D::Error::custom(format_args!("`{name}` is no service of the sandbox")))
    }
}

impl Service {
    /// The service named in a credential scope (`…/region/SERVICE/aws4_request`).
    pub fn from_signing_name(name: &str) -> Option<Self> {
        SERVICES
            .into_iter()
            .find(|service| service.signing_name() == name)
    }

    /// The service an `x-amz-target` prefix belongs to, for requests that carry no signature.
    pub fn from_target_prefix(prefix: &str) -> Option<Self> {
        SERVICES
            .into_iter()
            .find(|service| service.target_prefix() == Some(prefix))
    }

    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Acm => "acm",
            Self::ApplicationAutoScaling => "application-autoscaling",
            Self::CloudMap => "servicediscovery",
            Self::Ec2 => "ec2",
            Self::Ecr => "ecr",
            Self::Ecs => "ecs",
            Self::ElasticLoadBalancing => "elasticloadbalancing",
            Self::Iam => "iam",
            Self::Logs => "logs",
            Self::Route53 => "route53",
            Self::ServiceQuotas => "servicequotas",
            Self::Sts => "sts",
        }
    }

    pub fn protocol(self) -> Protocol {
        match self {
            Self::Ec2 => Protocol::Ec2Query,
            Self::ElasticLoadBalancing | Self::Iam | Self::Sts => Protocol::Query,
            Self::Acm
            | Self::ApplicationAutoScaling
            | Self::CloudMap
            | Self::Ecr
            | Self::Ecs
            | Self::Logs
            | Self::ServiceQuotas => Protocol::Json,
            Self::Route53 => Protocol::RestXml,
        }
    }

    /// Whether its things belong to the account and to no region.
    pub fn is_global(self) -> bool {
        matches!(self, Self::Iam | Self::Route53 | Self::Sts)
    }

    fn target_prefix(self) -> Option<&'static str> {
        match self {
            Self::Acm => Some("CertificateManager"),
            Self::ApplicationAutoScaling => Some("AnyScaleFrontendService"),
            Self::CloudMap => Some("Route53AutoNaming_v20170314"),
            Self::Ecr => Some("AmazonEC2ContainerRegistry_V20150921"),
            Self::Ecs => Some("AmazonEC2ContainerServiceV20141113"),
            Self::Logs => Some("Logs_20140328"),
            Self::ServiceQuotas => Some("ServiceQuotasV20190624"),
            _ => None,
        }
    }

    /// The namespace of the service's XML answers.
    pub fn xml_namespace(self) -> &'static str {
        match self {
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::ElasticLoadBalancing => {
                "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
            }
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Route53 => "https://route53.amazonaws.com/doc/2013-04-01/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Acm
            | Self::ApplicationAutoScaling
            | Self::CloudMap
            | Self::Ecr
            | Self::Ecs
            | Self::Logs
            | Self::ServiceQuotas => "",
        }
    }

    /// What the service answers when a required parameter is absent.
    pub fn missing_parameter(self, name: &str) -> Fault {
        match self {
            Self::Ec2 => {
                let mut letters = name.chars();
                let lower: String = letters
                    .next()
                    .map(|first| first.to_lowercase().chain(letters).collect())
                    .unwrap_or_default();
                Fault::new(
                    "MissingParameter",
                    format!("The request must contain the parameter {lower}"),
                )
            }
            _ => Fault::new(
                self.validation_code(),
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
                ),
            ),
        }
    }

    /// What the service answers when a parameter's value can't be used.
    pub fn invalid_parameter(self, name: &str, value: &str, expectation: &str) -> Fault {
        Fault::new(
            match self {
                Self::Ec2 => "InvalidParameterValue",
                _ => self.validation_code(),
            },
            format!("Value ({value}) for parameter {name} is invalid. {expectation}"),
        )
    }

    fn validation_code(self) -> &'static str {
        match self {
            Self::Ec2 => "InvalidParameterValue",
            Self::ElasticLoadBalancing | Self::Iam | Self::Sts => "ValidationError",
            Self::Acm | Self::ApplicationAutoScaling => "ValidationException",
            Self::CloudMap | Self::Route53 => "InvalidInput",
            Self::Ecr | Self::Ecs | Self::Logs => "InvalidParameterException",
            Self::ServiceQuotas => "IllegalArgumentException",
        }
    }

    /// The service's own words for "too many requests" (aws-behaviour §2, throttling names).
    pub fn throttled(self) -> Fault {
        match self {
            Self::Ec2 => {
                Fault::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503)
            }
            Self::CloudMap => Fault::new("RequestLimitExceeded", "Rate exceeded"),
            Self::ElasticLoadBalancing | Self::Iam | Self::Sts | Self::Route53 => {
                Fault::new("Throttling", "Rate exceeded")
            }
            Self::Acm | Self::ApplicationAutoScaling | Self::Ecr | Self::Ecs | Self::Logs => {
                Fault::new("ThrottlingException", "Rate exceeded")
            }
            Self::ServiceQuotas => Fault::new("TooManyRequestsException", "Rate exceeded"),
        }
    }

    /// The service's own words for "your policies do not allow this".
    pub fn denied(self, account: &str, operation: &str) -> Fault {
        let action = format!("{}:{operation}", self.signing_name());
        self.not_authorized(account, &action)
    }

    /// The same with more to say of what is not allowed.
    pub fn not_authorized(self, account: &str, what: &str) -> Fault {
        let who = format!("arn:aws:iam::{account}:user/sandbox");
        let sentence = format!("User: {who} is not authorized to perform: {what}");
        match self {
            Self::Ec2 => Fault::new(
                "UnauthorizedOperation",
                format!("You are not authorized to perform this operation. {sentence}"),
            )
            .with_status(403),
            Self::ElasticLoadBalancing | Self::Iam | Self::Sts | Self::Route53 => {
                Fault::new("AccessDenied", sentence).with_status(403)
            }
            _ => Fault::new("AccessDeniedException", sentence),
        }
    }

    /// The service's own words for "no more of these", each with the code that the operation would have (§5; the API models).
    pub fn quota_exceeded(self, operation: &str) -> Fault {
        let noun = [
            "Create",
            "Allocate",
            "Authorize",
            "Register",
            "Put",
            "Request",
        ]
        .iter()
        .find_map(|verb| operation.strip_prefix(verb))
        .unwrap_or(operation);
        match self {
            Self::Ec2 => {
                let code = match noun {
                    "Address" => "AddressLimitExceeded",
                    "NatGateway" => "NatGatewayLimitExceeded",
                    "SecurityGroup" => "SecurityGroupLimitExceeded",
                    "SecurityGroupIngress" | "SecurityGroupEgress" => {
                        "RulesPerSecurityGroupLimitExceeded"
                    }
                    "Vpc" => "VpcLimitExceeded",
                    "Subnet" => "SubnetLimitExceeded",
                    "InternetGateway" => "InternetGatewayLimitExceeded",
                    "RouteTable" => "RouteTableLimitExceeded",
                    "Route" => "RouteLimitExceeded",
                    "VpcEndpoint" => "VpcEndpointLimitExceeded",
                    "Tags" => "TagLimitExceeded",
                    _ => "ResourceCountExceeded",
                };
                Fault::new(code, "The maximum number has been reached.")
            }
            Self::ElasticLoadBalancing => {
                let thing = match noun {
                    "LoadBalancer" | "TargetGroup" | "Listener" | "Rule" => noun,
                    "Targets" => "Target",
                    _ => "Action",
                };
                Fault::new(
                    format!("TooMany{thing}s"),
                    format!("The maximum number of {thing}s has been reached"),
                )
            }
            Self::Iam => Fault::new(
                "LimitExceeded",
                format!("Cannot exceed quota for {noun}sPerAccount: 1000"),
            )
            .with_status(409),
            Self::Route53 if noun == "HostedZone" => Fault::new(
                "TooManyHostedZones",
                "This operation can't be completed because the current account has reached the limit on the number of hosted zones.",
            ),
            Self::Route53 => {
                Fault::new("LimitsExceeded", "The limits specified have been exceeded.")
            }
            Self::CloudMap => Fault::new(
                "ResourceLimitExceeded",
                "The resource can't be created because you've reached the quota on the number of resources.",
            ),
            Self::Ecs => Fault::new(
                "LimitExceededException",
                "The limit for the resource was exceeded.",
            ),
            Self::Acm => Fault::new(
                "LimitExceededException",
                "Error: you have reached your limit.",
            ),
            Self::ApplicationAutoScaling | Self::Ecr | Self::Logs => {
                Fault::new("LimitExceededException", "Resource limit exceeded.")
            }
            Self::ServiceQuotas => Fault::new("QuotaExceededException", "Quota exceeded."),
            Self::Sts => Fault::new("LimitExceeded", "Limit exceeded."),
        }
    }

    /// The service's own words for temporary credentials whose time is over.
    pub fn credentials_expired(self) -> Fault {
        match self {
            Self::Ec2 => Fault::new("RequestExpired", "Request has expired."),
            Self::ElasticLoadBalancing | Self::Iam | Self::Sts | Self::Route53 => Fault::new(
                "ExpiredToken",
                "The security token included in the request is expired",
            )
            .with_status(403),
            _ => Fault::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
        }
    }
}
