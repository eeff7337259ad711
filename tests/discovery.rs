//! Does `navi discover` show what the article looks at in the console: instances, A records, and three of each after scaling to three?

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, boto3, inventory, post_json};

const NAME: &str = "backend.ecs-navi.local";

/// The addresses that boto3 sees: of Cloud Map's instances, and of the zone's A records.
fn seen_by_another(endpoint: &str) -> (Value, Value) {
    let registered = "sorted(each['Attributes']['AWS_INSTANCE_IPV4'] \
        for service in client.list_services()['Services'] if service['Name'] == 'backend' \
        for each in client.list_instances(ServiceId=service['Id'])['Instances'])";
    let given = "sorted(value['Value'] \
        for zone in client.list_hosted_zones()['HostedZones'] if zone['Name'] == 'ecs-navi.local.' \
        for each in client.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets'] \
        if each['Name'] == 'backend.ecs-navi.local.' and each['Type'] == 'A' \
        for value in each['ResourceRecords'])";
    (
        boto3(endpoint, "servicediscovery", registered),
        boto3(endpoint, "route53", given),
    )
}

fn sorted(mut addresses: Vec<Value>) -> Value {
    addresses.sort_by_key(|address| address.as_str().unwrap().to_owned());
    Value::Array(addresses)
}

#[test]
fn a_service_scaled_to_three_is_found_at_three_addresses() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    for count in [1, 3] {
        let to = format!("backend={count}");
        navi.sandboxed(&file, &["scale", &to, "--yes"]).expect(0);
        navi.forget_calls();
        let all = [
            "discover",
            "--stack",
            "ecs-navi",
            "--sandbox",
            "--output",
            "json",
        ];
        let all: Value = serde_json::from_str(&navi.run(&all).expect(0).stdout).unwrap();
        let told = navi.sandboxed(&file, &["discover", NAME]).expect(0).stdout;
        assert_eq!(navi.mutating_calls(), Vec::<String>::new());

        let names = all["names"].as_array().unwrap();
        assert_eq!(names.len(), 2, "{all}");
        assert_eq!(names[0]["name"], NAME);
        assert_eq!(names[0]["ttl"], 60);
        assert_eq!(names[1]["name"], "proxy-nginx.ecs-navi.local");
        let entries = names[0]["entries"].as_array().unwrap();
        assert_eq!(entries.len(), count, "{all}");
        assert!(entries.iter().all(|entry| entry["a_record"] == json!(true)));
        assert!(entries.iter().all(|entry| entry["health"] == "HEALTHY"));
        let shown = sorted(
            entries
                .iter()
                .map(|entry| entry["address"].clone())
                .collect(),
        );
        assert_eq!((shown.clone(), shown.clone()), seen_by_another(&endpoint));

        assert!(
            told.starts_with(NAME) && !told.contains("proxy-nginx"),
            "{told}"
        );
        for entry in entries {
            let address = entry["address"].as_str().unwrap();
            assert!(told.contains(address), "{told}");
        }
        let counts = match count {
            1 => "1 instance, 1 A record\n".to_owned(),
            count => format!("{count} instances, {count} A records\n"),
        };
        assert!(told.ends_with(&counts), "{told}");

        // What a container's resolver says is the same.
        let visit = json!({"host": "ecs-navi.site", "path": "/"});
        let visit = post_json(&endpoint, "/_navi/http", &visit);
        let command = format!("nslookup {NAME}");
        let inside =
            json!({"task": visit["served_by"]["task"], "container": "nginx", "command": command});
        let inside = post_json(&endpoint, "/_navi/exec", &inside)["output"].clone();
        let answers = inside.as_str().unwrap().matches("Name:").count();
        assert_eq!(answers, count, "{inside}");
    }
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes", "--keep-counts"])
        .expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let typo = navi.sandboxed(&file, &["discover", "backedn"]).expect(1);
    assert!(
        typo.stderr.contains("did you mean `backend`"),
        "{}",
        typo.stderr
    );
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}
