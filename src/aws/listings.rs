//! How are many objects read where one that is gone fails the whole call? Together, and one by one only then.

use std::future::Future;

use crate::resource::CallError;

/// Describes all of `ids`, `per_call` at a time. Those that are gone are left out of the answer.
///
/// Elastic Load Balancing refuses the whole list for one unknown ARN and has no filters to ask with
/// instead, so a chunk that is refused with "not found" is asked for one by one.
pub async fn describe_present<T, F, Answer>(
    ids: &[String],
    per_call: usize,
    describe: F,
) -> Result<Vec<T>, CallError>
where
    F: Fn(Vec<String>) -> Answer,
    Answer: Future<Output = Result<Vec<T>, CallError>>,
{
    let mut present = Vec::new();
    for chunk in ids.chunks(per_call) {
        match describe(chunk.to_vec()).await {
            Ok(items) => present.extend(items),
            Err(error) if error.is_not_found() && chunk.len() > 1 => {
                for id in chunk {
                    match describe(vec![id.clone()]).await {
                        Ok(items) => present.extend(items),
                        Err(error) if error.is_not_found() => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(present)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::resource::ErrorClass;

    async fn describe(
        asked: &Mutex<Vec<usize>>,
        gone: &str,
        ids: Vec<String>,
    ) -> Result<Vec<String>, CallError> {
        asked.lock().unwrap().push(ids.len());
        match ids.iter().any(|id| id == gone) {
            true => Err(CallError {
                class: ErrorClass::NotFound,
                ..CallError::local("elb:DescribeRules", "gone")
            }),
            false => Ok(ids),
        }
    }

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|number| number.to_string()).collect()
    }

    #[tokio::test]
    async fn what_is_there_takes_one_call_per_chunk() {
        let asked = Mutex::new(Vec::new());
        let present = describe_present(&ids(45), 20, |chunk| describe(&asked, "none", chunk)).await;
        assert_eq!(present.unwrap().len(), 45);
        assert_eq!(*asked.lock().unwrap(), [20, 20, 5]);
    }

    #[tokio::test]
    async fn one_that_is_gone_does_not_hide_the_others() {
        let asked = Mutex::new(Vec::new());
        let present = describe_present(&ids(3), 20, |chunk| describe(&asked, "1", chunk)).await;
        assert_eq!(present.unwrap(), ["0", "2"]);
        assert_eq!(*asked.lock().unwrap(), [3, 1, 1, 1]);
    }

    #[tokio::test]
    async fn a_single_one_that_is_gone_takes_one_call() {
        let asked = Mutex::new(Vec::new());
        let present = describe_present(&ids(1), 20, |chunk| describe(&asked, "0", chunk)).await;
        assert!(present.unwrap().is_empty());
        assert_eq!(*asked.lock().unwrap(), [1]);
    }
}
