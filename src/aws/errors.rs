//! What does an error of AWS ask for? Every code that navi treats in its own way is in this table, and so is how
//! long a call is made again for it.

use std::time::Duration;

use super::Settle;
use crate::resource::ErrorClass;

impl Settle {
    /// For how long a call that AWS refused for this reason is made again; `None`: not at all.
    /// How long a delete is asked for again while something is in use is each kind's `gone_within`.
    pub(super) fn budget(self, class: ErrorClass) -> Option<Duration> {
        let seconds = match (self, class) {
            (_, ErrorClass::Throttled) => 120,
            // AWS shows what was just made within seconds. Terraform waits for five minutes, which serves nobody
            // where the object is really gone: the next run makes it again.
            (Settle::Fresh | Settle::Spreading, ErrorClass::NotFound) => 60,
            (Settle::Spreading, ErrorClass::NotYet) => 300,
            (Settle::Fresh | Settle::Contended, ErrorClass::NotYet) => 60,
            _ => return None,
        };
        Some(Duration::from_secs(seconds))
    }
}

/// The class of a code that AWS answered to a call, with its message where the code is used for many things.
///
/// What aws-behaviour has and this table leaves out on purpose: a denied PutRetentionPolicy (§2.10), which passes only
/// when the caller's own permissions are new, and navi gives itself none; `VolumeInUse`, as navi makes no volumes.
pub fn classify(operation: &str, code: &str, message: &str) -> ErrorClass {
    if let Some(class) = by_operation(operation, code).or_else(|| by_message(code, message)) {
        return class;
    }
    match code {
        // aws-behaviour §2, throttling names.
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "BandwidthLimitExceeded"
        | "TransactionInProgressException" => ErrorClass::Throttled,

        // aws-behaviour §2, delete-side "still in use", and each kind's own words for it.
        "DependencyViolation"
        | "InvalidIPAddress.InUse"
        | "InvalidGroup.InUse"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DeleteConflict"
        | "DeleteConflictException"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "ClusterContainsContainerInstancesException" => ErrorClass::InUse,

        // Things that settle: §2.10 OperationAborted, §2.8 ConcurrentModification, §2.17 UpdateInProgress,
        // §1 row 18 for certificates: a just-issued one may be unknown to the load balancer for a while.
        "OperationAbortedException"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "UpdateInProgressException"
        // aws-behaviour §1 row 38: what was made a moment ago can't be reached yet; two changes at once.
        | "FailedResourceAccessException"
        | "ConcurrentUpdateException"
        | "UnsupportedCertificate"
        | "CertificateNotFound"
        | "CertificateNotFoundException"
        | "DuplicateRequest"
        // The API models of IAM and ACM: the same object is still being changed, "try again".
        | "EntityTemporarilyUnmodifiable"
        | "EntityTemporarilyUnmodifiableException"
        | "RequestInProgressException"
        | "ConflictException" => ErrorClass::NotYet,

        // `Gateway.NotAttached`: the attachment is what is not there (aws-behaviour §2.3).
        "NatGatewayNotFound"
        | "Gateway.NotAttached"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchHostedZone"
        | "NoSuchChange"
        | "HostedZoneNotFound"
        | "LoadBalancerNotFound"
        | "LoadBalancerNotFoundException"
        | "TargetGroupNotFound"
        | "TargetGroupNotFoundException"
        | "ListenerNotFound"
        | "ListenerNotFoundException"
        | "RuleNotFound"
        | "RuleNotFoundException"
        | "SubnetNotFound"
        | "InvalidSecurityGroup"
        | "NamespaceNotFound"
        | "NamespaceNotFoundException"
        | "ServiceNotFound"
        | "ServiceNotFoundException"
        | "ServiceNotActiveException"
        | "OperationNotFound"
        | "InstanceNotFound"
        | "ClusterNotFoundException"
        | "ObjectNotFoundException"
        | "RepositoryNotFoundException"
        | "ImageNotFoundException"
        | "NoSuchResourceException"
        | "ResourceNotFoundException" => ErrorClass::NotFound,

        "EntityAlreadyExists"
        | "EntityAlreadyExistsException"
        | "ResourceAlreadyExistsException"
        | "RouteAlreadyExists"
        | "Resource.AlreadyAssociated"
        | "InvalidGroup.Duplicate"
        | "InvalidPermission.Duplicate"
        | "DuplicateLoadBalancerName"
        | "DuplicateLoadBalancerNameException"
        | "DuplicateTargetGroupName"
        | "DuplicateTargetGroupNameException"
        | "DuplicateListener"
        | "DuplicateListenerException"
        | "PriorityInUse"
        | "PriorityInUseException"
        | "NamespaceAlreadyExists"
        | "ServiceAlreadyExists"
        | "HostedZoneAlreadyExists"
        | "ConflictingDomainExists"
        | "InvalidSubnet.Conflict" => ErrorClass::AlreadyExists,

        "LimitsExceeded" | "QuotaExceededException" | "ServiceQuotaExceededException" => {
            ErrorClass::Quota
        }
        // aws-behaviour §5. EC2 and IAM (`VpcLimitExceeded`), ECS, Cloud Map and ACM (`LimitExceededException`), and
        // Elastic Load Balancing and Route 53 (`TooManyRules`) have one for each thing that can be too many.
        // The throttling codes that read alike stand above.
        code if code.ends_with("LimitExceeded")
            || code.ends_with("LimitExceededException")
            || code.starts_with("TooMany") =>
        {
            ErrorClass::Quota
        }

        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "AuthFailure"
        | "NotAuthorized"
        | "NotAuthorizedException"
        | "DependencyAccessDeniedException"
        // Credentials that ran out: each protocol has its own word. EC2's is said of a wrong clock too.
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        // The account itself.
        | "OptInRequired"
        | "SubscriptionRequiredException"
        | "PendingVerification"
        | "RegionDisabledException"
        | "Blocked"
        | "BlockedException" => ErrorClass::Denied,

        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServerException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "ServiceFailure"
        | "InternalServiceException"
        | "RequestTimeout"
        | "RequestTimeoutException" => ErrorClass::Transient,

        // Every EC2 kind has its own: InvalidVpcID.NotFound, InvalidGroup.NotFound, …
        code if code.ends_with(".NotFound") => ErrorClass::NotFound,
        "ValidationError"
        | "ValidationException"
        | "InvalidInput"
        | "InvalidParameter"
        | "InvalidParameterException"
        | "InvalidParameterCombination"
        | "InvalidParameterValue"
        | "MissingParameter"
        | "InvalidArnException"
        | "InvalidConfigurationRequest"
        | "InvalidDomainName"
        | "InvalidTagException"
        | "PlatformTaskDefinitionIncompatibilityException"
        | "PlatformUnknownException"
        | "UnsupportedFeatureException"
        | "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException" => ErrorClass::Invalid,
        _ => ErrorClass::Other,
    }
}

