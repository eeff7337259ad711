//! Which images are there? The sandbox runs no containers and takes every image as pushed, unless somebody told it otherwise.

use serde::{Deserialize, Serialize};

use super::{clock::Moment, ids::Ids};

/// One instruction: what became of an image, of a tag or of a whole repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRule {
    /// As it stands in an image's name: `web`, or `123456789012.dkr.ecr.eu-west-1.amazonaws.com/web` for one registry's only.
    pub repository: String,
    pub tag: Option<String>,
    /// What the tag names from now on; without a tag, the image meant by `missing`.
    pub digest: Option<String>,
    /// Whether it is gone; without tag and digest, the repository is.
    #[serde(default)]
    pub missing: bool,
    /// When the sandbox was told.
    #[serde(skip)]
    pub at: Moment,
}

/// What is wrong with a name of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Repository,
    Image,
}

/// The parts of an image's name as Docker reads them: the first part is a registry if it looks like a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName<'a> {
    pub registry: &'a str,
    pub repository: &'a str,
    pub tag: &'a str,
    pub digest: Option<&'a str>,
}

impl<'a> ImageName<'a> {
    pub fn read(text: &'a str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", name),
        };
        let (repository, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
        Self {
            registry,
            repository,
            tag,
            digest,
        }
    }
}

/// The instructions in force; a later one wins over an earlier one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Images(Vec<ImageRule>);

