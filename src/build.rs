//! Tells the linker where `relu-kernel` finds LibTorch at run time.
fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    if let Some(folder) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") {
        let folder = folder.to_string_lossy();
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