/// The codes that mean something else in answer to one operation.
fn by_operation(operation: &str, code: &str) -> Option<ErrorClass> {
    match (operation, code) {
        // aws-behaviour §2.4 "retry": a target that is too fresh. Elsewhere this is ECS's word for bad input.
        ("ec2:CreateRoute", "InvalidParameterException") => Some(ErrorClass::NotYet),
        _ => None,
    }
}

/// The codes that mean different things by their message.
fn by_message(code: &str, message: &str) -> Option<ErrorClass> {
    let says = |text: &str| message.contains(text);
    match code {
        // aws-behaviour §2, throttling names: a rate is no limit that can be reached for good, whatever the code
        // says. The second one is RegisterTaskDefinition's.
        "LimitExceeded" | "LimitExceededException" | "ClientException"
            if says("Rate exceeded") || says("Too many concurrent attempts") =>
        {
            Some(ErrorClass::Throttled)
        }
        // ECS answers nearly everything with these two (aws-behaviour §1 rows 30 and 32, §2.18).
        "InvalidParameterException" | "ClientException" => {
            if says("does not have an associated load balancer")
                || says("Unable to assume the service linked role")
                || says("verify that the ECS service role being passed has the proper permissions")
                || says("cannot be assumed")
                || says("still Draining")
            {
                Some(ErrorClass::NotYet)
            } else if says("not idempotent") {
                Some(ErrorClass::AlreadyExists)
            } else if says("cannot be stopped while deployments are active")
                || says("has a dependent object")
            {
                Some(ErrorClass::InUse)
            } else if says("Unable to describe task definition")
                || says("task definition does not exist")
                // ECS passes on what EC2 said of a subnet or group that is too fresh
                // (aws-behaviour §2, EC2 eventual consistency).
                || says("NotFound)")
            {
                Some(ErrorClass::NotFound)
            } else {
                None
            }
        }
        // aws-behaviour §1 row 37: a service or a service-linked role that is too fresh for Application Auto Scaling.
        "ValidationException" => (says("ECS service doesn't exist")
            || says("Unable to assume IAM role"))
        .then_some(ErrorClass::NotYet),
        // aws-behaviour §2.8: a principal created a moment ago.
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => {
            says("Invalid principal in policy").then_some(ErrorClass::NotYet)
        }
        // aws-behaviour §1 row 13: the gateway is attached, but not yet seen everywhere.
        "InvalidSubnet" => says("no internet gateway").then_some(ErrorClass::NotYet),
        // aws-behaviour §2.5: an address that somebody else released is gone for us.
        "AuthFailure" if says("does not belong to you") => Some(ErrorClass::NotFound),
        // aws-behaviour §2, delete-side "still in use": releasing an address that a NAT gateway has, or
        // had until a moment ago. Missing rights have a code of their own, UnauthorizedOperation.
        "AuthFailure" if says("do not have permission to access the specified resource") => {
            Some(ErrorClass::InUse)
        }
        // aws-behaviour §2.12: deleting a record that is not there.
        "InvalidChangeBatch" if says("not found") => Some(ErrorClass::NotFound),
        "InvalidChangeBatch" if says("already exists") => Some(ErrorClass::AlreadyExists),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_with_many_meanings_are_told_apart_by_their_message() {
        let cases = [
            (
                "InvalidParameterException",
                "The target group with targetGroupArn arn:x does not have an associated load balancer.",
                ErrorClass::NotYet,
            ),
            (
                "InvalidParameterException",
                "Creation of service was not idempotent.",
                ErrorClass::AlreadyExists,
            ),
            (
                "InvalidParameterException",
                "The service cannot be stopped while deployments are active.",
                ErrorClass::InUse,
            ),
            (
                "InvalidParameterException",
                "Unable to Start a service that is still Draining.",
                ErrorClass::NotYet,
            ),
            (
                "InvalidParameterException",
                "Error retrieving subnet information for [subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
                ErrorClass::NotFound,
            ),
            (
                "ValidationException",
                "ECS service doesn't exist: service/shop/web",
                ErrorClass::NotYet,
            ),
            (
                "ValidationException",
                "Unable to assume IAM role: arn:aws:iam::123456789012:role/aws-service-role/x",
                ErrorClass::NotYet,
            ),
            (
                "ValidationException",
                "Maximum capacity cannot be less than minimum capacity.",
                ErrorClass::Invalid,
            ),
            (
                "ClientException",
                "Unable to describe task definition.",
                ErrorClass::NotFound,
            ),
            (
                "AuthFailure",
                "The address '198.51.100.1' does not belong to you.",
                ErrorClass::NotFound,
            ),
            (
                "AuthFailure",
                "You do not have permission to access the specified resource.",
                ErrorClass::InUse,
            ),
            (
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
                ErrorClass::Denied,
            ),
            (
                "InvalidChangeBatch",
                "Tried to delete resource record set [name='a.', type='A'] but it was not found",
                ErrorClass::NotFound,
            ),
            (
                "MalformedPolicyDocument",
                "Invalid principal in policy: \"AWS\":\"x\"",
                ErrorClass::NotYet,
            ),
            (
                "InvalidSubnet",
                "VPC vpc-1 has no internet gateway",
                ErrorClass::NotYet,
            ),
            (
                "InvalidSubnet",
                "Not enough IP space available in subnet-1.",
                ErrorClass::Other,
            ),
            (
                "MalformedPolicyDocument",
                "Syntax errors in policy.",
                ErrorClass::Invalid,
            ),
        ];
        for (code, message, class) in cases {
            assert_eq!(
                classify("ecs:CreateService", code, message),
                class,
                "{code}: {message}"
            );
        }
    }

    #[test]
    fn every_ec2_not_found_is_one() {
        for code in [
            "InvalidVpcID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidAllocationID.NotFound",
        ] {
            assert_eq!(classify("ec2:CreateSubnet", code, ""), ErrorClass::NotFound);
        }
    }

    #[test]
    fn an_unknown_code_is_other() {
        assert_eq!(
            classify("ec2:CreateVpc", "SomethingNew", "whatever"),
            ErrorClass::Other
        );
    }
}
