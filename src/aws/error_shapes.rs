//! Do the errors of every protocol, in the shapes that AWS answers, come out of the SDK with the class they call for?

use axum::http::{Response, header::CONTENT_TYPE};
use axum::{Router, body::Body};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_route53::types as route53;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::{Aws, send};
use crate::resource::{CallError, Certainty, ErrorClass};

/// What every request is answered with.
#[derive(Clone)]
struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
}

fn xml(status: u16, body: &str) -> Answer {
    Answer {
        status,
        content_type: "text/xml",
        body: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"),
    }
}

/// EC2's own shape.
fn ec2(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let request = "<RequestID>72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11</RequestID>";
    xml(
        status,
        &format!("<Response><Errors>{error}</Errors>{request}</Response>"),
    )
}

/// The shape of the query protocol and of Route 53.
fn query(status: u16, code: &str, message: &str) -> Answer {
    let error = format!(
        "<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let request = "<RequestId>72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11</RequestId>";
    xml(
        status,
        &format!("<ErrorResponse>{error}{request}</ErrorResponse>"),
    )
}

fn json(status: u16, r#type: &str, message: &str) -> Answer {
    Answer {
        status,
        content_type: "application/x-amz-json-1.1",
        body: serde_json::json!({"__type": r#type, "message": message}).to_string(),
    }
}

/// Clients of an AWS that answers everything with this.
async fn aws_answering(answer: Answer) -> Aws {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move || {
        let answer = answer.clone();
        async move {
            Response::builder()
                .status(answer.status)
                .header(CONTENT_TYPE, answer.content_type)
                .header("x-amzn-RequestId", "72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11")
                .body(Body::from(answer.body))
                .unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Aws::new(&config)
}

#[track_caller]
fn expect(error: CallError, code: &str, class: ErrorClass, certainty: Certainty) {
    let got = (error.code.as_deref(), error.class, error.certainty);
    assert_eq!(got, (Some(code), class, certainty), "{error}");
    assert_eq!(
        error.request_id.as_deref(),
        Some("72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11"),
        "{error}"
    );
}

#[tokio::test]
async fn ec2_query() {
    let cases = [
        (
            400,
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-1' does not exist",
            ErrorClass::NotFound,
            Certainty::Rejected,
        ),
        (
            400,
            "DependencyViolation",
            "resource sg-1 has a dependent object",
            ErrorClass::InUse,
            Certainty::Rejected,
        ),
        (
            503,
            "RequestLimitExceeded",
            "Request limit exceeded.",
            ErrorClass::Throttled,
            Certainty::Rejected,
        ),
        (
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
            ErrorClass::Denied,
            Certainty::Rejected,
        ),
        (
            400,
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
            ErrorClass::Quota,
            Certainty::Rejected,
        ),
        (
            400,
            "AuthFailure",
            "The address '198.51.100.1' does not belong to you.",
            ErrorClass::NotFound,
            Certainty::Rejected,
        ),
        (
            500,
            "InternalError",
            "An internal error has occurred",
            ErrorClass::Transient,
            Certainty::Ambiguous,
        ),
        (
            503,
            "Unavailable",
            "The server is overloaded and can't handle the request.",
            ErrorClass::Transient,
            Certainty::Ambiguous,
        ),
    ];
    for (status, code, message, class, certainty) in cases {
        let aws = aws_answering(ec2(status, code, message)).await;
        let error = send("ec2:DeleteVpc", aws.ec2.delete_vpc().vpc_id("vpc-1").send()).await;
        let error = error.unwrap_err();
        assert_eq!(error.message, message);
        expect(error, code, class, certainty);
    }
}

#[tokio::test]
async fn query_protocol_of_load_balancing_and_iam() {
    let cases = [
        (
            400,
            "TargetGroupNotFound",
            "One or more target groups not found",
            ErrorClass::NotFound,
        ),
        (
            400,
            "ResourceInUse",
            "Target group 'arn:x' is currently in use by a listener or a rule",
            ErrorClass::InUse,
        ),
        (
            400,
            "UnsupportedCertificate",
            "The certificate 'arn:x' must have a fully-qualified domain name, a supported signature, and a supported key size.",
            ErrorClass::NotYet,
        ),
        (400, "Throttling", "Rate exceeded", ErrorClass::Throttled),
    ];
    for (status, code, message, class) in cases {
        let aws = aws_answering(query(status, code, message)).await;
        let call = aws.elb.delete_target_group().target_group_arn("arn:x");
        let error = send("elb:DeleteTargetGroup", call.send())
            .await
            .unwrap_err();
        expect(error, code, class, Certainty::Rejected);
    }
    let cases = [
        (
            404,
            "NoSuchEntity",
            "The role with name x cannot be found.",
            ErrorClass::NotFound,
        ),
        (
            409,
            "EntityAlreadyExists",
            "Role with name x already exists.",
            ErrorClass::AlreadyExists,
        ),
        (
            409,
            "DeleteConflict",
            "Cannot delete entity, must detach all policies first.",
            ErrorClass::InUse,
        ),
        (
            409,
            "ConcurrentModification",
            "The request was rejected.",
            ErrorClass::NotYet,
        ),
        (
            400,
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:x\"",
            ErrorClass::NotYet,
        ),
    ];
    for (status, code, message, class) in cases {
        let aws = aws_answering(query(status, code, message)).await;
        let error = send(
            "iam:DeleteRole",
            aws.iam.delete_role().role_name("x").send(),
        )
        .await;
        expect(error.unwrap_err(), code, class, Certainty::Rejected);
    }
}

async fn refused_batch(answer: Answer) -> CallError {
    let aws = aws_answering(answer).await;
    let record = route53::ResourceRecordSet::builder()
        .name("a.example.com")
        .r#type(route53::RrType::A)
        .build()
        .unwrap();
    let change = route53::Change::builder()
        .action(route53::ChangeAction::Delete)
        .resource_record_set(record)
        .build()
        .unwrap();
    let batch = route53::ChangeBatch::builder()
        .changes(change)
        .build()
        .unwrap();
    let call = aws.route53.change_resource_record_sets();
    let call = call.hosted_zone_id("Z1").change_batch(batch);
    send("route53:ChangeResourceRecordSets", call.send())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn rest_xml_of_route_53() {
    let gone = "Tried to delete resource record set [name='a.example.com.', type='A'] but it was not found";
    let error = refused_batch(query(400, "InvalidChangeBatch", &format!("[{gone}]"))).await;
    expect(
        error,
        "InvalidChangeBatch",
        ErrorClass::NotFound,
        Certainty::Rejected,
    );
    let error = refused_batch(query(
        400,
        "PriorRequestNotComplete",
        "The request was rejected because Route 53 was still processing a prior request.",
    ))
    .await;
    expect(
        error,
        "PriorRequestNotComplete",
        ErrorClass::Throttled,
        Certainty::Rejected,
    );
    let error = refused_batch(query(
        404,
        "NoSuchHostedZone",
        "No hosted zone found with ID: Z1",
    ))
    .await;
    expect(
        error,
        "NoSuchHostedZone",
        ErrorClass::NotFound,
        Certainty::Rejected,
    );
}

#[tokio::test]
async fn the_refusal_that_only_a_batch_of_records_has() {
    let body = |message: &str| {
        xml(
            400,
            &format!(
                "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
                 <Messages><Message>{message}</Message></Messages>\
                 <RequestId>72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11</RequestId></InvalidChangeBatch>"
            ),
        )
    };
    let there =
        "Tried to create resource record set a.example.com. type A,\n but it already exists";
    let error = refused_batch(body(there)).await;
    assert_eq!(
        error.message,
        "Tried to create resource record set a.example.com. type A, but it already exists"
    );
    expect(
        error,
        "InvalidChangeBatch",
        ErrorClass::AlreadyExists,
        Certainty::Rejected,
    );
    let gone = "Tried to delete resource record set a &amp; b type A, but it was not found";
    let error = refused_batch(body(gone)).await;
    assert!(error.message.contains("set a & b type A"), "{error}");
    expect(
        error,
        "InvalidChangeBatch",
        ErrorClass::NotFound,
        Certainty::Rejected,
    );
}

#[tokio::test]
async fn json_of_ecs_cloud_map_certificates_and_logs() {
    let cases = [
        (
            400,
            "com.amazonaws.ecs#ServiceNotFoundException",
            "Service not found.",
            "ServiceNotFoundException",
            ErrorClass::NotFound,
        ),
        (
            400,
            "ServiceNotActiveException",
            "Service was not ACTIVE.",
            "ServiceNotActiveException",
            ErrorClass::NotFound,
        ),
        (
            400,
            "InvalidParameterException",
            "The target group with targetGroupArn arn:x does not have an associated load balancer.",
            "InvalidParameterException",
            ErrorClass::NotYet,
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            "ThrottlingException",
            ErrorClass::Throttled,
        ),
        (
            400,
            "ClusterNotFoundException",
            "Cluster not found.",
            "ClusterNotFoundException",
            ErrorClass::NotFound,
        ),
        (
            400,
            "AccessDeniedException",
            "User: x is not authorized to perform: ecs:DeleteService",
            "AccessDeniedException",
            ErrorClass::Denied,
        ),
    ];
    for (status, kind, message, code, class) in cases {
        let aws = aws_answering(json(status, kind, message)).await;
        let call = aws.ecs.delete_service().service("x");
        let error = send("ecs:DeleteService", call.send()).await.unwrap_err();
        expect(error, code, class, Certainty::Rejected);
    }
    let aws = aws_answering(json(
        500,
        "ServerException",
        "These errors are usually caused by a server issue.",
    ))
    .await;
    let call = aws.ecs.delete_service().service("x");
    let error = send("ecs:DeleteService", call.send()).await.unwrap_err();
    expect(
        error,
        "ServerException",
        ErrorClass::Transient,
        Certainty::Ambiguous,
    );

    let aws = aws_answering(json(
        400,
        "ResourceInUse",
        "Service contains registered instances",
    ))
    .await;
    let call = aws.cloud_map.delete_service().id("srv-1");
    let error = send("servicediscovery:DeleteService", call.send()).await;
    expect(
        error.unwrap_err(),
        "ResourceInUse",
        ErrorClass::InUse,
        Certainty::Rejected,
    );

    let aws = aws_answering(json(
        400,
        "ResourceInUseException",
        "Certificate arn:x is in use.",
    ))
    .await;
    let call = aws.acm.delete_certificate().certificate_arn("arn:x");
    let error = send("acm:DeleteCertificate", call.send()).await;
    expect(
        error.unwrap_err(),
        "ResourceInUseException",
        ErrorClass::InUse,
        Certainty::Rejected,
    );

    let aws = aws_answering(json(
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
    ))
    .await;
    let call = aws.logs.delete_log_group().log_group_name("x");
    let error = send("logs:DeleteLogGroup", call.send()).await;
    expect(
        error.unwrap_err(),
        "OperationAbortedException",
        ErrorClass::NotYet,
        Certainty::Rejected,
    );
}

#[tokio::test]
async fn an_answer_that_no_service_gives_leaves_the_fate_open() {
    // A load balancer or a proxy in between.
    let proxy = Answer {
        status: 502,
        content_type: "text/html",
        body: "<html><body>Bad Gateway</body></html>".to_owned(),
    };
    let aws = aws_answering(proxy).await;
    let error = send("ec2:DeleteVpc", aws.ec2.delete_vpc().vpc_id("vpc-1").send()).await;
    let error = error.unwrap_err();
    assert!(error.message.contains("status 502"), "{error}");
    assert_eq!(
        (error.class, error.certainty),
        (ErrorClass::Transient, Certainty::Ambiguous),
        "{error:?}"
    );
}