impl Images {
    pub fn add(&mut self, rule: ImageRule) -> Result<(), String> {
        let is_digest = |digest: &str| {
            digest.strip_prefix("sha256:").is_some_and(|rest| {
                rest.len() == 64 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        };
        if let Some(digest) = rule.digest.as_deref().filter(|digest| !is_digest(digest)) {
            return Err(format!(
                "{digest} is no digest: it must be sha256: and 64 hexadecimal digits"
            ));
        }
        if rule.digest.is_some() && rule.tag.is_none() && !rule.missing {
            return Err("a digest that is pushed needs a tag".to_owned());
        }
        self.0.push(rule);
        Ok(())
    }

    /// The digest that a name means, if there is such an image.
    pub fn digest_of(&self, name: &ImageName<'_>) -> Result<String, Absent> {
        if !self.has_repository(name.registry, name.repository) {
            return Err(Absent::Repository);
        }
        let digest = match name.digest {
            Some(digest) => digest.to_owned(),
            None => self.tagged(name)?,
        };
        let is_gone = self
            .about(name.registry, name.repository)
            .find(|rule| rule.digest.as_deref() == Some(digest.as_str()))
            .is_some_and(|rule| rule.missing && rule.tag.is_none());
        if is_gone {
            return Err(Absent::Image);
        }
        Ok(digest)
    }

    pub fn has_repository(&self, registry: &str, repository: &str) -> bool {
        self.about(registry, repository)
            .find(|rule| rule.tag.is_none() && rule.digest.is_none())
            .is_none_or(|rule| !rule.missing)
    }

    /// The tags that somebody spoke of, and those that then lead to this digest.
    pub fn tags_of(&self, registry: &str, repository: &str, digest: &str) -> Vec<String> {
        let mut tags = self.known_tags(registry, repository);
        tags.retain(|tag| {
            let name = ImageName {
                registry,
                repository,
                tag,
                digest: None,
            };
            self.digest_of(&name).as_deref() == Ok(digest)
        });
        tags
    }

    /// What a listing of a repository shows: the tags that are known, `latest` among them.
    pub fn known_tags(&self, registry: &str, repository: &str) -> Vec<String> {
        let mut tags: Vec<String> = self
            .about(registry, repository)
            .filter_map(|rule| rule.tag.clone())
            .chain(["latest".to_owned()])
            .collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// The repositories of a registry that somebody spoke of and that are there.
    pub fn repositories(&self, registry: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .iter()
            .map(|rule| match rule.repository.split_once('/') {
                Some((host, path)) if host == registry => path.to_owned(),
                _ => rule.repository.clone(),
            })
            .filter(|name| !ImageName::read(name).registry.contains(".dkr."))
            .filter(|name| self.has_repository(registry, name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// When a digest came, as far as the sandbox was told.
    pub fn pushed(&self, registry: &str, repository: &str, digest: &str) -> Moment {
        self.about(registry, repository)
            .find(|rule| rule.digest.as_deref() == Some(digest))
            .map_or_else(Moment::default, |rule| rule.at)
    }

    fn tagged(&self, name: &ImageName<'_>) -> Result<String, Absent> {
        let rule = self
            .about(name.registry, name.repository)
            .find(|rule| rule.tag.as_deref() == Some(name.tag));
        match rule {
            Some(rule) if rule.missing => Err(Absent::Image),
            Some(ImageRule {
                digest: Some(digest),
                ..
            }) => Ok(digest.clone()),
            _ => Ok(derived(name)),
        }
    }

    /// The newest first.
    fn about<'a>(
        &'a self,
        registry: &'a str,
        repository: &'a str,
    ) -> impl Iterator<Item = &'a ImageRule> {
        self.0.iter().rev().filter(move |rule| {
            rule.repository == repository
                || rule
                    .repository
                    .strip_prefix(registry)
                    .and_then(|rest| rest.strip_prefix('/'))
                    == Some(repository)
        })
    }
}

/// The same for the same name, always; nobody can check what it is a digest of.
fn derived(name: &ImageName<'_>) -> String {
    let text = format!("{}/{}:{}", name.registry, name.repository, name.tag);
    // FNV-1a spreads the name over the seed.
    let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("sha256:{}", Ids::new(seed).hexadecimal(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(tag: Option<&str>, digest: Option<&str>, missing: bool) -> ImageRule {
        ImageRule {
            repository: "web".to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
            missing,
            at: Moment::default(),
        }
    }

    #[test]
    fn names_are_read_as_docker_reads_them() {
        let read = |text| {
            let name = ImageName::read(text);
            (name.registry, name.repository, name.tag, name.digest)
        };
        assert_eq!(read("nginx"), ("docker.io", "nginx", "latest", None));
        assert_eq!(
            read("localhost:5000/a/b:1"),
            ("localhost:5000", "a/b", "1", None)
        );
        assert_eq!(
            read("1.dkr.ecr.eu-west-1.amazonaws.com/web:2@sha256:ab"),
            (
                "1.dkr.ecr.eu-west-1.amazonaws.com",
                "web",
                "2",
                Some("sha256:ab")
            )
        );
    }

    #[test]
    fn an_image_is_there_with_a_digest_of_its_own_until_told_otherwise() {
        let mut images = Images::default();
        let one = ImageName::read("r.io/web:1");
        let first = images.digest_of(&one).unwrap();
        assert_eq!(first.len(), "sha256:".len() + 64);
        assert_eq!(images.digest_of(&one).unwrap(), first);
        assert_ne!(
            images.digest_of(&ImageName::read("r.io/web:2")).unwrap(),
            first
        );
        let pushed = format!("sha256:{}", "ab".repeat(32));
        images
            .add(rule(Some("1"), Some(pushed.as_str()), false))
            .unwrap();
        assert_eq!(images.digest_of(&one).unwrap(), pushed);
        assert_eq!(images.tags_of("r.io", "web", &pushed), ["1"]);
        images.add(rule(None, Some(pushed.as_str()), true)).unwrap();
        assert_eq!(images.digest_of(&one), Err(Absent::Image));
        images
            .add(rule(Some("1"), Some(pushed.as_str()), false))
            .unwrap();
        assert_eq!(images.digest_of(&one).unwrap(), pushed);
        images.add(rule(Some("1"), None, true)).unwrap();
        assert_eq!(images.digest_of(&one), Err(Absent::Image));
        images.add(rule(None, None, true)).unwrap();
        assert_eq!(images.digest_of(&one), Err(Absent::Repository));
        images.add(rule(None, None, false)).unwrap();
        images.add(rule(Some("1"), None, false)).unwrap();
        assert_eq!(images.digest_of(&one).unwrap(), first);
        assert!(
            images
                .add(rule(Some("1"), Some("sha256:1"), false))
                .is_err()
        );
    }
}
