//! Does every protocol decode and encode as AWS's do?

use axum::http::Request;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

fn request(service: &str, body: &str) -> Request<Bytes> {
    Request::post("/")
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"))
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn body(response: Response<Bytes>) -> String {
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

#[test]
fn ec2_lists_and_structures_are_read() {
    let call = decode(
        &request("ec2", "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16&TagSpecification.1.Tag.2.Key=b&TagSpecification.1.Tag.1.Key=a+b&TagSpecification.1.ResourceType=vpc&EnableDnsSupport.Value=true"))
    .unwrap();
    assert_eq!(call.service, Service::Ec2);
    assert_eq!(
        (call.operation.as_str(), call.region.as_str()),
        ("CreateVpc", "eu-west-1")
    );
    assert_eq!(
        call.parameters,
        json!({
            "CidrBlock": "10.0.0.0/16",
            "EnableDnsSupport": {"Value": "true"},
            "TagSpecification": [{"ResourceType": "vpc", "Tag": [{"Key": "a b"}, {"Key": "b"}]}],
        })
    );
}

#[test]
fn more_than_nine_items_stay_in_order() {
    let form: String = (1..=12).map(|n| format!("&VpcId.{n}=v{n}")).collect();
    let call = decode(&request("ec2", &format!("Action=DescribeVpcs{form}"))).unwrap();
    let vpcs = call.parameters().strings("VpcId");
    assert_eq!((vpcs[1], vpcs[9], vpcs[11]), ("v2", "v10", "v12"));
}

#[test]
fn query_members_become_lists() {
    let call = decode(
        &request("elasticloadbalancing", "Action=CreateRule&Conditions.member.1.HostHeaderConfig.Values.member.1=a.example&Priority=100&Names="))
    .unwrap();
    assert_eq!(
        call.parameters,
        json!({"Conditions": [{"HostHeaderConfig": {"Values": ["a.example"]}}], "Names": "", "Priority": "100"})
    );
    assert_eq!(call.parameters().integer("Priority").unwrap(), Some(100));
    assert!(call.parameters().strings("Names").is_empty());
}

#[test]
fn json_carries_its_operation_in_a_header() {
    let mut request = request("ecs", r#"{"cluster":"c","count":2}"#);
    request.headers_mut().insert(
        "x-amz-target",
        HeaderValue::from_static("AmazonEC2ContainerServiceV20141113.DescribeServices"),
    );
    let call = decode(&request).unwrap();
    assert_eq!(call.operation, "DescribeServices");
    assert_eq!(call.parameters, json!({"cluster": "c", "count": 2}));
}

#[test]
fn route53_paths_and_bodies_are_read() {
    let mut request = request(
        "route53",
        r#"<?xml version="1.0"?><ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Comment>a &amp; b &#65;</Comment><Changes><Change><Action>UPSERT</Action><ResourceRecordSet><Name>x.</Name><ResourceRecords><ResourceRecord><Value>"v"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"#,
    );
    *request.uri_mut() = "/2013-04-01/hostedzone/Z1/rrset/?maxitems=1"
        .parse()
        .unwrap();
    let call = decode(&request).unwrap();
    assert_eq!(call.operation, "ChangeResourceRecordSets");
    assert_eq!(
        call.parameters,
        json!({
            "Id": "Z1",
            "maxitems": "1",
            "ChangeBatch": {
                "Comment": "a & b A",
                "Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "x.", "ResourceRecords": [{"Value": "\"v\""}]}}],
            },
        })
    );
}

#[test]
fn answers_have_the_shape_of_their_protocol() {
    let answer = || {
        Ok(
            json!({"vpcSet": [{"vpcId": "vpc-1", "isDefault": false, "none": null}], "name": "<a&b>"}),
        )
    };
    let ec2 = body(encode(Service::Ec2, "DescribeVpcs", "r-1", answer()));
    assert_eq!(
        ec2,
        r#"<?xml version="1.0" encoding="UTF-8"?><DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>false</isDefault></item></vpcSet><name>&lt;a&amp;b&gt;</name></DescribeVpcsResponse>"#
    );
    let query = body(encode(
        Service::Sts,
        "GetX",
        "r-1",
        Ok(json!({"Names": ["a"]})),
    ));
    assert!(query.contains("<GetXResult><Names><member>a</member></Names></GetXResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"));
    let route53 = body(encode(
        Service::Route53,
        "ListHostedZones",
        "r-1",
        Ok(json!({"HostedZones": [{"Id": "z"}]})),
    ));
    assert!(route53.contains("<HostedZones><HostedZone><Id>z</Id></HostedZone></HostedZones>"));
}

#[test]
fn refusals_have_the_shape_of_their_protocol() {
    let fault = || Err(Fault::new("InvalidVpcID.NotFound", "no <vpc>"));
    let ec2 = encode(Service::Ec2, "X", "r-1", fault());
    assert_eq!(ec2.status(), 400);
    assert!(body(ec2).contains("<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no &lt;vpc&gt;</Message></Error></Errors><RequestID>r-1</RequestID></Response>"));
    assert!(
        body(encode(Service::Iam, "X", "r-1", fault()))
            .contains("<Error><Type>Sender</Type><Code>")
    );
    let json = encode(
        Service::Ecs,
        "X",
        "r-1",
        Err(Fault::new("A", "b").with_member("extra", 1)),
    );
    assert_eq!(json.headers()["x-amzn-requestid"], "r-1");
    assert_eq!(
        serde_json::from_str::<Value>(&body(json)).unwrap(),
        json!({"__type": "A", "message": "b", "extra": 1})
    );
}

#[test]
fn a_created_zone_answers_201_with_its_location() {
    let response = encode(
        Service::Route53,
        "CreateHostedZone",
        "r",
        Ok(json!({"Location": "https://l", "HostedZone": {}})),
    );
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["location"], "https://l");
    assert!(!body(response).contains("https://l"));
}

#[test]
fn unsigned_and_unknown_requests_are_refused() {
    let mut unsigned = Request::post("/").body(Bytes::from("Action=X")).unwrap();
    let refused = decode(&unsigned).unwrap_err();
    assert_eq!(
        (refused.fault.code.as_str(), refused.fault.status),
        ("MissingAuthenticationToken", 403)
    );
    unsigned
        .headers_mut()
        .insert("x-amz-target", HeaderValue::from_static("Logs_20140328.X"));
    let refused = decode(&unsigned).unwrap_err();
    assert_eq!(refused.service, Service::Logs);
    assert_eq!(refused.fault.code, "MissingAuthenticationTokenException");
    let refused = decode(&request("s3", "")).unwrap_err();
    assert_eq!(refused.fault.status, 501);
    assert!(refused.fault.message.contains("docs/SANDBOX.md"));
    let refused = decode(&request("ecs", "{")).unwrap_err();
    assert_eq!(refused.fault.status, 400);
}

#[test]
fn odd_input_is_refused_not_fatal() {
    for text in [
        "<a",
        "<a/>",
        "</a>",
        "<a>&nope;</a>",
        "<a></b>",
        "",
        "<a>&#xZZ;</a>",
    ] {
        assert!(xml::parse(text.as_bytes()).is_err(), "{text}");
    }
    for form in [
        "",
        "Action",
        "Action=",
        "A.1=2&A=3&A.b=4&Action.1=X",
        "....=1",
        "%zz=%",
    ] {
        let _ = decode(&request("ec2", form));
    }
    assert!(xml::parse("<a>".repeat(1_000_000).as_bytes()).is_err());
    let deep = format!("Action=X&{}=1", "a.".repeat(100_000));
    assert!(decode(&request("ec2", &deep)).is_ok());
}
