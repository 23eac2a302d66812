//! Lessons of 10 MB, one for each kind of content: how long one takes to parse, check and open, and the most memory
//! that it needs. The budget is a second and 200 MB.
//!
//! Each is opened in its own process, as `VmHWM` only grows; `lesson KIND` is that process.

#![allow(clippy::unwrap_used)]

use app::App;
use lesson::{Library, check, parse};
use std::time::Instant;

const SIZE: usize = 10 << 20;
const HEAD: &str = "+++\nid = \"big\"\ntitle = \"T\"\npart = \"I\"\nsummary = \"s\"\nminutes = 3\n+++\n";

/// The nth part of a text.
type Part = fn(usize) -> String;

const KINDS: [(&str, Part); 13] = [
    ("paragraphs", |n| format!("Paragraph {n} says what a paragraph of some eighty letters would say, and more.\n\n")),
    ("headings", |n| format!("## Heading {n}\n\nSome text below it, a line or so, as a lesson has it.\n\n")),
    ("one line", |_| "Words on a single line that does not end, a few of them at a time. ".into()),
    ("spans", |n| format!("*a{n}* **b** `c` $x^2$ and so on, in one paragraph without an end\n")),
    ("links", |n| format!("## H{n}\n\n[one](#h{n}) [two](lesson:faster) [three](#h{})\n\n", n / 2)),
    ("footnotes", |n| format!("A remark[^{n}] stands below the text.\n\n[^{n}]: It is this one.\n\n")),
    ("lost footnotes", |n| format!("A remark[^{n}] stands nowhere at all.\n\n")),
    ("lists", |n| format!("- item {n} of a list that goes on\n")),
    ("table", |n| if n == 0 { "| a | b |\n|---|---|\n".into() } else { format!("| row {n} | of a table |\n") }),
    ("code", |n| if n == 0 { "```text\n".into() } else { format!("line {n} of code that is never closed\n") }),
    ("cells", |n| {
        format!(
            "```quiz\nid = \"q{n}\"\nquestion = \"Which?\"\nchoices = [{{ text = \"a\", right = true, because = \"b\" }}, {{ text = \"c\", because = \"d\" }}]\n```\n\n[it](cell:q{n})\n\n"
        )
    }),
    ("claims", |n| {
        let plot = format!("```plot\nid = \"p{n}\"\ntitle = \"t\"\nexperiment = \"relu-forms\"\n```\n\n");
        let claim = format!(
            "```claim\nid = \"c{n}\"\nsays = \"s\"\narticle = \"a\"\nliterature = \"l\"\nlesson = \"big\"\ncell = \"p{n}\"\n[[tests]]\nfinding = \"relu-forms.tie.x\"\nwithin = [0, 1]\n```\n\n"
        );
        plot + &claim
    }),
    ("faults", |n| {
        format!("```train\nid = \"r{n}\"\ntitle = \"t\"\nepochs = 0\nnothing = 1\n```\n\n[a](ref:none{n})\n\n")
    }),
];

fn text(part: Part) -> String {
    let mut text = HEAD.to_owned();
    for n in 0.. {
        text += &part(n);
        if text.len() >= SIZE {
            break;
        }
    }
    text
}

/// The peak memory of this process, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
}

fn open(kind: &str) {
    let (_, part) = *KINDS.iter().find(|(name, _)| *name == kind).unwrap();
    let text = text(part);
    let mut library = Library::english();
    let before = peak();
    let start = Instant::now();
    let parsed = parse("big.md", &text);
    let read = start.elapsed();
    let faults = check(std::slice::from_ref(&parsed), &library.lessons);
    let checked = start.elapsed();
    let lesson = library.put(parsed.0);
    let app = App::new(library, lesson, 120, 40);
    let whole = start.elapsed();
    println!(
        "{kind:<16} read after {:>6.2} s, checked after {:>6.2} s, laid out after {:>6.2} s, {:>6} MB more {:>9} lines {:>7} faults",
        read.as_secs_f64(),
        checked.as_secs_f64(),
        whole.as_secs_f64(),
        peak() - before,
        app.view.layout.lines.len(),
        faults.len()
    );
}

fn main() {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if let Some(kind) = asked {
        return open(&kind);
    }
    let program = std::env::current_exe().unwrap();
    for (kind, _) in KINDS {
        std::process::Command::new(&program).arg(kind).status().unwrap();
    }
}
