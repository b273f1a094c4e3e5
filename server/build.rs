//! Builds the library anew when the page that it embeds was.

fn main() {
    println!("cargo:rerun-if-changed=../ui/dist");
    println!("cargo:rerun-if-changed=build.rs");
}
