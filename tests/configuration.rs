//! Does navi find credentials, region, endpoint, proxy and certificates where the AWS CLI finds them? With the real binary, on loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{Ended, Listener, Moto, Navi, Proxy};

const HERE: &str = "eu-west-1";

/// `navi plan` of a small stack in this environment. Nothing of the machine's own configuration gets
/// in, and no instance role. It trusts the state, so that of a new stack it asks nothing but whose account it is.
fn plan(navi: &Navi, environment: &[(&str, &str)], options: &[&str]) -> Ended {
    run(navi, &["plan", "--no-refresh"], environment, options)
}

fn run(navi: &Navi, command: &[&str], environment: &[(&str, &str)], options: &[&str]) -> Ended {
    let file = Navi::shipped("minimal.yaml");
    let mut command = navi.command(&[command, options].concat());
    command
        .args(["-f", file.to_str().unwrap()])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // Files of the test, or none.
        .env("HOME", navi.folder())
        .envs(environment.iter().copied());
    Ended::of(command.output().unwrap())
}

/// Keys in the environment, for tests of something else.
const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_REGION", HERE),
];

fn with_keys<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    KEYS.iter().copied().chain(more.iter().copied()).collect()
}

/// An STS that says that everybody is of this account.
fn sts(account: &'static str) -> Listener {
    Listener::start(move |_| (200, identity(account)))
}

fn identity(account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/somebody</Arn><UserId>AIDA</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
}

/// Whoever signed the requests, and for which region: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn signed_by(listener: &Listener, key: &str, region: &str) -> bool {
    listener.requests.all().iter().any(|request| {
        request.contains(&format!("Credential={key}/"))
            && request.contains(&format!("/{region}/sts/aws4_request"))
    })
}

/// Writes `~/.aws/config` and `~/.aws/credentials`.
fn aws_files(navi: &Navi, config: &str, credentials: &str) {
    let folder = navi.folder().join(".aws");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config"), config).unwrap();
    fs::write(folder.join("credentials"), credentials).unwrap();
}

