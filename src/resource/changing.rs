//! What else does the run change in place? For kinds of which some can only change together, in one call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Address, AnyResource, Resource};

/// The wanted specs of all that a run changes in place.
#[derive(Clone, Debug, Default)]
pub struct Changing {
    resources: BTreeMap<Address, Arc<dyn AnyResource>>,
}

impl Changing {
    /// Those of one kind.
    pub fn of<K: Resource>(&self) -> impl Iterator<Item = (&Address, &K)> {
        self.resources
            .iter()
            .filter_map(|(address, resource)| Some((address, resource.as_any().downcast_ref()?)))
    }
}

impl FromIterator<(Address, Arc<dyn AnyResource>)> for Changing {
    fn from_iter<I: IntoIterator<Item = (Address, Arc<dyn AnyResource>)>>(resources: I) -> Self {
        Changing {
            resources: resources.into_iter().collect(),
        }
    }
}
