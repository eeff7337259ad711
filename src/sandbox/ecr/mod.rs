//! What does Amazon's registry say of its images? Which digest a tag means, and which images and repositories there are.

mod image;
mod repository;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::{
    call::{Call, Parameters},
    dispatch::Operation,
    fault::Fault,
    images::ImageName,
    pagination::{InvalidToken, paginate},
    world::Context,
};

pub fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "BatchGetImage" => image::batch_get,
        "DescribeImages" => image::describe,
        "ListImages" => image::list,
        "DescribeRepositories" => repository::describe,
        _ => return None,
    })
}

/// The registry that a request means: the caller's own, unless it names another account's.
struct Registry {
    account: String,
    host: String,
}

impl Registry {
    fn of(context: &Context<'_>, parameters: &Parameters<'_>) -> Self {
        let account = parameters.string("registryId").unwrap_or(context.account);
        Self {
            account: account.to_owned(),
            host: format!("{account}.dkr.ecr.{}.amazonaws.com", context.region_name),
        }
    }

    fn image<'a>(&'a self, repository: &'a str, tag: &'a str) -> ImageName<'a> {
        ImageName {
            registry: &self.host,
            repository,
            tag,
            digest: None,
        }
    }

    fn repository<'a>(&self, context: &Context<'_>, call: &'a Call) -> Result<&'a str, Fault> {
        let name = call.parameters().string("repositoryName");
        let name = name.ok_or_else(|| call.service.missing_parameter("repositoryName"))?;
        self.check(context, name)?;
        Ok(name)
    }

    fn check(&self, context: &Context<'_>, repository: &str) -> Result<(), Fault> {
        if context.images.has_repository(&self.host, repository) {
            return Ok(());
        }
        Err(Fault::new(
            "RepositoryNotFoundException",
            format!(
                "The repository with name '{repository}' does not exist in the registry with id '{}'",
                self.account
            ),
        ))
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

/// One page of `items`, which are sorted by their keys. `ids`: the list with which the caller picks, and which excludes pages.
fn page(
    parameters: &Parameters<'_>,
    ids: &str,
    list: &str,
    items: Vec<(String, Value)>,
) -> Result<Value, Fault> {
    let size = parameters.integer("maxResults")?;
    let token = parameters.string("nextToken");
    if parameters.has(ids) && (size.is_some() || token.is_some()) {
        return Err(invalid(format!(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'maxResults and nextToken cannot be used with {ids}'"
        )));
    }
    let size = size.unwrap_or(if parameters.has(ids) { 1000 } else { 100 });
    if !(1..=1000).contains(&size) {
        return Err(invalid(
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value between 1 and 1000'",
        ));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let page = paginate(items, size, token).map_err(|InvalidToken| invalid("Invalid nextToken"))?;
    let mut answer = json!({list: page.items});
    if let Some(next) = page.next {
        answer["nextToken"] = next.into();
    }
    Ok(answer)
}
