//! How does a field's value read in a plan? By names instead of ARNs, and without the quotes of JSON.

/// The value as a person reads it. The plan's JSON has it in full.
pub fn readable(value: &str) -> String {
    let structured = value.starts_with(['{', '[']);
    let mut text = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("arn:") {
        text.push_str(&rest[..at]);
        let end = rest[at..]
            .find(['"', ',', ' ', ']', '}'])
            .map_or(rest.len(), |length| at + length);
        text.push_str(named(&rest[at..end]));
        rest = &rest[end..];
    }
    text.push_str(rest);
    match structured {
        // A colon within a text stands there as it is: `ecs:DescribeTasks`.
        true => text
            .replace("\":", ": ")
            .replace('"', "")
            .replace(',', ", "),
        false => text,
    }
}

/// Services in which navi makes what the ARN names, so that its name says which is meant. An ARN that the stack file
/// itself holds (a parameter's, an object's in S3) may differ from another one anywhere.
const OF_NAVI: [&str; 6] = [
    "acm",
    "application-autoscaling",
    "ecs",
    "elasticloadbalancing",
    "iam",
    "servicediscovery",
];

/// The name in an ARN, `web-tg` of `arn:aws:elasticloadbalancing:…:targetgroup/web-tg/0123456789abcdef`.
fn named(arn: &str) -> &str {
    let pieces: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, _, _, resource] = pieces[..] else {
        return arn;
    };
    if !OF_NAVI.contains(&service) {
        return arn;
    }
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["targetgroup", name, ..] => name,
        ["loadbalancer" | "listener" | "listener-rule", _, name, ..] => name,
        [.., last] => last,
        [] => arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_reads_as_the_name_in_it() {
        for (value, read) in [
            (
                "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web-tg/012",
                "web-tg",
            ),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/web-lb/01/02",
                "web-lb",
            ),
            ("arn:aws:ecs:eu-west-1:1:cluster/main", "main"),
            ("arn:aws:ecs:eu-west-1:1:task-definition/web:3", "web:3"),
            ("arn:aws:acm:eu-west-1:1:certificate/0123-45", "0123-45"),
            ("10.0.0.0/16", "10.0.0.0/16"),
            (
                "arn:aws:ssm:eu-west-1:1:parameter/web/key",
                "arn:aws:ssm:eu-west-1:1:parameter/web/key",
            ),
            (
                r#"{"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::web/a.env"]}"#,
                "{Action: [s3:GetObject], Resource: [arn:aws:s3:::web/a.env]}",
            ),
            (
                r#"{"forward":"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web-tg/012"}"#,
                "{forward: web-tg}",
            ),
            (r#"["sg-1","sg-2"]"#, "[sg-1, sg-2]"),
            (
                r#"{"ports":["tcp 22: 0.0.0.0/0"],"Action":"ecs:DescribeTasks"}"#,
                "{ports: [tcp 22: 0.0.0.0/0], Action: ecs:DescribeTasks}",
            ),
        ] {
            assert_eq!(readable(value), read);
        }
    }
}
