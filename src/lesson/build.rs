//! Lists the lessons that ship inside the program, and their images.

use std::{fmt::Write, path::Path};

/// From the package's folder.
const LESSONS: &str = "../../lessons/en";

fn main() {
    let lessons = Path::new(env!("CARGO_MANIFEST_DIR")).join(LESSONS);
    // Relative to the package, so that they are these lessons in a copy of the whole folder too.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={LESSONS}");
    let texts = table(&lessons, "md", "ENGLISH: &[(&str, &str)]", "lessons/en/", "include_str!");
    let images = table(&lessons, "png", "IMAGES: &[(&str, &[u8])]", "", "include_bytes!");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(format!("{out}/lessons.rs"), texts + &images).expect("cargo's own folder is writable");
}

/// The files of the folder with this extension, in the order of their names, as a table of names and contents.
fn table(folder: &Path, ending: &str, name: &str, before: &str, include: &str) -> String {
    let entries = std::fs::read_dir(folder).expect("lessons/en is part of the source");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|e| e == ending))
        .collect();
    names.sort();
    let mut table = format!("const {name} = &[\n");
    for name in names {
        let path = folder.join(&name).display().to_string();
        println!("cargo:rerun-if-changed={LESSONS}/{name}");
        writeln!(table, "    (\"{before}{name}\", {include}({path:?})),").expect("a String takes all");
    }
    table + "];\n"
}
