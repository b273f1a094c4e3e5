//! What the benchmarks share: the programs under measure, what the machine says of itself, and the
//! page that a run writes.

pub mod machine;
pub mod program;
pub mod report;