#[track_caller]
fn assert_says(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn an_endpoint_with_a_private_certificate_needs_the_bundle_that_vouches_for_it() {
    let navi = Navi::new();
    let moto = Moto::with_tls();
    let endpoint = ("AWS_ENDPOINT_URL", moto.endpoint.as_str());
    let ended = plan(&navi, &with_keys(&[endpoint]), &[]).expect(1);
    assert_says(
        &ended.stderr,
        &[&moto.endpoint, "invalid peer certificate", "AWS_CA_BUNDLE"],
    );

    let authority = moto.authority().to_str().unwrap();
    let bundle = ("AWS_CA_BUNDLE", authority);
    let ended = plan(&navi, &with_keys(&[endpoint, bundle]), &[]).expect(0);
    assert_says(
        &ended.stdout,
        &["account 123456789012, eu-west-1, at https://"],
    );

    // The profile's word for the same.
    aws_files(&navi, &format!("[default]\nca_bundle = {authority}\n"), "");
    plan(&navi, &with_keys(&[endpoint]), &[]).expect(0);

    let missing = ("AWS_CA_BUNDLE", "/nowhere/bundle.pem");
    let ended = plan(&navi, &with_keys(&[endpoint, missing]), &[]).expect(1);
    assert_says(&ended.stderr, &["/nowhere/bundle.pem", "AWS_CA_BUNDLE"]);
}

#[test]
fn https_goes_through_the_proxy_and_around_it_where_no_proxy_says_so() {
    let navi = Navi::new();
    let moto = Moto::with_tls();
    let proxy = Proxy::start();
    let authority = moto.authority().to_str().unwrap();
    let environment = with_keys(&[
        ("AWS_ENDPOINT_URL", &moto.endpoint),
        ("AWS_CA_BUNDLE", authority),
        ("HTTPS_PROXY", &proxy.url),
    ]);
    let target = moto.endpoint.trim_start_matches("https://").to_owned();
    plan(&navi, &environment, &[]).expect(0);
    assert_eq!(proxy.targets.all(), [target]);

    let around = [&environment[..], &[("NO_PROXY", "127.0.0.1,example.com")]].concat();
    plan(&navi, &around, &[]).expect(0);
    assert_eq!(proxy.targets.all().len(), 1);

    let dead = [&environment[..], &[("HTTPS_PROXY", "http://127.0.0.1:1")]].concat();
    let ended = plan(&navi, &dead, &[]).expect(1);
    assert_says(&ended.stderr, &["HTTPS_PROXY", "CONNECT tunnel failed"]);
}

#[test]
fn the_proxy_of_the_environment_stays_out_of_the_sandbox() {
    let navi = Navi::new();
    let elsewhere = Listener::start(|_| (500, String::new()));
    let environment = with_keys(&[
        ("HTTP_PROXY", &elsewhere.endpoint),
        ("AWS_ENDPOINT_URL", &elsewhere.endpoint),
        ("AWS_ENDPOINT_URL_STS", &elsewhere.endpoint),
        ("AWS_ENDPOINT_URL_EC2", &elsewhere.endpoint),
        ("AWS_PROFILE", "nobody"),
        ("AWS_CA_BUNDLE", "/nowhere"),
    ]);
    run(&navi, &["up", "--yes"], &environment, &["--sandbox"]).expect(0);
    assert_eq!(elsewhere.requests.all(), Vec::<String>::new());
}

#[test]
fn a_profile_gives_keys_region_and_endpoint() {
    let navi = Navi::new();
    let server = sts("111111111111");
    let config = format!(
        "[profile work]\nregion = eu-north-1\nendpoint_url = {}\n[profile other]\nregion = us-east-1\n",
        server.endpoint
    );
    let credentials = "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret\n";
    aws_files(&navi, &config, credentials);

    let ended = plan(&navi, &[], &["--profile", "work"]).expect(0);
    assert_says(&ended.stdout, &["account 111111111111, eu-north-1"]);
    assert!(signed_by(&server, "AKIAWORK", "eu-north-1"));
    plan(&navi, &[("AWS_PROFILE", "work")], &[]).expect(0);

    // --region is over the profile's, and an explicit profile over keys that are still about.
    let ended = plan(&navi, &KEYS[..2], &["--profile", "work", "--region", HERE]).expect(0);
    assert_says(&ended.stdout, &[HERE]);
    assert!(signed_by(&server, "AKIAWORK", HERE));
    assert!(!signed_by(&server, "AKIAENVIRONMENT", HERE));
    // A profile of the environment is not: the AWS CLI's order.
    let both = [&KEYS[..], &[("AWS_PROFILE", "work")]].concat();
    plan(&navi, &both, &[]).expect(0);
    assert!(signed_by(&server, "AKIAENVIRONMENT", HERE));

    let ended = plan(&navi, &KEYS, &["--profile", "wrok"]).expect(1);
    assert_says(&ended.stderr, &["wrok", "other, work"]);
}

#[test]
fn a_services_section_redirects_single_services() {
    let navi = Navi::new();
    let server = sts("111111111111");
    let config = format!(
        "[default]\nregion = {HERE}\nservices = local\n[services local]\nsts =\n  endpoint_url = {}\n",
        server.endpoint
    );
    aws_files(&navi, &config, "");
    plan(&navi, &KEYS[..2], &[]).expect(0);
    assert!(signed_by(&server, "AKIAENVIRONMENT", HERE));
}

#[test]
fn an_explicit_endpoint_beats_all_configured_ones() {
    let navi = Navi::new();
    let (wanted, configured) = (sts("111111111111"), sts("222222222222"));
    let environment = with_keys(&[
        ("AWS_ENDPOINT_URL", &configured.endpoint),
        ("AWS_ENDPOINT_URL_STS", &configured.endpoint),
    ]);
    let ended = plan(&navi, &environment, &["--endpoint-url", &wanted.endpoint]).expect(0);
    assert_says(&ended.stdout, &["111111111111"]);
    assert_eq!(configured.requests.all(), Vec::<String>::new());
    let ended = plan(&navi, &environment, &[]).expect(0);
    assert_says(&ended.stdout, &["222222222222"]);
}

#[test]
fn ignored_endpoints_are_ignored_for_single_services_too() {
    let navi = Navi::new();
    let configured = sts("222222222222");
    let proxy = Proxy::start();
    let environment = with_keys(&[
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_ENDPOINT_URL", &configured.endpoint),
        ("AWS_ENDPOINT_URL_STS", &configured.endpoint),
        // So that what is meant for AWS doesn't get there.
        ("HTTPS_PROXY", &proxy.url),
    ]);
    plan(&navi, &environment, &[]).expect(1);
    assert_eq!(configured.requests.all(), Vec::<String>::new());
    let targets = proxy.targets.all();
    assert_eq!(targets[0], format!("sts.{HERE}.amazonaws.com:443"));
}

#[test]
fn an_endpoint_that_is_no_url_never_turns_into_aws_itself() {
    let navi = Navi::new();
    for (environment, options, source) in [
        (Some("localhost:5000"), vec![], "AWS_ENDPOINT_URL"),
        (
            None,
            vec!["--endpoint-url", "localhost:5000"],
            "--endpoint-url",
        ),
    ] {
        let endpoint = environment.map(|url| ("AWS_ENDPOINT_URL", url));
        let endpoint: Vec<_> = endpoint.into_iter().collect();
        let ended = plan(&navi, &with_keys(&endpoint), &options).expect(1);
        assert_says(&ended.stderr, &["localhost:5000", source, "http://"]);
    }
}

#[test]
fn the_endpoint_of_one_service_redirects_that_service_alone() {
    let navi = Navi::new();
    let moto = Moto::start();
    let everywhere = with_keys(&[("AWS_ENDPOINT_URL", &moto.endpoint)]);
    run(&navi, &["up", "--yes", "--no-wait"], &everywhere, &[]).expect(0);
    let ec2 = Listener::start(|_| (400, refusal("Redirected", "this is the other EC2")));
    let environment = [&everywhere[..], &[("AWS_ENDPOINT_URL_EC2", &ec2.endpoint)]].concat();

    let ended = run(&navi, &["plan"], &environment, &[]).expect(1);
    assert_says(&ended.stderr, &["ec2:Describe"]);
    let requests = ec2.requests.all();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_says(request, &["/ec2/aws4_request"]);
    }
    plan(&navi, &environment, &["--endpoint-url", &moto.endpoint]).expect(0);
    assert_eq!(ec2.requests.all().len(), requests.len());
}

