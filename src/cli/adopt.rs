//! `navi adopt`: how does the stack take over what is there already, without making it anew?

mod shown;
mod terraform_state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use shown::{counted, document, listed, misfit, text};
use terraform_state::{Role, TerraformObject, TerraformStateError};

use super::arguments::GlobalOptions;
use super::context::{Connection, close_session, open_session};
use super::error::CommandError;
use super::run::view;
use super::stack_file::StackFile;
use super::{exit_code, output, planning, prompt, rebuilding};
use crate::graph::{Node, ResourceGraph};
use crate::kinds::Kind;
use crate::observe::{Candidate, Matching, Offered, candidate, known_before, match_offered};
use crate::report::{Palette, id_of};
use crate::resource::{Address, STACK_TAG};
use crate::stack;
use crate::state::{Access, Session, State};

/// Take over what is there already, without making it anew
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It records an existing object at an address of the stack file, after it has shown what differs, and changes
nothing in AWS: the next `navi up` sets the stack's tags on it and whatever else differs. From then on it is the stack's, and
`navi down` removes it. `navi state forget` gives it back, and --given-back takes back all that was.

With --from, every object of a Terraform state gets the place in the stack file that it fits: an environment moves over
with nothing made anew. Afterwards take it out of Terraform's hands (`terraform state rm`), or both manage it.

Examples:
  navi adopt log_group./ecs/web /ecs/web
  navi adopt --given-back
  navi adopt vpc.main vpc-0a1b2c3d4e5f67890
  navi adopt ecs_service.web arn:aws:ecs:eu-west-1:123456789012:service/shop/web
  terraform state pull > terraform.tfstate && navi adopt --from terraform.tfstate")]
pub struct AdoptArguments {
    /// Where it belongs in the stack, as `navi plan` calls it
    #[arg(required_unless_present_any = ["from", "given_back"], requires = "id")]
    address: Option<Address>,

    /// The object's ID, ARN or name in AWS
    id: Option<String>,

    /// Take over what this Terraform state holds
    #[arg(long, value_name = "TERRAFORM_STATE", conflicts_with_all = ["address", "force"])]
    from: Option<PathBuf>,

    /// Take back what `navi state forget` gave back and still fits
    #[arg(long, conflicts_with_all = ["address", "from", "force"])]
    given_back: bool,

    /// Also what the next `up` would have to replace
    #[arg(long)]
    force: bool,
}

/// What can't be taken over.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    #[error("the stack file has no {address}")]
    NoSuchPlace {
        address: Address,
        similar: Option<String>,
    },
    #[error("{address} is recorded already{}", id.as_ref().map(|id| format!(": {id}")).unwrap_or_default())]
    Recorded {
        address: Address,
        id: Option<String>,
    },
    #[error("{id} is the stack's already: it is recorded as {address}")]
    RecordedElsewhere { id: String, address: Address },
    #[error("{address} is only looked up, and needs no adopting")]
    LookedUp { address: Address },
    #[error("there is no {} `{id}` in {place}", address.kind())]
    NotThere {
        address: Address,
        id: String,
        place: String,
    },
    #[error("{id} belongs to another stack: its tag {STACK_TAG} says `{stack}`")]
    OtherStack { id: String, stack: String },
    #[error(
        "{id} can't be {address} as it is; the next `up` would make another in its place: {fields}"
    )]
    Misfit {
        address: Address,
        id: String,
        fields: String,
        /// What it refers to and is not recorded.
        unrecorded: Vec<Address>,
    },
    #[error(transparent)]
    Terraform(#[from] TerraformStateError),
}

