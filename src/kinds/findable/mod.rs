//! How does each kind find its objects without the state? One file per concern, as in `model/`.

mod compute;
mod discovery;
mod dns;
mod identity;
mod ingress;
mod network;
mod scaling;

use futures::{StreamExt, TryStreamExt, stream};

use crate::resource::{CallError, Found, Resource};

/// Calls about single objects that are under way at the same time.
const AT_ONCE: usize = 8;

/// Asks for each of `items`, a few at a time, and keeps what is there.
async fn each<T, O, F>(
    items: impl IntoIterator<Item = T>,
    ask: impl Fn(T) -> F,
) -> Result<Vec<O>, CallError>
where
    F: Future<Output = Result<Option<O>, CallError>>,
{
    let answers: Vec<Option<O>> = stream::iter(items)
        .map(ask)
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Those that carry the stack's tag.
fn of_stack<K: Resource>(found: Vec<Found<K>>, stack: &str) -> Vec<Found<K>> {
    found
        .into_iter()
        .filter(|found| {
            found
                .tags
                .get(crate::resource::STACK_TAG)
                .map(String::as_str)
                == Some(stack)
        })
        .collect()
}

/// The one object that a person's word names; a name that several bear names none.
fn only<K: Resource>(mut found: Vec<Found<K>>, id: &str) -> Result<Option<Found<K>>, CallError> {
    match found.len() {
        0 | 1 => Ok(found.pop()),
        count => Err(CallError::local(
            "navi",
            format!(
                "{count} objects of kind {} are called `{id}`; name one by its ID",
                K::KIND
            ),
        )),
    }
}

/// What comes after the last slash: the ID in an ARN.
fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