#[test]
fn a_web_identity_is_exchanged_at_sts() {
    let navi = Navi::new();
    let moto = Moto::start();
    let token = navi.write("token", "the.identity.token");
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::333333333333:role/deployer"),
        ("AWS_REGION", HERE),
        ("AWS_ENDPOINT_URL", &moto.endpoint),
    ];
    let ended = plan(&navi, &environment, &[]).expect(0);
    assert_says(&ended.stdout, &["account 333333333333"]);

    let refused = Listener::start(|_| {
        let message = "No OpenIDConnect provider found in your account";
        (400, refusal("InvalidIdentityToken", message))
    });
    let environment = [
        &environment[..3],
        &[("AWS_ENDPOINT_URL", &refused.endpoint)],
    ]
    .concat();
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(
        &ended.stderr,
        &["InvalidIdentityToken", "No OpenIDConnect provider"],
    );
    assert!(!ended.stderr.contains("the.identity.token"));
}

#[test]
fn web_identity_goes_through_the_proxy_too() {
    let navi = Navi::new();
    let proxy = Proxy::start();
    let token = navi.write("token", "the.identity.token");
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::333333333333:role/deployer"),
        ("AWS_REGION", HERE),
        ("HTTPS_PROXY", &proxy.url),
    ];
    plan(&navi, &environment, &[]).expect(1);
    let sts = format!("sts.{HERE}.amazonaws.com:443");
    let targets = proxy.targets.all();
    assert!(!targets.is_empty() && targets.iter().all(|target| *target == sts));
}

