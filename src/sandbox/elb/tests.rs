//! Does the load balancing service keep its things, and refuse, as AWS does?
