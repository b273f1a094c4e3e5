//! Lets tauri-build find the capabilities beside this file, while the configuration stays at the
//! root, and lets the shell be built before the page is.

use std::{fs, path::Path};

use tauri_build::{AppManifest, Attributes};

const PAGE: &str = "ui/dist/index.html";

fn main() {
    println!("cargo:rerun-if-changed=ui/dist");
    if !Path::new(PAGE).exists() {
        let written = fs::create_dir_all("ui/dist")
            .and_then(|()| fs::write(PAGE, include_str!("placeholder.html")));
        if let Err(error) = written {
            panic!("{PAGE} is missing, and no placeholder could be written there: {error}");
        }
    }
    let attributes = Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/**/*")
        .app_manifest(AppManifest::new().commands(&["call"]));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("tauri could not be configured: {error:#}");
    }
}