impl AdoptError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            AdoptError::NoSuchPlace { similar, .. } => similar
                .clone()
                .unwrap_or_else(|| "`navi plan` shows the addresses".to_owned()),
            AdoptError::Recorded { address, .. } => {
                format!("`navi state forget {address}` gives it back, and makes room for another")
            }
            AdoptError::RecordedElsewhere { address, .. } => {
                format!("`navi state mv {address} NEW_ADDRESS` records it under another address")
            }
            AdoptError::LookedUp { .. } => {
                "name it in the stack file; to let navi own it, don't say `find`, `vpc` or `arn` there".to_owned()
            }
            AdoptError::NotThere { .. } => {
                "is it in this account and region? An ID or an ARN is surer than a name".to_owned()
            }
            AdoptError::OtherStack { stack, .. } => format!(
                "let that stack go of it first: `navi state forget` there; without its state, remove the tag {STACK_TAG} \
                 (`{stack}`)"
            ),
            AdoptError::Misfit { unrecorded, .. } if !unrecorded.is_empty() => format!(
                "it refers to what is not recorded yet; adopt that first: {}",
                listed(unrecorded)
            ),
            AdoptError::Misfit { .. } => {
                "say in the stack file what the object is like, or adopt it all the same with --force".to_owned()
            }
            AdoptError::Terraform(_) => {
                "`terraform state pull > terraform.tfstate` writes the state of any backend into a file".to_owned()
            }
        })
    }
}

/// What is about to be recorded, and all that is worth knowing about it first.
struct Adoption {
    /// With the address in the Terraform state.
    taken: Vec<(Candidate, Option<String>)>,
    /// Whose stays what stays as it is.
    owner: &'static str,
    /// Places of the stack for which there is nothing that fits, with the nearest where there is one.
    missing: Vec<(Address, Option<String>)>,
    /// What stays as it is: its Terraform address, and why.
    left: Vec<(String, &'static str)>,
}

pub async fn run(global: &GlobalOptions, arguments: &AdoptArguments) -> Result<u8, CommandError> {
    prompt::require_answerable(global, "adopt")?;
    let file = StackFile::load(global)?;
    let offered = match &arguments.from {
        Some(path) => Some(terraform_state::read(path).map_err(AdoptError::from)?),
        None => None,
    };
    let command = "adopt".to_owned();
    let session = open_session(global, &file.stack().name, Access::Write { command }).await?;
    let result = adopt(global, arguments, file, offered, &session).await;
    close_session(session, result).await?;
    Ok(exit_code::DONE)
}

async fn adopt(
    global: &GlobalOptions,
    arguments: &AdoptArguments,
    file: StackFile,
    offered: Option<Vec<TerraformObject>>,
    session: &Session,
) -> Result<(), CommandError> {
    let connection = Connection::open(global, file.stack().region.as_deref()).await?;
    let stack = file.resolve(&connection.account, &connection.region)?;
    session.identify(connection.identity()).await?;
    planning::settle(session, &connection, &*view(global)).await?;
    rebuilding::if_lost(global, session, &connection, Some(&stack)).await?;
    let desired = planning::wanted(global, &stack, session, &connection).await?;
    let state = session.state();
    let offered = match arguments.given_back {
        true => Some(given_back(&state)),
        false => offered,
    };
    let adoption = match (offered, &arguments.address, &arguments.id) {
        (Some(offered), ..) => Adoption {
            owner: match arguments.given_back {
                true => "as it is",
                false => "Terraform's",
            },
            ..from_offers(&connection, &desired, &state, offered).await?
        },
        (None, Some(address), Some(id)) => {
            let place = Place::of(&desired, &state, address)?;
            let candidate = place.candidate(&connection, id, arguments.force).await?;
            Adoption {
                taken: vec![(candidate, None)],
                owner: "as it is",
                missing: Vec::new(),
                left: Vec::new(),
            }
        }
        // clap asks for one of the two.
        (None, ..) => return Ok(()),
    };
    if !global.json() {
        output::data(&text(&adoption, &connection, &Palette::for_stdout()))?;
    }
    if !adoption.taken.is_empty() {
        let question = format!(
            "Record {} as {}'s? Nothing is changed in AWS.",
            these(adoption.taken.len()),
            state.stack
        );
        prompt::confirm(global, &question)?;
    }
    for (candidate, _) in &adoption.taken {
        let Candidate {
            address,
            resource,
            outputs,
            ready,
            found,
            stands_for,
            ..
        } = candidate;
        let (outputs, token, stands_for) = (outputs.clone(), found.token(), stands_for.clone());
        session
            .adopt(address, &**resource, outputs, token, *ready, stands_for)
            .await?;
    }
    if global.json() {
        return output::document(&document(&state.stack, &adoption));
    }
    output::notice(&match adoption.taken.len() {
        0 => "nothing was adopted".to_owned(),
        count => format!(
            "{} adopted; nothing was changed in AWS, and `navi plan` shows what `up` would do",
            counted(count)
        ),
    });
    if arguments.from.is_some() && !adoption.taken.is_empty() {
        output::notice(
            "Terraform still takes them for its own: `terraform state rm` them before anybody runs it again",
        );
    }
    Ok(())
}

/// A free place of the stack.
struct Place<'a> {
    desired: &'a ResourceGraph,
    state: &'a State,
    node: &'a Node,
}

