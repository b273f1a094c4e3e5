//! The demo, with a smaller file: it fails itself on any difference.

use std::process::Command;

use longhaul_tests::bins::binary;

#[test]
fn the_demo_takes_three_hard_files_the_whole_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Command::new(binary("demo"))
        .args(["--size", "67108864", "--folder"])
        .arg(folder.path())
        .output()
        .expect("the demo runs");
    let (said, complained) = (
        String::from_utf8_lossy(&demo.stdout),
        String::from_utf8_lossy(&demo.stderr),
    );
    assert!(demo.status.success(), "{said}\n{complained}");
    assert!(said.contains("all three arrived whole"), "{said}");
}
