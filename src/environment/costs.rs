//! What does an environment cost by standing there? Its fixed cost drivers, by the list prices of `prices.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::{Environment, Service, Specs};
use crate::kinds::elastic_ip::ElasticIp;
use crate::kinds::hosted_zone::HostedZone;
use crate::kinds::load_balancer::{LoadBalancer, Scheme};
use crate::kinds::namespace::Namespace;
use crate::kinds::vpc_endpoint::{VpcEndpoint, Way};

const PRICES: &str = include_str!("prices.yaml");
/// Whose prices stand in for a region that is not in the file.
const ELSEWHERE: &str = "us-east-1";
/// CPU units of one vCPU.
const UNITS_PER_VCPU: f64 = 1024.0;
/// MiB of what Fargate bills as a gigabyte.
const MEBIBYTES_PER_GIGABYTE: f64 = 1024.0;

/// What it comes to in a month, about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Costs {
    /// `USD`.
    pub currency: &'static str,
    /// Whose prices they are: the region's own, or another's where those are not known.
    pub prices_of: String,
    /// When they were looked up: a year, or a year and a month.
    pub prices_as_of: String,
    /// The dearest first.
    pub drivers: Vec<Driver>,
    /// All together, per month of 730 hours.
    pub per_month: f64,
}

/// Something that costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Driver {
    /// `NAT gateway`, `tasks of backend`.
    pub what: String,
    /// How many of it.
    pub count: usize,
    /// All of them, per month.
    pub per_month: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceList {
    hours_per_month: f64,
    regions: BTreeMap<String, Prices>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prices {
    as_of: String,
    /// For whoever brings the file up to date.
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    vcpu_hour: f64,
    gigabyte_hour: f64,
    arm_vcpu_hour: f64,
    arm_gigabyte_hour: f64,
    nat_gateway_hour: f64,
    load_balancer_hour: f64,
    public_address_hour: f64,
    interface_endpoint_hour: f64,
    hosted_zone_month: f64,
}

fn price_list() -> Option<&'static PriceList> {
    static LIST: OnceLock<Option<PriceList>> = OnceLock::new();
    // A test reads the file that is built in.
    LIST.get_or_init(|| serde_saphyr::from_str(PRICES).ok())
        .as_ref()
}

/// What the environment that these specs describe costs with so many tasks of each service, by the service's name; without a count, as many as it wants.
pub fn costs(
    specs: &Specs,
    environment: &Environment,
    region: &str,
    tasks: &BTreeMap<String, usize>,
) -> Option<Costs> {
    let list = price_list()?;
    let (prices_of, prices) = list
        .regions
        .get_key_value(region)
        .or_else(|| list.regions.get_key_value(ELSEWHERE))?;
    let running = |service: &Service| {
        let wanted = usize::try_from(service.desired).unwrap_or_default();
        tasks.get(&service.name).copied().unwrap_or(wanted)
    };
    let mut drivers = fixed(specs, environment, prices, &running);
    for driver in &mut drivers {
        driver.per_month *= list.hours_per_month;
    }
    let zones = zones(specs);
    drivers.push(Driver {
        what: plural(zones, "hosted zone", "hosted zones"),
        count: zones,
        per_month: as_number(zones) * prices.hosted_zone_month,
    });
    drivers.retain(|driver| driver.count > 0);
    drivers.sort_by(|one, other| other.per_month.total_cmp(&one.per_month));
    Some(Costs {
        currency: "USD",
        prices_of: prices_of.clone(),
        prices_as_of: prices.as_of.clone(),
        per_month: drivers.iter().map(|driver| driver.per_month).sum(),
        drivers,
    })
}