impl<'a> Place<'a> {
    fn of(
        desired: &'a ResourceGraph,
        state: &'a State,
        address: &Address,
    ) -> Result<Self, AdoptError> {
        let Some(node) = desired.get(address) else {
            let all: Vec<String> = desired
                .in_order()
                .map(|node| node.address.to_string())
                .collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            return Err(AdoptError::NoSuchPlace {
                address: address.clone(),
                similar: stack::suggestion(&address.to_string(), &all),
            });
        };
        if node.resource.is_lookup() {
            return Err(AdoptError::LookedUp {
                address: address.clone(),
            });
        }
        if let Some(record) = state.resources.get(address) {
            return Err(AdoptError::Recorded {
                address: address.clone(),
                id: id_of(&record.outputs),
            });
        }
        Ok(Place {
            desired,
            state,
            node,
        })
    }

    /// The object of this ID, if it may be taken over.
    async fn candidate(
        &self,
        connection: &Connection,
        id: &str,
        force: bool,
    ) -> Result<Candidate, CommandError> {
        let address = &self.node.address;
        let known = known_before(&connection.aws, self.desired, self.state).await?;
        let found = candidate(&connection.aws, self.node, id, &known).await?;
        let found = found.ok_or_else(|| AdoptError::NotThere {
            address: address.clone(),
            id: id.to_owned(),
            place: connection.place(),
        })?;
        if let Some(other) = found.other_stack(&self.state.stack) {
            return Err(AdoptError::OtherStack {
                id: id.to_owned(),
                stack: other.to_owned(),
            }
            .into());
        }
        if let Some(at) = recorded_as(self.state, &found) {
            return Err(AdoptError::RecordedElsewhere {
                id: id.to_owned(),
                address: at.clone(),
            }
            .into());
        }
        if !found.fits() && !force {
            let edges = self.node.edges.iter().map(|edge| &edge.to);
            let unrecorded = edges.filter(|to| known.value(to).is_none());
            return Err(AdoptError::Misfit {
                address: address.clone(),
                id: id.to_owned(),
                fields: misfit(&found, &recorded_ids(self.state)),
                unrecorded: unrecorded.cloned().collect(),
            }
            .into());
        }
        Ok(found)
    }
}

/// Where the state has the object already.
fn recorded_as<'a>(state: &'a State, found: &Candidate) -> Option<&'a Address> {
    let id = id_of(&found.outputs)?;
    let of_kind = state
        .resources
        .iter()
        .filter(|(address, _)| address.kind() == found.address.kind());
    let mut same = of_kind.filter(|(_, record)| id_of(&record.outputs).as_ref() == Some(&id));
    same.next().map(|(address, _)| address)
}

