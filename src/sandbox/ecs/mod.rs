//! ECS stub
use super::world::Region;
pub enum Reply { Serves, Fails, Nothing }
pub fn reply(_region: &Region, _vpc: &str, _id: &str, _port: i64, _groups: &[String]) -> Reply { Reply::Serves }
