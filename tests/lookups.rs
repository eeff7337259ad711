//! Does what a stack only looks up stay as it was? A hosted zone of somebody else's, through a whole life.

use serde_json::json;

use crate::support::{Inventory, Navi, inventory, post_json};

/// Makes the zone, as another team would.
const OWNER: &str = "\
stack: owner
ingress:
  zone: { create: example.test }
services:
  web:
    route: { host: owner.example.test }
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
";

/// Puts its name into the other's zone.
const GUEST: &str = "\
stack: guest
ingress:
  zone: { find: example.test }
services:
  web:
    route: { host: guest.example.test }
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
";

#[test]
fn a_looked_up_zone_gets_the_records_and_stays_when_they_go() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let owner = navi.write("owner.yaml", OWNER);
    let guest = navi.write("guest.yaml", GUEST);

    let alone = navi.sandboxed(&guest, &["up", "--yes"]).expect(1);
    assert!(alone.stderr.contains("example.test"), "{}", alone.stderr);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));

    navi.sandboxed(&owner, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&guest, &["up", "--yes"]).expect(0);
    let visit = json!({"scheme": "http", "host": "guest.example.test", "path": "/"});
    assert_eq!(post_json(&endpoint, "/_navi/http", &visit)["status"], 200);
    navi.forget_calls();
    navi.sandboxed(&guest, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&guest, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
    navi.sandboxed(&owner, &["up", "--yes"]).expect(0);
    navi.sandboxed(&owner, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}