/// What is billed by the hour, with the price of one hour.
fn fixed(
    specs: &Specs,
    environment: &Environment,
    prices: &Prices,
    running: &dyn Fn(&Service) -> usize,
) -> Vec<Driver> {
    let driver = |what: String, count: usize, each: f64| Driver {
        what,
        count,
        per_month: as_number(count) * each,
    };
    let gateways = environment.nat_gateways.len();
    let balancers = specs.all::<LoadBalancer>().count();
    // An internet-facing load balancer has an address in each of its zones.
    let of_balancers: usize = specs
        .all::<LoadBalancer>()
        .filter(|(_, balancer)| balancer.scheme == Scheme::InternetFacing)
        .map(|(_, balancer)| balancer.subnets.len())
        .sum();
    let of_tasks = environment.services.iter().filter(|one| one.public);
    let addresses =
        specs.all::<ElasticIp>().count() + of_balancers + of_tasks.map(running).sum::<usize>();
    let endpoints: usize = specs
        .all::<VpcEndpoint>()
        .map(|(_, endpoint)| match endpoint.way {
            Way::Interface { subnets, .. } => subnets.len(),
            Way::Gateway { .. } => 0,
        })
        .sum();
    let mut drivers = vec![
        driver(
            plural(gateways, "NAT gateway", "NAT gateways"),
            gateways,
            prices.nat_gateway_hour,
        ),
        driver(
            plural(balancers, "load balancer", "load balancers"),
            balancers,
            prices.load_balancer_hour,
        ),
        driver(
            plural(addresses, "public IPv4 address", "public IPv4 addresses"),
            addresses,
            prices.public_address_hour,
        ),
        driver(
            "interface endpoints, by zone".to_owned(),
            endpoints,
            prices.interface_endpoint_hour,
        ),
    ];
    for service in &environment.services {
        let count = running(service);
        drivers.push(driver(
            plural(
                count,
                &format!("task of {}", service.name),
                &format!("tasks of {}", service.name),
            ),
            count,
            task_hour(service, prices),
        ));
    }
    drivers
}

/// Spot's price moves by the day: its tasks are reckoned as if they were on demand.
fn task_hour(service: &Service, prices: &Prices) -> f64 {
    let (vcpu, gigabyte) = match service.arm {
        true => (prices.arm_vcpu_hour, prices.arm_gigabyte_hour),
        false => (prices.vcpu_hour, prices.gigabyte_hour),
    };
    f64::from(service.cpu) / UNITS_PER_VCPU * vcpu
        + f64::from(service.memory) / MEBIBYTES_PER_GIGABYTE * gigabyte
}

/// A Cloud Map namespace for private DNS has a hosted zone behind it.
fn zones(specs: &Specs) -> usize {
    let own = specs.all::<HostedZone>().filter(|(_, zone)| !zone.lookup);
    own.count() + specs.all::<Namespace>().count()
}

fn plural(count: usize, one: &str, more: &str) -> String {
    match count {
        1 => one.to_owned(),
        _ => more.to_owned(),
    }
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;
    use crate::stack::{self, Variables};

    fn article() -> Specs {
        let text = include_str!("../../stacks/ecs-navi.yaml");
        let variables = Variables::default().with_account_id("123456789012");
        let loaded = stack::load("ecs-navi.yaml", text, &variables);
        let stack = loaded
            .unwrap_or_else(|errors| panic!("{}", errors.render(120)))
            .stack;
        Specs::wanted(&model::build(&stack, "ap-northeast-1").unwrap())
    }

    #[test]
    fn the_price_list_can_be_read_and_has_the_region_that_stands_in() {
        let list: PriceList = serde_saphyr::from_str(PRICES).unwrap();
        assert!(list.regions.contains_key(ELSEWHERE));
    }

    #[test]
    fn the_articles_environment_is_mostly_its_nat_gateway() {
        let specs = article();
        let environment = Environment::of(&specs);
        let costs = costs(&specs, &environment, "ap-northeast-1", &BTreeMap::new()).unwrap();
        let told: Vec<_> = costs
            .drivers
            .iter()
            .map(|one| {
                (
                    one.what.as_str(),
                    one.count,
                    format!("{:.2}", one.per_month),
                )
            })
            .collect();
        let month = |text: &str| text.to_owned();
        assert_eq!(
            told,
            [
                // 0.062 × 730
                ("NAT gateway", 1, month("45.26")),
                // 0.0243 × 730
                ("load balancer", 1, month("17.74")),
                // (0.25 × 0.05056 + 0.5 × 0.00553) × 730
                ("task of backend", 1, month("11.25")),
                ("task of nginx-proxy", 1, month("11.25")),
                // 0.005 × 730, for the NAT gateway and the load balancer's two zones
                ("public IPv4 addresses", 3, month("10.95")),
                ("hosted zones", 2, month("1.00")),
            ]
        );
        assert_eq!(format!("{:.2}", costs.per_month), "97.44");
    }

    #[test]
    fn more_tasks_cost_more_and_another_region_is_reckoned_with_known_prices() {
        let three = BTreeMap::from([("backend".to_owned(), 3)]);
        let specs = article();
        let environment = Environment::of(&specs);
        let costs = costs(&specs, &environment, "eu-south-2", &three).unwrap();
        assert_eq!(costs.prices_of, ELSEWHERE);
        let backend = costs
            .drivers
            .iter()
            .find(|one| one.what.ends_with("backend"));
        // 3 × (0.25 × 0.04048 + 0.5 × 0.004445) × 730
        assert_eq!(format!("{:.2}", backend.unwrap().per_month), "27.03");
    }
}
