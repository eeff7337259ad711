//! Which image does a tag or a digest mean?

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Registry, invalid, page};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    images::ImageName,
    world::Context,
};

const MOST_IDS: usize = 100;
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// One of the request's `imageIds`.
struct ImageId<'a> {
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageId<'a> {
    fn read_all(parameters: &Parameters<'a>) -> Result<Vec<Self>, Fault> {
        let asked = parameters.list("imageIds");
        if asked.len() > MOST_IDS {
            return Err(invalid(format!(
                "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to {MOST_IDS}'"
            )));
        }
        let read = |item: Parameters<'a>| {
            let id = Self {
                tag: item.string("imageTag"),
                digest: item.string("imageDigest"),
            };
            match (id.tag, id.digest) {
                (None, None) => Err(invalid(
                    "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Either imageTag or imageDigest must be given'",
                )),
                _ => Ok(id),
            }
        };
        asked.into_iter().map(read).collect()
    }

    /// The digest, if there is such an image, and if the tag leads to the digest when both are given.
    fn digest(
        &self,
        context: &Context<'_>,
        registry: &Registry,
        repository: &str,
    ) -> Option<String> {
        let name = registry.image(repository, self.tag.unwrap_or_default());
        let by_digest = |digest| {
            context.images.digest_of(&ImageName {
                digest,
                ..name.clone()
            })
        };
        let Some(asked) = self.digest else {
            return by_digest(None).ok();
        };
        let found = by_digest(Some(asked)).ok()?;
        match self.tag {
            Some(_) => by_digest(None).ok().filter(|tagged| *tagged == found),
            None => Some(found),
        }
    }

    fn to_value(&self) -> Value {
        let mut value = Map::new();
        if let Some(digest) = self.digest {
            value.insert("imageDigest".to_owned(), json!(digest));
        }
        if let Some(tag) = self.tag {
            value.insert("imageTag".to_owned(), json!(tag));
        }
        value.into()
    }
}

/// By tag, by digest, or all that the sandbox knows of. One that is not there makes the whole request fail.
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let registry = Registry::of(context, &parameters);
    let repository = registry.repository(context, call)?;
    let asked = ImageId::read_all(&parameters)?;
    // Digest → tags under which it was asked for.
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in &asked {
        let digest = id.digest(context, &registry, repository).ok_or_else(|| {
            let or_null = |text: Option<&str>| text.unwrap_or("null").to_owned();
            Fault::new(
                "ImageNotFoundException",
                format!(
                    "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{repository}' in the registry with id '{}'",
                    or_null(id.digest),
                    or_null(id.tag),
                    registry.account
                ),
            )
        })?;
        let tags = found.entry(digest).or_default();
        tags.extend(id.tag.map(str::to_owned));
    }
    if !parameters.has("imageIds") {
        found = known(context, &registry, repository);
    }
    let shown = found
        .into_iter()
        .map(|(digest, asked)| {
            let mut tags = context.images.tags_of(&registry.host, repository, &digest);
            tags.extend(asked);
            tags.sort();
            tags.dedup();
            let pushed = context.images.pushed(&registry.host, repository, &digest);
            let mut detail = json!({
                "registryId": registry.account,
                "repositoryName": repository,
                "imageDigest": digest,
                "imageSizeInBytes": 10_000_000,
                "imagePushedAt": pushed.seconds(),
                "imageManifestMediaType": MANIFEST,
                "artifactMediaType": "application/vnd.docker.container.image.v1+json",
            });
            // An image without tags has no such member.
            if !tags.is_empty() {
                detail["imageTags"] = json!(tags);
            }
            (digest, detail)
        })
        .collect();
    page(&parameters, "imageIds", "imageDetails", shown)
}

fn known(
    context: &Context<'_>,
    registry: &Registry,
    repository: &str,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for tag in context.images.known_tags(&registry.host, repository) {
        let name = registry.image(repository, &tag);
        if let Ok(digest) = context.images.digest_of(&name) {
            found.entry(digest).or_default().push(tag);
        }
    }
    found
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let registry = Registry::of(context, &parameters);
    let repository = registry.repository(context, call)?;
    let shown = known(context, &registry, repository)
        .into_iter()
        .flat_map(|(digest, tags)| {
            let show = move |tag: String| {
                let id = json!({"imageDigest": digest, "imageTag": tag});
                (format!("{digest} {tag}"), id)
            };
            tags.into_iter().map(show).collect::<Vec<_>>()
        })
        .collect();
    page(&parameters, "imageIds", "imageIds", shown)
}

/// What is not there comes back among the failures.
pub fn batch_get(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let registry = Registry::of(context, &parameters);
    let repository = registry.repository(context, call)?;
    let asked = ImageId::read_all(&parameters)?;
    if asked.is_empty() {
        return Err(call.service.missing_parameter("imageIds"));
    }
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in &asked {
        let Some(digest) = id.digest(context, &registry, repository) else {
            failures.push(json!({
                "imageId": id.to_value(),
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            }));
            continue;
        };
        let mut image_id = id.to_value();
        image_id["imageDigest"] = json!(digest);
        images.push(json!({
            "registryId": registry.account,
            "repositoryName": repository,
            "imageId": image_id,
            "imageManifest": json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest}, "layers": []}).to_string(),
            "imageManifestMediaType": MANIFEST,
        }));
    }
    Ok(json!({"images": images, "failures": failures}))
}
