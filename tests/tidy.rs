//! Checks those rules of `ARCHITECTURE.md` that the compiler can't: where text reaches the terminal, what is at the top
//! level, and that `relu` starts without LibTorch. The crates' manifests say which crate may use which other and which
//! library.

#![allow(clippy::unwrap_used)]

use mnist::hex;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What may lie at the top level besides files and folders whose name begins with a dot.
const TOP_LEVEL: [&str; 10] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "assets",
    "lessons",
    "src",
    "tests",
];

/// sha256 of the four plain MNIST files, as published.
const MNIST: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files under version control, as paths relative to the root; in a copy without git, all of them.
fn tracked() -> Vec<PathBuf> {
    let listing = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    match listing {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .map(PathBuf::from)
            .filter(|path| root().join(path).exists())
            .collect(),
        _ => files(root()),
    }
}

/// All files beneath a folder, as paths relative to the root; `target` and git's own apart.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default();
            if folder == root() && (name == "target" || name == ".git") {
                continue;
            }
            if path.is_dir() { waiting.push(path) } else { found.push(path.strip_prefix(root()).unwrap().to_owned()) }
        }
    }
    found.sort();
    found
}

/// Rust sources beneath a folder with their text, without comments.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let rust = files(&root().join(folder)).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path, code.join("\n"))
    })
    .collect()
}

/// Whether `word` is in the text by itself, not as a part of a longer name.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + word.len()..].chars().next().is_some_and(part)
    })
}

/// Where text goes to the terminal. Each of these escapes it first, or writes nothing that comes from outside; the last
/// only queries the terminal's size.
const EDGES: [&str; 5] = [
    "src/cli/lib.rs",
    "src/shell/terminal_guard.rs",
    "src/shell/frame_output.rs",
    "src/shell/report.rs",
    "src/shell/terminal_size.rs",
];
/// Build scripts, which speak to cargo.
const BUILD_SCRIPTS: [&str; 2] = ["src/lesson/build.rs", "src/protocol/experiments.rs"];

#[test]
fn text_reaches_the_terminal_only_where_it_is_escaped() {
    for room in ["app", "cli", "lesson", "protocol", "shell", "ui"] {
        for (path, code) in sources(&format!("src/{room}")) {
            if EDGES.iter().chain(&BUILD_SCRIPTS).any(|exempt| path == Path::new(exempt)) {
                continue;
            }
            // Querying whether it is a terminal writes nothing.
            let code = code.replace("stdout().is_terminal()", "").replace("stderr().is_terminal()", "");
            for word in ["println!", "eprintln!", "print!", "eprint!", "stdout()", "stderr()"] {
                assert!(!code.contains(word), "{} names {word}; use the functions of cli/lib.rs", path.display());
            }
        }
    }
}

