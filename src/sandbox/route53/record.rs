//! What is a resource record set? Values, or an alias, under a name and a type.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::DnsName;
use crate::sandbox::{call::Parameters, fault::Fault};

/// What is unique in a zone. It sorts as Route 53 lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    reversed_name: String,
    kind: String,
    set_identifier: String,
}

impl RecordKey {
    pub fn new(name: &DnsName, kind: &str, set_identifier: Option<&str>) -> Self {
        Self {
            reversed_name: name.reversed(),
            kind: kind.to_owned(),
            set_identifier: set_identifier.unwrap_or_default().to_owned(),
        }
    }
}

impl Serialize for RecordKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            reversed_name,
            kind,
            set_identifier,
        } = self;
        serializer.serialize_str(format!("{reversed_name} {kind} {set_identifier}").trim_end())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    pub name: DnsName,
    pub kind: String,
    pub set_identifier: Option<String>,
    /// Weight, multi-value answer and other members that only come with a set identifier, as they were given.
    pub routing: Map<String, Value>,
    pub ttl: Option<i64>,
    pub values: Vec<String>,
    pub alias: Option<AliasTarget>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AliasTarget {
    pub zone_id: String,
    pub name: DnsName,
    pub evaluate_target_health: bool,
}

/// Members that choose between records of one name and type.
const ROUTING: [&str; 8] = [
    "Weight",
    "Region",
    "GeoLocation",
    "Failover",
    "MultiValueAnswer",
    "HealthCheckId",
    "TrafficPolicyInstanceId",
    "CidrRoutingConfig",
];

impl Record {
    pub fn read(parameters: &Parameters<'_>) -> Result<Self, Fault> {
        let alias = match parameters.structure("AliasTarget") {
            None => None,
            Some(target) => Some(AliasTarget {
                zone_id: target.required_string("HostedZoneId")?.to_owned(),
                name: DnsName::new(target.required_string("DNSName")?),
                evaluate_target_health: target.boolean("EvaluateTargetHealth")? == Some(true),
            }),
        };
        let values = parameters
            .list("ResourceRecords")
            .iter()
            .map(|record| record.required_string("Value").map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let routing = ROUTING
            .into_iter()
            .filter_map(|member| {
                let value = parameters.value().get(member)?;
                Some((member.to_owned(), value.clone()))
            })
            .collect();
        Ok(Self {
            name: DnsName::new(parameters.required_string("Name")?),
            kind: parameters.required_string("Type")?.to_owned(),
            set_identifier: parameters.string("SetIdentifier").map(str::to_owned),
            routing,
            ttl: parameters.integer("TTL")?,
            values,
            alias,
        })
    }

    pub fn key(&self) -> RecordKey {
        RecordKey::new(&self.name, &self.kind, self.set_identifier.as_deref())
    }

    /// The order of the values means nothing.
    pub fn says_the_same_as(&self, other: &Record) -> bool {
        let sorted = |record: &Record| {
            let mut record = record.clone();
            record.values.sort();
            record
        };
        sorted(self) == sorted(other)
    }

    pub fn to_value(&self) -> Value {
        let mut value = Map::from_iter([
            ("Name".to_owned(), json!(self.name)),
            ("Type".to_owned(), json!(self.kind)),
        ]);
        if let Some(identifier) = &self.set_identifier {
            value.insert("SetIdentifier".to_owned(), json!(identifier));
        }
        value.extend(self.routing.clone());
        if let Some(ttl) = self.ttl {
            value.insert("TTL".to_owned(), json!(ttl));
        }
        if let Some(target) = &self.alias {
            value.insert(
                "AliasTarget".to_owned(),
                json!({
                    "HostedZoneId": target.zone_id,
                    "DNSName": target.name,
                    "EvaluateTargetHealth": target.evaluate_target_health,
                }),
            );
        } else {
            let records: Value = self
                .values
                .iter()
                .map(|value| json!({"Value": value}))
                .collect();
            value.insert("ResourceRecords".to_owned(), records);
        }
        value.into()
    }
}
