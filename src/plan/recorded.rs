//! What does the state say, with its specs decoded?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::resource::{Address, AnyResource, redirect};
use crate::state::{Record, State};

/// What is recorded, with its specs decoded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    entries: BTreeMap<Address, (Record, Arc<dyn AnyResource>)>,
}

impl Recorded {
    /// Pairs the state's records with their decoded specs.
    pub fn new(state: &State, mut resources: BTreeMap<Address, Arc<dyn AnyResource>>) -> Self {
        let entries = state
            .resources
            .iter()
            .filter_map(|(address, record)| {
                let resource = resources.remove(address)?;
                Some((address.clone(), (record.clone(), resource)))
            })
            .collect();
        Recorded { entries }
    }

    /// What will be recorded once these have moved, deposed or called otherwise: they stand at their new addresses,
    /// and what refers to them follows.
    pub(super) fn relocating(&self, moves: &BTreeMap<Address, Address>) -> Recorded {
        if moves.is_empty() {
            return self.clone();
        }
        let entries = self
            .entries
            .iter()
            .map(|(address, (record, resource))| {
                let address = moves.get(address).unwrap_or(address).clone();
                let mut record = record.clone();
                for (from, to) in moves {
                    redirect(&mut record.spec, from, to);
                }
                let resource = resource.redirected(moves).unwrap_or(resource.clone());
                (address, (record, resource))
            })
            .collect();
        Recorded { entries }
    }

    /// Whether something is recorded there.
    pub(super) fn contains(&self, address: &Address) -> bool {
        self.entries.contains_key(address)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, &Record, &Arc<dyn AnyResource>)> {
        self.entries
            .iter()
            .map(|(address, (record, resource))| (address, record, resource))
    }

    pub(super) fn get(&self, address: &Address) -> Option<(&Record, &Arc<dyn AnyResource>)> {
        self.entries
            .get(address)
            .map(|(record, resource)| (record, resource))
    }
}
