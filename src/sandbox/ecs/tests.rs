//! Does the scheduler do what AWS's does?
