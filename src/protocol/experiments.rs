//! Build script of `protocol`: lists the experiments, one for each file of the folder `experiment`, so that adding one
//! changes no list.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=experiment");
    let mut names = Vec::new();
    for entry in fs::read_dir("experiment")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "mod");
        names.extend(name.filter(|_| path.extension().is_some_and(|kind| kind == "rs")).map(String::from));
    }
    names.sort();
    let list: Vec<String> = names.iter().map(|name| format!("({name} {}),", type_name(name))).collect();
    let list = list.join(" ");
    let source = format!(
        "/// Calls a macro with `(module Settings),` of every experiment.\n#[macro_export]\n\
         macro_rules! each_experiment {{ ($list:ident) => {{ $list! {{ {list} }} }}; }}\n"
    );
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives build scripts OUT_DIR"))?;
    fs::write(Path::new(&folder).join("experiments.rs"), source)
}

/// `deep_training` -> `DeepTraining`.
fn type_name(module: &str) -> String {
    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    module.split('_').map(capitalised).collect()
}