#[test]
fn a_credential_process_is_asked() {
    let navi = Navi::new();
    let server = sts("111111111111");
    let answer = json!({"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "secret"});
    let script = navi.write("keys", &format!("#!/bin/sh\necho '{answer}'\n"));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let config = format!(
        "[default]\nregion = {HERE}\nendpoint_url = {}\ncredential_process = {}\n\
         [profile broken]\ncredential_process = false\n",
        server.endpoint,
        script.display()
    );
    aws_files(&navi, &config, "");
    plan(&navi, &[], &[]).expect(0);
    assert!(signed_by(&server, "AKIAPROCESS", HERE));

    let ended = plan(&navi, &[], &["--profile", "broken", "--region", HERE]).expect(1);
    assert_says(&ended.stderr, &["no credentials", "credential"]);
}

#[test]
fn an_sso_session_gives_credentials_until_it_expires() {
    let navi = Navi::new();
    let server = Listener::start(|request| {
        if !request.starts_with("GET /federation/credentials?") {
            return (200, identity("111111111111"));
        }
        assert!(request.contains("the-sso-token"), "{request}");
        let credentials = json!({
            "accessKeyId": "ASIASSO", "secretAccessKey": "secret", "sessionToken": "session",
            "expiration": 4_102_444_800_000_u64,
        });
        (200, json!({"roleCredentials": credentials}).to_string())
    });
    let config = format!(
        "[default]\nregion = {HERE}\nendpoint_url = {}\nsso_session = my-session\n\
         sso_account_id = 111111111111\nsso_role_name = deployer\n\
         [sso-session my-session]\nsso_region = {HERE}\nsso_start_url = https://example.awsapps.com/start\n",
        server.endpoint
    );
    aws_files(&navi, &config, "");
    // The AWS CLI keeps the token under the SHA-1 of the session's name.
    let cache = navi.folder().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    let cache = cache.join("9e28173066ce536e277c5fb355efd9c64f398167.json");
    let token = |expires: &str| {
        json!({"accessToken": "the-sso-token", "expiresAt": expires, "region": HERE,
               "startUrl": "https://example.awsapps.com/start"})
        .to_string()
    };
    fs::write(&cache, token("2099-01-01T00:00:00Z")).unwrap();
    plan(&navi, &[], &[]).expect(0);
    assert!(signed_by(&server, "ASIASSO", HERE));

    fs::write(&cache, token("2020-01-01T00:00:00Z")).unwrap();
    let ended = plan(&navi, &[], &[]).expect(1);
    assert_says(
        &ended.stderr,
        &["no credentials", "expired", "aws sso login"],
    );
    assert!(!ended.stderr.contains("the-sso-token"));
}

#[test]
fn without_credentials_it_says_what_to_do() {
    let navi = Navi::new();
    let region = ("AWS_REGION", HERE);
    let ended = plan(&navi, &[region], &[]).expect(1);
    assert_says(
        &ended.stderr,
        &["no credentials", "aws sso login", "--profile", "--sandbox"],
    );
    // An instance metadata service that never answers is not waited for in vain for long: the test
    // would hang here.
    let silent = Listener::silent();
    let silent = [
        region,
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent.endpoint),
    ];
    let ended = plan(&navi, &silent, &[]).expect(1);
    assert_says(&ended.stderr, &["no credentials"]);

    let ended = plan(&navi, &KEYS[..2], &[]).expect(1);
    assert_says(&ended.stderr, &["no region", "--region", "AWS_REGION"]);
}

#[test]
fn credentials_that_aws_refuses_are_told_apart() {
    let navi = Navi::new();
    let expired = Listener::start(|_| {
        let message = "The security token included in the request is expired";
        (403, refusal("ExpiredToken", message))
    });
    let environment = with_keys(&[("AWS_ENDPOINT_URL", &expired.endpoint)]);
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(&ended.stderr, &["ExpiredToken", "have expired"]);
    assert_eq!(expired.requests.all().len(), 1, "a refusal is final");

    let unknown = Listener::start(|_| {
        let message = "The security token included in the request is invalid.";
        (403, refusal("InvalidClientTokenId", message))
    });
    let environment = with_keys(&[("AWS_ENDPOINT_URL", &unknown.endpoint)]);
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(
        &ended.stderr,
        &["InvalidClientTokenId", "does not take these credentials"],
    );

    // Something that is not AWS, such as the login page of a network.
    let page = Listener::start(|_| (403, "<html>Who are you?</html>".to_owned()));
    let environment = with_keys(&[("AWS_ENDPOINT_URL", &page.endpoint)]);
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(&ended.stderr, &[&page.endpoint, "status 403"]);
}

#[test]
fn an_endpoint_where_nobody_answers_is_given_up_after_two_attempts() {
    let navi = Navi::new();
    let failing = Listener::start(|_| (503, String::new()));
    let environment = with_keys(&[("AWS_ENDPOINT_URL", &failing.endpoint)]);
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(&ended.stderr, &[&failing.endpoint]);
    assert_eq!(failing.requests.all().len(), 2);

    let environment = with_keys(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
    let ended = plan(&navi, &environment, &[]).expect(1);
    assert_says(
        &ended.stderr,
        &[
            "http://127.0.0.1:1",
            "refused",
            "AWS_ENDPOINT_URL",
            "network",
        ],
    );
}

#[test]
fn the_state_of_another_account_is_refused() {
    let navi = Navi::new();
    let moto = Moto::start();
    let ours = with_keys(&[("AWS_ENDPOINT_URL", &moto.endpoint)]);
    run(&navi, &["up", "--yes", "--no-wait"], &ours, &[]).expect(0);
    let other = sts("999999999999");
    let theirs = with_keys(&[("AWS_ENDPOINT_URL", &other.endpoint)]);
    for command in [
        &["plan"][..],
        &["up", "--yes"],
        &["down", "--yes"],
        &["status"],
    ] {
        let ended = run(&navi, command, &theirs, &[]).expect(1);
        assert_says(&ended.stderr, &["123456789012", "999999999999"]);
    }
    // Nothing but the question whose account it is has been asked there.
    for request in other.requests.all() {
        assert_says(&request, &["Action=GetCallerIdentity"]);
    }
}