/// What was given back, as far as AWS knows it by an ID.
fn given_back(state: &State) -> Vec<TerraformObject> {
    let given_back = state.given_back.iter();
    given_back
        .filter_map(|given| {
            let mut kinds = Kind::ALL.iter().map(|kind| kind.name());
            let kind = kinds.find(|kind| *kind == given.address.kind())?;
            Some(TerraformObject {
                address: given.address.to_string(),
                role: Role::Object {
                    kind,
                    id: given.id()?,
                },
            })
        })
        .collect()
}

async fn from_offers(
    connection: &Connection,
    desired: &ResourceGraph,
    state: &State,
    objects: Vec<TerraformObject>,
) -> Result<Adoption, CommandError> {
    let mut offered = Vec::new();
    let mut names = Vec::new();
    let mut left = Vec::new();
    for TerraformObject { address, role } in objects {
        match role {
            Role::Object { kind, id } => {
                offered.push(Offered { kind, id });
                names.push(address);
            }
            Role::Part(_) => {}
            Role::Other => left.push((address, "navi makes nothing of this type")),
        }
    }
    let matching = match_offered(&connection.aws, desired, state, &offered).await?;
    let Matching {
        matched,
        misfits,
        missing,
        unknown,
    } = matching;
    let mut used: BTreeSet<usize> = matched.iter().filter_map(|(_, index)| *index).collect();
    let recorded: BTreeSet<(&str, String)> = state
        .resources
        .iter()
        .filter_map(|(address, record)| Some((address.kind(), id_of(&record.outputs)?)))
        .collect();
    used.extend(offered.iter().enumerate().filter_map(|(index, offered)| {
        recorded
            .contains(&(offered.kind, offered.id.clone()))
            .then_some(index)
    }));
    let mut taken = Vec::new();
    for (candidate, index) in matched {
        let name = index.map(|index| names[index].clone());
        match candidate.other_stack(&state.stack) {
            Some(_) => left.push((
                name.unwrap_or_default(),
                "it belongs to another stack of navi's",
            )),
            None => taken.push((candidate, name)),
        }
    }
    left.extend(
        (0..names.len())
            .filter(|index| !used.contains(index))
            .map(|index| {
                let why = match unknown.contains(&index) {
                    true => "AWS has no such object here",
                    false => "the stack file has no place that it fits",
                };
                (names[index].clone(), why)
            }),
    );
    let mut ids = recorded_ids(state);
    ids.extend(taken.iter().filter_map(|(candidate, _)| {
        let id = id_of(&candidate.outputs)?;
        Some((id, candidate.address.clone()))
    }));
    let nearest: Vec<(Address, Option<String>)> = misfits
        .iter()
        .map(|(candidate, index)| {
            let without: BTreeSet<Address> = candidate
                .resource
                .edges()
                .into_iter()
                .map(|edge| edge.to)
                .filter(|to| {
                    let mut misfits = misfits.iter();
                    missing.contains(to) || misfits.any(|(other, _)| other.address == *to)
                })
                .collect();
            let because = match without.is_empty() {
                true => String::new(),
                false => format!(
                    ", as there is nothing that fits {}",
                    listed(&Vec::from_iter(without))
                ),
            };
            let fields = misfit(candidate, &ids);
            let why = format!("{} differs: {fields}{because}", names[*index]);
            (candidate.address.clone(), Some(why))
        })
        .collect();
    let nothing = missing.into_iter().map(|address| (address, None));
    Ok(Adoption {
        taken,
        owner: "",
        missing: nearest.into_iter().chain(nothing).collect(),
        left,
    })
}

/// What is recorded, by ID.
fn recorded_ids(state: &State) -> BTreeMap<String, Address> {
    let records = state.resources.iter();
    records
        .filter_map(|(address, record)| Some((id_of(&record.outputs)?, address.clone())))
        .collect()
}

fn these(count: usize) -> String {
    match count {
        1 => "it".to_owned(),
        count => format!("these {count}"),
    }
}
