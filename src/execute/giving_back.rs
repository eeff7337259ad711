//! How do the stack's tags come off what was given back? Only once the state has let go of it: a run that is killed in
//! between leaves an object with tags that the state knows not to be the stack's.

use futures::{StreamExt, stream};

use crate::resource::{Address, CallError, Cloud, OWN_TAGS};
use crate::state::{GivenBack, Session, StateError};

/// Objects whose tags are taken off at the same time.
const AT_ONCE: usize = 8;

/// Takes navi's own tags off what was given back at these addresses and may still carry them. Answers those of which
/// AWS refused it. Tags that are off already are no error, nor is an object that is gone.
pub async fn take_tags_off(
    session: &Session,
    cloud: &dyn Cloud,
    addresses: &[Address],
) -> Result<Vec<(Address, CallError)>, StateError> {
    let tagged: Vec<GivenBack> = session.with_state(|state| {
        let given = state.given_back.iter();
        given
            .filter(|given| given.is_to_be_untagged() && addresses.contains(&given.address))
            .cloned()
            .collect()
    });
    let keys = OWN_TAGS.map(str::to_owned);
    let mut answers = stream::iter(tagged)
        .map(|given| {
            let keys = &keys;
            async move {
                let answer = cloud
                    .untag(given.address.kind(), &given.outputs, keys)
                    .await;
                (given, answer)
            }
        })
        .buffer_unordered(AT_ONCE);
    let mut refused = Vec::new();
    while let Some((given, answer)) = answers.next().await {
        match answer {
            Err(error) if !error.is_not_found() => refused.push((given.address, error)),
            _ => session.untagged(&given.address, given.id()).await?,
        }
    }
    refused.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(refused)
}