#[test]
fn the_top_level_holds_what_it_should() {
    let faults: BTreeSet<String> = tracked()
        .iter()
        .filter_map(|path| path.components().next())
        .map(|first| first.as_os_str().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert!(faults.is_empty(), "not at the top level, please: {faults:?}");
}

#[test]
fn no_source_marks_unfinished_work() {
    // Put together here, so that this file does not name them itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimpl", "emented!("]].map(|parts| parts.concat());
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let found = marks.iter().filter(|mark| text.contains(mark.as_str()) && marks_a_gap(&text, mark));
        faults.extend(found.map(|mark| format!("{} holds {mark}", path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn marks_a_gap(text: &str, mark: &str) -> bool {
    mark.ends_with('(') || names(text, mark)
}

/// All text files of the project, except the lock file, which cargo writes.
fn texts() -> Vec<(PathBuf, String)> {
    let own = |path: &PathBuf| path != Path::new("Cargo.lock");
    tracked()
        .into_iter()
        .filter(own)
        .filter_map(|path| Some((path.clone(), fs::read_to_string(root().join(&path)).ok()?)))
        .collect()
}

#[test]
fn no_text_names_a_registry_or_a_machine() {
    let marks = [
        ["py", "pi.org"],
        ["python", "hosted"],
        ["crates", ".io"],
        ["npm", "js."],
        ["/root", "/"],
        ["/work", "/"],
        ["/tmp", "/w/"],
        ["index.", "crates"],
    ]
    .map(|parts| parts.concat());
    let mut faults = Vec::new();
    for (path, text) in texts() {
        let found = marks.iter().filter(|mark| text.contains(mark.as_str()));
        faults.extend(found.map(|mark| format!("{} names {mark}", path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_digits_are_the_published_ones() {
    for (name, expected) in MNIST {
        let packed = fs::File::open(root().join(format!("assets/mnist/{name}.zst"))).unwrap();
        let plain = zstd::decode_all(packed).unwrap();
        assert_eq!(hex(&Sha256::digest(plain)), expected, "{name}");
    }
}

/// A program of the same package that names nothing of LibTorch is linked without it, and starts in milliseconds.
#[cfg(target_os = "linux")]
#[test]
fn relu_is_linked_without_libtorch() {
    let needed = needed_libraries(&fs::read(env!("CARGO_BIN_EXE_relu")).unwrap());
    assert!(needed.iter().any(|name| name.starts_with("libc.so")), "{needed:?}");
    let ours = needed.iter().find(|name| ["torch", "c10", "gomp", "cuda"].iter().any(|part| name.contains(part)));
    assert_eq!(ours, None, "relu needs {needed:?}");
}

/// The `DT_NEEDED` entries of a 64-bit little-endian ELF file.
/// Source: Tool Interface Standard, Executable and Linking Format 1.2; gABI, "Dynamic Section".
#[cfg(target_os = "linux")]
fn needed_libraries(file: &[u8]) -> Vec<String> {
    const SECTION_DYNAMIC: u64 = 6;
    const TAG_NEEDED: u64 = 1;
    let number = |at: usize, width: usize| {
        file[at..at + width].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
    };
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "not a 64-bit little-endian ELF file");
    let (table, size, count) = (number(0x28, 8) as usize, number(0x3a, 2) as usize, number(0x3c, 2) as usize);
    let header = |index: usize| table + index * size;
    let range = |at: usize| (number(at + 0x18, 8) as usize, number(at + 0x20, 8) as usize);
    let dynamic = (0..count).map(header).find(|&at| number(at + 4, 4) == SECTION_DYNAMIC).unwrap();
    // The dynamic section's link is the section of its strings.
    let (strings, _) = range(header(number(dynamic + 0x28, 4) as usize));
    let (start, length) = range(dynamic);
    (start..start + length)
        .step_by(16)
        .filter(|&at| number(at, 8) == TAG_NEEDED)
        .map(|at| {
            let name = &file[strings + number(at + 8, 8) as usize..];
            let end = name.iter().position(|&byte| byte == 0).unwrap();
            String::from_utf8_lossy(&name[..end]).into_owned()
        })
        .collect()
}

#[test]
fn ci_calls_cargo_verify_and_nothing_less() {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(script.contains("set -euo pipefail") && script.contains("cargo verify"), "{script}");
    assert!(Command::new("test").arg("-x").arg(root().join(".ci/run")).status().unwrap().success());
}

/// The experiments' modules are named by a macro, which `cargo fmt` does not follow.
#[test]
fn experiments_are_formatted() {
    let is_module = |path: &&PathBuf| {
        let experiment = ["src/protocol/experiment", "src/learn/experiment"].iter().any(|room| path.starts_with(room));
        experiment && path.extension().is_some_and(|kind| kind == "rs")
    };
    let files = tracked();
    let modules: Vec<&PathBuf> = files.iter().filter(is_module).collect();
    assert!(modules.len() > 40, "{modules:?}");
    let mut rustfmt = Command::new("rustfmt");
    let output = rustfmt.args(["--edition", "2024", "--check"]).args(&modules).current_dir(root()).output();
    let output = output.expect("rustfmt is there, as for cargo fmt");
    let differs = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "run `rustfmt --edition 2024` on what differs:\n{differs}");
}
