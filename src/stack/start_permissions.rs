//! What must the role be allowed, so that tasks start with the secrets and environment files that the stack names?
//!
//! ECS reads both with the execution role (developer guide, "Pass sensitive data" and "environment files"). The statements
//! name exactly what the stack names and come beside those of `role`, so that the file need not say anything twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::policies::{Effect, Statement};
use super::resolved::{SecretSource, Stack};
use super::variables::ACCOUNT_ID;

impl Stack {
    /// The role's whole inline policy in this region.
    pub fn policy_document(&self, region: &str) -> Value {
        let mut statements = self.role.all_statements();
        statements.extend(self.start_statements(region));
        let statements: Vec<Value> = statements.iter().map(Statement::document).collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    fn start_statements(&self, region: &str) -> Vec<Statement> {
        let (mut parameters, mut secrets) = (BTreeSet::new(), BTreeSet::new());
        for source in self
            .containers()
            .flat_map(|container| container.secrets.values())
        {
            match source {
                SecretSource::ParameterName(name) => {
                    parameters.insert(self.parameter_arn(name, region));
                }
                SecretSource::ParameterArn(arn) => {
                    parameters.insert(arn.clone());
                }
                SecretSource::Secret { arn, .. } => {
                    secrets.insert(secret_resource(arn));
                }
            }
        }
        let files: BTreeSet<String> = self
            .containers()
            .flat_map(|container| container.environment_files.iter().cloned())
            .collect();
        // `arn:aws:s3:::bucket/path`: the bucket's own ARN ends before the slash.
        let buckets: BTreeSet<String> = files
            .iter()
            .filter_map(|file| Some(file.split_once('/')?.0.to_owned()))
            .collect();
        [
            ("ssm:GetParameters", parameters),
            ("secretsmanager:GetSecretValue", secrets),
            ("s3:GetObject", files),
            ("s3:GetBucketLocation", buckets),
        ]
        .into_iter()
        .filter(|(_, resources)| !resources.is_empty())
        .map(|(action, resources)| Statement {
            effect: Effect::Allow,
            actions: vec![action.to_owned()],
            resources: resources.into_iter().collect(),
            condition: BTreeMap::new(),
        })
        .collect()
    }

    /// A parameter's name begins with a slash, or has none at all; its ARN has exactly one after `parameter`.
    fn parameter_arn(&self, name: &str, region: &str) -> String {
        let account = self.account_id.as_deref().unwrap_or(ACCOUNT_ID);
        let partition = match region {
            china if china.starts_with("cn-") => "aws-cn",
            government if government.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let name = name.trim_start_matches('/');
        format!("arn:{partition}:ssm:{region}:{account}:parameter/{name}")
    }
}

/// Secrets Manager ends every ARN with a hyphen and six characters of its own, and IAM compares with the whole of it.
fn secret_resource(arn: &str) -> String {
    let is_complete = arn.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == 6
            && end
                .chars()
                .all(|character| character.is_ascii_alphanumeric())
    });
    if is_complete {
        arn.to_owned()
    } else {
        format!("{arn}-??????")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Variables, load};
    use super::*;

    const FILE: &str = "
stack: shop
services:
  web:
    containers:
      web:
        image: nginx
        secrets:
          A: /shop/a
          B: plain
          C: arn:aws:ssm:eu-west-2:999999999999:parameter/c
          D: \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:d-AbCdEf:key::\"
          E: arn:aws:secretsmanager:eu-west-1:123456789012:secret:short
        environment_files: [\"arn:aws:s3:::settings/shop/web.env\", \"arn:aws:s3:::settings/all.env\"]
      side: { image: nginx, secrets: { A: shop/a, F: \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:d-AbCdEf\" } }
";

    fn statements(variables: &Variables, region: &str) -> Vec<Value> {
        let stack = load("navi.yaml", FILE, variables).unwrap().stack;
        let document = stack.policy_document(region);
        // `ecr-pull` and `logs-write` come first.
        document["Statement"].as_array().unwrap()[2..].to_vec()
    }

    #[test]
    fn the_role_may_read_exactly_what_the_stack_names() {
        let known = Variables::default().with_account_id("123456789012");
        let statement = |action: &str, resources: &[&str]| {
            let resources = match resources {
                [only] => json!(only),
                many => json!(many),
            };
            json!({ "Effect": "Allow", "Action": [action], "Resource": resources })
        };
        assert_eq!(
            statements(&known, "eu-west-1"),
            [
                statement(
                    "ssm:GetParameters",
                    &[
                        "arn:aws:ssm:eu-west-1:123456789012:parameter/plain",
                        "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/a",
                        "arn:aws:ssm:eu-west-2:999999999999:parameter/c",
                    ]
                ),
                statement(
                    "secretsmanager:GetSecretValue",
                    &[
                        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:d-AbCdEf",
                        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:short-??????",
                    ]
                ),
                statement(
                    "s3:GetObject",
                    &[
                        "arn:aws:s3:::settings/all.env",
                        "arn:aws:s3:::settings/shop/web.env"
                    ]
                ),
                statement("s3:GetBucketLocation", &["arn:aws:s3:::settings"]),
            ]
        );
    }

    #[test]
    fn a_parameter_s_name_means_the_account_that_navi_works_in() {
        let unknown = load("navi.yaml", FILE, &Variables::default())
            .unwrap()
            .stack;
        assert!(unknown.needs_account_id());
        let known = Variables::default().with_account_id("123456789012");
        assert!(
            !load("navi.yaml", FILE, &known)
                .unwrap()
                .stack
                .needs_account_id()
        );
        let china = statements(&known, "cn-north-1");
        assert_eq!(
            china[0]["Resource"][0],
            "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/plain"
        );
    }
}
