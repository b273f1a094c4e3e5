//! What the updates of the tests install: a version of the app that only says that it was started,
//! and with which arguments.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let args: Vec<_> = env::args().skip(1).collect();
    let data = args.iter().skip_while(|arg| *arg != "--data-dir").nth(1);
    let data = data.ok_or_else(|| io::Error::other("no --data-dir"))?;
    let fresh = Path::new(data).join("started.new");
    fs::write(&fresh, args.join("\n"))?;
    fs::rename(fresh, Path::new(data).join("started"))
}
