//! Do the errors of every protocol, in the shapes that AWS answers, come out of the SDK with the class they call for?
//!
//! Each row is what one service answers to one call: the bytes go over a socket and through the SDK's own parser.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_route53::types as route53;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use axum::http::Response;
use axum::{Router, body::Body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Aws, send};
use crate::resource::{CallError, Certainty, ErrorClass};

const REQUEST_ID: &str = "72f5a6b0-3a4a-4c2e-9d3f-5d5c3f1f2c11";

/// One answer of AWS's.
#[derive(Clone, Debug, Default)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// XML tells the request's ID in the body alone here; AWS sends it in a header too.
fn xml(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "text/xml;charset=UTF-8".to_owned())],
        body: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"),
    }
}

/// EC2's own shape.
fn ec2(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let request = format!("<RequestID>{REQUEST_ID}</RequestID>");
    xml(
        status,
        &format!("<Response><Errors>{error}</Errors>{request}</Response>"),
    )
}

/// The shape of the query protocol and of Route 53, each in its service's namespace.
fn wrapped(namespace: &str, status: u16, code: &str, message: &str) -> Answer {
    xml(
        status,
        &format!(
            "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n    \
             <Message>{message}</Message>\n  </Error>\n  <RequestId>{REQUEST_ID}</RequestId>\n</ErrorResponse>\n"
        ),
    )
}

/// The shape of JSON 1.1; the ID is in the header only.
fn json(status: u16, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({"__type": code, "message": message});
    Answer {
        status,
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amzn-requestid", REQUEST_ID.to_owned()),
        ],
        body: body.to_string(),
    }
}

/// Clients whose calls nobody repeats.
fn clients_of(endpoint: &str, timeouts: TimeoutConfig) -> Aws {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Aws::new(&config)
}

/// An AWS that answers every call with what was set last.
struct Stage {
    answer: Arc<Mutex<Answer>>,
    aws: Aws,
}

