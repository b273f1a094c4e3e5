//! Where the binaries under test are: beside the program itself, or where LONGHAUL_BIN_DIR says.

use std::path::PathBuf;

/// The path of a binary of this workspace.
///
/// # Panics
/// Where it has not been built: `make build-tests` builds all that the tests need.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("LONGHAUL_BIN_DIR").map_or_else(
        || {
            let own = std::env::current_exe().expect("a program has a path");
            let folder = own.parent().expect("a program lies in a folder");
            // A test lies in deps/, below the binaries; the demo lies beside them.
            match folder.parent() {
                Some(above) if folder.ends_with("deps") => above.to_owned(),
                _ => folder.to_owned(),
            }
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
