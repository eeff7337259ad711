//! How do the room's own tests talk to a sandbox? As an AWS client does, without a socket.

use axum::http::Request;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    clock::Moment,
    ec2::Egress,
    figures::Figures,
    pace::Pace,
    server::{Options, Sandbox},
    wire::DEFAULT_ACCOUNT,
};

#[derive(Clone)]
pub struct TestClient {
    sandbox: Sandbox,
    access_key: String,
    region: String,
}

impl TestClient {
    pub fn new() -> Self {
        Self::of(Sandbox::new(Options::default()))
    }

    /// At AWS's own pace, but with answers at once, to as many calls as a test makes.
    pub fn realistic() -> Self {
        Self::of(Sandbox::new(Options {
            pace: Pace::REALISTIC,
            seed: 1,
            figures: Figures::built_in().for_single_calls(),
        }))
    }

    pub fn of(sandbox: Sandbox) -> Self {
        Self {
            sandbox,
            access_key: "AKIDTEST".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    pub fn as_account(&self, account: &str) -> Self {
        Self {
            access_key: account.to_owned(),
            ..self.clone()
        }
    }

    pub fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The answer's XML, or the refusal's.
    pub async fn ec2(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, String> {
        self.send(self.ec2_request(operation, parameters)).await
    }

    pub async fn sts(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, String> {
        self.query("sts", operation, parameters).await
    }

    /// A call of the form-encoded protocols.
    pub async fn query(
        &self,
        service: &str,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, String> {
        self.send(self.form(service, operation, parameters)).await
    }

    /// A call of the JSON protocols.
    pub async fn json(
        &self,
        service: &str,
        operation: &str,
        parameters: Value,
    ) -> Result<Value, Value> {
        let request = self
            .signed(service)
            .header("x-amz-target", format!("Prefix.{operation}"))
            .body(Bytes::from(parameters.to_string()))
            .unwrap();
        let read = |text: String| serde_json::from_str(&text).unwrap();
        self.send(request).await.map(read).map_err(read)
    }

    /// A call of Route 53's protocol.
    pub async fn rest_xml(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<String, String> {
        let mut request = self
            .signed(service)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        self.send(request).await
    }

    /// Does what a certificate asks for: a CNAME in a public zone, which it makes.
    pub async fn publish_record(&self, zone: &str, record: &Value) {
        let zone = format!(
            "<CreateHostedZoneRequest><Name>{zone}</Name><CallerReference>r</CallerReference></CreateHostedZoneRequest>"
        );
        let zone = self
            .rest_xml("route53", "POST", "/2013-04-01/hostedzone", &zone)
            .await
            .unwrap();
        let batch = format!(
            "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>{}</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>{}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
            record["Name"].as_str().unwrap(),
            record["Value"].as_str().unwrap(),
        );
        let path = format!("/2013-04-01{}/rrset", text(&zone, "Id"));
        self.rest_xml("route53", "POST", &path, &batch)
            .await
            .unwrap();
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_navi/{path}"))
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let response = self.sandbox.handle(request).await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        serde_json::from_slice(response.body()).unwrap()
    }

    /// Why a control endpoint refuses.
    pub async fn control_refusal(&self, path: &str, body: Value) -> String {
        let request = Request::post(format!("/_navi/{path}"))
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let response = self.sandbox.handle(request).await.unwrap();
        assert_eq!(response.status(), 400, "{response:?}");
        let refusal: Value = serde_json::from_slice(response.body()).unwrap();
        refusal["message"].as_str().unwrap().to_owned()
    }

    /// The way out of a subnet of the default account, as the other services of the sandbox see it.
    pub fn egress(&self, subnet_id: &str) -> Egress {
        self.sandbox.lock().world.within(
            DEFAULT_ACCOUNT,
            &self.region,
            Moment::default(),
            |context| context.region.ec2.egress(subnet_id),
        )
    }

    pub fn ec2_request(&self, operation: &str, parameters: &[(&str, &str)]) -> Request<Bytes> {
        self.form("ec2", operation, parameters)
    }

    fn form(&self, service: &str, operation: &str, parameters: &[(&str, &str)]) -> Request<Bytes> {
        let mut body = format!("Action={operation}");
        for (name, value) in parameters {
            body += &format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        self.signed(service).body(Bytes::from(body)).unwrap()
    }

    fn signed(&self, service: &str) -> axum::http::request::Builder {
        let scope = format!(
            "{}/20261123/{}/{service}/aws4_request",
            self.access_key, self.region
        );
        Request::post("/").header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}"),
        )
    }

    async fn send(&self, request: Request<Bytes>) -> Result<String, String> {
        let response = self.sandbox.handle(request).await.unwrap();
        let succeeded = response.status().is_success();
        let text = String::from_utf8(response.into_body().to_vec()).unwrap();
        if succeeded { Ok(text) } else { Err(text) }
    }
}

/// The text of the first such element.
pub fn text(xml: &str, element: &str) -> String {
    let (_, rest) = xml
        .split_once(&format!("<{element}>"))
        .unwrap_or_else(|| panic!("no <{element}> in {xml}"));
    rest.split_once("</").unwrap().0.to_owned()
}
