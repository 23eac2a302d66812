//! Tells the linker where `relu-kernel` finds LibTorch at run time, and lists the lessons that ship inside.

use std::fmt::Write;

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    if let Some(folder) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") {
        let folder = folder.to_string_lossy();
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    list_lessons();
}

/// The lessons and the images beside them, each in the order of their names.
fn list_lessons() {
    println!("cargo:rerun-if-changed=lessons/en");
    let texts = table("md", "ENGLISH: &[(&str, &str)]", "lessons/en/", "include_str!");
    let images = table("png", "IMAGES: &[(&str, &[u8])]", "", "include_bytes!");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(format!("{out}/lessons.rs"), texts + &images).expect("cargo's own folder is writable");
}

/// The files of `lessons/en` that end so, as a table of names and contents.
fn table(ending: &str, name: &str, before: &str, include: &str) -> String {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let entries = std::fs::read_dir(format!("{root}/lessons/en")).expect("lessons/en is part of the source");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| std::path::Path::new(name).extension().is_some_and(|e| e == ending))
        .collect();
    names.sort();
    let mut table = format!("const {name} = &[\n");
    for name in names {
        let path = format!("{root}/lessons/en/{name}");
        println!("cargo:rerun-if-changed={path}");
        writeln!(table, "    (\"{before}{name}\", {include}({path:?})),").expect("a String takes all");
    }
    table + "];\n"
}
