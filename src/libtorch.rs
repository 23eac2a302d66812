//! The build script of every package whose programs or tests load LibTorch: tells the linker where it lies at run time.
//!
//! `torch-sys` tells the folder to `learn` alone, which names it; `learn` hands it on to `kernel`, and `kernel` to the
//! programs (cargo's `links`).

fn main() {
    // Nothing but the folder matters, and a changed folder reaches this script by itself.
    println!("cargo:rerun-if-changed=Cargo.toml");
    let variables = ["DEP_TCH_LIBTORCH_LIB", "DEP_RELU_LEARN_LIBTORCH", "DEP_RELU_KERNEL_LIBTORCH"];
    if let Some(folder) = variables.iter().find_map(std::env::var_os) {
        let folder = folder.to_string_lossy();
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
        println!("cargo:libtorch={folder}");
    }
}