impl Stage {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(Answer::default()));
        let next = answer.clone();
        let app = Router::new().fallback(move || {
            let answer = next.lock().unwrap().clone();
            async move {
                let mut response = Response::builder().status(answer.status);
                for (name, value) in answer.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(answer.body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Stage {
            answer,
            aws: clients_of(&format!("http://{address}"), TimeoutConfig::disabled()),
        }
    }

    /// What a call of this service comes to when it is answered so.
    async fn refused(&self, service: &str, answer: Answer) -> CallError {
        *self.answer.lock().unwrap() = answer;
        call(&self.aws, service).await.unwrap_err()
    }
}

/// One call to a service; which one makes no difference to the shape of a refusal, but for Route 53's batch.
async fn call(aws: &Aws, service: &str) -> Result<(), CallError> {
    match service {
        "ec2" => {
            let call = aws.ec2.delete_vpc().vpc_id("vpc-1");
            send("ec2:DeleteVpc", call.send()).await.map(drop)
        }
        "ec2:CreateRoute" => {
            let call = aws.ec2.create_route().route_table_id("rtb-1");
            send("ec2:CreateRoute", call.send()).await.map(drop)
        }
        "elb" => {
            let call = aws.elb.delete_target_group().target_group_arn("arn:x");
            send("elb:DeleteTargetGroup", call.send()).await.map(drop)
        }
        "iam" => {
            let call = aws.iam.delete_role().role_name("x");
            send("iam:DeleteRole", call.send()).await.map(drop)
        }
        "sts" => {
            let call = aws.sts.get_caller_identity();
            send("sts:GetCallerIdentity", call.send()).await.map(drop)
        }
        "route53" => {
            let batch = route53::ChangeBatch::builder().changes(deletion()).build();
            let call = aws.route53.change_resource_record_sets();
            let call = call.hosted_zone_id("Z1").change_batch(batch.unwrap());
            let answer = send("route53:ChangeResourceRecordSets", call.send());
            answer.await.map(drop)
        }
        "ecs" => {
            let call = aws.ecs.delete_service().service("x");
            send("ecs:DeleteService", call.send()).await.map(drop)
        }
        "cloud_map" => {
            let call = aws.cloud_map.delete_service().id("srv-1");
            let answer = send("servicediscovery:DeleteService", call.send());
            answer.await.map(drop)
        }
        "acm" => {
            let call = aws.acm.delete_certificate().certificate_arn("arn:x");
            send("acm:DeleteCertificate", call.send()).await.map(drop)
        }
        "logs" => {
            let call = aws.logs.delete_log_group().log_group_name("x");
            send("logs:DeleteLogGroup", call.send()).await.map(drop)
        }
        "ecr" => {
            let call = aws.ecr.describe_images().repository_name("x");
            send("ecr:DescribeImages", call.send()).await.map(drop)
        }
        "scaling" => {
            let call = aws.application_auto_scaling.describe_scalable_targets();
            let call = call.service_namespace("ecs".into());
            let operation = "application-autoscaling:DescribeScalableTargets";
            send(operation, call.send()).await.map(drop)
        }
        "quotas" => {
            let call = aws.quotas.get_service_quota().service_code("vpc");
            let call = call.quota_code("L-F678F1CE");
            let answer = send("servicequotas:GetServiceQuota", call.send());
            answer.await.map(drop)
        }
        other => unreachable!("no call of {other}"),
    }
}

fn deletion() -> route53::Change {
    let record = route53::ResourceRecordSet::builder()
        .name("a.example.com")
        .r#type(route53::RrType::A)
        .build();
    route53::Change::builder()
        .action(route53::ChangeAction::Delete)
        .resource_record_set(record.unwrap())
        .build()
        .unwrap()
}

/// A service's answer in the shape of its protocol.
fn answer(service: &str, status: u16, code: &str, message: &str) -> Answer {
    match service {
        "ec2" | "ec2:CreateRoute" => ec2(status, code, message),
        "elb" => {
            let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
            wrapped(namespace, status, code, message)
        }
        "iam" => {
            let namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
            wrapped(namespace, status, code, message)
        }
        "sts" => {
            let namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
            wrapped(namespace, status, code, message)
        }
        "route53" => {
            let namespace = "https://route53.amazonaws.com/doc/2013-04-01/";
            wrapped(namespace, status, code, message)
        }
        _ => json(status, code, message),
    }
}

/// What AWS answers, and what is to be made of it.
const ROWS: &str = include_str!("error_shapes/rows.txt");

#[tokio::test]
async fn every_row_in_the_shape_of_its_protocol() {
    let stage = Stage::new().await;
    let mut wrong = Vec::new();
    let rows = ROWS.lines().map(str::trim);
    let rows = rows.filter(|row| !row.is_empty() && !row.starts_with('#'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [service, status, code, message, class, fate] = cells[..] else {
            panic!("not a row: {row}");
        };
        count += 1;
        let escaped = message.replace('"', "&quot;");
        let status = status.parse().unwrap();
        let answer = match answer(service, status, code, message) {
            answer if answer.body.starts_with("<?xml") => Answer {
                body: answer.body.replace(message, &escaped),
                ..answer
            },
            answer => answer,
        };
        let error = stage.refused(service, answer).await;
        let certainty = match error.certainty {
            Certainty::Rejected => "rejected",
            Certainty::Ambiguous => "unknown",
        };
        let got = (
            error.code.as_deref(),
            error.message.as_str(),
            error.request_id.as_deref(),
            format!("{:?}", error.class),
            certainty,
        );
        let wanted = (
            Some(code),
            message,
            Some(REQUEST_ID),
            class.to_owned(),
            fate,
        );
        if got != wanted {
            wrong.push(format!("{row}\n    got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "only {count} rows were read");
}

fn told(error: &CallError) -> (Option<&str>, ErrorClass, Certainty, Option<&str>) {
    let CallError {
        code,
        class,
        certainty,
        request_id,
        ..
    } = error;
    (code.as_deref(), *class, *certainty, request_id.as_deref())
}

#[tokio::test]
async fn json_names_its_code_in_several_ways() {
    let stage = Stage::new().await;
    let wanted = (
        Some("AccessDeniedException"),
        ErrorClass::Denied,
        Certainty::Rejected,
        Some(REQUEST_ID),
    );
    // With the namespace of its model, and the member with a capital, as AWS's front door spells it.
    for r#type in [
        "com.amazonaws.ecs#AccessDeniedException",
        "com.amazon.coral.service#AccessDeniedException",
    ] {
        let mut answer = json(400, r#type, "");
        answer.body = serde_json::json!({"__type": r#type, "Message": "User: arn:x"}).to_string();
        let error = stage.refused("ecs", answer).await;
        assert_eq!(told(&error), wanted, "{error}");
        assert_eq!(error.message, "User: arn:x");
    }
    // In the header, where the code may be followed by where it came from.
    let mut answer = json(400, "", "");
    let kind = "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/";
    answer.headers.push(("x-amzn-errortype", kind.to_owned()));
    answer.body = serde_json::json!({"message": "User: arn:x"}).to_string();
    let error = stage.refused("ecs", answer).await;
    assert_eq!(told(&error), wanted, "{error}");
    // Without a word.
    let error = stage
        .refused("ecs", json(400, "AccessDeniedException", ""))
        .await;
    assert_eq!(error.message, "no further explanation");
}

#[tokio::test]
async fn the_refusal_that_only_a_batch_of_records_has() {
    let stage = Stage::new().await;
    let body = |message: &str| {
        xml(
            400,
            &format!(
                "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
                 <Messages><Message>{message}</Message></Messages>\
                 <RequestId>{REQUEST_ID}</RequestId></InvalidChangeBatch>"
            ),
        )
    };
    let code = Some("InvalidChangeBatch");
    let rejected = Certainty::Rejected;
    let there =
        "Tried to create resource record set a.example.com. type A,\n but it already exists";
    let error = stage.refused("route53", body(there)).await;
    assert_eq!(
        error.message,
        "Tried to create resource record set a.example.com. type A, but it already exists"
    );
    let wanted = (code, ErrorClass::AlreadyExists, rejected, Some(REQUEST_ID));
    assert_eq!(told(&error), wanted);

    let gone = "Tried to delete resource record set a &amp; b type A, but it was not found";
    let error = stage.refused("route53", body(gone)).await;
    assert!(error.message.contains("set a & b type A"), "{error}");
    let wanted = (code, ErrorClass::NotFound, rejected, Some(REQUEST_ID));
    assert_eq!(told(&error), wanted);

    // The same in the shape that all its operations share.
    let gone = "[Tried to delete resource record set [name='a.', type='A'] but it was not found]";
    let shared = answer("route53", 400, "InvalidChangeBatch", gone);
    let error = stage.refused("route53", shared).await;
    assert_eq!(told(&error), wanted);
}

#[tokio::test]
async fn what_no_service_answers_leaves_the_fate_open() {
    let stage = Stage::new().await;
    let page = |status| Answer {
        status,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html><body>Bad Gateway</body></html>".to_owned(),
    };
    for service in ["ec2", "elb", "route53", "ecs"] {
        // A load balancer or a proxy in between.
        for status in [500, 502, 503, 504] {
            let error = stage.refused(service, page(status)).await;
            assert!(error.message.contains(&status.to_string()), "{error}");
            let wanted = (None, ErrorClass::Transient, Certainty::Ambiguous, None);
            assert_eq!(told(&error), wanted, "{service} {status}: {error}");
        }
        // A page where the answer should be: the call may have gone through all the same.
        if ["route53", "ecs"].contains(&service) {
            let error = stage.refused(service, page(200)).await;
            let wanted = (None, ErrorClass::Transient, Certainty::Ambiguous, None);
            assert_eq!(told(&error), wanted, "{service}: {error}");
        }
        // It lets nothing through: AWS never saw the request.
        let error = stage.refused(service, page(429)).await;
        let wanted = (None, ErrorClass::Throttled, Certainty::Rejected, None);
        assert_eq!(told(&error), wanted, "{service}: {error}");
        let error = stage.refused(service, page(407)).await;
        let wanted = (None, ErrorClass::Other, Certainty::Rejected, None);
        assert_eq!(told(&error), wanted, "{service}: {error}");
    }
}

/// A peer that answers each request with these bytes and hangs up; without bytes it never answers.
async fn peer(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 65536];
            let _ = connection.read(&mut request).await.unwrap();
            match answer {
                Some(bytes) => connection.write_all(bytes).await.unwrap(),
                None => std::future::pending().await,
            }
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_fate_open() {
    let half =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 500\r\n\r\n<DeleteVpcRes";
    let peers = [
        ("hung up at once", peer(Some(b"")).await),
        ("hung up in the middle", peer(Some(half)).await),
        ("nobody there", nobody().await),
    ];
    for (what, endpoint) in peers {
        for service in ["ec2", "elb", "route53", "ecs"] {
            let aws = clients_of(&endpoint, TimeoutConfig::disabled());
            let error = call(&aws, service).await.unwrap_err();
            let wanted = (None, ErrorClass::Transient, Certainty::Ambiguous, None);
            assert_eq!(told(&error), wanted, "{service}, {what}: {error}");
            assert!(!error.message.is_empty(), "{what}");
        }
    }
}

/// Where nobody listens any more.
async fn nobody() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_the_fate_open() {
    let soon = TimeoutConfig::builder().read_timeout(Duration::from_millis(50));
    let aws = clients_of(&peer(None).await, soon.build());
    let error = call(&aws, "ec2").await.unwrap_err();
    let wanted = (None, ErrorClass::Transient, Certainty::Ambiguous, None);
    assert_eq!(told(&error), wanted, "{error}");
}
