//! What does an error of AWS ask for? Every code that navi treats in its own way is in this table.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::change_batch_refusal::invalid_change_batch;
use crate::resource::{CallError, Certainty, ErrorClass};

/// Ours, from the SDK's.
pub(super) fn call_error<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(reason) = no_credentials(error) {
        return CallError {
            operation: operation.to_owned(),
            code: None,
            message: reason,
            request_id: None,
            class: ErrorClass::Denied,
            // Without credentials there is no signature, and nothing was sent.
            certainty: Certainty::Rejected,
        };
    }
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let answer = match error.code() {
        Some(code) => Some((
            code.to_owned(),
            error.message().unwrap_or_default().to_owned(),
        )),
        None => error
            .raw_response()
            .and_then(|response| invalid_change_batch(response.body())),
    };
    let (code, message) = match answer {
        Some((code, message)) if message.is_empty() => {
            (Some(code), "no further explanation".to_owned())
        }
        Some((code, message)) => (Some(code), message),
        None => (
            None,
            match error.message() {
                Some(message) if !message.is_empty() => message.to_owned(),
                _ => readable(error),
            },
        ),
    };
    let answered = matches!(error, SdkError::ServiceError(_));
    let refused = answered && status.is_some_and(|status| status < 500);
    let class = match (&code, answered) {
        (Some(code), true) => match classify(code, &message) {
            // A 5xx whose code says nothing more.
            ErrorClass::Other if !refused => ErrorClass::Transient,
            class => class,
        },
        (_, true) if refused => ErrorClass::Other,
        // A proxy or a load balancer in between.
        (_, true) => ErrorClass::Transient,
        (_, false) => match error {
            SdkError::ConstructionFailure(_) => ErrorClass::Invalid,
            SdkError::DispatchFailure(failure) if failure.is_user() => ErrorClass::Invalid,
            _ => ErrorClass::Transient,
        },
    };
    // A throttled request was not carried out, whatever its status: some services throttle with 503.
    let rejected = refused
        || (answered && class == ErrorClass::Throttled)
        || matches!(error, SdkError::ConstructionFailure(_));
    CallError {
        operation: operation.to_owned(),
        code,
        message,
        request_id: error.request_id().map(str::to_owned),
        class,
        certainty: if rejected {
            Certainty::Rejected
        } else {
            Certainty::Ambiguous
        },
    }
}

/// Why there are no credentials, when that is what is wrong.
fn no_credentials(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<CredentialsError>() {
            Some(CredentialsError::CredentialsNotLoaded(_)) => {
                return Some(
                    "no credentials: neither the environment nor the profile has any, \
                     and there is no role of a web identity, a container or an instance"
                        .to_owned(),
                );
            }
            Some(error) => return Some(format!("no credentials: {}", chain(error))),
            None => cause = error.source(),
        }
    }
    None
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&message) {
            text.push_str(&format!(": {message}"));
        }
        cause = error.source();
    }
    text
}

/// The causes of an error that AWS never answered, in one line.
fn readable<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::ServiceError(answer) => format!(
            "the answer has status {} and nothing of AWS's in it",
            answer.raw().status().as_u16()
        ),
        other => chain(other),
    }
}

/// The class of a code that AWS answered, with its message where the code is used for many things.
pub fn classify(code: &str, message: &str) -> ErrorClass {
    if let Some(class) = by_message(code, message) {
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
        | "DuplicateRequest" => ErrorClass::NotYet,

        // `Gateway.NotAttached`: the attachment is what is not there (aws-behaviour §2.3).
        "NatGatewayNotFound"
        | "Gateway.NotAttached"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "NoSuchHostedZone"
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

        // aws-behaviour §5.
        "VpcLimitExceeded"
        | "SubnetLimitExceeded"
        | "InternetGatewayLimitExceeded"
        | "AddressLimitExceeded"
        | "NatGatewayLimitExceeded"
        | "RouteTableLimitExceeded"
        | "SecurityGroupLimitExceeded"
        | "VpcEndpointLimitExceeded"
        | "RulesPerSecurityGroupLimitExceeded"
        | "TooManyLoadBalancers"
        | "TooManyTargetGroups"
        | "TooManyListeners"
        | "TooManyRules"
        | "TooManyHostedZones"
        | "LimitExceeded"
        | "LimitExceededException"
        | "ResourceLimitExceeded"
        | "ServiceQuotaExceededException" => ErrorClass::Quota,

        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "SignatureDoesNotMatch"
        | "OptInRequired" => ErrorClass::Denied,

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
        | "InvalidParameterValue"
        | "MissingParameter"
        | "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException" => ErrorClass::Invalid,
        _ => ErrorClass::Other,
    }
}

/// The codes that mean different things by their message.
fn by_message(code: &str, message: &str) -> Option<ErrorClass> {
    let says = |text: &str| message.contains(text);
    match code {
        // ECS answers nearly everything with these two (aws-behaviour §1 rows 30 and 32, §2.18).
        "InvalidParameterException" | "ClientException" => {
            if says("does not have an associated load balancer")
                || says("Unable to assume the service linked role")
                || says("verify that the ECS service role being passed has the proper permissions")
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
            assert_eq!(classify(code, message), class, "{code}: {message}");
        }
    }

    #[test]
    fn every_ec2_not_found_is_one() {
        for code in [
            "InvalidVpcID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidAllocationID.NotFound",
        ] {
            assert_eq!(classify(code, ""), ErrorClass::NotFound);
        }
    }

    #[test]
    fn an_unknown_code_is_other() {
        assert_eq!(classify("SomethingNew", "whatever"), ErrorClass::Other);
    }
}
