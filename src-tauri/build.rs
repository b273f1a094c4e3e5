//! Lets tauri-build find the capabilities beside this file, while the configuration stays at the root.

fn main() {
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("tauri could not be configured: {error:#}");
    }
}
