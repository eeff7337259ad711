//! How do several kinds share one answer within one sweep? Through a memo that the sweep clears.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::resource::CallError;

type Answer = Result<Arc<dyn Any + Send + Sync>, CallError>;

/// Answers by key. Zone, alias records and certificate all compare against the records of one zone,
/// groups and their peer rules against the groups of one VPC; Route 53 allows five requests a second
/// per account (aws-behaviour §4), so each listing is asked for once.
#[derive(Clone, Default)]
pub struct Memo {
    answers: Arc<Mutex<HashMap<String, Arc<OnceCell<Answer>>>>>,
}

impl Memo {
    /// The answer kept under `key`, asked for at most once between two calls of [`Memo::clear`].
    /// A key stands for one type of answer; by convention it begins with the operation's name.
    pub async fn once<T, F>(&self, key: String, ask: F) -> Result<Arc<T>, CallError>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, CallError>>,
    {
        let cell = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.entry(key.clone()).or_default().clone()
        };
        let answer = cell
            .get_or_init(|| async {
                let answer: Arc<dyn Any + Send + Sync> = Arc::new(ask.await?);
                Ok(answer)
            })
            .await
            .clone()?;
        answer.downcast().map_err(|_| {
            CallError::local("navi", format!("two kinds of answer share the key {key}"))
        })
    }

    /// Forgets everything: the next reader asks AWS.
    pub fn clear(&self) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn an_answer_is_asked_for_once_until_cleared() {
        let memo = Memo::default();
        let asked = AtomicUsize::new(0);
        let ask = || async { Ok(asked.fetch_add(1, Ordering::SeqCst)) };
        let (one, two) = tokio::join!(
            memo.once("k".to_owned(), ask()),
            memo.once("k".to_owned(), ask())
        );
        assert_eq!((*one.unwrap(), *two.unwrap()), (0, 0));
        memo.clear();
        assert_eq!(*memo.once("k".to_owned(), ask()).await.unwrap(), 1);
    }
}
