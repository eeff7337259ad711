//! How does AWS write what a listener or a rule does with a request?

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    RedirectActionStatusCodeEnum, TargetGroupTuple,
};
use serde::Serialize;

use super::listener::FixedResponse;

/// An action with its references resolved, without what AWS fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionValue {
    /// An answer of the load balancer's own.
    FixedResponse(FixedResponse),
    /// The target group's ARN.
    Forward(String),
    /// Target groups' ARNs with the shares of the requests that they get.
    Weighted(BTreeMap<String, i32>),
    /// Same host, path and query, but another protocol and port.
    Redirect {
        /// `HTTPS`.
        protocol: String,
        /// `443`.
        port: String,
        /// `HTTP_301`.
        status_code: String,
    },
    /// One that navi never makes; AWS's name of its type.
    Other(String),
}

impl ActionValue {
    /// The action as AWS answers it. A forward to one group comes back both as `TargetGroupArn` and
    /// as `ForwardConfig`, and a redirect with AWS's own host, path and query (aws-behaviour §2.15).
    pub(super) fn of(action: &Action) -> ActionValue {
        match action {
            Action {
                fixed_response_config: Some(response),
                ..
            } => ActionValue::FixedResponse(FixedResponse {
                status_code: response
                    .status_code
                    .as_deref()
                    .and_then(|code| code.parse().ok())
                    .unwrap_or_default(),
                content_type: response.content_type.clone().unwrap_or_default(),
                message_body: response.message_body.clone().unwrap_or_default(),
            }),
            Action {
                redirect_config: Some(redirect),
                ..
            } => ActionValue::Redirect {
                protocol: redirect.protocol.clone().unwrap_or_default(),
                port: redirect.port.clone().unwrap_or_default(),
                status_code: redirect
                    .status_code
                    .as_ref()
                    .map(|code| code.as_str().to_owned())
                    .unwrap_or_default(),
            },
            action => match (single_target_group(action), &action.forward_config) {
                (Some(arn), _) => ActionValue::Forward(arn.to_owned()),
                (None, Some(config)) => ActionValue::Weighted(
                    config
                        .target_groups()
                        .iter()
                        .map(|group| {
                            let arn = group.target_group_arn.clone().unwrap_or_default();
                            (arn, group.weight.unwrap_or(1))
                        })
                        .collect(),
                ),
                (None, None) => {
                    let name = action.r#type.as_ref().map(ActionTypeEnum::as_str);
                    ActionValue::Other(name.unwrap_or("unknown").to_owned())
                }
            },
        }
    }

    /// The action as AWS takes it.
    pub(super) fn to_action(&self) -> Action {
        let action = Action::builder();
        match self {
            ActionValue::FixedResponse(response) => action
                .r#type(ActionTypeEnum::FixedResponse)
                .fixed_response_config(
                    FixedResponseActionConfig::builder()
                        .status_code(response.status_code.to_string())
                        .content_type(&response.content_type)
                        .message_body(&response.message_body)
                        .build(),
                ),
            ActionValue::Forward(arn) => {
                action.r#type(ActionTypeEnum::Forward).target_group_arn(arn)
            }
            ActionValue::Weighted(shares) => action.r#type(ActionTypeEnum::Forward).forward_config(
                ForwardActionConfig::builder()
                    .set_target_groups(Some(
                        shares
                            .iter()
                            .map(|(arn, weight)| {
                                TargetGroupTuple::builder()
                                    .target_group_arn(arn)
                                    .weight(*weight)
                                    .build()
                            })
                            .collect(),
                    ))
                    .build(),
            ),
            ActionValue::Redirect {
                protocol,
                port,
                status_code,
            } => action.r#type(ActionTypeEnum::Redirect).redirect_config(
                RedirectActionConfig::builder()
                    .protocol(protocol)
                    .port(port)
                    .status_code(RedirectActionStatusCodeEnum::from(status_code.as_str()))
                    .build(),
            ),
            ActionValue::Other(name) => action.r#type(ActionTypeEnum::from(name.as_str())),
        }
        .build()
    }
}

fn single_target_group(action: &Action) -> Option<&str> {
    let in_config = action
        .forward_config
        .as_ref()
        .map(|config| config.target_groups())
        .unwrap_or_default();
    match (action.target_group_arn.as_deref(), in_config) {
        (Some(arn), [] | [_]) => Some(arn),
        (None, [group]) => group.target_group_arn.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{ForwardActionConfig, TargetGroupTuple};

    use super::*;

    #[test]
    fn what_aws_fills_into_a_redirect_is_no_difference() {
        let wanted = ActionValue::Redirect {
            protocol: "HTTPS".into(),
            port: "443".into(),
            status_code: "HTTP_301".into(),
        };
        let answered = RedirectActionConfig::builder()
            .protocol("HTTPS")
            .port("443")
            .host("#{host}")
            .path("/#{path}")
            .query("#{query}")
            .status_code(RedirectActionStatusCodeEnum::Http301)
            .build();
        let answered = Action::builder()
            .r#type(ActionTypeEnum::Redirect)
            .redirect_config(answered)
            .order(1)
            .build();
        assert_eq!(ActionValue::of(&answered), wanted);
    }

    fn forward(arns: &[&str]) -> Action {
        let groups = arns.iter().map(|arn| {
            let group = TargetGroupTuple::builder().target_group_arn(*arn);
            group.weight(1).build()
        });
        let config = ForwardActionConfig::builder().set_target_groups(Some(groups.collect()));
        Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config.build())
            .build()
    }

    #[test]
    fn a_forward_to_one_group_is_one_in_either_form() {
        let wanted = ActionValue::Forward("arn:tg".into());
        let mut in_both = forward(&["arn:tg"]);
        in_both.target_group_arn = Some("arn:tg".into());
        for answered in [forward(&["arn:tg"]), in_both, wanted.to_action()] {
            assert_eq!(ActionValue::of(&answered), wanted);
        }
        assert_eq!(
            ActionValue::of(&forward(&["arn:tg", "arn:other"])),
            ActionValue::Weighted(BTreeMap::from([
                ("arn:other".into(), 1),
                ("arn:tg".into(), 1)
            ]))
        );
    }

    #[test]
    fn what_is_sent_is_read_back() {
        let values = [
            ActionValue::FixedResponse(FixedResponse {
                status_code: 404,
                content_type: "text/plain".into(),
                message_body: "404 Not Found".into(),
            }),
            ActionValue::Redirect {
                protocol: "HTTPS".into(),
                port: "443".into(),
                status_code: "HTTP_302".into(),
            },
        ];
        for value in values {
            assert_eq!(ActionValue::of(&value.to_action()), value);
        }
    }
}
