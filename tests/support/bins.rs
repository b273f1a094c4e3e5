//! Where the binaries under test are: beside the test itself, or where LONGHAUL_BIN_DIR says.

use std::path::PathBuf;

/// The path of a binary of this workspace.
///
/// # Panics
/// Where it has not been built: `make build-tests` builds all that the tests need.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("LONGHAUL_BIN_DIR").map_or_else(
        || {
            let test = std::env::current_exe().expect("a test has a path");
            let deps = test.parent().expect("a test lies in a folder");
            deps.parent().unwrap_or(deps).to_owned()
        },
        PathBuf::from,
    );
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build first",
        path.display()
    );
    path
}
