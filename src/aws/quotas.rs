//! How much of something may the account have? Asked of Service Quotas.

use super::{Aws, send};
use crate::resource::CallError;

/// The quota as it applies to this account and region. `None` when Service Quotas knows no value of
/// the account's own: AWS's default applies then.
pub async fn applied(
    aws: &Aws,
    service_code: &str,
    quota_code: &str,
) -> Result<Option<f64>, CallError> {
    let call = aws.quotas.get_service_quota();
    let call = call.service_code(service_code).quota_code(quota_code);
    match send("servicequotas:GetServiceQuota", call.send()).await {
        Ok(answer) => Ok(answer.quota.and_then(|quota| quota.value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
